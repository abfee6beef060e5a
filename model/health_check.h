/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The health check of an endpoint group: how an endpoint asks each of the group's backends whether
 * it serves.  One schema table for API, files and node configs, and one text form for the command line:
 *
 *     KIND[:MAIN][,KEY=VALUE]...      http:/ready,status=200-299,interval=1s,timeout=500ms
 */
#ifndef MODEL_HEALTH_CHECK_H
#define MODEL_HEALTH_CHECK_H

#include "base/schema.h"
#include "model/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum health_kind {
	HEALTH_AUTO, /* tcp where the accelerator carries TCP, else none */
	HEALTH_NONE, /* nothing is asked; failing flows are noticed still */
	HEALTH_TCP,
	HEALTH_HTTP,
	HEALTH_HTTPS,
	HEALTH_UDP,         /* `send` as a datagram, an answer as `expect` says */
	HEALTH_DNS,         /* RFC 1035: the address of `name` is asked for */
	HEALTH_SIP_OPTIONS, /* RFC 3261 section 11, by UDP */
	HEALTH_A2S,         /* Source game servers: A2S_INFO */
	HEALTH_QUAKE3,      /* getinfo */
	HEALTH_QUIC,        /* version negotiation, RFC 9000 section 6 */
	HEALTH_ICMP,        /* echo, where the system lets it (net.ipv4.ping_group_range) */
	HEALTH_KIND_COUNT,
};

enum {
	HEALTH_INTERVAL_MIN_MS = 200,
	HEALTH_INTERVAL_MAX_MS = 60000,
	HEALTH_INTERVAL_DEFAULT_MS = 5000,
	HEALTH_TIMEOUT_MIN_MS = 50,
	HEALTH_TIMEOUT_DEFAULT_MS = 2000,
	HEALTH_COUNT_MAX = 20, /* of rise and fall */
	HEALTH_RISE_DEFAULT = 2,
	HEALTH_FALL_DEFAULT = 3,
	HEALTH_TEXT_BYTES = 256,    /* of each text below, with the NUL */
	HEALTH_PAYLOAD_BYTES = 256, /* of a datagram that is sent or expected */
};

/* Texts are empty where the kind has no use for them. Plain data: it may be copied. */
struct health_check {
	enum health_kind kind;
	char path[HEALTH_TEXT_BYTES]; /* http, https: "/..." */
	char status[16];              /* http, https: "200-399" or "204" */
	char body[HEALTH_TEXT_BYTES]; /* http, https: stands in the first HTTP_BODY_MAX bytes */
	char host[HEALTH_TEXT_BYTES]; /* http, https: Host and SNI; "": the backend's */
	char verify[64];              /* https: "on", "off" or "sha256//BASE64" of the public key */
	char send[2 * HEALTH_TEXT_BYTES];   /* udp: see health_payload() */
	char expect[2 * HEALTH_TEXT_BYTES]; /* udp: likewise, or "any" */
	char name[HEALTH_TEXT_BYTES];       /* dns */
	uint32_t interval_ms, timeout_ms;
	uint32_t rise, fall; /* answers in a row that change the state */
	uint16_t port;       /* asked there; 0: the backend's lowest */
};

extern const struct schema health_check_schema;
/* Indexed by enum health_kind, ends with NULL. */
extern const char *const health_kind_names[];

/* 0, or ERR_INVALID with *error; its field is that of the health check ("path"). */
int health_check_validate(const struct health_check *check, struct model_error *error);

/* All members at their defaults. */
void health_check_default(struct health_check *check);

/* Decodes the command line's form and validates. ERR_INVALID with *error. */
int health_check_parse(const char *text, struct health_check *check, struct model_error *error);

/* The command line's form; cut at size. Returns buf. */
const char *health_check_text(const struct health_check *check, char *buf, size_t size);

/* What HEALTH_AUTO stands for; else the kind itself. */
enum health_kind health_check_kind(const struct health_check *check, bool carries_tcp);

/*
 * The bytes of `send` or `expect`: pairs of hex digits are such (also behind "hex:"), anything else, and what
 * follows "text:", is text as it stands. The length, or ERR_INVALID (bad hex, or longer than size).
 */
int health_payload(const char *text, uint8_t *bytes, size_t size);

/* "200-399" to its ends; ERR_INVALID. */
int health_status_range(const char *text, unsigned *first, unsigned *last);

#endif
