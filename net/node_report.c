/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node's report of each second; see net/node_report.h. */
#include "config.h"

#include "net/node_report.h"

#include "base/err.h"
#include "base/histogram.h"
#include "model/node_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MINUTE_S = 60, US_PER_S = 1000000, BITS = 8 };

/* No figure of a lane is larger: those of all lanes together stay within what JSON carries. */
#define FIGURE_MAX (INT64_MAX / (PAGE_LANES * SLOTS_MAX))

/* Differences of a counter, second by second. */
struct minute {
	uint64_t seconds[MINUTE_S];
	uint64_t sum;
};

/*
 * One place of a page over time.  A place that was given to another lane, or whose worker was
 * started again, begins anew: its counters are then below the last ones, or its lane another.
 */
struct lane_past {
	char peer_name[NAME_BYTES];
	uint32_t lane;
	struct page_lane_state last;
	struct minute sent, lost;
	uint64_t slot_number; /* of the copy of the lane's newest ten seconds of round trips */
	struct histogram slot;
};

/* Of one tunnel, by the peer's name. */
struct tunnel_past {
	char peer_name[NAME_BYTES];
	enum tunnel_state state;
	uint64_t since_ms;
	bool is_seen; /* in this report */
};

struct node_report {
	unsigned workers;
	struct lane_past **lanes; /* [worker * PAGE_LANES + place], NULL while never in use */
	struct tunnel_past *tunnels;
	size_t tunnel_count, tunnel_size;
	unsigned second; /* of MINUTE_S */
	uint64_t last_us;
	struct handshake_counters handshakes, handshakes_before;
	struct histogram scratch, sum;
	struct histogram fresh; /* a tunnel's round trips since the last report */
};

struct node_report *node_report_new(unsigned workers)
{
	struct node_report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->workers = workers;
	report->lanes = calloc((size_t)workers * PAGE_LANES, sizeof(*report->lanes));
	if (report->lanes)
		return report;
	free(report);
	return NULL;
}

void node_report_free(struct node_report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < (size_t)report->workers * PAGE_LANES; i++)
		free(report->lanes[i]);
	free(report->lanes);
	free(report->tunnels);
	free(report);
}

void node_report_handshakes(struct node_report *report, const struct handshake_counters *counters)
{
	for (size_t i = 0; i < HANDSHAKE_CAUSE_COUNT; i++) {
		if (counters->count[i] < report->handshakes.count[i])
			report->handshakes_before.count[i] += report->handshakes.count[i];
		report->handshakes.count[i] = counters->count[i];
	}
}

void node_report_handshake_counts(
    const struct node_report *report, struct handshake_counters *counters)
{
	for (size_t i = 0; i < HANDSHAKE_CAUSE_COUNT; i++)
		counters->count[i] =
		    report->handshakes.count[i] + report->handshakes_before.count[i];
}

/* ---- one lane ---- */

static uint64_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

/*
 * A worker that was taken over writes what it likes to its page: whatever it is, the report stays one that
 * control takes, so that the node and its other workers are seen as before.
 */
static void tame(struct page_lane_state *now)
{
	now->peer_name[NAME_BYTES - 1] = '\0';
	now->congestion[CONGESTION_TEXT_BYTES - 1] = '\0';
	if (congestion_check(now->congestion))
		now->congestion[0] = '\0';
	now->is_up = now->is_up != 0;
	now->since_ms = at_most(now->since_ms, TIME_MAX_MS);
	now->packet_bytes = at_most(now->packet_bytes, UINT16_MAX);
	now->rtt_smoothed_us = at_most(now->rtt_smoothed_us, FIGURE_MAX);
	now->jitter_us = at_most(now->jitter_us, FIGURE_MAX);
	now->flows = at_most(now->flows, FIGURE_MAX);
#define X(name) now->figures.name = at_most(now->figures.name, FIGURE_MAX);
	LANE_FIGURES(X)
#undef X
}

static void minute_set(struct minute *minute, unsigned second, uint64_t value)
{
	minute->sum += value - minute->seconds[second];
	minute->seconds[second] = value;
}

static uint64_t rise(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static uint64_t rate_bps(uint64_t bytes, uint64_t elapsed_us)
{
	double bps = elapsed_us ? (double)bytes * BITS * US_PER_S / (double)elapsed_us : 0;

	return bps < (double)FIGURE_MAX ? (uint64_t)bps : FIGURE_MAX;
}

static struct lane_past *past_of(struct node_report *report, size_t place)
{
	if (!report->lanes[place])
		report->lanes[place] = calloc(1, sizeof(struct lane_past));
	return report->lanes[place];
}

static void past_restart_if_other(struct lane_past *past, const struct page_lane_state *now)
{
	if (past->lane == now->lane && strcmp(past->peer_name, now->peer_name) == 0
	    && now->figures.packets_sent >= past->last.figures.packets_sent)
		return;
	memset(past, 0, sizeof(*past));
	past->lane = now->lane;
	snprintf(past->peer_name, sizeof(past->peer_name), "%s", now->peer_name);
}

/* What happened since the last report; `past` then has this one. */
static void measure_traffic(struct node_report *report, struct lane_past *past,
    const struct page_lane_state *now, uint64_t elapsed_us, struct traffic_measurement *traffic)
{
	minute_set(&past->sent, report->second,
	    rise(now->figures.packets_sent, past->last.figures.packets_sent));
	minute_set(&past->lost, report->second,
	    rise(now->figures.packets_lost, past->last.figures.packets_lost));
	*traffic = (struct traffic_measurement){
	    .packets_sent = at_most(past->sent.sum, FIGURE_MAX),
	    .packets_lost = at_most(past->lost.sum, at_most(past->sent.sum, FIGURE_MAX)),
	    .sent_bps = rate_bps(rise(now->bytes_sent, past->last.bytes_sent), elapsed_us),
	    .received_bps =
	        rate_bps(rise(now->bytes_received, past->last.bytes_received), elapsed_us),
	    .flows = now->flows,
	};
	past->last = *now;
}

/*
 * Adds the round trips since the last report to report->fresh: what the newest slot has more than
 * its copy.  Those between the last report and a change of slot are left out.
 */
static void measure_fresh(
    struct node_report *report, struct lane_past *past, const struct window_histogram *window)
{
	size_t newest = 0;
	struct histogram *copy = &report->scratch;

	for (size_t i = 1; i < HISTOGRAM_WINDOW_SLOTS; i++)
		if (window->slot_numbers[i] > window->slot_numbers[newest])
			newest = i;
	if (window->slot_numbers[newest] != past->slot_number)
		histogram_clear(&past->slot);
	past->slot_number = window->slot_numbers[newest];
	*copy = window->slots[newest];
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (copy->counts[i] > past->slot.counts[i])
			report->fresh.counts[i] += copy->counts[i] - past->slot.counts[i];
	report->fresh.max = copy->max > report->fresh.max ? copy->max : report->fresh.max;
	past->slot = *copy;
}

static void measure_rtt(const struct histogram *histogram, const struct page_lane_state *now,
    struct rtt_measurement *rtt)
{
	*rtt =
	    (struct rtt_measurement){.now_us = now->rtt_smoothed_us, .jitter_us = now->jitter_us};
	if (!histogram_count(histogram))
		return;
	rtt->min_us = at_most(histogram->min, FIGURE_MAX);
	rtt->p50_us = at_most(histogram_percentile(histogram, 50), FIGURE_MAX);
	rtt->p99_us = at_most(histogram_percentile(histogram, 99), FIGURE_MAX);
}

/* ---- one tunnel: the lanes to a peer ---- */

static void add_traffic(struct traffic_measurement *to, const struct traffic_measurement *from)
{
	to->packets_sent += from->packets_sent;
	to->packets_lost += from->packets_lost;
	to->sent_bps += from->sent_bps;
	to->received_bps += from->received_bps;
	to->flows += from->flows;
}

/* What lanes that are up say of now, as a mean. */
struct means {
	uint64_t rtt_us, jitter_us;
	unsigned count;
};

static void add_means(struct means *means, const struct page_lane_state *now)
{
	if (!now->is_up || !now->rtt_smoothed_us)
		return;
	means->rtt_us += now->rtt_smoothed_us;
	means->jitter_us += now->jitter_us;
	means->count++;
}

/* A lane may have two records for a while, the old one and the one that replaces it. */
static struct lane_measurement *lane_entry(struct tunnel_measurement *tunnel, uint32_t lane)
{
	for (size_t i = 0; i < tunnel->lane_count; i++)
		if (tunnel->lanes[i].lane == lane)
			return &tunnel->lanes[i];
	if (tunnel->lane_count == SLOTS_MAX)
		return NULL;
	tunnel->lanes[tunnel->lane_count].lane = lane;
	return &tunnel->lanes[tunnel->lane_count++];
}

/* The newer record, or the one that is up, speaks for the lane; traffic is of both. */
static void put_lane(struct lane_measurement *entry, const struct lane_measurement *found)
{
	struct traffic_measurement traffic = entry->traffic;
	bool speaks = !entry->since_ms || (found->is_up && !entry->is_up)
	              || (found->is_up == entry->is_up && found->since_ms > entry->since_ms);

	add_traffic(&traffic, &found->traffic);
	if (speaks)
		*entry = *found;
	entry->traffic = traffic;
}

static int measure_lane(struct node_report *report, struct tunnel_measurement *tunnel,
    struct means *means, const struct page *page, size_t worker, size_t number, uint64_t now_us,
    uint64_t elapsed_us, const struct page_lane_state *now)
{
	struct lane_past *past = past_of(report, worker * PAGE_LANES + number);
	struct lane_measurement found = {.lane = now->lane,
	    .slot = now->slot,
	    .is_up = now->is_up,
	    .since_ms = now->since_ms,
	    .packet_bytes = now->packet_bytes};
	struct lane_measurement *entry;

	if (!past)
		return ERR_NOMEM;
	past_restart_if_other(past, now);
	measure_fresh(report, past, &page->lanes[number].rtt);
	page_lane_read_rtt(page, number, now_us, &report->scratch);
	histogram_merge(&report->sum, &report->scratch);
	measure_rtt(&report->scratch, now, &found.rtt);
	measure_traffic(report, past, now, elapsed_us, &found.traffic);
	add_traffic(&tunnel->traffic, &found.traffic);
	lane_figures_add(&tunnel->figures, &now->figures);
	snprintf(tunnel->congestion, sizeof(tunnel->congestion), "%s", now->congestion);
	add_means(means, now);
	entry = lane_entry(tunnel, now->lane);
	if (entry)
		put_lane(entry, &found);
	return 0;
}

static struct tunnel_past *tunnel_past_of(struct node_report *report, const char *peer)
{
	struct tunnel_past *grown;

	for (size_t i = 0; i < report->tunnel_count; i++)
		if (strcmp(report->tunnels[i].peer_name, peer) == 0)
			return &report->tunnels[i];
	if (report->tunnel_count == report->tunnel_size) {
		size_t size = report->tunnel_size ? 2 * report->tunnel_size : 16;

		grown = realloc(report->tunnels, size * sizeof(*grown));
		if (!grown)
			return NULL;
		report->tunnels = grown;
		report->tunnel_size = size;
	}
	grown = &report->tunnels[report->tunnel_count++];
	*grown = (struct tunnel_past){0};
	snprintf(grown->peer_name, sizeof(grown->peer_name), "%s", peer);
	return grown;
}

static uint64_t unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void judge_state(struct tunnel_measurement *tunnel, struct tunnel_past *past)
{
	uint32_t up = 0;

	for (size_t i = 0; i < tunnel->lane_count; i++)
		up += tunnel->lanes[i].is_up;
	tunnel->state = up == 0                   ? TUNNEL_DOWN
	                : up < tunnel->lane_total ? TUNNEL_PARTIAL
	                                          : TUNNEL_UP;
	if (!past->since_ms || past->state != tunnel->state) {
		past->state = tunnel->state;
		past->since_ms = unix_ms();
	}
	past->is_seen = true;
	tunnel->since_ms = past->since_ms;
}

static void name_tunnel(struct tunnel_measurement *tunnel, const struct node_config *config,
    const struct config_peer *peer, unsigned workers)
{
	bool is_listener = config->role == NODE_LISTENER;

	snprintf(tunnel->listener, NAME_BYTES, "%s", is_listener ? config->node_name : peer->name);
	snprintf(tunnel->endpoint, NAME_BYTES, "%s", is_listener ? peer->name : config->node_name);
	tunnel->lane_total = is_listener ? workers : peer->slots;
}

static int measure_lanes(struct node_report *report, const struct page *const *pages,
    const char *peer, uint64_t now_us, uint64_t elapsed_us, struct tunnel_measurement *tunnel,
    struct means *means)
{
	struct page_lane_state now;

	for (size_t worker = 0; worker < report->workers; worker++)
		for (size_t number = 0; number < PAGE_LANES; number++) {
			if (!page_lane_read(pages[worker], number, &now))
				continue;
			tame(&now);
			if (strcmp(now.peer_name, peer) == 0
			    && measure_lane(report, tunnel, means, pages[worker], worker, number,
			           now_us, elapsed_us, &now)
			           < 0)
				return ERR_NOMEM;
		}
	return 0;
}

static int measure_tunnel(struct node_report *report, const struct page *const *pages,
    const struct node_config *config, const struct config_peer *peer, uint64_t now_us,
    uint64_t elapsed_us, struct tunnel_measurement *tunnel)
{
	struct tunnel_past *past = tunnel_past_of(report, peer->name);
	struct means means = {0};

	name_tunnel(tunnel, config, peer, report->workers);
	tunnel->lanes = calloc(SLOTS_MAX, sizeof(*tunnel->lanes));
	if (!tunnel->lanes || !past)
		return ERR_NOMEM;
	histogram_clear(&report->sum);
	histogram_clear(&report->fresh);
	if (measure_lanes(report, pages, peer->name, now_us, elapsed_us, tunnel, &means) < 0)
		return ERR_NOMEM;
	judge_state(tunnel, past);
	measure_rtt(&report->sum, &(struct page_lane_state){0}, &tunnel->rtt);
	tunnel->rtt_last_second_us = at_most(histogram_percentile(&report->fresh, 50), FIGURE_MAX);
	if (means.count) {
		tunnel->rtt.now_us = means.rtt_us / means.count;
		tunnel->rtt.jitter_us = means.jitter_us / means.count;
	}
	return 0;
}

/* ---- the whole ---- */

static void forget_tunnels(struct node_report *report)
{
	size_t kept = 0;

	for (size_t i = 0; i < report->tunnel_count; i++)
		if (report->tunnels[i].is_seen) {
			report->tunnels[kept] = report->tunnels[i];
			report->tunnels[kept++].is_seen = false;
		}
	report->tunnel_count = kept;
}

static void put_counter(struct message_report *out, const char *name, uint64_t value)
{
	struct counter *counter = &out->counters[out->counter_count];

	if (out->counter_count == COUNTERS_MAX)
		return;
	out->counter_count++;
	snprintf(counter->name, sizeof(counter->name), "%s", name);
	counter->value = value & INT64_MAX;
}

static int count_all(struct node_report *report, const struct page *const *pages,
    const struct node_report_counter *counters, size_t count, struct message_report *out)
{
	char name[NAME_BYTES];

	out->counters = calloc(COUNTERS_MAX, sizeof(*out->counters));
	if (!out->counters)
		return ERR_NOMEM;
	for (size_t i = 0; i < PAGE_VALUE_COUNT; i++)
		put_counter(
		    out, page_values[i].name, page_sum(pages, report->workers, (enum page_value)i));
	for (size_t i = 0; i < count; i++)
		put_counter(out, counters[i].name, counters[i].value);
	for (size_t i = 0; i < HANDSHAKE_CAUSE_COUNT; i++) {
		snprintf(name, sizeof(name), "handshake_%s",
		    handshake_cause_name((enum handshake_cause)i));
		for (char *c = name; *c; c++)
			if (*c == '-')
				*c = '_';
		put_counter(
		    out, name, report->handshakes.count[i] + report->handshakes_before.count[i]);
	}
	return 0;
}

int node_report_make(struct node_report *report, const struct page *const *pages,
    const struct node_config *config, const struct node_report_counter *counters,
    size_t counter_count, uint64_t now_us, struct message_report *out)
{
	uint64_t elapsed_us = report->last_us ? now_us - report->last_us : 0;
	size_t peers = config ? config->peer_count : 0;
	struct message message = {.type = MESSAGE_REPORT};
	int result;

	if (peers > TUNNELS_MAX)
		peers = TUNNELS_MAX;
	report->last_us = now_us;
	report->second = (report->second + 1) % MINUTE_S;
	*out = (struct message_report){0};
	out->tunnels = calloc(peers ? peers : 1, sizeof(*out->tunnels));
	result = out->tunnels ? 0 : ERR_NOMEM;
	for (size_t i = 0; result == 0 && i < peers; i++)
		result = measure_tunnel(report, pages, config, &config->peers[i], now_us,
		    elapsed_us, &out->tunnels[out->tunnel_count++]);
	if (result == 0)
		result = count_all(report, pages, counters, counter_count, out);
	forget_tunnels(report);
	if (result == 0)
		return 0;
	message.body.report = *out;
	message_clear(&message);
	*out = (struct message_report){0};
	return result;
}
