/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See confirm.h. */
#include "control/confirm.h"

#include "base/log.h"
#include "control/audit.h"
#include "control/rollback.h"
#include "control/time_text.h"

#include <stdio.h>

enum { RETRY_S = 5 };

static void start_timer(struct control *control, double seconds)
{
	ev_timer_set(&control->confirm_due, seconds, 0);
	ev_timer_start(control->loop, &control->confirm_due);
}

static void note(const struct control *control, uint64_t back_to)
{
	char what[64];

	snprintf(what, sizeof(what), "rollback to revision %llu", (unsigned long long)back_to);
	audit_write(control->audit,
	    &(struct audit_entry){.outcome = AUDIT_DONE,
	        .who = "control",
	        .from = "control",
	        .what = what,
	        .revision = control->installation.revision},
	    control_now_ms());
}

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct control *control = timer->data;
	struct confirmation confirmation = control->installation.confirmation;
	struct problem problem = {0};
	struct change change;

	(void)loop;
	(void)events;
	change_init(&change, "control",
	    "revision %llu was not confirmed in %llu s: rolled back to revision %llu",
	    (unsigned long long)confirmation.revision, (unsigned long long)confirmation.window_s,
	    (unsigned long long)confirmation.back_to);
	if (rollback_run(control, confirmation.back_to, &change, &problem) == 0) {
		note(control, confirmation.back_to);
		return;
	}
	log_error("rollback_failed", "revision=%llu reason=\"%s\"",
	    (unsigned long long)confirmation.back_to, problem.detail);
	json_decref(problem.faults);
	start_timer(control, RETRY_S);
}

/* A clock that was set back may not make the wait longer than it was said to be. */
static uint64_t left_ms(const struct confirmation *confirmation)
{
	uint64_t now_ms = control_now_ms(), window_ms = 1000 * confirmation->window_s;
	uint64_t left = confirmation->deadline_ms > now_ms ? confirmation->deadline_ms - now_ms : 0;

	return left < window_ms ? left : window_ms;
}

void confirm_watch(struct control *control)
{
	const struct confirmation *confirmation = &control->installation.confirmation;

	if (!confirmation->revision || control->installation.restored_from_ms) {
		confirm_stop(control);
		return;
	}
	if (ev_is_active(&control->confirm_due))
		return;
	ev_init(&control->confirm_due, on_due);
	control->confirm_due.data = control;
	ev_now_update(control->loop);
	start_timer(control, (double)left_ms(confirmation) / 1000);
}

void confirm_stop(struct control *control)
{
	ev_timer_stop(control->loop, &control->confirm_due);
}

json_t *confirm_to_json(const struct control *control)
{
	const struct confirmation *confirmation = &control->installation.confirmation;
	ev_timer due = control->confirm_due;
	double left;

	if (!confirmation->revision)
		return json_null();
	left = control->installation.restored_from_ms ? (double)confirmation->window_s
	                                              : ev_timer_remaining(control->loop, &due);
	return json_pack("{s:I, s:I, s:o, s:I}", "revision", (json_int_t)confirmation->revision,
	    "rolls_back_to", (json_int_t)confirmation->back_to, "deadline",
	    time_to_json(confirmation->deadline_ms), "seconds_left",
	    (json_int_t)(left > 0 ? left : 0));
}
