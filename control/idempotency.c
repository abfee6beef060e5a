/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See idempotency.h. */
#include "control/idempotency.h"

#include "base/err.h"
#include "control/change.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* What one key leads to. */
struct hashes {
	uint8_t row[STORE_HASH_BYTES]; /* where it is kept */
	uint8_t seal[crypto_secretbox_KEYBYTES];
	uint8_t request[STORE_HASH_BYTES]; /* of what was asked */
};

static void add_text(crypto_generichash_state *state, const char *text)
{
	crypto_generichash_update(state, (const uint8_t *)text, strlen(text) + 1);
}

/* The key of one caller is not that of another. */
static void hash_key(
    const struct api_request *request, const char *key, const char *use, uint8_t hash[32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	add_text(&state, use);
	add_text(&state, request->caller.who);
	add_text(&state, key);
	crypto_generichash_final(&state, hash, 32);
}

static const char *or_none(const char *text)
{
	return text ? text : "";
}

/* All that a request asks for: method, path, arguments, conditions, body. */
static void hash_request(const struct api_request *request, uint8_t hash[STORE_HASH_BYTES])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, STORE_HASH_BYTES);
	add_text(&state, request->method);
	add_text(&state, request->path);
	add_text(&state, or_none(api_request_query(request, "now")));
	add_text(&state, or_none(api_request_header(request, "If-Match")));
	add_text(&state, or_none(api_request_header(request, "If-None-Match")));
	crypto_generichash_update(&state, (const uint8_t *)request->body, request->body_bytes);
	crypto_generichash_final(&state, hash, STORE_HASH_BYTES);
}

static void hash_all(const struct api_request *request, const char *key, struct hashes *hashes)
{
	hash_key(request, key, "row", hashes->row);
	hash_key(request, key, "seal", hashes->seal);
	hash_request(request, hashes->request);
}

/* NULL when this request has none, or is none that changes anything. */
static const char *key_of(const struct api_request *request)
{
	static const char *const methods[] = {"POST", "PATCH", "DELETE"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(request->method, methods[i]) == 0)
			return api_request_header(request, "Idempotency-Key");
	}
	return NULL;
}

/* ---- sealed answers ---- */

/* Its text, or without the body where that would be too long. */
static char *answer_text(const struct api_answer *answer, json_t *body)
{
	json_t *json = json_pack("{s:i, s:s, s:s, s:O?}", "status", (int)answer->status, "etag",
	    answer->etag, "location", answer->location, "body", body);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text || !body || strlen(text) <= IDEMPOTENCY_ANSWER_BYTES_MAX)
		return text;
	sodium_memzero(text, strlen(text));
	free(text);
	return answer_text(answer, NULL);
}

static uint8_t *seal(const struct api_answer *answer, const uint8_t *key, size_t *length)
{
	char *text = answer_text(answer, answer->body);
	size_t text_length = text ? strlen(text) : 0;
	uint8_t *sealed = NULL;

	*length = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + text_length;
	if (text)
		sealed = malloc(*length);
	if (sealed) {
		randombytes_buf(sealed, crypto_secretbox_NONCEBYTES);
		crypto_secretbox_easy(sealed + crypto_secretbox_NONCEBYTES, (const uint8_t *)text,
		    text_length, sealed, key);
	}
	if (text)
		sodium_memzero(text, text_length);
	free(text);
	return sealed;
}

static json_t *open_sealed(const struct kept_answer *kept, const uint8_t *key)
{
	size_t overhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
	size_t length = kept->length > overhead ? kept->length - overhead : 0;
	char *text = length ? malloc(length) : NULL;
	json_t *json = NULL;

	if (text
	    && crypto_secretbox_open_easy((uint8_t *)text,
	           kept->sealed + crypto_secretbox_NONCEBYTES,
	           kept->length - crypto_secretbox_NONCEBYTES, kept->sealed, key)
	           == 0)
		json = json_loadb(text, length, 0, NULL);
	if (text)
		sodium_memzero(text, length);
	free(text);
	return json;
}

static int answer_again(
    const struct kept_answer *kept, const uint8_t *key, struct api_answer *answer)
{
	json_t *json = open_sealed(kept, key);
	const char *etag = json_string_value(json_object_get(json, "etag"));
	const char *location = json_string_value(json_object_get(json, "location"));

	if (!json)
		return problem_set(&answer->problem, PROBLEM_INTERNAL, "",
		    "look whether it was done, and use another key",
		    "the answer that was kept for this Idempotency-Key cannot be read");
	answer->status = (unsigned)json_integer_value(json_object_get(json, "status"));
	snprintf(answer->etag, sizeof(answer->etag), "%s", etag ? etag : "");
	snprintf(answer->location, sizeof(answer->location), "%s", location ? location : "");
	answer->body = json_incref(json_object_get(json, "body"));
	json_decref(json);
	if (!json_is_null(answer->body))
		return 1;
	json_decref(answer->body);
	answer->body = NULL;
	return problem_set(&answer->problem, PROBLEM_KEY_REUSED, "",
	    "trunkctl history tells what it changed",
	    "this request was done, and its answer was too long to be kept");
}

/* ---- a request with a key ---- */

static int storage_problem(struct control *control, struct api_answer *answer)
{
	return problem_set(
	    &answer->problem, PROBLEM_STORAGE, "", "try again", "%s", store_error(control->store));
}

/* 1 with *answer as it was the first time, 0 when it was not done, -1 with the problem. */
static int replay(struct control *control, const struct hashes *hashes, struct api_answer *answer)
{
	struct kept_answer kept;
	int result =
	    store_find_answer(control->store, hashes->row, control_expiry_ms(control), &kept);

	if (result == ERR_NOT_FOUND)
		return 0;
	if (result < 0)
		return storage_problem(control, answer);
	if (memcmp(kept.request, hashes->request, sizeof(kept.request)) != 0)
		result = problem_set(&answer->problem, PROBLEM_KEY_REUSED, "",
		    "use a new key for each new request, and the same only to repeat one",
		    "this Idempotency-Key was used for another request");
	else
		result = answer_again(&kept, hashes->seal, answer);
	free(kept.sealed);
	return result;
}

static int keep(struct control *control, const struct hashes *hashes, struct api_answer *answer)
{
	uint64_t now_ms = control_expiry_ms(control);
	struct kept_answer kept = {.expires_ms = now_ms + UINT64_C(1000) * IDEMPOTENCY_KEPT_S};
	int result = 0;

	memcpy(kept.request, hashes->request, sizeof(kept.request));
	kept.sealed = seal(answer, hashes->seal, &kept.length);
	if (!kept.sealed)
		return problem_set(&answer->problem, PROBLEM_INTERNAL, "", "", "no memory");
	if (store_keep_answer(control->store, hashes->row, &kept) < 0
	    || store_purge_answers(control->store, now_ms, IDEMPOTENCY_ANSWERS_MAX) < 0)
		result = storage_problem(control, answer);
	free(kept.sealed);
	return result;
}

/* A dry run that is repeated harms nobody, and needs no disk. */
static int run_first(struct control *control, const struct api_request *request,
    api_handler_fn *handle, const struct hashes *hashes, struct api_answer *answer)
{
	struct change_hold hold;
	int result = change_hold(control, &hold, &answer->problem);

	if (result < 0)
		return result;
	result = handle(control, request, answer);
	if (result == 0 && answer->body && !answer->is_dry_run)
		result = keep(control, hashes, answer);
	return change_release(control, result, &answer->problem);
}

int idempotency_run(struct control *control, const struct api_request *request,
    api_handler_fn *handle, struct api_answer *answer)
{
	const char *key = key_of(request);
	struct hashes hashes;
	int result;

	if (!key)
		return handle(control, request, answer);
	if (!key[0] || strlen(key) > IDEMPOTENCY_KEY_CHARS_MAX)
		return problem_set(&answer->problem, PROBLEM_BAD_REQUEST, "",
		    "use a new UUID for each request",
		    "the Idempotency-Key must have 1..%d characters", IDEMPOTENCY_KEY_CHARS_MAX);
	hash_all(request, key, &hashes);
	result = replay(control, &hashes, answer);
	if (result == 0)
		result = run_first(control, request, handle, &hashes, answer);
	sodium_memzero(&hashes, sizeof(hashes));
	return result < 0 ? -1 : 0;
}
