/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Token bucket of whole bursts, see pacer.h. */
#include "tunnel/pacer.h"

#include "tunnel/path_limits.h"

enum {
	UBYTES = 1000000, /* micro-bytes of a byte */
	QUANTA_MAX = 3,   /* credit saved up, for timers that come late, as a busy machine's do */
	ELAPSED_MAX_US = 1000000, /* more fills the bucket at any rate worth pacing */
};

/* A rate above this is as good as none; it keeps rate x ELAPSED_MAX_US within 63 bits. */
#define RATE_MAX_BPS UINT64_C(1000000000000)

void pacer_init(struct pacer *pacer, uint32_t packet_bytes, uint64_t now_us)
{
	*pacer = (struct pacer){
	    .credit_ubytes = (int64_t)packet_bytes * PACER_INITIAL_BURST_PKTS * UBYTES,
	    .updated_us = now_us,
	    .packet_bytes = packet_bytes,
	    .quantum_bytes = packet_bytes * PACER_QUANTUM_MIN_PKTS,
	};
}

static int64_t quantum_ubytes(const struct pacer *pacer)
{
	return (int64_t)pacer->quantum_bytes * UBYTES;
}

/* What may leave at once after a pause: as much as a new connection may (RFC 9002 section 7.7). */
static int64_t most_ubytes(const struct pacer *pacer)
{
	int64_t burst = (int64_t)pacer->packet_bytes * PACER_INITIAL_BURST_PKTS * UBYTES;
	int64_t saved = quantum_ubytes(pacer) * QUANTA_MAX;

	return saved > burst ? saved : burst;
}

/* The credit at `now_us`. */
static int64_t credit_at(const struct pacer *pacer, uint64_t now_us)
{
	int64_t most = most_ubytes(pacer);
	int64_t credit = pacer->credit_ubytes;
	uint64_t elapsed_us = now_us > pacer->updated_us ? now_us - pacer->updated_us : 0;

	if (credit >= most)
		return credit;
	if (elapsed_us > ELAPSED_MAX_US)
		elapsed_us = ELAPSED_MAX_US;
	credit += (int64_t)(pacer->rate_Bps * elapsed_us);
	return credit < most ? credit : most;
}

/* What the bucket must hold before anything goes. */
static int64_t needed_ubytes(const struct pacer *pacer)
{
	return pacer->is_refilling ? quantum_ubytes(pacer) : (int64_t)pacer->packet_bytes * UBYTES;
}

static void update(struct pacer *pacer, uint64_t now_us)
{
	pacer->credit_ubytes = credit_at(pacer, now_us);
	if (now_us > pacer->updated_us)
		pacer->updated_us = now_us;
	if (pacer->credit_ubytes >= quantum_ubytes(pacer))
		pacer->is_refilling = false;
}

void pacer_set_packet_bytes(struct pacer *pacer, uint32_t packet_bytes, uint64_t now_us)
{
	update(pacer, now_us);
	pacer->packet_bytes = packet_bytes;
	pacer_set_rate(pacer, pacer->rate_Bps, now_us);
}

void pacer_set_rate(struct pacer *pacer, uint64_t rate_Bps, uint64_t now_us)
{
	uint64_t quantum_bytes;

	update(pacer, now_us);
	if (rate_Bps > RATE_MAX_BPS)
		rate_Bps = RATE_MAX_BPS;
	quantum_bytes = rate_Bps * PACER_QUANTUM_US / 1000000;
	if (quantum_bytes > PACER_QUANTUM_MAX_BYTES)
		quantum_bytes = PACER_QUANTUM_MAX_BYTES;
	if (quantum_bytes < (uint64_t)pacer->packet_bytes * PACER_QUANTUM_MIN_PKTS)
		quantum_bytes = (uint64_t)pacer->packet_bytes * PACER_QUANTUM_MIN_PKTS;
	pacer->rate_Bps = rate_Bps;
	pacer->quantum_bytes = (uint32_t)quantum_bytes;
}

uint64_t pacer_room_bytes(const struct pacer *pacer, uint64_t now_us)
{
	int64_t credit = credit_at(pacer, now_us);

	if (pacer->rate_Bps == 0)
		return UINT64_MAX;
	return credit >= needed_ubytes(pacer) ? (uint64_t)(credit / UBYTES) : 0;
}

uint64_t pacer_timer_us(const struct pacer *pacer, uint64_t now_us)
{
	int64_t missing = needed_ubytes(pacer) - credit_at(pacer, now_us);

	if (pacer->rate_Bps == 0 || missing <= 0)
		return now_us;
	return now_us + ((uint64_t)missing + pacer->rate_Bps - 1) / pacer->rate_Bps;
}

void pacer_on_sent(struct pacer *pacer, uint64_t bytes, uint64_t now_us)
{
	if (pacer->rate_Bps == 0)
		return;
	update(pacer, now_us);
	pacer->credit_ubytes -= (int64_t)bytes * UBYTES;
	/* What goes without asking is owed for a burst at the most. */
	if (pacer->credit_ubytes < -most_ubytes(pacer))
		pacer->credit_ubytes = -most_ubytes(pacer);
	if (pacer->credit_ubytes < (int64_t)pacer->packet_bytes * UBYTES)
		pacer->is_refilling = true;
}
