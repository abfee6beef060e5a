/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a node's main process; see net/node.h. */
#include "config.h"

#include "net/node.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "base/log.h"
#include "base/size_text.h"
#include "model/name.h"
#include "net/keys_process.h"
#include "net/node_health.h"
#include "net/node_private.h"
#include "net/privileges.h"
#include "net/process.h"
#include "net/tunnel_totals.h"
#include "tunnel/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LANE_FLOWS_MAX = 200000, HOST_BYTES = 256 };

const char *node_option_check_name(const void *text)
{
	return name_is_valid(text) ? NULL : "must be " NAME_RULE;
}

/* ---- from the options ---- */

static unsigned core_count(void)
{
	cpu_set_t cores;
	int count = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;

	if (count < 1)
		return 1;
	return count > NODE_WORKERS_MAX ? NODE_WORKERS_MAX : (unsigned)count;
}

static unsigned worker_count_of(const struct node_options *options)
{
	return options->workers ? options->workers : core_count();
}

const char *node_options_check(const void *object)
{
	static char why[96];
	const struct node_options *options = object;
	unsigned workers = worker_count_of(options);
	const char *wrong = node_admin_check_remote(options->admin, options->admin_remote);
	uint64_t bytes;

	if (wrong)
		return wrong;
	if (!options->memory || size_parse(options->memory, &bytes) < 0
	    || bytes / workers >= NODE_WORKER_MEMORY_MIN_BYTES)
		return NULL;
	snprintf(why, sizeof(why), "memory must be at least 16M for each worker, %uM for %u",
	    16 * workers, workers);
	return why;
}

/* The host's name up to its first dot, and the role. */
static void choose_name(struct node *node)
{
	char host[HOST_BYTES] = "";

	if (node->options.name) {
		snprintf(node->name, NAME_BYTES, "%s", node->options.name);
		return;
	}
	if (gethostname(host, sizeof(host) - 1) < 0 || !name_is_valid(host))
		snprintf(host, sizeof(host), "node");
	host[strcspn(host, ".")] = '\0';
	snprintf(node->name, NAME_BYTES, "%.48s-%s", host, node_role_text(node->program->role));
}

static void read_sources(struct node *node)
{
	for (size_t i = 0; i < node->options.source_count; i++)
		addr_parse(node->options.sources[i], 0, &node->sources[i]);
}

static void choose_parameters(struct node *node)
{
	uint64_t instance;

	randombytes_buf(&instance, sizeof(instance));
	node->parameters = (struct tunnel_parameters){
	    .version = TUNNEL_VERSION,
	    .aeads =
	        AEAD_CHACHA20POLY1305 | (aead_is_supported(AEAD_AES256GCM) ? AEAD_AES256GCM : 0),
	    .workers = (uint8_t)node->workers,
	    .instance = instance & INT64_MAX, /* as JSON carries it in hello */
	    .max_flows = LANE_FLOWS_MAX,
	    .packet_bytes = PACKET_MAX_BYTES,
	};
}

/* ---- the end ---- */

void node_end(struct node *node, int exit_status)
{
	if (node->phase == NODE_ENDING)
		return;
	node->phase = NODE_ENDING;
	node->exit_status = exit_status;
	ev_timer_stop(node->loop, &node->drain);
	ev_timer_stop(node->loop, &node->second);
	if (node->control)
		control_client_stop(node->control);
	node_children_stop(node);
}

static void on_drain_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct node *node = timer->data;

	(void)loop;
	(void)events;
	log_warn("drain_over", "seconds=%u", node->options.drain_s);
	node_end(node, EXIT_DONE);
}

static void on_stop(void *context, bool at_once)
{
	struct node *node = context;

	if (node->phase == NODE_SERVING) {
		log_info("draining", "seconds=%u", node->options.drain_s);
		node->phase = NODE_DRAINING;
		daemon_notify_stopping(&node->watchdog);
		if (node->program->main.stop)
			node->program->main.stop(node->role_state);
		ev_timer_set(&node->drain, node->options.drain_s, 0.);
		ev_timer_start(node->loop, &node->drain);
		node_children_drain(node);
	}
	if (at_once || node->options.drain_s == 0)
		node_end(node, EXIT_DONE);
}

static void on_second(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct node *node = timer->data;

	(void)loop;
	(void)events;
	node_apply_retry(node);
	node_control_report(node);
}

/* ---- the beginning ---- */

static int open_tunnel(struct node *node)
{
	struct addr wanted = {.port = node->program->tunnel_port};
	int result = 0;

	if (node->options.tunnel)
		result = addr_parse(node->options.tunnel, 0, &wanted);
	if (result == 0)
		result = tunnel_sockets_open(&node->tunnel, &wanted, node->workers);
	if (result < 0)
		log_error("tunnel_not_opened", "address=%s port=%u error=\"%s\"",
		    node->options.tunnel ? node->options.tunnel : "any", wanted.port,
		    strerror(errno));
	return result;
}

static int open_pages(struct node *node)
{
	for (unsigned i = 0; i < node->workers; i++) {
		struct node_place *place = &node->places[i];

		if (page_create(&place->page_writer, &place->page_reader) < 0
		    || page_map(place->page_reader, &place->page) < 0) {
			log_error("page_not_made", "error=\"%s\"", strerror(errno));
			return ERR_IO;
		}
	}
	return 0;
}

static int open_role(struct node *node)
{
	node->report = node_report_new(node->workers);
	node->totals = tunnel_totals_new(node->workers);
	node->explain = node_explain_new(node);
	if (node->program->main.open)
		node->role_state = node->program->main.open(&node->options, node->workers);
	if (node->report && node->totals && node->explain
	    && (node->role_state || !node->program->main.open))
		return 0;
	log_error("processes_not_started", "error=\"%s\"", err_text(ERR_NOMEM));
	return ERR_NOMEM;
}

static void init_watchers(struct node *node)
{
	ev_timer_init(&node->second, on_second, 1., 1.);
	ev_timer_init(&node->drain, on_drain_over, 0., 0.);
	node->second.data = node->drain.data = node;
}

static int start(struct node *node)
{
	int result = daemon_open_state(node->options.state, &node->lock);

	if (result == 0)
		result = open_tunnel(node);
	if (result == 0)
		result = node_admin_open(node);
	if (result == 0)
		result = node_control_open(node);
	/* From here on low ports are all that it may do more than others. */
	if (result == 0)
		result = privileges_drop_main(node->options.state);
	if (result == 0)
		result = open_pages(node);
	if (result == 0)
		result = open_role(node);
	if (result == 0)
		result = node_health_open(node);
	if (result == 0)
		result = node_apply_saved(node);
	if (result < 0)
		return result;
	result = node_children_start(node);
	if (result < 0)
		log_error("processes_not_started", "error=\"%s\"", err_text(result));
	return result;
}

/* Children first, as their messages reach into all the rest. */
static void clear(struct node *node)
{
	daemon_unwatch_signals(&node->signals);
	node_admin_close(node);
	supervisor_free(node->supervisor);
	node->supervisor = NULL;
	control_client_free(node->control);
	if (node->program->main.close && node->role_state)
		node->program->main.close(node->role_state);
	node_health_close(node);
	node_apply_clear(node);
	node_report_free(node->report);
	tunnel_totals_free(node->totals);
	node_explain_free(node->explain);
	for (unsigned i = 0; i < node->workers; i++) {
		struct node_place *place = &node->places[i];

		page_unmap(place->page);
		if (place->page_writer > 0) {
			close(place->page_writer);
			close(place->page_reader);
		}
	}
	tunnel_sockets_close(&node->tunnel);
	if (node->lock >= 0)
		close(node->lock);
	sodium_memzero(node->secret, sizeof(node->secret));
	schema_clear(node->program->usage.schema, &node->options);
}

static int run(struct node *node)
{
	char tunnel[ADDR_TEXT_BYTES];

	node->exit_status = EXIT_FAILED;
	if (start(node) < 0)
		return EXIT_FAILED;
	log_info("started", "version=%s name=%s tunnel=%s workers=%u user_cc=%s", PACKAGE_VERSION,
	    node->name, addr_format(&node->tunnel.local, tunnel, sizeof(tunnel)), node->workers,
	    node->user_congestion[0] ? node->user_congestion : "system");
	daemon_watch_signals(&node->signals, node->loop, on_stop, node);
	ev_timer_start(node->loop, &node->second);
	ev_run(node->loop, 0);
	log_info("ended", "status=%d", node->exit_status);
	return node->exit_status;
}

static int main_process(const struct node_program *program, int argc, char **argv)
{
	struct node *node = calloc(1, sizeof(*node));
	int status;

	if (!node)
		return EXIT_FAILED;
	status = options_parse(&program->usage, argc, argv, &node->options);
	if (status != OPTIONS_RUN) {
		free(node);
		return status;
	}
	node->program = program;
	node->lock = -1;
	daemon_start_log("main");
	daemon_set_limits();
	node->loop = ev_default_loop(EVFLAG_NOENV);
	node->workers = worker_count_of(&node->options);
	snprintf(node->user_congestion, sizeof(node->user_congestion), "%s",
	    node->options.user_cc ? node->options.user_cc : user_congestion_default());
	choose_name(node);
	read_sources(node);
	choose_parameters(node);
	randombytes_buf(node->count_key, sizeof(node->count_key));
	init_watchers(node);
	status = node->loop ? run(node) : EXIT_FAILED;
	clear(node);
	free(node);
	return status;
}

int node_main(const struct node_program *program, int argc, char **argv)
{
	struct process_start process;
	bool is_child = process_is_child(argc, argv, &process);

	if (aead_init())
		return EXIT_FAILED;
	keyed_hash_init();
	if (is_child && process.role == PROCESS_KEYS && process.argument_count == 1)
		return keys_process_main(process.arguments[0]);
	if (is_child && process.role == PROCESS_WORKER)
		return worker_main(program->worker);
	if (is_child && process.role == PROCESS_HEALTH && program->health_main)
		return program->health_main();
	return main_process(program, argc, argv);
}
