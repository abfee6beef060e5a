/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkline-control: reads its options, opens its state, serves the API and the nodes until it is
 * told to stop.  The keys process is the same program, started by net/supervisor.h.
 */
#include "config.h"

#include "control/api.h"
#include "control/api_access.h"
#include "control/api_audit.h"
#include "control/audit.h"
#include "control/confirm.h"
#include "control/control.h"
#include "control/events.h"
#include "control/explain.h"
#include "control/idempotency.h"
#include "control/node_server.h"
#include "control/options.h"
#include "control/recompile.h"
#include "control/restore.h"
#include "net/daemon.h"
#include "net/keys_process.h"
#include "net/options.h"
#include "net/privileges.h"
#include "net/process.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct daemon_state {
	struct control control;
	struct control_options options;
	struct api *apis[API_SOCKETS_MAX];
	struct api_group groups[API_GROUPS_MAX];
	struct daemon_signals signals;
	struct daemon_watchdog watchdog;
	int lock;
	bool has_failed;
};

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t control_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

uint64_t control_steady_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

static void on_stop(void *context, bool at_once)
{
	struct daemon_state *daemon = context;

	(void)at_once;
	log_info("stopping", "reason=signal");
	daemon_notify_stopping(&daemon->watchdog);
	ev_break(daemon->control.loop, EVBREAK_ALL);
}

static int open_store(struct daemon_state *daemon)
{
	struct control *control = &daemon->control;
	char reason[REASON_BYTES], *path;
	int result;

	if (asprintf(&path, "%s/control.db", daemon->options.state) < 0)
		return ERR_NOMEM;
	result = store_open(&control->store, path, reason);
	if (result < 0)
		log_error("state_failed", "path=\"%s\" reason=\"%s\"", path, reason);
	free(path);
	if (result < 0)
		return result;
	if (store_purge_tokens(control->store, control->started_ms) < 0
	    || store_purge_answers(control->store, control->started_ms, IDEMPOTENCY_ANSWERS_MAX)
	           < 0)
		log_warn("purge_failed", "reason=\"%s\"", store_error(control->store));
	result = store_load(control->store, &control->installation);
	if (result == 0)
		result = store_load_api_tokens(control->store, &control->access->tokens);
	if (result < 0)
		log_error("state_failed", "reason=\"%s\"", store_error(control->store));
	return result;
}

static bool serves_tcp(const struct control_options *options)
{
	for (size_t i = 0; i < options->api_count; i++) {
		if (!control_options_unix_path(options->api[i]))
			return true;
	}
	return false;
}

static int open_tls(struct daemon_state *daemon, struct api_tls *tls)
{
	const struct control_options *options = &daemon->options;
	struct api_access *access = daemon->control.access;
	char reason[REASON_BYTES], pin[PIN_TEXT_BYTES], quoted[2 * REASON_BYTES];
	int result;

	if (!serves_tcp(options))
		return 0;
	result = options->api_cert
	             ? api_tls_open_files(tls, options->api_cert, options->api_key, reason)
	             : api_tls_open_own(tls, options->state, reason);
	if (result < 0) {
		log_error("api_failed", "reason=%s", log_quote(quoted, sizeof(quoted), reason));
		return result;
	}
	access->has_pin = true;
	memcpy(access->pin, tls->pin, sizeof(access->pin));
	log_info("api_certificate", "pin=%s", pin_format(tls->pin, pin));
	return 0;
}

static int start_api(
    struct daemon_state *daemon, struct api_config *config, struct api **api, const char *where)
{
	struct addr address;
	int result;

	config->socket_path = control_options_unix_path(where);
	config->address = &address;
	if (!config->socket_path)
		addr_parse(where, 0, &address); /* checked before */
	result = api_start(api, &daemon->control, config);
	if (result == 0)
		log_info("api", "at=\"%s\"", where);
	return result;
}

/* The API comes last, as its tokens need control's pin. */
static int start_apis(struct daemon_state *daemon)
{
	struct api_tls tls = {0};
	struct api_config config = {.groups = daemon->groups,
	    .group_count = control_options_groups(&daemon->options, daemon->groups),
	    .tls = &tls};
	char *where;
	int result = open_tls(daemon, &tls);

	for (size_t i = 0; result == 0 && i < API_SOCKETS_MAX; i++) {
		where = control_options_api(&daemon->options, i);
		if (!where)
			break;
		result = start_api(daemon, &config, &daemon->apis[i], where);
		free(where);
	}
	api_tls_clear(&tls);
	return result;
}

static void on_ready(struct control *control)
{
	struct daemon_state *daemon = control->daemon;

	/* The API's sockets may lie where only root may write. */
	if (start_apis(daemon) < 0 || privileges_drop_main(daemon->options.state) < 0) {
		daemon->has_failed = true;
		ev_break(control->loop, EVBREAK_ALL);
		return;
	}
	daemon_notify_ready(&daemon->watchdog, control->loop);
	log_info("ready", "nodes_address=%s revision=%llu nodes=%zu accelerators=%zu",
	    daemon->options.nodes, (unsigned long long)control->installation.revision,
	    control->installation.node_count, control->installation.accelerator_count);
}

static int open_audit(struct daemon_state *daemon)
{
	int result = audit_open(&daemon->control.audit, daemon->options.state);

	if (result < 0)
		log_error("audit_failed", "path=\"%s/audit.log\" reason=\"%s\"",
		    daemon->options.state, result == ERR_IO ? strerror(errno) : err_text(result));
	return result;
}

/* The log is of this database, unless that was replaced by an older one. */
static void start_audit(struct control *control)
{
	api_audit_tell(control);
	control->audited_revision = audit_newest_revision(control->audit);
	if (control->audited_revision > control->installation.revision)
		log_warn("state_set_back", "revision=%llu audited=%llu",
		    (unsigned long long)control->installation.revision,
		    (unsigned long long)control->audited_revision);
}

static int start_nodes(struct daemon_state *daemon)
{
	struct addr local;
	int result;

	addr_parse(daemon->options.nodes, NODES_PORT_DEFAULT, &local);
	result = node_server_new(&daemon->control, &local, daemon->options.state, on_ready);
	if (result < 0)
		log_error("nodes_failed", "address=%s reason=\"%s\"", daemon->options.nodes,
		    result == ERR_IO ? strerror(errno) : err_text(result));
	return result;
}

static int start(struct daemon_state *daemon)
{
	struct control *control = &daemon->control;
	int result;

	control->loop = ev_default_loop(0);
	control->daemon = daemon;
	control->state_directory = daemon->options.state;
	control->started_ms = control_now_ms();
	control->started_steady_ms = control_steady_ms();
	control->tunnels = tunnels_new();
	control->access = api_access_new(daemon->options.api_rate);
	control->events = events_new(control);
	control->explains = explains_new(control);
	if (!control->loop || !control->tunnels || !control->access || !control->events
	    || !control->explains)
		return ERR_NOMEM;
	control->join_address_count =
	    control_options_join_addresses(&daemon->options, control->join_addresses);
	result = daemon_open_state(daemon->options.state, &daemon->lock);
	if (result == 0)
		result = open_store(daemon);
	if (result == 0)
		result = open_audit(daemon);
	if (result == 0)
		start_audit(control);
	if (result == 0)
		recompile_if_other(control);
	if (result == 0)
		result = privileges_give_state(daemon->options.state);
	if (result == 0)
		result = start_nodes(daemon);
	if (result == 0)
		confirm_watch(control);
	return result;
}

static void stop(struct daemon_state *daemon)
{
	for (size_t i = 0; i < API_SOCKETS_MAX; i++)
		api_stop(daemon->apis[i]);
	if (daemon->control.loop)
		confirm_stop(&daemon->control);
	node_server_free(daemon->control.nodes);
	tunnels_free(daemon->control.tunnels);
	api_access_free(daemon->control.access);
	audit_close(daemon->control.audit);
	events_free(daemon->control.events);
	explains_free(daemon->control.explains);
	installation_clear(&daemon->control.installation);
	store_close(daemon->control.store);
	if (daemon->lock >= 0)
		close(daemon->lock);
	control_options_clear(&daemon->options);
}

static int run(struct daemon_state *daemon)
{
	int result = start(daemon);

	if (result == 0) {
		daemon_watch_signals(&daemon->signals, daemon->control.loop, on_stop, daemon);
		ev_run(daemon->control.loop, 0);
		daemon_unwatch_signals(&daemon->signals);
	}
	stop(daemon);
	return result < 0 || daemon->has_failed ? EXIT_FAILED : EXIT_DONE;
}

/* What came after the backup is undone, in the database and not in the audit log. */
static void note_restored(struct daemon_state *daemon)
{
	char what[PATH_MAX];

	if (open_audit(daemon) < 0)
		return;
	snprintf(what, sizeof(what), AUDIT_RESTORED " %s", daemon->options.restore);
	audit_write(daemon->control.audit,
	    &(struct audit_entry){
	        .outcome = AUDIT_DONE, .who = "control", .from = "control", .what = what},
	    control_now_ms());
}

/* For a control that is stopped. */
static int restore(struct daemon_state *daemon)
{
	int result = daemon_open_state(daemon->options.state, &daemon->lock);

	if (result == 0)
		result = restore_state(daemon->options.state, daemon->options.restore);
	if (result == 0)
		note_restored(daemon);
	if (result == 0)
		result = privileges_give_state(daemon->options.state);
	stop(daemon);
	return result < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run_child(const struct process_start *child)
{
	daemon_start_log(child->name);
	if (child->role == PROCESS_KEYS && child->argument_count == 1)
		return keys_process_main(child->arguments[0]);
	fprintf(stderr, "trunkline-control: --role is for its own processes\n");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct daemon_state daemon = {.lock = -1};
	struct process_start child;
	int result;

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return EXIT_FAILED;
	if (process_is_child(argc, argv, &child))
		return run_child(&child);
	result = control_options_parse(argc, argv, &daemon.options);
	if (result != OPTIONS_RUN)
		return result;
	daemon_start_log("control");
	daemon_set_limits();
	return daemon.options.restore ? restore(&daemon) : run(&daemon);
}
