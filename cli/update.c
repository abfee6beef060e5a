/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See update.h. */
#include "cli/update.h"

#include "cli/value.h"

enum {
	TRIES = 5, /* others may be faster each time */
	STATUS_CHANGED_MEANWHILE = 412,
};

/* One try; the replies are the caller's to free, and the error of `after` to be told. */
static enum exit_code try_update(struct session *session, const struct invocation *invocation,
    const char *path, const char *query, update_fn *make_patch, struct reply *before,
    struct reply *after)
{
	char error[VALUE_ERROR_BYTES], target[SESSION_PATH_BYTES];
	json_t *patch;
	enum exit_code code = client_request(session->client, "GET", path, NULL, NULL, before);
	if (code != EXIT_DONE)
		return session_fail(code, "%s", before->error);
	if (!make_patch(invocation, before->body, &patch, error))
		return session_fail(EXIT_FAILED, "%s", error);
	snprintf(target, sizeof(target), "%s%s", path, query);
	code = client_request(session->client, "PATCH", target, patch, before->etag, after);
	json_decref(patch);
	return code;
}

enum exit_code update_object(struct session *session, const struct invocation *invocation,
    const char *path, const char *query, update_fn *make_patch, json_t **before, json_t **after)
{
	enum exit_code code = EXIT_FAILED;
	bool is_late = true;
	*before = *after = NULL;
	for (int tries = 1; is_late && tries <= TRIES; tries++) {
		struct reply read = {0}, written = {0};
		code = try_update(session, invocation, path, query, make_patch, &read, &written);
		is_late = written.status == STATUS_CHANGED_MEANWHILE;
		if (written.error[0] && (!is_late || tries == TRIES))
			session_fail_reply(session, code, &written);
		if (code == EXIT_DONE) {
			*before = json_incref(read.body);
			*after = json_incref(written.body);
		}
		reply_free(&read);
		reply_free(&written);
	}
	return code;
}
