/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to control's API by libcurl.  Answers are held in memory up to a cap; errors of control
 * (RFC 9457) become one line.
 */
#include "config.h"

#include "cli/client.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/client_private.h"
#include "cli/format.h"

enum {
	ANSWER_BYTES_MAX = 64 * 1024 * 1024,
	CONNECT_TIMEOUT_S = 5,
	REQUEST_TIMEOUT_MS = 30000,
	STATUS_NOT_FOUND = 404,
};

struct answer {
	char *bytes;
	size_t length;
	char etag[CLIENT_ETAG_BYTES];
};

static size_t collect(char *bytes, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	size_t more = size * count;
	if (answer->length + more > ANSWER_BYTES_MAX)
		return 0;
	char *grown = realloc(answer->bytes, answer->length + more + 1);
	if (!grown)
		return 0;
	memcpy(grown + answer->length, bytes, more);
	answer->bytes = grown;
	answer->length += more;
	return more;
}

static char *copy_without_slash(const char *url)
{
	char *copy = strdup(url);
	for (size_t n = copy ? strlen(copy) : 0; n > 0 && copy[n - 1] == '/'; n--)
		copy[n - 1] = '\0';
	return copy;
}

/* As CURLOPT_PINNEDPUBLICKEY wants it. */
static void take_pin(struct client *client, const uint8_t pin[PIN_BYTES])
{
	size_t used = (size_t)snprintf(client->pin, sizeof(client->pin), "sha256//");
	sodium_bin2base64(client->pin + used, sizeof(client->pin) - used, pin, PIN_BYTES,
	    sodium_base64_VARIANT_ORIGINAL);
}

static bool take_target(struct client *client, const struct target *target, bool is_unix)
{
	const char *where = target->where;
	client->curl = curl_easy_init();
	client->timeout_ms = REQUEST_TIMEOUT_MS;
	client->where = strdup(where);
	client->base_url = copy_without_slash(is_unix ? "http://localhost" : where);
	client->socket_path = is_unix ? strdup(where + 5) : NULL;
	if (target->has_pin)
		take_pin(client, target->pin);
	if (target->token
	    && asprintf(&client->authorization, "Authorization: Bearer %s", target->token) < 0)
		return false;
	return client->curl && client->where && client->base_url
	       && (!is_unix || client->socket_path);
}

struct client *client_open(const struct target *target, char *error)
{
	const char *where = target->where;
	bool is_unix = strncmp(where, "unix:", 5) == 0 && where[5] != '\0';
	bool is_clear = strncmp(where, "http://", 7) == 0;
	if (!is_unix && !is_clear && strncmp(where, "https://", 8) != 0) {
		snprintf(error, CLIENT_ERROR_BYTES,
		    "control \"%.200s\": wants unix:PATH or https://HOST:PORT", where);
		return NULL;
	}
	if (is_clear && target->token) {
		snprintf(error, CLIENT_ERROR_BYTES,
		    "control \"%.200s\": a token is only sent over https://, where nobody can "
		    "read it",
		    where);
		return NULL;
	}
	struct client *client = calloc(1, sizeof(*client));
	if (!client || !take_target(client, target, is_unix)) {
		snprintf(error, CLIENT_ERROR_BYTES, "out of memory");
		client_close(client);
		return NULL;
	}
	return client;
}

void client_set_timeout(struct client *client, long timeout_ms)
{
	client->timeout_ms = timeout_ms;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->curl)
		curl_easy_cleanup(client->curl);
	if (client->authorization)
		sodium_memzero(client->authorization, strlen(client->authorization));
	free(client->authorization);
	free(client->where);
	free(client->base_url);
	free(client->socket_path);
	free(client);
}

static size_t collect_header(char *line, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	size_t length = size * count, from = strlen("ETag:");
	if (length <= from || strncasecmp(line, "ETag:", from) != 0)
		return length;
	while (from < length && line[from] == ' ')
		from++;
	snprintf(answer->etag, sizeof(answer->etag), "%.*s", (int)(length - from), line + from);
	answer->etag[strcspn(answer->etag, "\r\n")] = '\0';
	return length;
}

static struct curl_slist *add_header(
    struct curl_slist *headers, const char *name, const char *value)
{
	char line[CLIENT_ETAG_BYTES + 64];
	snprintf(line, sizeof(line), "%s: %s", name, value);
	return curl_slist_append(headers, line);
}

/* A new one for each request: 128 random bits. */
static struct curl_slist *add_idempotency_key(struct curl_slist *headers)
{
	uint8_t random[16];
	char text[2 * sizeof(random) + 1];
	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(text, sizeof(text), random, sizeof(random));
	return add_header(headers, "Idempotency-Key", text);
}

static struct curl_slist *make_headers(
    const struct client *client, const char *method, const json_t *body, const char *if_match)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
	if (client->authorization)
		headers = curl_slist_append(headers, client->authorization);
	if (body && strcmp(method, "PATCH") == 0)
		headers = curl_slist_append(headers, "Content-Type: application/merge-patch+json");
	else if (body)
		headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Expect:");
	if (if_match && if_match[0])
		headers = add_header(headers, "If-Match", if_match);
	if (strcmp(method, "GET") != 0)
		headers = add_idempotency_key(headers);
	return headers;
}

void client_set_connection(
    const struct client *client, CURL *curl, const char *url, char *curl_error)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (client->socket_path) {
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	}
	if (client->pin[0]) {
		curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, client->pin);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, curl_error);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
}

static void set_options(struct client *client, const char *method, const char *url,
    const char *text, const struct curl_slist *headers, struct answer *answer, char *curl_error)
{
	CURL *curl = client->curl;
	curl_easy_reset(curl);
	client_set_connection(client, curl, url, curl_error);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	if (text) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
	}
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, client->timeout_ms);
}

static const char *fix_of(CURLcode rc)
{
	switch (rc) {
	case CURLE_OPERATION_TIMEDOUT:
		return "see whether trunkline-control is busy or stopped";
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return "another key than the pin's answers there; trunkctl status on control's "
		       "machine, and its log, tell the API's pin";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "give its pin with --pin; trunkctl status on control's machine, and its "
		       "log, tell it";
	default:
		return "start trunkline-control, or say where it is with --control or "
		       "TRUNKLINE_CONTROL";
	}
}

/* Why there was no answer, in the system's words where it has some. */
void client_explain_unreachable(
    const struct client *client, CURL *curl, CURLcode rc, const char *curl_error, char *error)
{
	long os_errno = 0;
	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_errno);
	const char *reason = curl_error[0] ? curl_error : curl_easy_strerror(rc);
	if (rc == CURLE_COULDNT_CONNECT && os_errno != 0)
		reason = strerror((int)os_errno);
	snprintf(error, CLIENT_ERROR_BYTES, "control at %.300s is not reachable: %.300s; %s",
	    client->where, reason, fix_of(rc));
	format_make_printable(error);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text && text[0] ? text : NULL;
}

/* One line of a problem document, or of an answer that is none. */
static void explain_problem(
    const struct client *client, long status, const json_t *problem, char *error)
{
	const char *detail = text_of(problem, "detail");
	const char *fix = text_of(problem, "fix");
	if (!detail)
		detail = text_of(problem, "title");
	if (detail)
		snprintf(error, CLIENT_ERROR_BYTES, "%.600s%s%.300s", detail, fix ? "; " : "",
		    fix ? fix : "");
	else
		snprintf(error, CLIENT_ERROR_BYTES,
		    "%.300s answered HTTP %ld without a reason; is it the API of "
		    "trunkline-control?",
		    client->where, status);
	format_make_printable(error);
}

/* 404 may also mean that control does not know the path at all. */
static enum exit_code code_of(long status, const json_t *problem)
{
	const char *type = text_of(problem, "type");
	const char *wanted = ":not-found";
	size_t length = type ? strlen(type) : 0;
	bool is_named =
	    length >= strlen(wanted) && strcmp(type + length - strlen(wanted), wanted) == 0;
	return status == STATUS_NOT_FOUND && is_named ? EXIT_NOT_FOUND : EXIT_FAILED;
}

enum exit_code client_read_answer(
    const struct client *client, const char *bytes, size_t length, struct reply *reply)
{
	json_t *body = NULL;
	if (length > 0)
		body = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
	bool is_good = reply->status >= 200 && reply->status < 300;
	if (is_good && json_is_object(body)) {
		reply->body = body;
		return EXIT_DONE;
	}
	enum exit_code code = code_of(reply->status, body);
	explain_problem(client, reply->status, is_good ? NULL : body, reply->error);
	reply->problem = body;
	return code;
}

/* May the answer have got lost behind a request that control did? */
static bool is_lost(CURLcode rc)
{
	return rc == CURLE_GOT_NOTHING || rc == CURLE_RECV_ERROR || rc == CURLE_SEND_ERROR
	       || rc == CURLE_PARTIAL_FILE;
}

/* Control knows a change that is sent again by its key, whatever was changed since. */
static CURLcode perform(struct client *client, struct answer *answer)
{
	CURLcode rc = curl_easy_perform(client->curl);
	if (!is_lost(rc))
		return rc;
	answer->length = 0;
	return curl_easy_perform(client->curl);
}

enum exit_code client_request(struct client *client, const char *method, const char *path,
    const json_t *body, const char *if_match, struct reply *reply)
{
	char url[2048], curl_error[CURL_ERROR_SIZE] = "";
	struct answer answer = {0};
	enum exit_code code;
	memset(reply, 0, sizeof(*reply));
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct curl_slist *headers = make_headers(client, method, body, if_match);
	snprintf(url, sizeof(url), "%s%s", client->base_url, path);
	set_options(client, method, url, text, headers, &answer, curl_error);
	CURLcode rc = perform(client, &answer);
	if (rc != CURLE_OK) {
		client_explain_unreachable(client, client->curl, rc, curl_error, reply->error);
		code = EXIT_UNREACHABLE;
	} else {
		curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply->status);
		snprintf(reply->etag, sizeof(reply->etag), "%s", answer.etag);
		code = client_read_answer(client, answer.bytes, answer.length, reply);
	}
	curl_slist_free_all(headers);
	free(answer.bytes);
	free(text);
	return code;
}

void reply_free(struct reply *reply)
{
	json_decref(reply->body);
	json_decref(reply->problem);
	reply->body = reply->problem = NULL;
}
