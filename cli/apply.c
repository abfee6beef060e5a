/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl apply and diff: a file of objects as one change, or what that change would be.
 */
#include <string.h>
#include <strings.h>

#include "cli/change_view.h"
#include "cli/commands.h"
#include "cli/manifest.h"
#include "cli/value.h"

enum { CONFIRM_MAX_S = 86400 }; /* as in doc/openapi.yaml */

static json_t *make_body(const struct manifest *manifest, const struct invocation *invocation,
    bool is_dry_run, long confirm_s)
{
	return json_pack("{s:O, s:b, s:b, s:b, s:I}", "items", manifest->items, "dry_run",
	    is_dry_run, "prune", invocation_has(invocation, "--prune"), "now",
	    invocation_has(invocation, "--now"), "confirm_s", (json_int_t)confirm_s);
}

/* Every error at its line, and one more line that says what it means. */
static enum exit_code tell_errors(const struct manifest *manifest, const json_t *faults)
{
	size_t count = manifest_print_errors(manifest, faults, stderr);
	return session_fail(EXIT_FAILED, "%zu error%s in %s: nothing was changed", count,
	    count == 1 ? "" : "s", strcmp(manifest->name, "-") == 0 ? "stdin" : manifest->name);
}

/*
 * A text that is wrong in itself is sent too, but never to be done: control may know of more
 * errors.
 */
static enum exit_code post(struct session *session, const struct invocation *invocation,
    const struct manifest *manifest, bool is_dry_run, long confirm_s, json_t **answer)
{
	bool is_wrong = manifest->errors.count > 0;
	json_t *body = make_body(manifest, invocation, is_dry_run || is_wrong, confirm_s);
	struct reply reply;
	enum exit_code code =
	    client_request(session->client, "POST", "/v1/apply", body, NULL, &reply);
	const json_t *faults = json_object_get(reply.problem, "errors");
	json_decref(body);
	*answer = NULL;
	if (is_wrong || json_array_size(faults) > 0)
		code = tell_errors(manifest, faults);
	else if (code != EXIT_DONE)
		session_fail(code, "%s", reply.error);
	else
		*answer = json_incref(reply.body);
	reply_free(&reply);
	return code;
}

static enum exit_code request(struct session *session, const struct invocation *invocation,
    bool is_dry_run, long confirm_s, json_t **answer)
{
	char error[MANIFEST_ERROR_BYTES];
	struct manifest manifest;
	*answer = NULL;
	if (!manifest_read(&manifest, invocation_value(invocation, "-f"), error))
		return session_fail(EXIT_FAILED, "%s", error);
	enum exit_code code = EXIT_FAILED;
	if (!manifest.items)
		session_fail(code, "out of memory");
	else if (json_array_size(manifest.items) == 0 && manifest.errors.count == 0)
		code = session_fail(code,
		    "%s states no object; trunkctl explain lists the kinds that there are",
		    manifest.name);
	else
		code = post(session, invocation, &manifest, is_dry_run, confirm_s, answer);
	manifest_clear(&manifest);
	return code;
}

int apply_file(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	bool is_dry_run = invocation_has(invocation, "--dry-run");
	const char *confirm = invocation_value(invocation, "--confirm");
	long confirm_s = 0;
	json_t *answer;
	if (confirm && !value_duration("--confirm", confirm, 1, CONFIRM_MAX_S, &confirm_s, error))
		return session_fail(EXIT_USAGE, "%s", error);
	enum exit_code code = request(session, invocation, is_dry_run, confirm_s, &answer);
	if (code == EXIT_DONE && !session_print_value(session, answer)) {
		bool has_changed =
		    change_print_list(session, json_object_get(answer, "changes"), is_dry_run);
		if (has_changed && !is_dry_run)
			fprintf(session->out, "revision %" JSON_INTEGER_FORMAT "\n",
			    json_integer_value(json_object_get(answer, "revision")));
		if (has_changed && !is_dry_run && confirm_s > 0)
			fprintf(stderr,
			    "It is undone in %ld s unless you say: trunkctl confirm "
			    "%" JSON_INTEGER_FORMAT "\n",
			    confirm_s, json_integer_value(json_object_get(answer, "revision")));
	}
	json_decref(answer);
	return code;
}

int diff_file(struct session *session, const struct invocation *invocation)
{
	json_t *answer;
	enum exit_code code = request(session, invocation, true, 0, &answer);
	if (code == EXIT_DONE) {
		const json_t *changes = json_object_get(answer, "changes");
		if (change_is_any(changes))
			code = EXIT_DIFFERS;
		if (!session_print_value(session, answer))
			change_print_fields(session, changes);
	}
	json_decref(answer);
	return code;
}
