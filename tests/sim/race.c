/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Congestion controllers on one line, see race.h. */
#include "tests/sim/race.h"

#include "tests/sim/event.h"
#include "tunnel/limits.h"
#include "tunnel/path.h"
#include "tunnel/received.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PACKET_BYTES = 1400,
	ACK_BYTES = 60,
	PING_BYTES = 60,
	ACKS_ON_WAY_MAX = 8192,
	POLL_DELAY_US = 30, /* how late a worker sees a packet, at most */
	TIMER_LATE_US = 100,
	SAMPLE_US = 1000,
	TRACE_US = 100000,
	REQUESTS_MAX = 65536,
	PING_BEFORE_US = 1000000,
};

#define START_US UINT64_C(1000000)

/* One sender and its receiver. */
struct racer {
	struct race *race;
	const struct racer_config *config;
	unsigned index;
	struct path path;
	struct path_share_record told; /* to the tunnel's other lanes */
	uint64_t timer_us;             /* an event is set for then; UINT64_MAX: none */
	uint64_t probes_due;
	/* What the application gave, and when. */
	uint64_t left_bytes, request_began_us;
	bool is_waiting;

	struct received received;
	uint64_t ack_timer_us;
	bool poll_is_set;
	uint64_t rtt_us; /* the receiver's own estimate */
	uint64_t delivered_bytes, measured_from_bytes;
	uint64_t sent_at_start, lost_at_start;
	struct ack_frame acks[ACKS_ON_WAY_MAX];
	uint64_t ack_count;
};

struct race {
	const struct race_config *config;
	struct events events;
	struct rng rng;
	struct link forward, back;
	struct racer *racers;
	uint32_t *queue_us; /* sampled */
	size_t queue_count, queue_capacity;
	uint32_t *requests_us;
	size_t request_count;
	bool is_measuring;
};

/* What a packet holds. */
struct race_data {
	uint32_t racer;
	uint64_t number;
};

static void *allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (!memory) {
		perror("race");
		exit(1);
	}
	return memory;
}

static uint64_t now_of(const struct racer *racer)
{
	return racer->race->events.now_us;
}

static void ignore_fate(void *context, const struct sent_frame *frame, bool lost)
{
	(void)context;
	(void)frame;
	(void)lost;
}

/* The lanes of a tunnel, as workers' pages tell them of one another. */

static unsigned read_siblings(void *context, struct path_share_record *records, unsigned most)
{
	const struct racer *racer = context;
	const struct race_config *config = racer->race->config;
	unsigned count = 0;

	for (unsigned i = 0; i < config->count && count < most; i++)
		if (i != racer->index && config->racers[i].tunnel == racer->config->tunnel)
			records[count++] = racer->race->racers[i].told;
	return count;
}

static void tell_siblings(void *context, const struct path_share_record *record)
{
	((struct racer *)context)->told = *record;
}

/* Sending. */

static void sender_event(void *context, void *argument, bool free_it);

static void set_timer(struct racer *racer)
{
	uint64_t now_us = now_of(racer);
	uint64_t due_us = path_timer_us(&racer->path);

	if (racer->left_bytes > 0) {
		uint64_t pacing_us = path_pacing_timer_us(&racer->path, now_us);

		due_us = pacing_us < due_us ? pacing_us : due_us;
	}
	if (due_us == UINT64_MAX)
		return;
	due_us =
	    (due_us > now_us ? due_us : now_us) + 1 + rng_below(&racer->race->rng, TIMER_LATE_US);
	if (due_us >= racer->timer_us)
		return;
	racer->timer_us = due_us;
	events_add(&racer->race->events, due_us, sender_event, racer, NULL);
}

static bool send_packet(struct racer *racer, uint16_t bytes)
{
	static uint8_t packet[PACKET_BYTES];
	struct race_data data = {racer->index, path_packet_begin(&racer->path)};

	if (data.number == PATH_NUMBER_NONE)
		return false;
	racer->left_bytes -= racer->left_bytes < PACKET_BYTES ? racer->left_bytes : PACKET_BYTES;
	path_packet_commit(&racer->path, bytes, true, racer->left_bytes == 0, now_of(racer));
	memcpy(packet, &data, sizeof(data));
	link_send(&racer->race->forward, NULL, packet, bytes, path_ecn(&racer->path));
	return true;
}

static void pump(struct racer *racer)
{
	for (; racer->probes_due > 0; racer->probes_due--)
		send_packet(racer, PACKET_BYTES);
	while (racer->left_bytes > 0 && path_send_room(&racer->path, now_of(racer)) >= PACKET_BYTES)
		if (!send_packet(racer, PACKET_BYTES))
			break;
	set_timer(racer);
}

static uint64_t next_request(const struct racer *racer)
{
	if (racer->path.sent.next == 0 && racer->config->first_bytes > 0)
		return racer->config->first_bytes;
	return racer->config->request_bytes ? racer->config->request_bytes : UINT64_MAX;
}

static void request_event(void *context, void *argument, bool free_it)
{
	struct racer *racer = context;

	(void)argument;
	if (free_it)
		return;
	racer->is_waiting = false;
	racer->request_began_us = now_of(racer);
	racer->left_bytes = next_request(racer);
	pump(racer);
}

/* A lane pings when it comes up, before it has anything to carry. */
static void ping_event(void *context, void *argument, bool free_it)
{
	struct racer *racer = context;

	(void)argument;
	if (free_it || !racer->config->tunnel)
		return;
	send_packet(racer, PING_BYTES);
	set_timer(racer);
}

/* All of the request was acknowledged, or given up as lost (it would go again). */
static void end_request(struct racer *racer)
{
	struct race *race = racer->race;

	if (racer->config->request_bytes == 0 || racer->is_waiting || racer->left_bytes > 0
	    || racer->path.sent.in_flight_pkts > 0)
		return;
	racer->is_waiting = true;
	if (race->is_measuring && race->request_count < REQUESTS_MAX)
		race->requests_us[race->request_count++] =
		    (uint32_t)(now_of(racer) - racer->request_began_us);
	events_add(
	    &race->events, now_of(racer) + racer->config->pause_us, request_event, racer, NULL);
}

static void sender_event(void *context, void *argument, bool free_it)
{
	struct racer *racer = context;

	(void)argument;
	if (free_it || racer->timer_us != now_of(racer))
		return;
	racer->timer_us = UINT64_MAX;
	if (path_timer_us(&racer->path) <= now_of(racer))
		racer->probes_due += path_on_timer(&racer->path, now_of(racer), ignore_fate, NULL);
	end_request(racer);
	pump(racer);
}

static void take_ack(struct race *race, struct sim_packet *packet)
{
	struct race_data data;
	struct racer *racer;

	memcpy(&data, packet->data, sizeof(data));
	sim_packet_free(packet);
	racer = &race->racers[data.racer];
	if (racer->ack_count - data.number <= ACKS_ON_WAY_MAX)
		path_on_ack(&racer->path, &racer->acks[data.number % ACKS_ON_WAY_MAX],
		    race->events.now_us, ignore_fate, NULL);
	end_request(racer);
	pump(racer);
}

static void late_ack_event(void *context, void *argument, bool free_it)
{
	if (free_it)
		sim_packet_free(argument);
	else
		take_ack(context, argument);
}

/* An ACK arrives. */
static void on_ack_packet(void *context, struct sim_packet *packet)
{
	struct race *race = context;
	struct race_data data;
	uint64_t longer_us;

	memcpy(&data, packet->data, sizeof(data));
	longer_us = race->racers[data.racer].config->longer_us;
	if (longer_us > 0)
		events_add(
		    &race->events, race->events.now_us + longer_us, late_ack_event, race, packet);
	else
		take_ack(race, packet);
}

/* Receiving. */

static void ack_timer_event(void *context, void *argument, bool free_it);

static void acknowledge(struct racer *racer)
{
	uint8_t packet[ACK_BYTES] = {0};
	struct race_data data = {racer->index, racer->ack_count};
	struct ack_frame *ack = &racer->acks[racer->ack_count % ACKS_ON_WAY_MAX];
	uint64_t due_us;

	if (received_ack_is_due(&racer->received, now_of(racer))
	    && received_fill_ack(&racer->received, ack, now_of(racer))) {
		received_ack_sent(&racer->received, now_of(racer));
		racer->ack_count++;
		memcpy(packet, &data, sizeof(data));
		link_send(&racer->race->back, NULL, packet, sizeof(packet), 0);
	}
	due_us = received_timer_us(&racer->received);
	if (due_us >= racer->ack_timer_us)
		return;
	racer->ack_timer_us = due_us > now_of(racer) ? due_us : now_of(racer);
	events_add(&racer->race->events, racer->ack_timer_us, ack_timer_event, racer, NULL);
}

static void ack_timer_event(void *context, void *argument, bool free_it)
{
	struct racer *racer = context;

	(void)argument;
	if (free_it || racer->ack_timer_us != now_of(racer))
		return;
	racer->ack_timer_us = UINT64_MAX;
	acknowledge(racer);
}

static void poll_event(void *context, void *argument, bool free_it)
{
	struct racer *racer = context;

	(void)argument;
	if (free_it)
		return;
	racer->poll_is_set = false;
	received_batch_end(&racer->received, racer->rtt_us, now_of(racer));
	acknowledge(racer);
}

static void on_data_packet(void *context, struct sim_packet *packet)
{
	struct race *race = context;
	struct race_data data;
	struct racer *racer;

	memcpy(&data, packet->data, sizeof(data));
	racer = &race->racers[data.racer];
	if (received_check(&racer->received, data.number) == 0) {
		received_add(&racer->received, data.number, true, packet->ecn, race->events.now_us);
		racer->delivered_bytes += packet->length;
	}
	sim_packet_free(packet);
	if (racer->poll_is_set)
		return;
	racer->poll_is_set = true;
	events_add(&race->events, race->events.now_us + rng_below(&race->rng, POLL_DELAY_US),
	    poll_event, racer, NULL);
}

/* Measuring. */

static void sample_event(void *context, void *argument, bool free_it)
{
	struct race *race = context;

	(void)argument;
	if (free_it)
		return;
	if (race->is_measuring && race->queue_count < race->queue_capacity)
		race->queue_us[race->queue_count++] = (uint32_t)link_queue_us(&race->forward);
	events_add(&race->events, race->events.now_us + SAMPLE_US, sample_event, race, NULL);
}

static void measure_event(void *context, void *argument, bool free_it)
{
	struct race *race = context;

	(void)argument;
	if (free_it)
		return;
	race->is_measuring = true;
	for (unsigned i = 0; i < race->config->count; i++) {
		struct racer *racer = &race->racers[i];

		racer->measured_from_bytes = racer->delivered_bytes;
		racer->sent_at_start = racer->path.counters.packets_sent;
		racer->lost_at_start = racer->path.counters.packets_lost;
	}
}

static void trace_event(void *context, void *argument, bool free_it)
{
	struct race *race = context;

	(void)argument;
	if (free_it)
		return;
	for (unsigned i = 0; i < race->config->count; i++) {
		struct racer *racer = &race->racers[i];

		fprintf(stderr,
		    "%8.1f %2u %-7s window %8llu in flight %8llu pace %8.2f Mbit/s path %8.2f "
		    "Mbit/s srtt %7llu min %7llu queue %6llu lost %llu of %llu spurious %llu\n",
		    (double)race->events.now_us / 1e6, i, racer->config->cc->name,
		    (unsigned long long)path_window_bytes(&racer->path),
		    (unsigned long long)racer->path.sent.in_flight_bytes,
		    (double)path_pacing_rate_Bps(&racer->path) * 8e-6,
		    (double)racer->config->cc->path_rate_Bps(racer->path.cc, &racer->path.rtt)
		        * 8e-6,
		    (unsigned long long)racer->path.rtt.smoothed_us,
		    (unsigned long long)racer->path.rtt.min_us,
		    (unsigned long long)link_queue_us(&race->forward),
		    (unsigned long long)racer->path.counters.packets_lost,
		    (unsigned long long)racer->path.counters.packets_sent,
		    (unsigned long long)racer->path.counters.packets_spurious);
	}
	events_add(&race->events, race->events.now_us + TRACE_US, trace_event, race, NULL);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint64_t percentile(uint32_t *values, size_t count, unsigned percent)
{
	qsort(values, count, sizeof(*values), compare);
	return count ? values[(count - 1) * percent / 100] : 0;
}

double race_jain(const double *values, unsigned count)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < count; i++) {
		sum += values[i];
		squares += values[i] * values[i];
	}
	return squares > 0 ? sum * sum / (count * squares) : 0;
}

static void sum_up(struct race *race, struct race_result *result)
{
	const struct race_config *config = race->config;
	double seconds = (double)(config->duration_us - config->measure_from_us) / 1e6;
	uint64_t sent = 0, lost = 0, all_lost = 0, spurious = 0;

	memset(result, 0, sizeof(*result));
	for (unsigned i = 0; i < config->count; i++) {
		struct racer *racer = &race->racers[i];
		const struct path_counters *counters = &racer->path.counters;

		result->goodput_Bps[i] =
		    (double)(racer->delivered_bytes - racer->measured_from_bytes) / seconds;
		result->total_Bps += result->goodput_Bps[i];
		sent += counters->packets_sent - racer->sent_at_start;
		lost += counters->packets_lost - racer->lost_at_start;
		all_lost += counters->packets_lost;
		spurious += counters->packets_spurious;
		result->packets += counters->packets_sent;
	}
	result->jain = race_jain(result->goodput_Bps, config->count);
	result->loss = sent ? (double)lost / (double)sent : 0;
	result->spurious = all_lost ? (double)spurious / (double)all_lost : 0;
	result->queue_p50_us = percentile(race->queue_us, race->queue_count, 50);
	result->queue_p95_us = percentile(race->queue_us, race->queue_count, 95);
	result->request_p50_us = percentile(race->requests_us, race->request_count, 50);
}

/* Beginning and end. */

static void start_racer(struct race *race, unsigned index)
{
	struct racer *racer = &race->racers[index];
	struct path_config config = {
	    .packet_bytes = PACKET_BYTES,
	    .packet_most_bytes = PACKET_BYTES,
	    .cc = race->config->racers[index].cc,
	    .max_ack_delay_us = ACK_DELAY_MAX_US + PTO_GRANULARITY_US,
	    .pto_max_us = PING_DOWN_US,
	};

	if (race->config->racers[index].tunnel)
		config.siblings = (struct path_siblings){
		    .read = read_siblings, .tell = tell_siblings, .context = racer, .order = index};
	racer->race = race;
	racer->index = index;
	racer->config = &race->config->racers[index];
	racer->timer_us = racer->ack_timer_us = UINT64_MAX;
	racer->rtt_us = race->config->forward.delay_us + race->config->back.delay_us;
	received_init(&racer->received);
	if (path_init(&racer->path, &config, START_US + racer->config->start_us) != 0) {
		fprintf(stderr, "no path\n");
		exit(1);
	}
	events_add(&race->events, START_US + racer->config->start_us, ping_event, racer, NULL);
	events_add(&race->events,
	    START_US + racer->config->start_us + (racer->config->tunnel ? PING_BEFORE_US : 0),
	    request_event, racer, NULL);
}

void race_run(const struct race_config *config, struct race_result *result)
{
	struct race race = {.config = config};
	uint64_t end_us = START_US + config->duration_us;

	events_init(&race.events, START_US);
	rng_seed(&race.rng, config->seed);
	link_init(&race.forward, &config->forward, &race.events, &race.rng, on_data_packet, &race);
	link_init(&race.back, &config->back, &race.events, &race.rng, on_ack_packet, &race);
	race.racers = allocate(config->count * sizeof(*race.racers));
	race.queue_capacity = config->duration_us / SAMPLE_US + 2;
	race.queue_us = allocate(race.queue_capacity * sizeof(*race.queue_us));
	race.requests_us = allocate(REQUESTS_MAX * sizeof(*race.requests_us));
	events_add(&race.events, START_US + config->measure_from_us, measure_event, &race, NULL);
	events_add(&race.events, START_US, sample_event, &race, NULL);
	if (config->is_verbose)
		events_add(&race.events, START_US, trace_event, &race, NULL);
	for (unsigned i = 0; i < config->count; i++)
		start_racer(&race, i);
	while (events_run_next(&race.events, end_us))
		;
	sum_up(&race, result);
	events_clear(&race.events);
	for (unsigned i = 0; i < config->count; i++)
		path_clear(&race.racers[i].path);
	free(race.racers);
	free(race.queue_us);
	free(race.requests_us);
}
