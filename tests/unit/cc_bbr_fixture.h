/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BBR on a line made of formulas, for its twins. */
#ifndef TESTS_UNIT_CC_BBR_FIXTURE_H
#define TESTS_UNIT_CC_BBR_FIXTURE_H

#include "tunnel/cc_bbr.h"

#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

enum { PACKET_BYTES = 1000, RTT_US = 50000, ACKS_A_ROUND = 10 };

/* The line: 5,000,000 bytes a second are 250 packets in flight. */
struct fixture {
	_Alignas(16) uint8_t state[4096];
	struct rtt rtt;
	double line_Bps, loss;
	uint64_t queue_us; /* that others make */
	uint64_t now_us, next_number;
	double demand_Bps; /* that the application has; 0: endless */
	bool has_siblings;
	struct path_share_view siblings;
};

static inline int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.now_us = 1000000, .line_Bps = 5e6};
	assert_true(cc_bbr.state_bytes <= sizeof(f.state));
	cc_bbr.init(f.state, &(struct cc_start){.now_us = f.now_us, .packet_bytes = PACKET_BYTES});
	rtt_init(&f.rtt, 0);
	rtt_update(&f.rtt, RTT_US, 0, 0, 0);
	*state = &f;
	return 0;
}

static inline double pace_Bps(const struct fixture *f)
{
	return (double)cc_bbr.pacing_rate_Bps(f->state, &f->rtt);
}

static inline double rate_Bps(const struct fixture *f)
{
	return (double)cc_bbr.path_rate_Bps(f->state, &f->rtt);
}

static inline double window(const struct fixture *f)
{
	return (double)cc_bbr.window_bytes(f->state);
}

/* One round trip: as much goes as pace and window allow, the line takes what it can, some is lost. */
static inline void run_round(struct fixture *f)
{
	double rtt_us = (double)(RTT_US + f->queue_us);
	double sent =
	    pace_Bps(f) * rtt_us / 1e6 < window(f) ? pace_Bps(f) * rtt_us / 1e6 : window(f);
	double rate, delivered;

	if (f->demand_Bps > 0 && sent > f->demand_Bps * rtt_us / 1e6)
		sent = f->demand_Bps * rtt_us / 1e6;
	rate = sent * 1e6 / rtt_us;
	if (rate > f->line_Bps)
		rate = f->line_Bps;
	rate *= 1 - f->loss;
	delivered = rate * rtt_us / 1e6;
	cc_bbr.on_sent(f->state, &(struct cc_sent){.now_us = f->now_us, .bytes = (uint64_t)sent});
	f->next_number += (uint64_t)(sent / PACKET_BYTES) + ACKS_A_ROUND;
	for (unsigned i = 1; i <= ACKS_A_ROUND; i++) {
		uint64_t lost = (uint64_t)((sent - delivered) / ACKS_A_ROUND);
		struct cc_ack ack = {
		    .bytes = (uint64_t)(delivered / ACKS_A_ROUND),
		    .in_flight_bytes = (uint64_t)(rate * RTT_US / 1e6),
		    .used_bytes = (uint64_t)sent,
		    .largest_number = f->next_number - ACKS_A_ROUND + i - 1,
		    .next_number = f->next_number + i,
		    .rtt_sample_us = RTT_US + f->queue_us,
		    .rtt = &f->rtt,
		    .rate = {.rate_Bps = (uint64_t)rate,
		        .delivered_bytes = (uint64_t)delivered,
		        .is_app_limited = f->demand_Bps > 0},
		};

		f->now_us += (uint64_t)rtt_us / ACKS_A_ROUND;
		ack.now_us = f->now_us;
		if (f->has_siblings)
			cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
		ack.largest_sent_us = f->now_us - (uint64_t)rtt_us;
		if (lost > 0)
			cc_bbr.on_loss(f->state, &(struct cc_loss){.now_us = f->now_us,
			                             .packets = 1,
			                             .bytes = lost,
			                             .largest_sent_us = ack.largest_sent_us});
		rtt_update(&f->rtt, RTT_US + f->queue_us, 0, 0, f->now_us);
		cc_bbr.on_ack(f->state, &ack);
	}
}

static inline void run_seconds(struct fixture *f, double seconds)
{
	uint64_t until_us = f->now_us + (uint64_t)(seconds * 1e6);

	while (f->now_us < until_us)
		run_round(f);
}

#endif
