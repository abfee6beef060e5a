/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: the process with the data plane of one core.  What listener and endpoint workers share
 * stands here and in worker*.c: the messages from main and keys, the tunnel socket, the lanes and
 * when they send, counters.  What a role does with flows and user sockets is behind worker_role.
 * A worker shares nothing with its siblings but reads their pages; it is started again when it dies.
 */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "base/chunk.h"
#include "base/pin.h"
#include "base/wheel.h"
#include "model/node_config.h"
#include "net/page.h"
#include "tunnel/lane.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct backend_health;
struct explain_answer;
struct explain_question;
struct node_limits;
struct udp_outbox;
struct udp_receiver;
struct worker;

/* What a socket that main opened is for. */
enum worker_socket_kind {
	WORKER_SOCKET_TCP_LISTEN = 1,
	WORKER_SOCKET_UDP_USERS = 2,
};

struct worker_socket {
	uint32_t kind; /* enum worker_socket_kind */
	uint32_t accelerator;
	struct addr local;
};

/*
 * A lane as its role sees it; the context of the lane's callbacks.  It lives as long as the lane:
 * a lane that is dialled again is another one.
 */
struct worker_lane {
	struct worker *worker;
	struct lane *lane;
	char peer_name[NAME_BYTES]; /* the name in the config */
	uint8_t peer_pin[PIN_BYTES];
	uint64_t serial; /* of this worker's lanes, never used twice */
};

/* What a role brings. Each may be NULL where the role has nothing to do. */
struct worker_role {
	enum node_role role;
	/* Endpoint: a flow was opened, see struct lane_callbacks; a listener has NULL. */
	enum reason (*on_open)(
	    struct worker_lane *lane, struct flow *flow, const struct flow_open *open);
	/* Once, before the first config; *state is the role's. A negative error ends the worker. */
	int (*start)(struct worker *worker, void **state);
	/*
	 * The config changed; worker_config() is the new one, `old` (NULL at first) goes after the
	 * call. A negative error ends the worker.
	 */
	int (*on_config)(void *state, const struct node_config *old);
	/* A lane came up, for the first time or again. */
	void (*on_lane_up)(struct worker_lane *lane);
	/* A lane is down: it may come back, or be over later. */
	void (*on_lane_down)(struct worker_lane *lane);
	/* Listener: what the endpoint told, see on_health of struct lane_callbacks. */
	void (*on_peer_health)(
	    struct worker_lane *lane, uint32_t accelerator, uint64_t sequence, uint8_t state);
	/* What changed about the health of backends, see net/health_messages.h. */
	void (*on_health)(void *state, const struct backend_health *changes, size_t count);
	/* A socket lent by main, the role's to close; or main takes that socket back (descriptor -1). */
	void (*on_socket)(void *state, const struct worker_socket *socket, int descriptor);
	/* SIGTERM: accept nothing new; the worker ends when flow_count() is 0 or the drain time is over. */
	void (*on_drain)(void *state);
	/*
	 * Where that flow goes, and why, as the role's own choices have it.  *answer is all zero; what its arrays
	 * point to is freed by schema_clear(). ERR_NOMEM.
	 */
	int (*explain)(
	    void *state, const struct explain_question *question, struct explain_answer *answer);
	/* Flows that are alive by kind, for counters and the drain's end. */
	size_t (*flow_count)(void *state, enum flow_kind kind);
	/* Frees the state after all lanes were freed. */
	void (*stop)(void *state);
};

/* The process's entry (see process_is_child()): runs until main says stop; the exit status. */
int worker_main(const struct worker_role *role);

struct ev_loop *worker_loop(const struct worker *worker);
struct chunk_pool *worker_pool(const struct worker *worker);
/*
 * Idle timeouts and the like, by a wheel of coarse ticks: fires once, up to WORKER_TICK_US late.
 * Set `expired` before the first worker_timer_set(); moving a deadline to later costs nearly nothing.
 */
struct worker_timer {
	struct wheel_timer timer;
	void (*expired)(struct worker_timer *timer);
};
enum { WORKER_TICK_US = 250000 };
void worker_timer_init(struct worker_timer *timer, void (*expired)(struct worker_timer *timer));
void worker_timer_set(struct worker *worker, struct worker_timer *timer, uint64_t deadline_us);
void worker_timer_stop(struct worker *worker, struct worker_timer *timer);
/* The buffers that every UDP socket of this worker receives with, one socket after the other. */
struct udp_receiver *worker_udp_receiver(const struct worker *worker);
/* What on_datagram sends by; it is flushed when the received batch is worked off. */
struct udp_outbox *worker_udp_outbox(const struct worker *worker);
const struct node_config *worker_config(const struct worker *worker);
/* Monotonic microseconds, read once for each round of the loop. */
uint64_t worker_now_us(const struct worker *worker);
void *worker_role_state(const struct worker *worker);
unsigned worker_index(const struct worker *worker);
unsigned worker_count(const struct worker *worker);
/* Addresses of --source, port 0. */
const struct addr *worker_sources(const struct worker *worker, unsigned *count);
/* What tcp_tune_user() is to set on sockets of users and backends. */
const char *worker_user_congestion(const struct worker *worker);
/* The page of counters that this worker writes. */
struct page *worker_page(const struct worker *worker);
/* UDP flows by source, at this worker and its siblings. */
struct flow_counts *worker_udp_sources(struct worker *worker);
/* What flows count for, likewise. */
struct node_limits *worker_limits(struct worker *worker);
/* Uniform bits, not for secrets. */
uint64_t worker_random(struct worker *worker);
bool worker_is_draining(const struct worker *worker);

/* A message of net/worker_messages.h. */
void worker_tell_main(struct worker *worker, uint16_t type, const void *data, size_t length);
/* Calls for each lane that there is; the callee frees none. */
void worker_each_lane(
    struct worker *worker, void (*visit)(void *context, struct worker_lane *lane), void *context);

/* Listener: the lane to that endpoint, or NULL when it is not up. */
struct worker_lane *worker_lane_to(struct worker *worker, const char *peer_name);
/*
 * The lane has something to send: it is served before this round of the loop ends. Call it after
 * flow_open(), flow_write(), flow_finish(), flow_reset(), flow_resume(), flow_send_datagram().
 */
void worker_touch(struct worker *worker, struct lane *lane);

#endif
