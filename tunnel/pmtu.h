/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search for the largest packet that a path carries (RFC 8899, as RFC 9000 section 14.3 uses it):
 * padded probes up a table of sizes that networks have, and the fall back when large packets vanish.
 * It knows sizes and what became of packets; the path sends the probes.
 *
 * A black hole is told from plain loss by comparing large packets with small ones: losses are only
 * declared when a later packet arrived, so while large ones vanish one after the other something
 * gets through.  Then packets shrink to the least size at once, and a probe of the size in question, with a
 * small packet behind it, decides: when it arrives nothing has changed, when it is lost three times the
 * search begins anew.
 */
#ifndef TUNNEL_PMTU_H
#define TUNNEL_PMTU_H

#include <stdbool.h>
#include <stdint.h>

enum pmtu_phase {
	PMTU_SEARCHING,
	PMTU_SETTLED,   /* nothing more to try until raise_us */
	PMTU_SUSPECTED, /* is it a black hole? */
};

/* A packet that arrived: the loss of one no larger that was sent before it is no proof. */
struct pmtu_passed {
	uint64_t number;
	uint16_t bytes; /* 0: none yet */
};

/*
 * Sizes are of UDP payload.  Invariant: least <= size < ceiling <= most + 1; size is `least` or was
 * acknowledged.
 */
struct pmtu {
	enum pmtu_phase phase;
	uint16_t least_bytes, most_bytes;
	uint16_t size_bytes;
	uint16_t ceiling_bytes; /* the smallest size that seems not to pass, or most + 1 */
	uint16_t probe_bytes;   /* the size tried next or now; of no meaning when settled */
	unsigned probes_lost;   /* of that size, in a row */
	bool is_probe_out;
	uint64_t probe_number; /* its packet, while one is out */
	uint64_t raise_us;     /* settled: when larger sizes are tried again */
	/* Packets larger than `least` lost since one that was as large as the smallest of them arrived. */
	unsigned large_lost;
	uint16_t large_lost_bytes; /* that smallest */
	/* The newest that arrived of those larger than `least`, and of those of `size` and more. */
	struct pmtu_passed passed, passed_full;
	uint64_t probes, black_holes;
};

/* The size is `least_bytes`, up to `most_bytes` is tried. */
void pmtu_init(struct pmtu *pmtu, uint16_t least_bytes, uint16_t most_bytes);
/* Forgets what was learned, but for the counters: the path is another one. */
void pmtu_restart(struct pmtu *pmtu);
/* How large packets may be now. */
uint16_t pmtu_packet_bytes(const struct pmtu *pmtu);
/* When a probe is due: 0 for at once, UINT64_MAX for not until an answer. */
uint64_t pmtu_timer_us(const struct pmtu *pmtu);
/* The size of the probe that is due; it counts as sent with pmtu_on_probe_sent(). */
uint16_t pmtu_probe_bytes(struct pmtu *pmtu, uint64_t now_us);
void pmtu_on_probe_sent(struct pmtu *pmtu, uint64_t number);
/* What became of each packet, probe or not. */
void pmtu_on_acked(
    struct pmtu *pmtu, uint64_t number, uint16_t bytes, bool is_probe, uint64_t now_us);
void pmtu_on_lost(
    struct pmtu *pmtu, uint64_t number, uint16_t bytes, bool is_probe, uint64_t now_us);
/* The system refused a packet of that size: no larger one passes its interface. */
void pmtu_on_refused(struct pmtu *pmtu, uint16_t bytes, uint64_t now_us);

#endif
