/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_metrics.h. */
#include "config.h"

#include "net/node_metrics.h"

#include "net/backend_states.h"
#include "net/node_private.h"
#include "net/process_metrics.h"
#include "net/tunnel_totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_TEXT_BYTES = 128, BACKEND_TEXT_BYTES = ADDR_HOST_BYTES + 8 };

#define US_PER_S 1e6

static void one(struct exposition *exposition, enum exposition_type type, const char *name,
    const char *help, uint64_t value)
{
	exposition_family(exposition, type, name, help);
	exposition_count(exposition, EXPOSITION_NO_LABELS, value);
}

/* ---- processes ---- */

static struct process_metrics_child child_of(
    const struct node *node, enum process_role role, unsigned index, const char *name)
{
	const struct process *process =
	    node->supervisor ? supervisor_process(node->supervisor, role, index) : NULL;
	struct process_metrics_child child = {0};

	snprintf(child.name, sizeof(child.name), "%s", name);
	if (process) {
		child.pid = process_pid(process);
		child.restarts = process_restarts(process);
	}
	return child;
}

static void write_processes(const struct node *node, struct exposition *exposition)
{
	struct process_metrics_child children[NODE_WORKERS_MAX + 2];
	char name[24];
	size_t count = 0;

	children[count++] = child_of(node, PROCESS_KEYS, 0, "keys");
	if (node->program->health_main)
		children[count++] = child_of(node, PROCESS_HEALTH, 0, "health");
	for (unsigned i = 0; i < node->workers; i++) {
		snprintf(name, sizeof(name), "worker %u", i);
		children[count++] = child_of(node, PROCESS_WORKER, i, name);
	}
	process_metrics_write(exposition, node_role_text(node->program->role), children, count);
}

/* ---- the node and its config ---- */

/* What every worker serves by. */
static uint64_t applied_revision(const struct node *node)
{
	uint64_t lowest = node->has_config ? node->config.number.revision : 0;

	for (unsigned i = 0; i < node->workers; i++)
		if (node->places[i].serving.revision < lowest)
			lowest = node->places[i].serving.revision;
	return lowest;
}

/* Above the applied one while the node refuses, or its workers have not come to it. */
static uint64_t wanted_revision(const struct node *node)
{
	return config_number_compare(&node->sent, &node->newest) > 0 ? node->sent.revision
	                                                             : node->newest.revision;
}

static void write_node(const struct node *node, struct exposition *exposition)
{
	exposition_family(
	    exposition, EXPOSITION_GAUGE, "trunkline_node_info", "Who this is; always 1");
	exposition_count(exposition,
	    EXPOSITION_LABELS({"node", node->name}, {"role", node_role_text(node->program->role)},
	        {"region", node->has_config ? node->config.region : ""}),
	    1);
	one(exposition, EXPOSITION_GAUGE, "trunkline_node_control_connected",
	    "1 while control can be reached; without it the node serves on",
	    node->control && control_client_is_open(node->control));
	one(exposition, EXPOSITION_GAUGE, "trunkline_node_draining",
	    "1 while the node takes no new flows",
	    node->phase != NODE_SERVING || (node->has_config && node->config.is_draining));
	one(exposition, EXPOSITION_GAUGE, "trunkline_config_wanted_revision",
	    "Revision of the newest config that control sent, or that was saved",
	    wanted_revision(node));
	one(exposition, EXPOSITION_GAUGE, "trunkline_config_applied_revision",
	    "Revision of the config that every worker serves by", applied_revision(node));
	one(exposition, EXPOSITION_COUNTER, "trunkline_configs_applied",
	    "Configs that were applied", node->counters[NODE_CONFIGS_APPLIED]);
	one(exposition, EXPOSITION_COUNTER, "trunkline_configs_refused",
	    "Configs that could not be applied", node->counters[NODE_CONFIGS_REFUSED]);
	one(exposition, EXPOSITION_COUNTER, "trunkline_node_control_connections",
	    "Connections to control that were made", node->counters[NODE_CONTROL_CONNECTIONS]);
}

static void write_handshakes(const struct node *node, struct exposition *exposition)
{
	struct handshake_counters counters;

	node_report_handshake_counts(node->report, &counters);
	exposition_family(exposition, EXPOSITION_COUNTER, "trunkline_handshakes",
	    "Handshakes of tunnels that ended, by how");
	for (size_t i = 0; i < HANDSHAKE_CAUSE_COUNT; i++)
		exposition_count(exposition,
		    EXPOSITION_LABELS({"cause", handshake_cause_name((enum handshake_cause)i)}),
		    counters.count[i]);
}

static void write_values(
    const struct node *node, const struct page *const *pages, struct exposition *exposition)
{
	char name[NAME_TEXT_BYTES];

	for (size_t i = 0; i < PAGE_VALUE_COUNT; i++) {
		snprintf(name, sizeof(name), "trunkline_%s", page_values[i].name);
		one(exposition,
		    page_values[i].kind == PAGE_COUNTER ? EXPOSITION_COUNTER : EXPOSITION_GAUGE,
		    name, page_values[i].help, page_sum(pages, node->workers, (enum page_value)i));
	}
}

/* ---- accelerators ---- */

static void write_accelerator(const struct node *node, const struct page *const *pages,
    const struct config_accelerator *accelerator, enum accelerator_value value,
    struct exposition *exposition)
{
	const struct accelerator_value_description *described = &accelerator_values[value];
	uint64_t sum = 0;

	for (unsigned i = 0; i < node->workers; i++)
		sum += page_accelerators_value(&pages[i]->accelerators, accelerator->id, value);
	/* The last label is none where there is no reason. */
	exposition_count(exposition,
	    EXPOSITION_LABELS({"accelerator", accelerator->name}, {"region", node->config.region},
	        {"protocol", described->protocol},
	        {described->reason ? "reason" : NULL, described->reason}),
	    sum);
}

static bool has_protocol(const struct config_accelerator *accelerator, const char *protocol)
{
	return accelerator->protocol & (strcmp(protocol, "tcp") == 0 ? PROTOCOL_TCP : PROTOCOL_UDP);
}

static void write_accelerators(
    const struct node *node, const struct page *const *pages, struct exposition *exposition)
{
	char name[NAME_TEXT_BYTES];

	for (size_t i = 0; node->has_config && i < ACCELERATOR_VALUE_COUNT; i++) {
		const struct accelerator_value_description *value = &accelerator_values[i];

		if (value->help[0]) { /* the first line of its metric */
			snprintf(name, sizeof(name), "trunkline_accelerator_%s", value->metric);
			exposition_family(exposition,
			    value->is_gauge ? EXPOSITION_GAUGE : EXPOSITION_COUNTER, name,
			    value->help);
		}
		for (size_t j = 0; j < node->config.accelerator_count; j++)
			if (has_protocol(&node->config.accelerators[j], value->protocol))
				write_accelerator(node, pages, &node->config.accelerators[j],
				    (enum accelerator_value)i, exposition);
	}
}

/* ---- tunnels ---- */

static const struct tunnel_metric {
	const char *name, *help;
	enum exposition_type type;
	size_t offset; /* in struct tunnel_total, of a uint64_t */
} tunnel_metrics[] = {
#define TOTAL(name, member, help)                                                                  \
	{                                                                                          \
		"trunkline_tunnel_peer_" name, help, EXPOSITION_COUNTER,                           \
		    offsetof(struct tunnel_total, member)                                          \
	}
    TOTAL("sent_bytes", bytes_sent, "UDP payload sent to the peer"),
    TOTAL("received_bytes", bytes_received, "UDP payload that came from the peer"),
    TOTAL("packets_sent", figures.packets_sent, "Packets sent to the peer"),
    TOTAL("packets_lost", figures.packets_lost, "Packets to the peer that were lost"),
    TOTAL("packets_spurious", figures.packets_spurious, "Packets called lost that had arrived"),
    TOTAL("packets_retransmitted", figures.packets_retransmitted,
        "Packets that carried something again"),
    TOTAL("repair_sent_bytes", figures.repair_bytes_sent, "Bytes of loss repair sent"),
    TOTAL("repairs_sent", figures.repairs_sent, "Repair symbols sent"),
    TOTAL("copies_sent", figures.copies_sent, "Repairs that were copies of one packet"),
    TOTAL("packets_protected", figures.packets_protected, "Packets that repairs stand for"),
    TOTAL("packets_saved", figures.packets_saved,
        "Packets to the peer that were lost and that it repaired"),
    TOTAL("packets_recovered", figures.packets_recovered,
        "Packets from the peer that were lost and repaired here"),
    TOTAL("probe_timeouts", figures.probe_timeouts, "Probe timeouts"),
    TOTAL("ecn_marks", figures.ecn_marks, "Packets that came marked by ECN"),
    TOTAL("address_changes", figures.address_changes, "Times that the peer's address changed"),
    TOTAL("flows_refused_memory", figures.flows_refused_memory,
        "Flows that were refused for want of memory"),
#undef TOTAL
    {"trunkline_tunnel_peer_flows", "Flows that are alive", EXPOSITION_GAUGE,
        offsetof(struct tunnel_total, flows)},
};

static void write_tunnel_values(
    const struct tunnel_total *totals, size_t count, struct exposition *exposition)
{
	uint64_t value;

	for (size_t i = 0; i < sizeof(tunnel_metrics) / sizeof(tunnel_metrics[0]); i++) {
		const struct tunnel_metric *metric = &tunnel_metrics[i];

		exposition_family(exposition, metric->type, metric->name, metric->help);
		for (size_t j = 0; j < count; j++) {
			memcpy(&value, (const char *)&totals[j] + metric->offset, sizeof(value));
			exposition_count(
			    exposition, EXPOSITION_LABELS({"peer", totals[j].peer_name}), value);
		}
	}
}

static void write_round_trips(
    const struct tunnel_total *totals, size_t count, struct exposition *exposition)
{
	double bounds[PAGE_RTT_BOUNDS];

	for (size_t i = 0; i < PAGE_RTT_BOUNDS; i++)
		bounds[i] = page_rtt_bounds_us[i] / US_PER_S;
	exposition_family(exposition, EXPOSITION_HISTOGRAM, "trunkline_tunnel_peer_rtt_seconds",
	    "Round trips of packets to the peer");
	for (size_t i = 0; i < count; i++)
		exposition_histogram(exposition, EXPOSITION_LABELS({"peer", totals[i].peer_name}),
		    bounds, totals[i].rtt.counts, PAGE_RTT_BOUNDS,
		    (double)totals[i].rtt.sum_us / US_PER_S);
}

static void write_tunnels(
    struct node *node, const struct page *const *pages, struct exposition *exposition)
{
	const struct tunnel_total *totals;
	size_t count;

	if (!node->has_config)
		return;
	tunnel_totals_take(node->totals, pages, &node->config);
	totals = tunnel_totals_all(node->totals, &count);
	exposition_family(exposition, EXPOSITION_GAUGE, "trunkline_tunnel_peer_lanes_up",
	    "Lanes to the peer that are up");
	for (size_t i = 0; i < count; i++)
		exposition_count(exposition, EXPOSITION_LABELS({"peer", totals[i].peer_name}),
		    totals[i].lanes_up);
	write_tunnel_values(totals, count, exposition);
	write_round_trips(totals, count, exposition);
}

/* ---- backends ---- */

static void write_backend(
    const struct node *node, const struct backend_health *health, struct exposition *exposition)
{
	const struct config_accelerator *accelerator =
	    node_config_accelerator(&node->config, health->backend.accelerator);
	char backend[BACKEND_TEXT_BYTES], address[ADDR_TEXT_BYTES] = "";

	if (!accelerator || health->state == HEALTH_UNKNOWN)
		return;
	if (health->address.family)
		addr_format_ip(&health->address, address, sizeof(address));
	snprintf(backend, sizeof(backend), strchr(health->backend.host, ':') ? "[%s]:%u" : "%s:%u",
	    health->backend.host, health->backend.port);
	exposition_count(exposition,
	    EXPOSITION_LABELS({"accelerator", accelerator->name}, {"region", node->config.region},
	        {"backend", backend}, {"address", address}),
	    health->state == HEALTH_HEALTHY);
}

static void write_backends(const struct node *node, struct exposition *exposition)
{
	struct backend_health *all;
	size_t count = 0;

	if (!node->backends || !node->has_config)
		return;
	all = backend_states_all(node->backends, &count);
	exposition_family(exposition, EXPOSITION_GAUGE, "trunkline_backend_healthy",
	    "1 when the backend is healthy, 0 when not; none while it is not known");
	for (size_t i = 0; i < count; i++)
		write_backend(node, &all[i], exposition);
	free(all);
}

void node_metrics_write(struct node *node, struct exposition *exposition)
{
	const struct page *pages[NODE_WORKERS_MAX];

	for (unsigned i = 0; i < node->workers; i++)
		pages[i] = node->places[i].page;
	write_processes(node, exposition);
	write_node(node, exposition);
	write_handshakes(node, exposition);
	write_values(node, pages, exposition);
	write_accelerators(node, pages, exposition);
	write_tunnels(node, pages, exposition);
	write_backends(node, exposition);
	exposition_end(exposition);
}
