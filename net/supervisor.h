/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Main's side of its children: one keys process, n workers and perhaps one health process, each with a
 * channel to main, and one between keys and each worker.  A child that dies is started again after 100 ms, doubled to
 * 5 s while it keeps dying; main then hands it its sockets again, so no port ever closes.  When
 * keys is started again each worker gets a fresh channel to it.
 * It knows nothing of what the children do.
 */
#ifndef NET_SUPERVISOR_H
#define NET_SUPERVISOR_H

#include "net/ipc.h"
#include "net/process.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct supervisor;

/* One child as main sees it; lives as long as the supervisor, across restarts of the child. */
struct process;

struct supervisor_callbacks {
	/* The child runs and its channel is open: send it what it needs. PEER messages follow. */
	void (*on_started)(void *context, struct process *process);
	/* The child said PROCESS_MESSAGE_READY.  May be NULL. */
	void (*on_ready)(void *context, struct process *process);
	/* It ended, with a status as of waitpid(2); its channel is gone.  May be NULL. */
	void (*on_died)(void *context, struct process *process, int status);
	/* Its queue is empty again after ERR_AGAIN.  May be NULL. */
	void (*on_drained)(void *context, struct process *process);
	/* Every child is gone after supervisor_stop(). */
	void (*on_stopped)(void *context);
};

struct supervisor_config {
	struct ev_loop *loop;         /* the default loop, which has ev_child */
	const char *program;          /* "trunkline-listener" */
	unsigned workers;             /* 0 (keys alone) .. SLOTS_MAX */
	const char *const *arguments; /* for each child, NULL at the end; or NULL for none */
	/* What main takes from them; the context of these handlers is the struct process. */
	const struct ipc_rule *keys_rules, *worker_rules, *health_rules;
	size_t keys_rule_count, worker_rule_count, health_rule_count;
	bool has_health; /* there is a health process */
	const struct supervisor_callbacks *callbacks;
	void *context;
};

/*
 * Starts the children.  What config points to must outlive it.  0, ERR_NOMEM, ERR_INVALID or
 * ERR_IO.  A child that cannot be started is tried again later.
 */
int supervisor_new(struct supervisor **supervisor, const struct supervisor_config *config);

/* Closes the channels, which ends the children; kills what is left after 2 s; then on_stopped. */
void supervisor_stop(struct supervisor *supervisor);

/* Kills what still runs.  Takes NULL. */
void supervisor_free(struct supervisor *supervisor);

/* NULL when there is no such child. */
struct process *supervisor_process(
    struct supervisor *supervisor, enum process_role role, unsigned index);

/* Every child is ready. */
bool supervisor_is_ready(const struct supervisor *supervisor);

/* The channel to it, NULL while it is down. */
struct ipc *process_channel(const struct process *process);
enum process_role process_role(const struct process *process);
unsigned process_index(const struct process *process);
bool process_is_ready(const struct process *process);
pid_t process_pid(const struct process *process); /* 0 while it is down */
unsigned process_restarts(const struct process *process);
void *process_context(const struct process *process); /* the supervisor's */

/* Kills it, as when it broke the rules; it is started again. */
void process_kill(struct process *process);

#endif
