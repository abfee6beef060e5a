/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became, or would become, of objects, as control's `changes` tell it: a list of
 * {kind, name, action, fields}, each field as {field, before, after}.
 */
#ifndef CLI_CHANGE_VIEW_H
#define CLI_CHANGE_VIEW_H

#include "cli/session.h"

/* Is there one that is not unchanged? */
bool change_is_any(const json_t *changes);

/* A line for each object; as change_is_any(). */
bool change_print_list(struct session *session, const json_t *changes, bool is_dry_run);

/* A line for each object that changes, and for each of its fields one with - and one with +. */
void change_print_fields(struct session *session, const json_t *changes);

#endif
