/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a path does to a packet: queue and rate, loss (independent, in bursts of packets or in
 * outages of time: Gilbert's two-state model), corruption, delay, jitter, reordering, a second
 * copy now or seconds later; and the packets in flight, a heap ordered by due time.
 */
#include "tests/lab/wanem.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	IPV6_HEADER_BYTES = 40,
	TCP_HEADER_BYTES = 20,
	UDP_HEADER_BYTES = 8,
	UDP_CHECKSUM_AT = 6,
	REPLAY_MIN_S = 1,
	REPLAY_SPREAD_S = 4,
	IDLE_RESET_S = 3600,
};

static struct packet **heap;
static size_t heap_count, heap_room;
static struct packet *free_packets;
static uint64_t next_order, rng_state[2];

/* xorshift128+, seeded by splitmix64, so that a seed repeats a run's coin tosses. */
static uint64_t random_bits(void)
{
	uint64_t a = rng_state[0], b = rng_state[1];

	rng_state[0] = b;
	a ^= a << 23;
	rng_state[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
	return rng_state[1] + b;
}

void path_seed_random(uint64_t seed)
{
	for (int i = 0; i < 2; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15u);
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		rng_state[i] = z ^ (z >> 31);
	}
}

static double uniform(void)
{
	return (double)(random_bits() >> 11) * 0x1p-53;
}

static double exponential(double mean)
{
	return -log1p(-uniform()) * mean;
}

static bool chance(double percent)
{
	return percent > 0 && uniform() * 100 < percent;
}

static uint64_t ms_to_ns(double ms)
{
	return (uint64_t)(ms * 1e6);
}

static bool is_before(const struct packet *a, const struct packet *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void flight_add(struct packet *packet)
{
	if (heap_count == heap_room) {
		heap_room = heap_room ? 2 * heap_room : 1024;
		heap = realloc(heap, heap_room * sizeof *heap);
		if (!heap)
			die("out of memory");
	}
	packet->order = next_order++;
	size_t i = heap_count++;
	while (i > 0 && is_before(packet, heap[(i - 1) / 2])) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = packet;
}

const struct packet *flight_first(void)
{
	return heap_count ? heap[0] : NULL;
}

struct packet *flight_take(void)
{
	struct packet *top = heap[0], *last = heap[--heap_count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < heap_count) {
		if (child + 1 < heap_count && is_before(heap[child + 1], heap[child]))
			child++;
		if (!is_before(heap[child], last))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return top;
}

struct packet *packet_new(void)
{
	struct packet *packet = free_packets;

	if (packet)
		free_packets = packet->next_free;
	else if (!(packet = malloc(sizeof *packet)))
		die("out of memory");
	return packet;
}

void packet_free(struct packet *packet)
{
	packet->next_free = free_packets;
	free_packets = packet;
}

static struct packet *packet_copy(const struct packet *packet)
{
	struct packet *copy = packet_new();

	memcpy(copy, packet, offsetof(struct packet, data) + packet->length_bytes);
	return copy;
}

/* Good and bad spells alternate in time, both exponential; their means give the share lost. */
static bool is_in_outage(struct path *path, double share, uint64_t now_ns)
{
	/* Long idle: start afresh rather than catch up. */
	if (path->turn_ns + (uint64_t)IDLE_RESET_S * NS_PER_S < now_ns)
		path->turn_ns = now_ns;
	while (path->turn_ns <= now_ns) {
		path->in_burst = !path->in_burst;
		double mean_ms = path->outage_ms;
		if (!path->in_burst)
			mean_ms *= (1 - share) / share;
		path->turn_ns += ms_to_ns(exponential(mean_ms)) + 1;
	}
	return path->in_burst;
}

static bool is_lost(struct path *path, uint64_t now_ns)
{
	double share = path->loss_pct / 100;

	if (share <= 0 || share >= 1)
		return share >= 1;
	if (path->outage_ms > 0)
		return is_in_outage(path, share, now_ns);
	if (path->burst_pkts <= 1)
		return chance(path->loss_pct);
	double leave = 1 / path->burst_pkts, enter = leave * share / (1 - share);
	path->in_burst = path->in_burst ? uniform() >= leave : uniform() < enter;
	return path->in_burst;
}

static size_t ip_header_bytes(const uint8_t *data)
{
	return data[0] >> 4 == 4 ? 4u * (data[0] & 15u) : IPV6_HEADER_BYTES;
}

/* Only where a whole UDP header is: not in a fragment behind the first. */
static bool has_udp_header(const uint8_t *data)
{
	if (data[0] >> 4 != 4)
		return data[6] == IPPROTO_UDP;
	return data[9] == IPPROTO_UDP && !(data[6] & 0x1f) && !data[7];
}

static uint32_t word_at(const struct packet *packet, size_t at)
{
	uint32_t low = at + 1 < packet->length_bytes ? packet->data[at + 1] : 0;

	return (uint32_t)packet->data[at] << 8 | low;
}

/* RFC 1624: the checksum that goes with one word changed. */
static uint32_t checksum_adjust(uint32_t checksum, uint32_t old_word, uint32_t new_word)
{
	uint32_t sum = (~checksum & 0xffff) + (~old_word & 0xffff) + new_word;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	return sum ? sum : 0xffff;
}

/* Flips one bit behind the transport header; false if there is none. A UDP checksum is mended, so
 * that the receiving program sees the damage. */
static bool corrupt(struct packet *packet)
{
	uint8_t *data = packet->data;
	size_t header = ip_header_bytes(data);
	bool is_udp = has_udp_header(data);
	size_t payload = header + (is_udp ? UDP_HEADER_BYTES : TCP_HEADER_BYTES);

	if (packet->length_bytes <= payload)
		return false;
	size_t bit = random_bits() % (8u * (packet->length_bytes - payload));
	size_t at = payload + bit / 8, word = at - (at - header) % 2;
	uint32_t old_word = word_at(packet, word);
	data[at] ^= (uint8_t)(1u << bit % 8);
	uint32_t old_checksum = word_at(packet, header + UDP_CHECKSUM_AT);
	if (is_udp && old_checksum) {
		uint32_t sum = checksum_adjust(old_checksum, old_word, word_at(packet, word));
		data[header + UDP_CHECKSUM_AT] = (uint8_t)(sum >> 8);
		data[header + UDP_CHECKSUM_AT + 1] = (uint8_t)sum;
	}
	return true;
}

/* When the last bit will have left; 0 when the queue is full. */
static uint64_t queue_leave_ns(struct path *path, const struct packet *packet, uint64_t now_ns)
{
	uint64_t start_ns = path->busy_ns > now_ns ? path->busy_ns : now_ns;

	if (path->rate_mbit <= 0)
		return start_ns;
	if (start_ns - now_ns > ms_to_ns(path->queue_ms))
		return 0;
	path->busy_ns = start_ns + (uint64_t)(packet->length_bytes * 8 * 1e3 / path->rate_mbit);
	return path->busy_ns;
}

static void schedule(struct path *path, struct packet *packet, uint64_t now_ns)
{
	uint64_t leave_ns = queue_leave_ns(path, packet, now_ns);

	if (!leave_ns || is_lost(path, now_ns)) {
		*(leave_ns ? &path->count.lost : &path->count.queue_full) += 1;
		packet_free(packet);
		return;
	}
	if (chance(path->corrupt_pct) && corrupt(packet))
		path->count.corrupted++;
	packet->due_ns = leave_ns + ms_to_ns(path->delay_ms);
	if (path->jitter_ms > 0) /* mostly small, sometimes a spike */
		packet->due_ns += ms_to_ns(exponential(path->jitter_ms));
	if (packet->due_ns < path->last_ns)
		packet->due_ns = path->last_ns;
	path->last_ns = packet->due_ns;
	if (chance(path->reorder_pct)) {
		path->count.reordered++;
		packet->due_ns += ms_to_ns(uniform() * path->hold_ms);
	}
	flight_add(packet);
}

static void schedule_replay(struct path *path, const struct packet *packet, uint64_t now_ns)
{
	struct packet *copy = packet_copy(packet);
	double after_s = REPLAY_MIN_S + REPLAY_SPREAD_S * uniform();

	path->count.replayed++;
	copy->due_ns = now_ns + (uint64_t)(after_s * NS_PER_S);
	flight_add(copy);
}

void path_accept_packet(struct path *path, struct packet *packet, uint64_t now_ns)
{
	path->count.packets++;
	path->count.bytes += packet->length_bytes;
	if (path->is_cut || packet->length_bytes > path->mtu_bytes) {
		path->count.cut_off++;
		packet_free(packet);
		return;
	}
	if (chance(path->replay_pct))
		schedule_replay(path, packet, now_ns);
	if (chance(path->dup_pct)) {
		path->count.doubled++;
		schedule(path, packet_copy(packet), now_ns);
	}
	schedule(path, packet, now_ns);
}
