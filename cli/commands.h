/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of trunkctl: the table, and the functions that its rows name.  Each returns an
 * enum exit_code.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"
#include "cli/session.h"

extern const struct command_table trunkctl_commands;

int node_token(struct session *session, const struct invocation *invocation);
int node_list(struct session *session, const struct invocation *invocation);
int node_show(struct session *session, const struct invocation *invocation);
int node_drain(struct session *session, const struct invocation *invocation);
int node_undrain(struct session *session, const struct invocation *invocation);
int node_remove(struct session *session, const struct invocation *invocation);

int accelerator_create(struct session *session, const struct invocation *invocation);
int accelerator_list(struct session *session, const struct invocation *invocation);
int accelerator_show(struct session *session, const struct invocation *invocation);
int accelerator_update(struct session *session, const struct invocation *invocation);
int accelerator_enable(struct session *session, const struct invocation *invocation);
int accelerator_disable(struct session *session, const struct invocation *invocation);
int accelerator_delete(struct session *session, const struct invocation *invocation);

int tunnel_list(struct session *session, const struct invocation *invocation);
int tunnel_show(struct session *session, const struct invocation *invocation);
int tunnel_update(struct session *session, const struct invocation *invocation);
int tunnel_watch(struct session *session, const struct invocation *invocation);

int apply_file(struct session *session, const struct invocation *invocation);
int diff_file(struct session *session, const struct invocation *invocation);
int get_objects(struct session *session, const struct invocation *invocation);
int explain_kind(struct session *session, const struct invocation *invocation);
int explain_flow(struct session *session, const struct invocation *invocation);
int token_create(struct session *session, const struct invocation *invocation);
int token_list(struct session *session, const struct invocation *invocation);
int token_revoke(struct session *session, const struct invocation *invocation);

int history_show(struct session *session, const struct invocation *invocation);
int rollback_revision(struct session *session, const struct invocation *invocation);
int confirm_change(struct session *session, const struct invocation *invocation);
int wait_revision(struct session *session, const struct invocation *invocation);
int events_follow(struct session *session, const struct invocation *invocation);
int audit_list(struct session *session, const struct invocation *invocation);

int completion_script(struct session *session, const struct invocation *invocation);
int completion_words(struct session *session, const struct invocation *invocation);

int doctor_run(struct session *session, const struct invocation *invocation);

/* backup.c */
int backup_make(struct session *session, const struct invocation *invocation);
int adopt_nodes(struct session *session, const struct invocation *invocation);
int manual_commands(struct session *session, const struct invocation *invocation);
int manual_fields(struct session *session, const struct invocation *invocation);

int status_show(struct session *session, const struct invocation *invocation);

#endif
