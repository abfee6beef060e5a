/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spreads packets over time: a token bucket that fills at the pacing rate and lets go whole bursts
 * of one quantum (the rate x 1 ms, between a packet and 64 KiB) rather than dribbles, so that a
 * burst is one GSO send.  RFC 9002 section 7.7; send quantum of the BBR draft.
 */
#ifndef TUNNEL_PACER_H
#define TUNNEL_PACER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Credit is in micro-bytes (bytes x 10^6), so that rate x microseconds is exact at every rate.
 * Invariant: -2^62 < credit <= the larger of three times the quantum and 10 packets.
 */
struct pacer {
	int64_t credit_ubytes;
	uint64_t rate_Bps; /* bytes a second; 0: no pacing */
	uint64_t updated_us;
	uint32_t packet_bytes;
	uint32_t quantum_bytes;
	bool is_refilling; /* used up: waits for a whole quantum */
};

void pacer_init(struct pacer *pacer, uint32_t packet_bytes, uint64_t now_us);
/* Packets are of that size from now on. */
void pacer_set_packet_bytes(struct pacer *pacer, uint32_t packet_bytes, uint64_t now_us);
void pacer_set_rate(struct pacer *pacer, uint64_t rate_Bps, uint64_t now_us);
/* Bytes that may go now; 0 until the next burst is due. */
uint64_t pacer_room_bytes(const struct pacer *pacer, uint64_t now_us);
/* When there is room again (`now_us` or earlier: at once). */
uint64_t pacer_timer_us(const struct pacer *pacer, uint64_t now_us);
void pacer_on_sent(struct pacer *pacer, uint64_t bytes, uint64_t now_us);

#endif
