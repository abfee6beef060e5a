/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See change.h. */
#include "control/change.h"

#include "base/err.h"
#include "base/log.h"
#include "control/api_access.h"
#include "control/api_routes.h"
#include "control/confirm.h"
#include "control/events.h"
#include "control/node_server.h"
#include "control/time_text.h"

#include <stdarg.h>
#include <stdio.h>

void change_init(struct change *change, const char *who, const char *what, ...)
{
	va_list args;

	*change = (struct change){.drain_s = DRAIN_DEFAULT_S};
	snprintf(change->revision.who, sizeof(change->revision.who), "%s", who);
	va_start(args, what);
	vsnprintf(change->revision.what, sizeof(change->revision.what), what, args);
	va_end(args);
}

static int not_saved(struct control *control, const struct change *change, struct problem *problem)
{
	const char *why = store_error(control->store);
	char what[2 * WHAT_BYTES], quoted[REASON_BYTES];

	log_error("change_not_saved", "what=%s reason=%s",
	    log_quote(what, sizeof(what), change->revision.what),
	    log_quote(quoted, sizeof(quoted), why));
	return problem_set(problem, PROBLEM_STORAGE, "",
	    "free space in control's state directory, see its log, and try again", "%s", why);
}

void change_note(struct change *change, const char *kind, const char *name, const json_t *before,
    const json_t *after)
{
	if (!change->objects)
		change->objects = json_array();
	json_array_append_new(change->objects, json_pack("{s:s, s:s, s:O?, s:O?}", "kind", kind,
	                                           "name", name, "before", before, "after", after));
}

static int check_confirmation(
    const struct control *control, const struct change *change, struct problem *problem)
{
	const struct confirmation *confirmation = &control->installation.confirmation;

	if (!confirmation->revision || !change->objects || change->is_past_confirmation
	    || change->ends_confirmation)
		return 0;
	return problem_set(problem, PROBLEM_UNCONFIRMED, "",
	    "keep it: trunkctl confirm; or take it back: trunkctl rollback",
	    "revision %llu waits for confirmation, and would be undone with what comes after it",
	    (unsigned long long)confirmation->revision);
}

/* Else its numbers would be given twice, and nodes could not tell the two configs apart. */
static int check_restored(
    const struct control *control, const struct change *change, struct problem *problem)
{
	char when[TIME_TEXT_BYTES];

	if (!control->installation.restored_from_ms || change->incarnation || change->takes_away)
		return 0;
	return problem_set(problem, PROBLEM_RESTORED, "",
	    "see trunkctl status and trunkctl history, then let nodes follow this control again: "
	    "trunkctl adopt",
	    "control was restored from a backup of %s and changes nothing before nodes follow it "
	    "again",
	    time_format(control->installation.restored_from_ms, when));
}

static int adopt(struct control *control, const struct change *change)
{
	return change->incarnation
	           ? store_adopt(control->store, change->incarnation, change->above_revision)
	           : 0;
}

static int put_confirmation(struct control *control, const struct change *change)
{
	const struct installation *installation = &control->installation;
	struct confirmation confirmation = {0};

	if (change->confirm_s)
		confirmation = (struct confirmation){.revision = change->revision.number,
		    .back_to = installation->revision,
		    .window_s = change->confirm_s};
	else if (change->incarnation && installation->restored_from_ms)
		confirmation = installation->confirmation;
	else if (!change->ends_confirmation)
		return 0;
	if (confirmation.revision)
		confirmation.deadline_ms =
		    change->revision.when_ms + UINT64_C(1000) * confirmation.window_s;
	return store_put_confirmation(control->store, &confirmation);
}

static int begin(struct control *control, struct change *change, struct problem *problem)
{
	if (check_restored(control, change, problem) < 0
	    || check_confirmation(control, change, problem) < 0)
		return -1;
	change->revision.when_ms = control_now_ms();
	if (store_begin(control->store) < 0)
		return not_saved(control, change, problem);
	if (adopt(control, change) == 0
	    && store_add_revision(control->store, &change->revision, change->objects) == 0
	    && put_confirmation(control, change) == 0)
		return 0;
	store_rollback(control->store);
	return not_saved(control, change, problem);
}

int change_begin(struct control *control, struct change *change, struct problem *problem)
{
	int result = begin(control, change, problem);

	json_decref(change->objects);
	change->objects = NULL;
	return result;
}

/* What is saved is in force, even when there is no memory for the new snapshot at once. */
static void renew_snapshot(struct control *control, const struct change *change)
{
	if (store_load(control->store, &control->installation) < 0)
		log_error("snapshot_failed", "revision=%llu reason=\"%s\"",
		    (unsigned long long)change->revision.number, store_error(control->store));
}

static void tell(struct control *control, const struct change *change)
{
	char what[2 * WHAT_BYTES], who[2 * WHO_BYTES];

	log_info("change", "revision=%llu what=%s who=%s",
	    (unsigned long long)change->revision.number,
	    log_quote(what, sizeof(what), change->revision.what),
	    log_quote(who, sizeof(who), change->revision.who));
	tunnels_forget(control->tunnels, &control->installation);
	confirm_watch(control);
	if (control->nodes && change->incarnation)
		node_server_renumber(control->nodes);
	else if (control->nodes)
		node_server_push(control->nodes, change->drain_s);
	events_publish(control->events, EVENT_REVISION, change->revision.number,
	    api_revision_json(&change->revision));
}

int change_end(struct control *control, struct change *change, int result, struct problem *problem)
{
	if (result == 0)
		result = store_commit(control->store);
	if (result < 0) {
		store_rollback(control->store);
		return not_saved(control, change, problem);
	}
	renew_snapshot(control, change);
	if (control->hold)
		*control->hold = (struct change_hold){.change = *change, .is_made = true};
	else
		tell(control, change);
	return 0;
}

/* ---- with something else in one transaction ---- */

int change_hold(struct control *control, struct change_hold *hold, struct problem *problem)
{
	*hold = (struct change_hold){0};
	if (store_hold(control->store) < 0)
		return not_saved(control, &hold->change, problem);
	control->hold = hold;
	return 0;
}

/* What was read while it was held is not what is on disk, unless nothing was written. */
static void undo(struct control *control, const struct change *change)
{
	bool is_as_read = store_is_untouched(control->store);

	store_drop(control->store);
	if (is_as_read)
		return;
	renew_snapshot(control, change);
	api_access_load_tokens(control->access, control->store);
}

int change_release(struct control *control, int result, struct problem *problem)
{
	const struct change_hold *hold = control->hold;

	control->hold = NULL;
	if (result == 0 && store_release(control->store) < 0)
		result = not_saved(control, &hold->change, problem);
	if (result < 0)
		undo(control, &hold->change);
	else if (hold->is_made)
		tell(control, &hold->change);
	return result;
}
