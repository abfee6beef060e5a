/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See metrics.h. */
#include "config.h"

#include "control/metrics.h"

#include "control/api_access.h"
#include "control/api_tunnels.h"
#include "control/events.h"
#include "control/node_server.h"
#include "net/process_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKEND_TEXT_BYTES = ADDR_HOST_BYTES + 8, US_PER_S = 1000000 };

/* Of no label. */
static void one(struct exposition *exposition, enum exposition_type type, const char *name,
    const char *help, uint64_t value)
{
	exposition_family(exposition, type, name, help);
	exposition_count(exposition, EXPOSITION_NO_LABELS, value);
}

/* ---- control itself ---- */

static void write_processes(const struct control *control, struct exposition *exposition)
{
	const struct node_server_figures figures = node_server_figures(control->nodes);
	const struct process_metrics_child keys = {"keys", figures.keys_pid, figures.keys_restarts};

	process_metrics_write(exposition, "control", &keys, 1);
	one(exposition, EXPOSITION_COUNTER, "trunkline_control_node_connections_dropped",
	    "Connections to the nodes' port that ended before they were trusted",
	    figures.connections_dropped);
	one(exposition, EXPOSITION_COUNTER, "trunkline_control_node_denied",
	    "Nodes and tokens that were turned away", figures.denied);
}

static void write_api(const struct control *control, struct exposition *exposition)
{
	const struct api_counters *counters = &control->access->counters;
	static const char *const reasons[] = {
	    "unauthenticated", "forbidden", "limited", "too_slow"};
	const uint64_t refused[] = {
	    counters->unauthenticated, counters->forbidden, counters->limited, counters->too_slow};

	one(exposition, EXPOSITION_COUNTER, "trunkline_control_api_requests", "Requests to the API",
	    counters->requests);
	exposition_family(exposition, EXPOSITION_COUNTER, "trunkline_control_api_requests_refused",
	    "Requests that were refused, by reason");
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		exposition_count(exposition, EXPOSITION_LABELS({"reason", reasons[i]}), refused[i]);
	one(exposition, EXPOSITION_COUNTER, "trunkline_control_api_connections_refused",
	    "Connections to the API that were closed because one client has too many",
	    counters->connections_refused);
	one(exposition, EXPOSITION_GAUGE, "trunkline_control_event_readers",
	    "Requests that read the stream of events", events_reader_count(control->events));
	one(exposition, EXPOSITION_COUNTER, "trunkline_control_events_lost",
	    "Events that a reader did not get because it was too slow", counters->events_lost);
}

static void write_installation(const struct control *control, struct exposition *exposition)
{
	const struct installation *installation = &control->installation;

	one(exposition, EXPOSITION_GAUGE, "trunkline_control_revision",
	    "Number of the newest change", installation->revision);
	one(exposition, EXPOSITION_GAUGE, "trunkline_control_incarnation",
	    "First half of the number of every config: another one after an adoption, or of "
	    "another "
	    "database",
	    installation->incarnation);
	one(exposition, EXPOSITION_GAUGE, "trunkline_control_accelerators",
	    "Accelerators that there are", installation->accelerator_count);
	one(exposition, EXPOSITION_GAUGE, "trunkline_control_change_unconfirmed",
	    "1 while a change waits to be confirmed", installation->confirmation.revision != 0);
}

/* ---- nodes ---- */

static void count_nodes(const struct control *control, struct exposition *exposition)
{
	static const char *const states[] = {"down", "up"};
	uint64_t counts[NODE_ENDPOINT + 1][2] = {{0}};

	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *node = &control->installation.nodes[i];

		counts[node->role][node_server_live(control->nodes, node->id)->is_up]++;
	}
	exposition_family(exposition, EXPOSITION_GAUGE, "trunkline_control_nodes",
	    "Nodes that joined, by role and whether they are connected");
	for (int role = NODE_LISTENER; role <= NODE_ENDPOINT; role++)
		for (int up = 0; up < 2; up++)
			exposition_count(exposition,
			    EXPOSITION_LABELS({"role", node_role_text((enum node_role)role)},
			        {"state", states[up]}),
			    counts[role][up]);
}

struct node_metric {
	const char *name, *help;
	uint64_t (*value)(const struct node *node, const struct node_live *live);
};

static uint64_t is_up(const struct node *node, const struct node_live *live)
{
	(void)node;
	return live->is_up;
}

static uint64_t is_draining(const struct node *node, const struct node_live *live)
{
	(void)live;
	return node->is_draining;
}

static uint64_t wanted(const struct node *node, const struct node_live *live)
{
	(void)node;
	return live->wanted_revision;
}

static uint64_t applied(const struct node *node, const struct node_live *live)
{
	(void)node;
	return live->applied_revision;
}

static uint64_t refused(const struct node *node, const struct node_live *live)
{
	(void)node;
	return live->refused_revision;
}

static const struct node_metric node_metrics[] = {
    {"trunkline_control_node_up", "1 while the node is connected and reports", is_up},
    {"trunkline_control_node_draining", "1 while the node is to take no new flows", is_draining},
    {"trunkline_control_node_config_wanted_revision", "Revision of the newest config for the node",
        wanted},
    {"trunkline_control_node_config_applied_revision",
        "Revision of the config that the node serves by, 0 while it told none", applied},
    {"trunkline_control_node_config_refused_revision",
        "Revision of the config that the node could not apply, 0 for none", refused},
};

static void write_nodes(const struct control *control, struct exposition *exposition)
{
	const struct installation *installation = &control->installation;

	count_nodes(control, exposition);
	for (size_t i = 0; i < sizeof(node_metrics) / sizeof(node_metrics[0]); i++) {
		const struct node_metric *metric = &node_metrics[i];

		exposition_family(exposition, EXPOSITION_GAUGE, metric->name, metric->help);
		for (size_t j = 0; j < installation->node_count; j++) {
			const struct node *node = &installation->nodes[j];

			exposition_count(exposition,
			    EXPOSITION_LABELS({"node", node->name},
			        {"role", node_role_text(node->role)}, {"region", node->region}),
			    metric->value(node, node_server_live(control->nodes, node->id)));
		}
	}
}

/* ---- tunnels ---- */

static uint64_t lanes_up(const struct tunnel_measurement *said)
{
	uint64_t up = 0;

	for (size_t i = 0; i < said->lane_count; i++)
		up += said->lanes[i].is_up;
	return up;
}

static uint64_t lanes_wanted(const struct tunnel_measurement *said)
{
	return said->lane_total;
}

static uint64_t flows(const struct tunnel_measurement *said)
{
	return said->traffic.flows;
}

static uint64_t rtt_median_us(const struct tunnel_measurement *said)
{
	return said->rtt.p50_us;
}

static uint64_t rtt_p99_us(const struct tunnel_measurement *said)
{
	return said->rtt.p99_us;
}

/* As the listener has it; divided by `divisor`. */
static const struct tunnel_metric {
	const char *name, *help;
	uint64_t (*value)(const struct tunnel_measurement *said);
	double divisor;
} tunnel_metrics[] = {
    {"trunkline_control_tunnel_lanes_up", "Lanes of the tunnel that are up", lanes_up, 1},
    {"trunkline_control_tunnel_lanes_wanted", "Lanes that the tunnel should have", lanes_wanted, 1},
    {"trunkline_control_tunnel_flows", "Flows that the tunnel carries", flows, 1},
    {"trunkline_control_tunnel_rtt_median_seconds",
        "Median round trip of the last minute, 0 when none was measured", rtt_median_us, US_PER_S},
    {"trunkline_control_tunnel_rtt_p99_seconds",
        "Round trip that 99 % of the last minute's did not exceed", rtt_p99_us, US_PER_S},
};

/* A tunnel and what its sides say, NULL from one that is silent. */
struct shown {
	const struct node *listener, *endpoint;
	const struct tunnel_measurement *from_listener, *from_endpoint;
};

/* Gathered once a scrape, as each takes a search. */
struct shown_list {
	struct shown *list;
	size_t count, size;
	bool has_failed;
};

static void gather(struct control *control, const struct node *listener,
    const struct node *endpoint, void *context)
{
	struct shown_list *shown = context;
	uint64_t now_ms = control_steady_ms();
	struct shown *list = shown->list;

	if (shown->count == shown->size) {
		shown->size = shown->size ? 2 * shown->size : 64;
		list = reallocarray(shown->list, shown->size, sizeof(*list));
		shown->has_failed |= !list;
	}
	if (shown->has_failed)
		return;
	shown->list = list;
	list[shown->count++] = (struct shown){listener, endpoint,
	    tunnels_said(control->tunnels, listener, endpoint, NODE_LISTENER, now_ms),
	    tunnels_said(control->tunnels, listener, endpoint, NODE_ENDPOINT, now_ms)};
}

static void write_states(const struct shown_list *shown, struct exposition *exposition)
{
	uint64_t counts[TUNNEL_UP + 2] = {0};

	for (size_t i = 0; i < shown->count; i++) {
		const struct tunnel_measurement *said = shown->list[i].from_listener;

		counts[said ? said->state : TUNNEL_UP + 1]++;
	}
	exposition_family(exposition, EXPOSITION_GAUGE, "trunkline_control_tunnels",
	    "Tunnels that there should be, by state");
	for (int state = TUNNEL_DOWN; state <= TUNNEL_UP + 1; state++)
		exposition_count(exposition,
		    EXPOSITION_LABELS(
		        {"state", state > TUNNEL_UP ? "unknown"
		                                    : tunnel_state_text((enum tunnel_state)state)}),
		    counts[state]);
}

static void write_figures(const struct shown_list *shown, const struct tunnel_metric *metric,
    struct exposition *exposition)
{
	exposition_family(exposition, EXPOSITION_GAUGE, metric->name, metric->help);
	for (size_t i = 0; i < shown->count; i++) {
		const struct shown *tunnel = &shown->list[i];

		if (tunnel->from_listener)
			exposition_number(exposition,
			    EXPOSITION_LABELS({"listener", tunnel->listener->name},
			        {"endpoint", tunnel->endpoint->name}),
			    (double)metric->value(tunnel->from_listener) / metric->divisor);
	}
}

static void write_direction(const struct shown *tunnel, const struct tunnel_measurement *said,
    const char *direction, struct exposition *exposition)
{
	if (said && said->traffic.packets_sent)
		exposition_number(exposition,
		    EXPOSITION_LABELS({"listener", tunnel->listener->name},
		        {"endpoint", tunnel->endpoint->name}, {"direction", direction}),
		    (double)said->traffic.packets_lost / (double)said->traffic.packets_sent);
}

static void write_tunnels(struct control *control, struct exposition *exposition)
{
	struct shown_list shown = {0};

	api_tunnels_each(control, gather, &shown);
	exposition->has_failed |= shown.has_failed;
	write_states(&shown, exposition);
	for (size_t i = 0; i < sizeof(tunnel_metrics) / sizeof(tunnel_metrics[0]); i++)
		write_figures(&shown, &tunnel_metrics[i], exposition);
	exposition_family(exposition, EXPOSITION_GAUGE, "trunkline_control_tunnel_loss_ratio",
	    "Share of the last minute's packets that were lost, as their sender knows");
	for (size_t i = 0; i < shown.count; i++) {
		const struct shown *tunnel = &shown.list[i];

		write_direction(tunnel, tunnel->from_listener, "to_endpoint", exposition);
		write_direction(tunnel, tunnel->from_endpoint, "to_listener", exposition);
	}
	free(shown.list);
}

/* ---- backends ---- */

static void write_backend(const struct control *control, struct exposition *exposition,
    const struct node *node, const struct backend_report *report)
{
	const struct accelerator *accelerator =
	    installation_accelerator_by_id(&control->installation, report->accelerator);
	char backend[BACKEND_TEXT_BYTES];

	if (!accelerator || report->state == HEALTH_UNKNOWN)
		return;
	snprintf(backend, sizeof(backend), strchr(report->host, ':') ? "[%s]:%u" : "%s:%u",
	    report->host, report->port);
	exposition_count(exposition,
	    EXPOSITION_LABELS({"node", node->name}, {"region", node->region},
	        {"accelerator", accelerator->name}, {"backend", backend},
	        {"address", report->address}),
	    report->state == HEALTH_HEALTHY);
}

static void write_backends(const struct control *control, struct exposition *exposition)
{
	exposition_family(exposition, EXPOSITION_GAUGE, "trunkline_control_backend_healthy",
	    "1 when the endpoint found the backend healthy, 0 when not; none while it does not "
	    "know");
	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *node = &control->installation.nodes[i];
		const struct node_live *live = node_server_live(control->nodes, node->id);

		for (size_t j = 0; live->is_up && j < live->backend_count; j++)
			write_backend(control, exposition, node, &live->backends[j]);
	}
}

void metrics_write(struct control *control, struct exposition *exposition)
{
	write_processes(control, exposition);
	write_installation(control, exposition);
	write_api(control, exposition);
	write_nodes(control, exposition);
	write_tunnels(control, exposition);
	write_backends(control, exposition);
	exposition_end(exposition);
}
