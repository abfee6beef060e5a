/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker_double.h. */
#include "config.h"

#include "tests/support/worker_double.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "net/udp.h"
#include "net/udp_outbox.h"
#include "tests/unit/cmocka_all.h"

#include <sodium.h>
#include <string.h>

enum {
	POOL_BYTES = 64 * 1024 * 1024,
	PACKET_BYTES = 1200,
	ROUND_US = 1000,
	CARRY_ROUNDS = 100,
	MAX_FLOWS = 10,
	SETTLE_MS = 5,
};

/* ---- what code under test asks of its worker ---- */

struct ev_loop *worker_loop(const struct worker *worker)
{
	return worker->loop;
}

struct chunk_pool *worker_pool(const struct worker *worker)
{
	return worker->pool;
}

struct udp_receiver *worker_udp_receiver(const struct worker *worker)
{
	return worker->receiver;
}

struct udp_outbox *worker_udp_outbox(const struct worker *worker)
{
	return worker->outbox;
}

const struct node_config *worker_config(const struct worker *worker)
{
	return worker->config;
}

uint64_t worker_now_us(const struct worker *worker)
{
	return worker->now_us;
}

void *worker_role_state(const struct worker *worker)
{
	return worker->role_state;
}

unsigned worker_index(const struct worker *worker)
{
	(void)worker;
	return 0;
}

unsigned worker_count(const struct worker *worker)
{
	return worker->count;
}

const struct addr *worker_sources(const struct worker *worker, unsigned *count)
{
	*count = worker->source_count;
	return worker->sources;
}

const char *worker_user_congestion(const struct worker *worker)
{
	return worker->user_congestion;
}

struct page *worker_page(const struct worker *worker)
{
	return worker->page;
}

struct flow_counts *worker_udp_sources(struct worker *worker)
{
	return &worker->udp_sources;
}

struct node_limits *worker_limits(struct worker *worker)
{
	return &worker->limits;
}

uint64_t worker_random(struct worker *worker)
{
	return rng_next(&worker->rng);
}

bool worker_is_draining(const struct worker *worker)
{
	return worker->is_draining;
}

void worker_tell_main(struct worker *worker, uint16_t type, const void *data, size_t length)
{
	worker->told_type = type;
	worker->told_bytes = length < sizeof(worker->told) ? length : sizeof(worker->told);
	memcpy(worker->told, data, worker->told_bytes);
}

void worker_each_lane(
    struct worker *worker, void (*visit)(void *context, struct worker_lane *lane), void *context)
{
	LIST_FOREACH (joint, &worker->joints, struct joint, node)
		visit(context, &joint->near);
}

/* Lanes are served in every round, busy or not. */
void worker_touch(struct worker *worker, struct lane *lane)
{
	(void)worker;
	(void)lane;
}

void worker_timer_init(struct worker_timer *timer, void (*expired)(struct worker_timer *timer))
{
	wheel_timer_init(&timer->timer);
	timer->expired = expired;
}

void worker_timer_set(struct worker *worker, struct worker_timer *timer, uint64_t deadline_us)
{
	wheel_rearm(&worker->wheel, &timer->timer, deadline_us);
}

void worker_timer_stop(struct worker *worker, struct worker_timer *timer)
{
	wheel_del(&worker->wheel, &timer->timer);
}

struct worker_lane *worker_lane_to(struct worker *worker, const char *peer_name)
{
	LIST_FOREACH (joint, &worker->joints, struct joint, node) {
		if (!joint->near.lane || strcmp(joint->near.peer_name, peer_name))
			continue;
		enum lane_state state = lane_state(joint->near.lane);
		return state == LANE_UP || state == LANE_SUSPECT ? &joint->near : NULL;
	}
	return NULL;
}

/* ---- its life ---- */

int double_init(void)
{
	return sodium_init() < 0 ? ERR_IO : keyed_hash_init();
}

void double_start(struct worker *worker)
{
	memset(worker, 0, sizeof *worker);
	worker->now_us = 1000000;
	worker->count = 1;
	worker->loop = ev_loop_new(0);
	worker->pool = chunk_pool_new(POOL_BYTES);
	worker->receiver = udp_receiver_new();
	worker->page = calloc(1, sizeof *worker->page);
	assert_true(worker->loop && worker->pool && worker->receiver && worker->page);
	worker->udp_sources.own = &worker->page->udp_sources;
	node_limits_init(&worker->limits, worker->page, worker->udp_sources.key);
	worker->outbox = udp_outbox_new(worker->page);
	assert_non_null(worker->outbox);
	wheel_init(&worker->wheel, worker->now_us, WORKER_TICK_US);
	rng_seed(&worker->rng, 1);
	list_init(&worker->joints);
}

void double_stop(struct worker *worker)
{
	assert_true(list_is_empty(&worker->joints));
	assert_int_equal(chunk_pool_used_bytes(worker->pool), 0);
	chunk_pool_free(worker->pool);
	udp_receiver_free(worker->receiver);
	udp_outbox_free(worker->outbox);
	free(worker->page);
	ev_loop_destroy(worker->loop);
}

/* Everything that one lane has to send now, to the other; true when there was something. */
static bool carry(const struct joint *joint, struct lane *from, struct lane *to)
{
	static uint8_t buffer[65536];
	struct lane_batch batch = {.data = buffer, .size_bytes = sizeof buffer};
	uint64_t now_us = joint->worker->now_us;

	if (!from || lane_send(from, &batch, now_us) == 0)
		return false;
	if (!to || joint->is_cut)
		return true;
	for (size_t at = 0; at < batch.length_bytes; at += batch.segment_bytes) {
		size_t left = batch.length_bytes - at;

		lane_receive(to, buffer + at,
		    left < batch.segment_bytes ? left : batch.segment_bytes, batch.route, 0,
		    now_us);
	}
	lane_receive_done(to, now_us);
	udp_outbox_flush(joint->worker->outbox);
	return true;
}

static void serve(struct joint *joint)
{
	uint64_t now_us = joint->worker->now_us;

	for (int i = 0; i < CARRY_ROUNDS; i++)
		if (!(carry(joint, joint->near.lane, joint->far)
		        | carry(joint, joint->far, joint->near.lane)))
			break;
	if (joint->near.lane)
		lane_on_timer(joint->near.lane, now_us);
	if (joint->far)
		lane_on_timer(joint->far, now_us);
}

static void on_expired(void *context, struct wheel_timer *timer)
{
	struct worker_timer *expired = LIST_ENTRY(timer, struct worker_timer, timer);

	(void)context;
	expired->expired(expired);
}

void double_run(struct worker *worker, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		worker->now_us += ROUND_US;
		ev_run(worker->loop, EVRUN_NOWAIT);
		LIST_FOREACH (joint, &worker->joints, struct joint, node)
			serve(joint);
		wheel_advance(&worker->wheel, worker->now_us, 1000, on_expired, NULL);
	}
}

/* ---- lanes ---- */

static void ignore_state(
    void *context, struct lane *lane, enum lane_state state, enum reason reason, const char *text)
{
	(void)context;
	(void)lane;
	(void)state;
	(void)reason;
	(void)text;
}

static void ignore_rtt(void *context, struct lane *lane, uint64_t rtt_us)
{
	(void)context;
	(void)lane;
	(void)rtt_us;
}

static void complete(struct lane_callbacks *own, const struct lane_callbacks *callbacks)
{
	*own = *callbacks;
	own->on_state = ignore_state;
	own->on_rtt = ignore_rtt;
}

static void make_lane(struct lane **lane, struct worker *worker,
    const struct joint_options *options, enum lane_role role,
    const struct lane_callbacks *callbacks, void *context)
{
	struct lane_config config = {
	    .role = role,
	    .local_id = role == LANE_LISTENER ? 1 : 2,
	    .remote_id = role == LANE_LISTENER ? 2 : 1,
	    .aead = AEAD_CHACHA20POLY1305,
	    .packet_bytes = PACKET_BYTES,
	    .max_flows = options->max_flows ? options->max_flows : MAX_FLOWS,
	    .memory_bytes = JOINT_LANE_BYTES,
	    .pool = worker->pool,
	    .callbacks = callbacks,
	    .context = context,
	};

	memset(config.send_secret, role == LANE_LISTENER ? 1 : 2, sizeof config.send_secret);
	memset(config.receive_secret, role == LANE_LISTENER ? 2 : 1, sizeof config.receive_secret);
	assert_int_equal(lane_new(lane, &config, worker->now_us), 0);
}

void joint_open(struct joint *joint, struct worker *worker, const struct joint_options *options)
{
	enum lane_role far_role = options->role == LANE_LISTENER ? LANE_ENDPOINT : LANE_LISTENER;

	memset(joint, 0, sizeof *joint);
	joint->worker = worker;
	joint->near.worker = worker;
	snprintf(joint->near.peer_name, sizeof joint->near.peer_name, "%s", options->peer_name);
	complete(&joint->near_callbacks, options->near);
	complete(&joint->far_callbacks, options->far);
	make_lane(&joint->near.lane, worker, options, options->role, &joint->near_callbacks,
	    &joint->near);
	make_lane(
	    &joint->far, worker, options, far_role, &joint->far_callbacks, options->far_context);
	list_add_tail(&worker->joints, &joint->node);
	double_run(worker, SETTLE_MS);
	assert_int_equal(lane_state(joint->near.lane), LANE_UP);
	assert_int_equal(lane_state(joint->far), LANE_UP);
}

void joint_lose_near(struct joint *joint)
{
	struct lane *lane = joint->near.lane;

	joint->near.lane = NULL;
	lane_free(lane);
}

void joint_close(struct joint *joint)
{
	if (!joint->worker)
		return;
	joint_lose_near(joint);
	lane_free(joint->far);
	list_del(&joint->node);
	memset(joint, 0, sizeof *joint);
}
