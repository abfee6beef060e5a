/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of wanem share: nodes (namespaces), paths (one direction between two nodes) and
 * packets in flight. wanem_path.c decides what happens to a packet, wanem_net.c makes and removes
 * the namespaces, wanem_language.c reads scenarios and commands, wanem.c is the loop.
 * One thread; all state is global, because one process is one network.
 */
#ifndef TESTS_LAB_WANEM_H
#define TESTS_LAB_WANEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	MAX_NODES = 32,
	MAX_ADDRESSES = 8, /* per node */
	MAX_NAME = 32,
	PACKET_BYTES = 2048, /* largest packet, so the interfaces' MTU stays below it */
	NS_PER_S = 1000000000,
};

struct address {
	uint8_t bytes[16]; /* an IPv4 address as ::ffff:a.b.c.d */
};

struct node {
	char name[MAX_NAME];
	int tun;
	int address_count;
	struct address addresses[MAX_ADDRESSES];
};

/* Events of one direction, counted since the start. Each packet of `packets` and each copy of
 * `doubled` and `replayed` ends as exactly one of lost, queue_full, cut_off, refused, delivered,
 * or is still on its way. */
struct path_counters {
	uint64_t packets, bytes;
	uint64_t doubled, replayed;
	uint64_t lost, queue_full, cut_off;
	uint64_t refused; /* by the receiving interface */
	uint64_t delivered;
	uint64_t reordered, corrupted; /* held back; one bit flipped */
};

struct path {
	bool exists, is_cut;
	double delay_ms, jitter_ms, loss_pct, burst_pkts, outage_ms, rate_mbit, queue_ms;
	double dup_pct, replay_pct, reorder_pct, hold_ms, corrupt_pct, mtu_bytes;
	bool in_burst;    /* Gilbert model: every packet of a burst is lost */
	uint64_t turn_ns; /* outages: when the good or bad spell now on ends */
	uint64_t busy_ns; /* when the last bit now queued will have left */
	uint64_t last_ns; /* delivery time of the packet before, so that jitter doesn't reorder */
	struct path_counters count;
};

struct packet {
	uint64_t due_ns, order;
	struct packet *next_free;
	uint16_t to, from, length_bytes;
	uint8_t data[PACKET_BYTES];
};

extern struct node nodes[MAX_NODES];
extern int node_count;
extern struct path paths[MAX_NODES][MAX_NODES]; /* [from][to] */

/* Says why on stderr, removes the network and ends the process. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
uint64_t clock_now_ns(void);

/* wanem_path.c. The packet is the caller's until path_accept_packet takes it. */
void path_seed_random(uint64_t seed);
struct packet *packet_new(void);
void packet_free(struct packet *packet);
void path_accept_packet(struct path *path, struct packet *packet, uint64_t now_ns);
/* NULL, or the earliest packet in flight, still owned by the heap. */
const struct packet *flight_first(void);
/* Takes the earliest packet out; there must be one. */
struct packet *flight_take(void);

/* wanem_net.c */
bool net_is_plain_name(const char *name);
/* NULL, or what is wrong. The list is cut up at its commas. */
const char *net_add_node(const char *prefix, const char *name, char *address_list);
void net_remove_nodes(void);
int net_find_node(const char *name); /* -1 = none */
/* The node that a packet is addressed to; -1 = none. */
int net_find_destination(const struct packet *packet);

/* wanem_language.c: carries out one statement (its line is cut up), answers on out; NULL, or what
 * is wrong. */
const char *language_run_statement(const char *prefix, char *line, FILE *out);
void language_print_stats(FILE *out);

#endif
