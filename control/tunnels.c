/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tunnels.h. */
#include "config.h"

#include "control/tunnels.h"

#include "control/time_text.h"

#include <stdlib.h>
#include <string.h>

/* One side's last word. */
struct side {
	struct tunnel_measurement said; /* its lanes are owned here */
	uint64_t when_ms;               /* 0: never */
	uint64_t up_ms;                 /* when it last said that a lane was up, 0: never */
};

struct record {
	char listener[NAME_BYTES], endpoint[NAME_BYTES];
	struct side from_listener, from_endpoint;
	uint64_t history_us[TUNNEL_HISTORY_S]; /* a ring, by history_count */
	uint64_t history_count;
};

struct tunnels {
	struct record *
	    *records; /* by listener, then endpoint; at most one a tunnel of the installation */
	size_t count;
};

struct tunnels *tunnels_new(void)
{
	return calloc(1, sizeof(struct tunnels));
}

static void clear_side(struct side *side)
{
	free(side->said.lanes);
	memset(side, 0, sizeof(*side));
}

static void record_free(struct record *record)
{
	clear_side(&record->from_listener);
	clear_side(&record->from_endpoint);
	free(record);
}

void tunnels_free(struct tunnels *tunnels)
{
	if (!tunnels)
		return;
	for (size_t i = 0; i < tunnels->count; i++)
		record_free(tunnels->records[i]);
	free(tunnels->records);
	free(tunnels);
}

static int compare(const struct record *record, const char *listener, const char *endpoint)
{
	int order = strcmp(record->listener, listener);

	return order ? order : strcmp(record->endpoint, endpoint);
}

/* The place of the tunnel's record, or where it belongs. */
static size_t place_of(const struct tunnels *tunnels, const char *listener, const char *endpoint)
{
	size_t low = 0, high = tunnels->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(tunnels->records[middle], listener, endpoint) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct record *find(
    const struct tunnels *tunnels, const char *listener, const char *endpoint)
{
	size_t place = place_of(tunnels, listener, endpoint);

	return place < tunnels->count && compare(tunnels->records[place], listener, endpoint) == 0
	           ? tunnels->records[place]
	           : NULL;
}

static struct record *add(struct tunnels *tunnels, const char *listener, const char *endpoint)
{
	size_t place = place_of(tunnels, listener, endpoint);
	struct record *record = calloc(1, sizeof(*record)), **records;

	records = reallocarray(tunnels->records, tunnels->count + 1, sizeof(struct record *));
	if (records)
		tunnels->records = records;
	if (!record || !records) {
		free(record);
		return NULL;
	}
	memcpy(record->listener, listener, strlen(listener));
	memcpy(record->endpoint, endpoint, strlen(endpoint));
	memmove(&records[place + 1], &records[place],
	    (tunnels->count - place) * sizeof(struct record *));
	records[place] = record;
	tunnels->count++;
	return record;
}

static bool is_wanted(
    const struct installation *installation, const char *listener, const char *endpoint)
{
	const struct node *from = installation_node(installation, listener);
	const struct node *to = installation_node(installation, endpoint);

	return from && to && installation_has_tunnel(installation, from, to);
}

/* Moves the measurement, lanes and all, into the record. */
static void take(struct record *record, const struct node *node, struct tunnel_measurement *said,
    uint64_t now_ms)
{
	struct side *side =
	    node->role == NODE_LISTENER ? &record->from_listener : &record->from_endpoint;

	uint64_t up_ms = said->state == TUNNEL_DOWN ? side->up_ms : now_ms;

	clear_side(side);
	side->said = *said;
	side->when_ms = now_ms;
	side->up_ms = up_ms;
	said->lanes = NULL;
	said->lane_count = 0;
	if (node->role == NODE_LISTENER)
		record->history_us[record->history_count++ % TUNNEL_HISTORY_S] =
		    side->said.rtt_last_second_us;
}

size_t tunnels_report(struct tunnels *tunnels, const struct installation *installation,
    const struct node *node, struct message_report *report, uint64_t now_ms)
{
	size_t left_out = 0;

	for (size_t i = 0; i < report->tunnel_count; i++) {
		struct tunnel_measurement *said = &report->tunnels[i];
		const char *own = node->role == NODE_LISTENER ? said->listener : said->endpoint;
		struct record *record = NULL;
		bool is_own = strcmp(own, node->name) == 0
		              && is_wanted(installation, said->listener, said->endpoint);

		if (is_own)
			record = find(tunnels, said->listener, said->endpoint);
		if (!record && is_own)
			record = add(tunnels, said->listener, said->endpoint);
		if (record)
			take(record, node, said, now_ms);
		else
			left_out++;
	}
	return left_out;
}

uint64_t tunnels_up_ms(const struct tunnels *tunnels, const struct node *node)
{
	uint64_t latest_ms = 0;

	for (size_t i = 0; i < tunnels->count; i++) {
		const struct record *record = tunnels->records[i];
		bool is_listener = node->role == NODE_LISTENER;
		const char *name = is_listener ? record->listener : record->endpoint;
		const struct side *other =
		    is_listener ? &record->from_endpoint : &record->from_listener;

		if (other->up_ms > latest_ms && strcmp(name, node->name) == 0)
			latest_ms = other->up_ms;
	}
	return latest_ms;
}

void tunnels_forget(struct tunnels *tunnels, const struct installation *installation)
{
	size_t kept = 0;

	for (size_t i = 0; i < tunnels->count; i++) {
		struct record *record = tunnels->records[i];

		if (is_wanted(installation, record->listener, record->endpoint))
			tunnels->records[kept++] = record;
		else
			record_free(record);
	}
	tunnels->count = kept;
}

static bool is_fresh(const struct side *side, uint64_t now_ms)
{
	return side->when_ms && now_ms - side->when_ms < TUNNEL_SILENT_MS;
}

static const char *state_of(const struct record *record, uint64_t now_ms)
{
	if (!record || !is_fresh(&record->from_listener, now_ms))
		return "unknown";
	return tunnel_state_text(record->from_listener.said.state);
}

const char *tunnels_state(const struct tunnels *tunnels, const struct node *listener,
    const struct node *endpoint, uint64_t now_ms)
{
	return state_of(find(tunnels, listener->name, endpoint->name), now_ms);
}

const struct tunnel_measurement *tunnels_said(const struct tunnels *tunnels,
    const struct node *listener, const struct node *endpoint, enum node_role side, uint64_t now_ms)
{
	const struct record *record = find(tunnels, listener->name, endpoint->name);
	const struct side *said = NULL;

	if (record)
		said = side == NODE_LISTENER ? &record->from_listener : &record->from_endpoint;
	return said && is_fresh(said, now_ms) ? &said->said : NULL;
}

/* What was not measured is null. */
static json_t *json_measured(uint64_t value)
{
	return value ? json_integer((json_int_t)value) : json_null();
}

static json_t *json_rtt(const struct rtt_measurement *rtt)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "now", json_measured(rtt->now_us), "min",
	    json_measured(rtt->min_us), "p50", json_measured(rtt->p50_us), "p99",
	    json_measured(rtt->p99_us));
}

static json_t *json_jitter(const struct rtt_measurement *rtt)
{
	return rtt->now_us ? json_integer((json_int_t)rtt->jitter_us) : json_null();
}

static json_t *json_loss(const struct traffic_measurement *traffic)
{
	if (!traffic || traffic->packets_sent == 0)
		return json_null();
	if (traffic->packets_lost >= traffic->packets_sent)
		return json_real(1);
	return json_real((double)traffic->packets_lost / (double)traffic->packets_sent);
}

static json_t *json_mbps(const uint64_t *bps)
{
	return bps ? json_real((double)*bps / 1e6) : json_null();
}

/* Rates each way: the sender's own word where there is one, else what the other received. */
static json_t *json_rates(
    const struct traffic_measurement *listener, const struct traffic_measurement *endpoint)
{
	const uint64_t *to_endpoint = listener   ? &listener->sent_bps
	                              : endpoint ? &endpoint->received_bps
	                                         : NULL;
	const uint64_t *to_listener = endpoint   ? &endpoint->sent_bps
	                              : listener ? &listener->received_bps
	                                         : NULL;

	return json_pack("{s:o, s:o}", "to_endpoint", json_mbps(to_endpoint), "to_listener",
	    json_mbps(to_listener));
}

static json_t *json_losses(
    const struct traffic_measurement *listener, const struct traffic_measurement *endpoint)
{
	return json_pack(
	    "{s:o, s:o}", "to_endpoint", json_loss(listener), "to_listener", json_loss(endpoint));
}

static json_t *json_history(const struct record *record)
{
	json_t *list = json_array();
	uint64_t count = record ? record->history_count : 0;
	uint64_t first = count > TUNNEL_HISTORY_S ? count - TUNNEL_HISTORY_S : 0;

	for (uint64_t i = first; i < count; i++)
		json_array_append_new(
		    list, json_measured(record->history_us[i % TUNNEL_HISTORY_S]));
	return list;
}

/* The same lane in the other side's report, or NULL. */
static const struct lane_measurement *find_lane(
    const struct tunnel_measurement *said, uint32_t lane)
{
	for (size_t i = 0; said && i < said->lane_count; i++) {
		if (said->lanes[i].lane == lane)
			return &said->lanes[i];
	}
	return NULL;
}

static json_t *json_packet_bytes(
    const struct lane_measurement *listener, const struct lane_measurement *endpoint)
{
	return json_pack("{s:o, s:o}", "to_endpoint", json_measured(listener->packet_bytes),
	    "to_listener", json_measured(endpoint ? endpoint->packet_bytes : 0));
}

static json_t *json_lane(
    const struct lane_measurement *lane, const struct lane_measurement *other_side)
{
	const struct traffic_measurement *other = other_side ? &other_side->traffic : NULL;

	return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "lane",
	    (json_int_t)lane->lane, "slot", (json_int_t)lane->slot, "state",
	    lane->is_up ? "up" : "down", "rtt_us", json_rtt(&lane->rtt), "jitter_us",
	    json_jitter(&lane->rtt), "loss", json_losses(&lane->traffic, other), "mbps",
	    json_rates(&lane->traffic, other), "packet_bytes", json_packet_bytes(lane, other_side),
	    "flows", (json_int_t)lane->traffic.flows, "since", time_to_json(lane->since_ms));
}

static json_t *json_lanes(
    const struct tunnel_measurement *listener, const struct tunnel_measurement *endpoint)
{
	json_t *list = json_array();

	for (size_t i = 0; listener && i < listener->lane_count; i++) {
		const struct lane_measurement *lane = &listener->lanes[i];

		json_array_append_new(list, json_lane(lane, find_lane(endpoint, lane->lane)));
	}
	return list;
}

static size_t lanes_up(const struct tunnel_measurement *said)
{
	size_t up = 0;

	for (size_t i = 0; i < said->lane_count; i++)
		up += said->lanes[i].is_up;
	return up;
}

/* What each side says of its own lanes; null from a side that is silent. */
static json_t *json_figures(
    const struct tunnel_measurement *listener, const struct tunnel_measurement *endpoint)
{
	json_t *from_listener =
	    listener ? schema_to_json(&lane_figures_schema, &listener->figures, 0) : json_null();
	json_t *from_endpoint =
	    endpoint ? schema_to_json(&lane_figures_schema, &endpoint->figures, 0) : json_null();

	return json_pack("{s:o, s:o}", "listener", from_listener, "endpoint", from_endpoint);
}

static json_t *json_in_use(
    const struct tunnel_measurement *listener, const struct tunnel_measurement *endpoint)
{
	const char *here = listener && listener->congestion[0] ? listener->congestion : NULL;
	const char *there = endpoint && endpoint->congestion[0] ? endpoint->congestion : NULL;

	return json_pack("{s:s?, s:s?}", "listener", here, "endpoint", there);
}

/* What only the view of one tunnel has. */
static void add_detail(json_t *json, const struct tunnel_measurement *listener,
    const struct tunnel_measurement *endpoint)
{
	json_object_set_new(json, "figures", json_figures(listener, endpoint));
	json_object_set_new(json, "congestion_in_use", json_in_use(listener, endpoint));
	json_object_set_new(json, "lane_list", json_lanes(listener, endpoint));
}

json_t *tunnels_to_json(const struct tunnels *tunnels, const struct node *listener,
    const struct node *endpoint, enum tunnel_view view, uint64_t now_ms)
{
	static const struct tunnel_measurement nothing;
	const struct record *record = find(tunnels, listener->name, endpoint->name);
	const struct tunnel_measurement *from_listener, *from_endpoint, *said;
	json_t *json;

	from_listener = tunnels_said(tunnels, listener, endpoint, NODE_LISTENER, now_ms);
	from_endpoint = tunnels_said(tunnels, listener, endpoint, NODE_ENDPOINT, now_ms);
	said = from_listener ? from_listener : &nothing;
	json = json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "listener",
	    listener->name, "endpoint", endpoint->name, "state", state_of(record, now_ms), "lanes",
	    (json_int_t)said->lane_total, "lanes_up", (json_int_t)lanes_up(said), "rtt_us",
	    json_rtt(&said->rtt), "jitter_us", json_jitter(&said->rtt), "loss",
	    json_losses(from_listener ? &from_listener->traffic : NULL,
	        from_endpoint ? &from_endpoint->traffic : NULL),
	    "mbps",
	    json_rates(from_listener ? &from_listener->traffic : NULL,
	        from_endpoint ? &from_endpoint->traffic : NULL),
	    "flows", (json_int_t)said->traffic.flows, "since", time_to_json(said->since_ms),
	    "rtt_history_us", json_history(record));
	if (json && view == TUNNEL_VIEW_DETAIL)
		add_detail(json, from_listener, from_endpoint);
	return json;
}
