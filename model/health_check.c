/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health_check.h. The command line's form is in health_check_text.c. */
#include "model/health_check.h"

#include "base/addr.h"
#include "base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const health_kind_names[] = {"auto", "none", "tcp", "http", "https", "udp", "dns",
    "sip-options", "a2s", "quake3", "quic", "icmp", NULL};

static const char *check_path(const void *value)
{
	const char *text = value;

	if (text[0] && text[0] != '/')
		return "must begin with a slash";
	for (; *text; text++)
		if (!isgraph((unsigned char)*text))
			return "must be without blanks and control characters; write %20";
	return NULL;
}

static const char *check_host(const void *value)
{
	const char *text = value;
	char host[ADDR_HOST_BYTES];
	uint16_t port;
	bool is_good =
	    !*text
	    || (*text != '[' && host_port_split(text, host, sizeof(host), &port) == 0 && port == 0);

	return is_good ? NULL : "must be a host's name or address, without port and brackets";
}

static const char *check_status(const void *value)
{
	const char *text = value;
	unsigned first, last;

	return !*text || health_status_range(text, &first, &last) == 0
	           ? NULL
	           : "must be a status or a range of 100 to 599, as 204 or 200-399";
}

static const char *check_verify(const void *value)
{
	const char *text = value;
	const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	if (!*text || !strcmp(text, "on") || !strcmp(text, "off"))
		return NULL;
	if (!strncmp(text, "sha256//", 8) && strspn(text + 8, digits) == 43
	    && !strcmp(text + 8 + 43, "="))
		return NULL;
	return "must be on, off or sha256// and the base64 of the public key's hash";
}

static const char *check_payload(const void *value)
{
	uint8_t bytes[HEALTH_PAYLOAD_BYTES];

	return health_payload(value, bytes, sizeof(bytes)) >= 0
	           ? NULL
	           : "must be pairs of hex digits, or a text, of 256 bytes at most";
}

static const char *check_domain(const void *value)
{
	const char *text = value;

	while (*text) {
		size_t label = strcspn(text, ".");

		if (label == 0 || label > 63)
			return "must be a domain name, of labels of 1 to 63 characters";
		text += label + (text[label] == '.');
	}
	return NULL;
}

static const struct schema_field fields[] = {
    {SCHEMA_MEMBER("kind", struct health_check, kind),
        .help = "how backends are asked; auto: tcp where the accelerator carries TCP, else none",
        .type = SCHEMA_ENUM, .names = health_kind_names},
    {SCHEMA_MEMBER("path", struct health_check, path),
        .help = "of http and https: what is asked for, as /ready", .type = SCHEMA_TEXT,
        .check = check_path},
    {SCHEMA_MEMBER("status", struct health_check, status),
        .help = "of http and https: the status that is good, or a range of it, as 204 or 200-399",
        .type = SCHEMA_TEXT, .check = check_status},
    {SCHEMA_MEMBER("body", struct health_check, body),
        .help = "of http and https: a text that stands in the first 64 KiB of the answer",
        .type = SCHEMA_TEXT},
    {SCHEMA_MEMBER("host", struct health_check, host),
        .help = "of http and https: the name that is asked for; left out: the backend's",
        .type = SCHEMA_TEXT, .check = check_host},
    {SCHEMA_MEMBER("verify", struct health_check, verify),
        .help = "of https: on (by the system's authorities and the name), off, or sha256// and the "
                "base64 of the hash of the public key",
        .type = SCHEMA_TEXT, .check = check_verify},
    {SCHEMA_MEMBER("send", struct health_check, send),
        .help = "of udp: what is sent, as pairs of hex digits or as text", .type = SCHEMA_TEXT,
        .check = check_payload},
    {SCHEMA_MEMBER("expect", struct health_check, expect),
        .help = "of udp: what stands in the answer, written as send is; any takes every answer",
        .type = SCHEMA_TEXT, .check = check_payload},
    {SCHEMA_MEMBER("name", struct health_check, name),
        .help = "of dns: the name whose address is asked for", .type = SCHEMA_TEXT,
        .check = check_domain},
    {SCHEMA_MEMBER("interval_ms", struct health_check, interval_ms),
        .help = "from one question to the next", .type = SCHEMA_U32, .min = HEALTH_INTERVAL_MIN_MS,
        .max = HEALTH_INTERVAL_MAX_MS, .default_number = HEALTH_INTERVAL_DEFAULT_MS},
    {SCHEMA_MEMBER("timeout_ms", struct health_check, timeout_ms),
        .help = "for the answer; at most the interval", .type = SCHEMA_U32,
        .min = HEALTH_TIMEOUT_MIN_MS, .max = HEALTH_INTERVAL_MAX_MS,
        .default_number = HEALTH_TIMEOUT_DEFAULT_MS},
    {SCHEMA_MEMBER("rise", struct health_check, rise),
        .help = "good answers in a row that bring a backend back; twice as many each time that it "
                "fell in the last minutes",
        .type = SCHEMA_U32, .min = 1, .max = HEALTH_COUNT_MAX,
        .default_number = HEALTH_RISE_DEFAULT},
    {SCHEMA_MEMBER("fall", struct health_check, fall),
        .help = "failures in a row that take a backend out", .type = SCHEMA_U32, .min = 1,
        .max = HEALTH_COUNT_MAX, .default_number = HEALTH_FALL_DEFAULT},
    {SCHEMA_MEMBER("port", struct health_check, port),
        .help = "where it is asked; left out: where the accelerator's lowest port goes",
        .type = SCHEMA_U16, .max = 65535},
};
const struct schema health_check_schema = SCHEMA(struct health_check, fields);

void health_check_default(struct health_check *check)
{
	schema_defaults(&health_check_schema, check); /* nothing of it is allocated */
}

enum health_kind health_check_kind(const struct health_check *check, bool carries_tcp)
{
	if (check->kind != HEALTH_AUTO)
		return check->kind;
	return carries_tcp ? HEALTH_TCP : HEALTH_NONE;
}

/* ---- what goes with which kind ---- */

enum { HTTP_KINDS = 1 << HEALTH_HTTP | 1 << HEALTH_HTTPS };

static const struct {
	const char *key;
	size_t offset;
	unsigned kinds;    /* bits of those that know it */
	unsigned required; /* and that need it */
} texts[] = {
    {"path", offsetof(struct health_check, path), HTTP_KINDS, HTTP_KINDS},
    {"status", offsetof(struct health_check, status), HTTP_KINDS, 0},
    {"body", offsetof(struct health_check, body), HTTP_KINDS, 0},
    {"host", offsetof(struct health_check, host), HTTP_KINDS, 0},
    {"verify", offsetof(struct health_check, verify), 1 << HEALTH_HTTPS, 0},
    {"send", offsetof(struct health_check, send), 1 << HEALTH_UDP, 1 << HEALTH_UDP},
    {"expect", offsetof(struct health_check, expect), 1 << HEALTH_UDP, 0},
    {"name", offsetof(struct health_check, name), 1 << HEALTH_DNS, 1 << HEALTH_DNS},
};

int health_check_validate(const struct health_check *check, struct model_error *error)
{
	const char *kind = health_kind_names[check->kind];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *text = (const char *)check + texts[i].offset;
		unsigned bit = 1U << check->kind;

		if (*text && !(texts[i].kinds & bit))
			return model_error_set(error, texts[i].key,
			    "leave it out, or take another kind",
			    "a health check of kind %s has no %s", kind, texts[i].key);
		if (!*text && (texts[i].required & bit))
			return model_error_set(error, texts[i].key, "",
			    "a health check of kind %s needs %s", kind, texts[i].key);
	}
	if (check->timeout_ms > check->interval_ms)
		return model_error_set(error, "timeout_ms", "make it no longer than the interval",
		    "a timeout of %u ms is longer than the interval of %u ms", check->timeout_ms,
		    check->interval_ms);
	return 0;
}

/* ---- parts ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_hex(const char *text, uint8_t *bytes, size_t size)
{
	size_t digits = strlen(text);

	if (digits % 2 || digits / 2 > size)
		return ERR_INVALID;
	for (size_t i = 0; i < digits; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return ERR_INVALID;
		bytes[i / 2] = (uint8_t)(high << 4 | low);
	}
	return (int)(digits / 2);
}

int health_payload(const char *text, uint8_t *bytes, size_t size)
{
	size_t length;
	int taken;

	if (strncmp(text, "hex:", 4) == 0)
		return take_hex(text + 4, bytes, size);
	if (strncmp(text, "text:", 5) == 0)
		text += 5;
	else if ((taken = take_hex(text, bytes, size)) >= 0)
		return taken;
	length = strlen(text);
	if (length > size)
		return ERR_INVALID;
	memcpy(bytes, text, length);
	return (int)length;
}

int health_status_range(const char *text, unsigned *first, unsigned *last)
{
	int end = 0, fields_read = sscanf(text, "%3u%n-%3u%n", first, &end, last, &end);

	if (fields_read == 1)
		*last = *first;
	if (fields_read < 1 || text[end] || *first < 100 || *last > 599 || *first > *last)
		return ERR_INVALID;
	return 0;
}
