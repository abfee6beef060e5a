/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When repairs go, and of what.  Dense traffic gets one each so many packets, as repair_plan says for the packets
 * that the span of repair holds; when it falls silent, as many more as the last packets lack.  A thin realtime
 * flow's packets go two more times by themselves, soon and late in the span.
 * Repairs are paid from the lane's budgets: an allowance for thin traffic, and a share of the bytes sent.
 */
#ifndef TUNNEL_REPAIR_CONTROL_H
#define TUNNEL_REPAIR_CONTROL_H

#include "tunnel/lane.h"
#include "tunnel/repair_encoder.h"
#include "tunnel/repair_plan.h"

#include <stdbool.h>
#include <stdint.h>

enum repair_kind { REPAIR_NONE, REPAIR_WINDOW, REPAIR_COPY };

struct repair_due {
	enum repair_kind kind;
	unsigned index; /* of the symbol to be copied */
};

struct repair_control {
	struct repair_plan realtime, interactive;
	uint64_t span_us;
	enum flow_class class;           /* of the last packet */
	uint64_t gap_us, last_packet_us; /* mean distance of packets in time */
	uint64_t flush_us; /* the end of a burst is looked after then; UINT64_MAX: not */
	uint64_t copy_us;  /* the first copy is due then; UINT64_MAX: none */
	uint32_t repairs;  /* of the window, so far */
	double
	    packets_since; /* protected since the last of them, and what of these is over when it goes */
	double packets_over;
	uint64_t packets_since_us; /* when the first of these went */
	bool is_window_due;
	uint64_t alone_us; /* realtime datagrams, each a part of the span, are counted up to then */
	/* What may be spent, in bytes; below 0 after a repair larger than what was left. */
	int64_t thin_bytes, share_bytes;
	uint64_t share_rest; /* hundredths of a byte */
	uint64_t thin_filled_us;
};

void repair_control_init(struct repair_control *control, uint64_t now_us);
/* The path's loss (a share and its mean length in packets) and smoothed round trip. */
void repair_control_set_path(
    struct repair_control *control, double loss, double run, uint64_t rtt_us);
/* `bytes` were sent of flows that let `budget_pct` of them be spent on repair. */
void repair_control_on_sent(struct repair_control *control, uint64_t bytes, unsigned budget_pct);
/*
 * Asked of each realtime datagram: true unless more of them come than a window holds. In packets of their own
 * they are as many losses apart, and of one size: a repair is as long as the longest packet of its window.
 */
bool repair_control_goes_alone(struct repair_control *control, uint64_t now_us);
/* A packet of that class was added to the encoder. Of CLASS_BULK: the last one before a pause. */
void repair_control_on_packet(struct repair_control *control, struct repair_encoder *encoder,
    enum flow_class class, uint64_t now_us);
/* What should go now. Forgets what is too late. */
struct repair_due repair_control_due(
    struct repair_control *control, struct repair_encoder *encoder, uint64_t now_us);
/* It went with `bytes`, or could not go (0). */
void repair_control_done(struct repair_control *control, struct repair_encoder *encoder,
    const struct repair_due *due, uint64_t bytes, uint64_t now_us);
/* When repair_control_due() is to be asked next; UINT64_MAX for never. */
uint64_t repair_control_timer_us(const struct repair_control *control);

#endif
