/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TCP socket joined to one flow.  Order of the ends: the socket has SO_LINGER {1, 0} from its
 * first moment, so that whatever kills this process resets the user's connection instead of ending
 * it cleanly in the middle; only when both directions were finished and acknowledged is it cleared.
 */
#include "net/tcp_relay.h"

#include "base/err.h"
#include "net/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_BUDGET_BYTES =
	    TCP_READ_CHUNKS * CHUNK_BYTES, /* of one relay in one round of the loop */
	TAIL_MIN_BYTES = 2048,             /* a chunk with less room left is given back */
};
#define LOOK_US UINT64_C(1000000)
static const double STARVED_RETRY_S = 0.02;
static const double SLOWED_RETRY_S = 0.02;
enum { SLOWED_TURNS = 256 }; /* of flows that wait for bytes, each time */

static struct page *page_of(const struct tcp_relay *relay)
{
	return worker_page(relay->shared->worker);
}

static void touch(struct tcp_relay *relay)
{
	worker_touch(relay->shared->worker, flow_lane(relay->flow));
}

static void stop_watching(struct tcp_relay *relay)
{
	struct worker *worker = relay->shared->worker;

	ev_io_stop(worker_loop(worker), &relay->reader);
	ev_io_stop(worker_loop(worker), &relay->writer);
	list_del(&relay->starved);
	list_del(&relay->slowed);
}

/* The linger option decides whether this is a reset or an orderly end. */
static void close_socket(struct tcp_relay *relay)
{
	stop_watching(relay);
	flow_life_stop(&relay->life);
	worker_timer_stop(relay->shared->worker, &relay->look);
	if (relay->descriptor >= 0)
		close(relay->descriptor);
	relay->descriptor = -1;
	relay->is_connected = false;
}

/* ---- from the socket to the lane ---- */

/* The room for the next read: at most `limit` bytes in the shared chunks. */
static int read_space(struct tcp_relays *shared, size_t limit, struct iovec *pieces)
{
	int count = 0;

	if (shared->chunks[0] && chunk_left(shared->chunks[0]) < TAIL_MIN_BYTES) {
		chunk_unref(shared->chunks[0]);
		shared->chunks[0] = NULL;
	}
	for (int i = 0; i < TCP_READ_CHUNKS && limit > 0; i++) {
		struct chunk *chunk = shared->chunks[i];

		if (!chunk && !(chunk = shared->chunks[i] = chunk_get(worker_pool(shared->worker))))
			break;
		size_t room = chunk_left(chunk) < limit ? chunk_left(chunk) : limit;
		pieces[count++] = (struct iovec){chunk->data + chunk->used_bytes, room};
		limit -= room;
	}
	return count;
}

/* Hands `length` bytes that were read into the shared chunks to the lane. */
static int write_to_flow(struct tcp_relay *relay, size_t length)
{
	struct tcp_relays *shared = relay->shared;
	int error = 0;

	for (int i = 0; length > 0; i++) {
		struct chunk *chunk = shared->chunks[i];
		uint32_t part = (uint32_t)(chunk_left(chunk) < length ? chunk_left(chunk) : length);
		struct slice slice = {.chunk = chunk, .offset = chunk->used_bytes, .length = part};

		chunk->used_bytes += part;
		length -= part;
		if (!error)
			error = flow_write(relay->flow, &slice);
	}
	return error;
}

/* Used-up chunks leave the front, so that the partly used one is the first again. */
static void drop_full_chunks(struct tcp_relays *shared)
{
	while (shared->chunks[0] && chunk_left(shared->chunks[0]) == 0) {
		chunk_unref(shared->chunks[0]);
		for (int i = 1; i < TCP_READ_CHUNKS; i++)
			shared->chunks[i - 1] = shared->chunks[i];
		shared->chunks[TCP_READ_CHUNKS - 1] = NULL;
	}
}

static void look_later(struct tcp_relay *relay)
{
	struct worker *worker = relay->shared->worker;

	worker_timer_set(worker, &relay->look, worker_now_us(worker) + LOOK_US);
}

static void on_look(struct worker_timer *timer)
{
	struct tcp_relay *relay = LIST_ENTRY(timer, struct tcp_relay, look);

	if (ev_is_active(&relay->reader))
		return;
	if (tcp_connect_result(relay->descriptor) < 0)
		tcp_relay_abort(relay, REASON_TCP_RESET);
	else
		look_later(relay);
}

/* No event tells of a reset from here on. */
static void stop_reading(struct tcp_relay *relay)
{
	ev_io_stop(worker_loop(relay->shared->worker), &relay->reader);
	if (!wheel_timer_is_set(&relay->look.timer)) /* who starves stops again and again */
		look_later(relay);
}

static void starve(struct tcp_relay *relay)
{
	struct tcp_relays *shared = relay->shared;
	struct ev_loop *loop = worker_loop(shared->worker);

	stop_reading(relay);
	if (!list_is_linked(&relay->starved))
		list_add_tail(&shared->starved, &relay->starved);
	if (!ev_is_active(&shared->retry)) {
		ev_timer_set(&shared->retry, STARVED_RETRY_S, 0.);
		ev_timer_start(loop, &shared->retry);
	}
}

/* ---- bytes a second ---- */

static bool is_metered(const struct tcp_relay *relay)
{
	return relay->limits && relay->limits->is_metered;
}

static void start_pace(struct tcp_relays *shared)
{
	if (ev_is_active(&shared->pace))
		return;
	ev_timer_set(&shared->pace, SLOWED_RETRY_S, 0.);
	ev_timer_start(worker_loop(shared->worker), &shared->pace);
}

static unsigned bit_of(enum flow_way way)
{
	return 1u << way;
}

/* Whoever comes first takes all that there is: so those that had some go behind those that had none. */
static void wait_for_turn(struct tcp_relay *relay, enum flow_way way)
{
	struct tcp_relays *shared = relay->shared;

	if (!(relay->used_ways & bit_of(way)))
		list_move_tail(&shared->slowed, &relay->slowed);
	else if (!list_is_linked(&relay->slowed))
		list_add_tail(&shared->served, &relay->slowed);
	relay->used_ways &= ~bit_of(way);
	relay->waiting_ways |= bit_of(way);
	start_pace(shared);
}

/* How much may be read or written now; 0: the relay gets its turn when there may be more. */
static size_t take_turn(struct tcp_relay *relay, enum flow_way way)
{
	struct worker *worker = relay->shared->worker;
	uint64_t left;

	if (relay->waiting_ways & bit_of(way))
		return 0;
	left = flow_limits_left(worker_limits(worker), relay->limits, way, worker_now_us(worker));
	if (left > 0)
		return left < SIZE_MAX ? (size_t)left : SIZE_MAX;
	wait_for_turn(relay, way);
	return 0;
}

static void use_bytes(struct tcp_relay *relay, enum flow_way way, size_t bytes)
{
	struct worker *worker = relay->shared->worker;

	if (!is_metered(relay) || bytes == 0)
		return;
	flow_limits_use(worker_limits(worker), relay->limits, way, bytes, worker_now_us(worker));
	relay->used_ways |= bit_of(way);
}

/* ---- reading ---- */

static void finish_reading(struct tcp_relay *relay)
{
	relay->has_finished = true;
	stop_reading(relay);
	flow_finish(relay->flow);
	touch(relay);
}

/* NULL without memory. */
static struct relay_scratch *scratch_of(struct tcp_relays *shared)
{
	if (!shared->scratch)
		shared->scratch = malloc(sizeof(*shared->scratch));
	return shared->scratch;
}

/* As readv(); *made is how many bytes of the stream are in the pieces then. */
static ssize_t read_pieces(
    struct tcp_relay *relay, const struct iovec *pieces, int count, size_t *made)
{
	ssize_t length;

	if (!relay->is_compressed) {
		length = readv(relay->descriptor, pieces, count);
		*made = length > 0 ? (size_t)length : 0;
		return length;
	}
	length = relay_blocks_read(
	    &relay->blocks, relay->shared->scratch, relay->descriptor, pieces, count, made);
	if (length > 0) {
		page_add(page_of(relay), PAGE_compression_before_bytes, (uint64_t)length);
		page_add(page_of(relay), PAGE_compression_after_bytes, *made);
	}
	return length;
}

/* The room for so many bytes of a compressed flow, a block at least. */
static size_t room_of_blocks(size_t bytes)
{
	if (bytes >= READ_BUDGET_BYTES)
		return READ_BUDGET_BYTES;
	if (bytes < COMPRESSION_BLOCK_BYTES)
		bytes = COMPRESSION_BLOCK_BYTES;
	return bytes
	       + (bytes + COMPRESSION_BLOCK_BYTES - 1) / COMPRESSION_BLOCK_BYTES
	             * COMPRESSION_STORED_BYTES;
}

/* Reads once; false when there is nothing more to read now. */
static bool read_some(struct tcp_relay *relay)
{
	struct iovec pieces[TCP_READ_CHUNKS];
	size_t room = flow_write_room(relay->flow), made;

	if (room < (relay->is_compressed ? RELAY_BLOCKS_ROOM_MIN
	                                 : 1)) { /* on_writable starts it again */
		stop_reading(relay);
		return false;
	}
	size_t wanted = room < READ_BUDGET_BYTES ? room : READ_BUDGET_BYTES;
	if (is_metered(relay)) {
		size_t left = take_turn(relay, FLOW_WAY_READ);

		if (left == 0) {
			stop_reading(relay);
			return false;
		}
		left = relay->is_compressed ? room_of_blocks(left) : left;
		wanted = left < wanted ? left : wanted;
	}
	int count = read_space(relay->shared, wanted, pieces);
	if (count == 0 || (relay->is_compressed && !scratch_of(relay->shared))) {
		starve(relay);
		return false;
	}
	ssize_t length = read_pieces(relay, pieces, count, &made);
	if (length == 0)
		finish_reading(relay);
	else if (length < 0 && errno != EAGAIN && errno != EINTR)
		tcp_relay_abort(relay, REASON_TCP_RESET);
	if (length <= 0)
		return false;
	if (relay->bytes_in == 0 && relay->on_first_byte)
		relay->on_first_byte(relay);
	relay->bytes_in += (uint64_t)length;
	page_add(page_of(relay), PAGE_tcp_received_bytes, (uint64_t)length);
	if (relay->counts)
		accelerator_add(relay->counts, ACCELERATOR_tcp_received, (uint64_t)length);
	use_bytes(relay, FLOW_WAY_READ, (size_t)length);
	flow_life_active(&relay->life);
	int error = write_to_flow(relay, made);
	drop_full_chunks(relay->shared);
	if (error) {
		tcp_relay_abort(relay, REASON_INTERNAL);
		return false;
	}
	touch(relay);
	return (size_t)length == wanted;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	read_some(watcher->data);
}

/* Reads itself: the loop would call the readers in an order of its own. */
static void have_turn(struct tcp_relay *relay)
{
	list_del(&relay->slowed);
	relay->waiting_ways = 0;
	if (!relay->has_finished) {
		ev_io_start(worker_loop(relay->shared->worker), &relay->reader);
		read_some(relay);
	}
	touch(relay);
	flow_resume(relay->flow); /* last: the flow may end by it, and the relay with it */
}

static void on_pace(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct tcp_relays *shared = timer->data;
	struct list_node turns;

	(void)loop;
	(void)events;
	list_init(&turns);
	list_splice_tail(&shared->slowed, &shared->served);
	for (int i = 0; i < SLOWED_TURNS && !list_is_empty(&shared->slowed); i++)
		list_move_tail(&turns, shared->slowed.next);
	while (!list_is_empty(&turns))
		have_turn(LIST_ENTRY(turns.next, struct tcp_relay, slowed));
	if (!list_is_empty(&shared->slowed) || !list_is_empty(&shared->served))
		start_pace(shared);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct tcp_relays *shared = timer->data;
	struct list_node taken;

	(void)events;
	list_init(&taken);
	while (!list_is_empty(&shared->starved)) {
		struct tcp_relay *relay =
		    LIST_ENTRY(shared->starved.next, struct tcp_relay, starved);
		list_del(&relay->starved);
		list_add_tail(&taken, &relay->starved);
	}
	while (!list_is_empty(&taken)) {
		struct tcp_relay *relay = LIST_ENTRY(taken.next, struct tcp_relay, starved);
		list_del(&relay->starved);
		if (!relay->has_finished)
			ev_io_start(loop, &relay->reader);
		if (relay->is_compressed)
			flow_resume(relay->flow); /* last, as below */
	}
}

/* ---- from the lane to the socket ---- */

static void on_socket_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct tcp_relay *relay = watcher->data;

	(void)events;
	ev_io_stop(loop, watcher);
	touch(relay);
	flow_resume(relay->flow); /* last: the flow may end by it, and the relay with it */
}

static void note_written(struct tcp_relay *relay, size_t length)
{
	relay->bytes_out += length;
	page_add(page_of(relay), PAGE_tcp_sent_bytes, length);
	if (relay->counts)
		accelerator_add(relay->counts, ACCELERATOR_tcp_sent, length);
	use_bytes(relay, FLOW_WAY_WRITTEN, length);
	flow_life_active(&relay->life);
}

/* Goes on as soon as it may. */
static void write_later(struct tcp_relay *relay)
{
	if (!is_metered(relay) || take_turn(relay, FLOW_WAY_WRITTEN) > 0)
		ev_io_start(worker_loop(relay->shared->worker), &relay->writer);
}

static size_t take_blocks(
    struct tcp_relay *relay, const struct iovec *pieces, int count, size_t total, size_t most)
{
	struct tcp_relays *shared = relay->shared;
	struct relay_memory memory = {worker_pool(shared->worker), flow_budget(relay->flow)};
	struct relay_blocks_written result = {.error = ERR_NOMEM};

	if (scratch_of(shared))
		result = relay_blocks_write(&relay->blocks, shared->scratch, &memory,
		    relay->descriptor, pieces, count, most);
	note_written(relay, result.written);
	switch (result.error) {
	case 0:
		if (result.taken < total)
			write_later(relay);
		break;
	case ERR_AGAIN:
		ev_io_start(worker_loop(shared->worker), &relay->writer);
		break;
	case ERR_NOMEM:
		starve(relay);
		break;
	case ERR_MALFORMED:
		page_count(page_of(relay), PAGE_compression_malformed);
		tcp_relay_abort(relay, REASON_PROTOCOL);
		return total;
	default:
		tcp_relay_abort(relay, REASON_TCP_RESET);
		return total;
	}
	return result.taken;
}

/* As writev(), of the first `most` bytes: whole pieces, or else a part of the first. */
static ssize_t write_pieces(
    struct tcp_relay *relay, const struct iovec *pieces, int count, size_t most)
{
	size_t length = 0;
	int whole = 0;

	while (whole < count && pieces[whole].iov_len <= most - length)
		length += pieces[whole++].iov_len;
	if (whole == 0)
		return write(relay->descriptor, pieces[0].iov_base, most);
	return writev(relay->descriptor, pieces, whole);
}

size_t tcp_relay_on_data(void *object, const struct iovec *pieces, int count)
{
	struct tcp_relay *relay = object;
	size_t total = 0, left = SIZE_MAX;

	if (!relay->is_connected)
		return 0;
	for (int i = 0; i < count; i++)
		total += pieces[i].iov_len;
	if (is_metered(relay) && (left = take_turn(relay, FLOW_WAY_WRITTEN)) == 0)
		return 0;
	if (relay->is_compressed)
		return take_blocks(relay, pieces, count, total, left);
	ssize_t written = left < total ? write_pieces(relay, pieces, count, left)
	                               : writev(relay->descriptor, pieces, count);
	if (written < 0 && errno != EAGAIN && errno != EINTR) {
		tcp_relay_abort(relay, REASON_TCP_RESET);
		return total;
	}
	size_t taken = written > 0 ? (size_t)written : 0;
	note_written(relay, taken);
	if (taken < total)
		write_later(relay);
	return taken;
}

/* Told once only: before there is a socket it is kept for tcp_relay_start(). */
void tcp_relay_on_finish(void *object)
{
	struct tcp_relay *relay = object;

	if (!relay_blocks_is_whole(&relay->blocks)) {
		page_count(page_of(relay), PAGE_compression_malformed);
		tcp_relay_abort(relay, REASON_PROTOCOL);
		return;
	}
	relay->is_peer_finished = true;
	if (relay->is_connected)
		shutdown(relay->descriptor, SHUT_WR);
}

static void on_reset(void *relay, enum reason reason)
{
	tcp_relay_abort(relay, reason);
}

void tcp_relay_on_writable(void *object)
{
	struct tcp_relay *relay = object;

	if (relay->is_connected && !relay->has_finished && !list_is_linked(&relay->starved))
		ev_io_start(worker_loop(relay->shared->worker), &relay->reader);
}

/* ---- life ---- */

void tcp_relay_on_closed(void *object, enum reason reason)
{
	struct tcp_relay *relay = object;

	if (reason == REASON_NONE && relay->descriptor >= 0)
		tcp_allow_fin(relay->descriptor);
	close_socket(relay);
	relay_blocks_clear(&relay->blocks, flow_budget(relay->flow));
	page_count(
	    page_of(relay), reason == REASON_NONE ? PAGE_tcp_flows_closed : PAGE_tcp_flows_reset);
	relay->flow = NULL;
	relay->on_end(relay, reason);
}

void tcp_relay_abort(struct tcp_relay *relay, enum reason reason)
{
	close_socket(relay);
	if (!relay->flow)
		return;
	flow_reset(relay->flow, reason);
	touch(relay);
}

static void on_expired(struct flow_life *life, enum reason reason)
{
	struct tcp_relay *relay = LIST_ENTRY(life, struct tcp_relay, life);

	if (reason == REASON_IDLE)
		page_count(page_of(relay), PAGE_tcp_idle_closed);
	tcp_relay_abort(relay, reason);
}

const struct flow_handler tcp_relay_handler = {
    .on_data = tcp_relay_on_data,
    .on_finish = tcp_relay_on_finish,
    .on_reset = on_reset,
    .on_writable = tcp_relay_on_writable,
    .on_closed = tcp_relay_on_closed,
};

void tcp_relay_start(struct tcp_relay *relay, int descriptor)
{
	relay->descriptor = descriptor;
	relay->is_connected = true;
	ev_io_set(&relay->reader, descriptor, EV_READ);
	ev_io_set(&relay->writer, descriptor, EV_WRITE);
	flow_life_active(&relay->life);
	ev_io_start(worker_loop(relay->shared->worker), &relay->reader);
	if (relay->is_peer_finished)
		shutdown(descriptor, SHUT_WR);
	read_some(relay);
	touch(relay);
	flow_resume(relay->flow); /* last, as above */
}

void tcp_relay_init(struct tcp_relay *relay, const struct flow_handler *handler,
    struct tcp_relays *shared, struct flow *flow, uint64_t idle_timeout_us,
    void (*on_end)(struct tcp_relay *relay, enum reason reason))
{
	*relay = (struct tcp_relay){
	    .handler = handler,
	    .shared = shared,
	    .flow = flow,
	    .descriptor = -1,
	    .on_end = on_end,
	};
	ev_init(&relay->reader, on_readable);
	ev_init(&relay->writer, on_socket_writable);
	relay->reader.data = relay;
	relay->writer.data = relay;
	list_init(&relay->starved);
	list_init(&relay->slowed);
	worker_timer_init(&relay->look, on_look);
	flow_life_init(&relay->life, shared->worker, idle_timeout_us, on_expired);
	flow_set_user(flow, relay);
}

void tcp_relay_limit(struct tcp_relay *relay, const struct flow_limits *limits)
{
	relay->limits = limits;
}

void tcp_relay_compress(struct tcp_relay *relay)
{
	relay->is_compressed = true;
}

void tcp_relays_init(struct tcp_relays *shared, struct worker *worker)
{
	*shared = (struct tcp_relays){.worker = worker};
	list_init(&shared->starved);
	ev_init(&shared->retry, on_retry);
	shared->retry.data = shared;
	list_init(&shared->slowed);
	list_init(&shared->served);
	ev_init(&shared->pace, on_pace);
	shared->pace.data = shared;
}

void tcp_relays_clear(struct tcp_relays *shared)
{
	ev_timer_stop(worker_loop(shared->worker), &shared->retry);
	ev_timer_stop(worker_loop(shared->worker), &shared->pace);
	free(shared->scratch);
	shared->scratch = NULL;
	for (int i = 0; i < TCP_READ_CHUNKS; i++) {
		chunk_unref(shared->chunks[i]);
		shared->chunks[i] = NULL;
	}
}
