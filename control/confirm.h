/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change that waits to be confirmed: when nobody does in time, control goes back to the revision
 * before it by itself.  The wait is on disk with the change, so that a restart of control does not
 * forget it; while control runs it is measured by a clock that does not jump.  In a restored database
 * it may have been confirmed since: nothing is undone before adoption, with which the wait begins anew.
 */
#ifndef CONTROL_CONFIRM_H
#define CONTROL_CONFIRM_H

#include "control/control.h"

enum { CONFIRM_MAX_S = 86400 };

/* After each change of the installation, and at the start: the timer runs while a change waits. */
void confirm_watch(struct control *control);

/* Before control goes. */
void confirm_stop(struct control *control);

/* {revision, rolls_back_to, deadline, seconds_left}, or null; a new reference. */
json_t *confirm_to_json(const struct control *control);

#endif
