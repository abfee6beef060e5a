/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users and backends of a run: they write, read, answer, finish and reset as their plan says, and check
 * every byte, every datagram and every end that they are told of.
 */
#ifndef TESTS_SIM_APP_H
#define TESTS_SIM_APP_H

#include "tests/sim/plan.h"
#include "tests/sim/world.h"
#include "tunnel/lane.h"

/* One side of a flow. */
struct app_end {
	struct app *app;
	enum side side;
	struct flow *flow; /* NULL before its opening and after its end */
	uint64_t sent, received;
	uint64_t read_credit;
	bool was_told, was_opened; /* endpoint: on_open came; and was not refused */
	bool is_reading_later, is_writing_later;
	bool has_finished, has_reset;
	bool got_finish, got_reset, got_stop, is_closed;
	enum reason reset_reason, closed_reason;
	unsigned datagrams_sent, datagrams_dropped, datagrams_received;
	uint8_t *datagram_seen;
	unsigned short_sent, short_received; /* those too short to bear their index */
};

struct app {
	struct world *world;
	struct plan plan;
	struct app_end ends[SIDES];
	bool is_over;
};

extern const struct lane_callbacks app_callbacks[SIDES];

/* Plans all flows and sets their starts. */
void apps_init(struct world *world);
void apps_clear(struct world *world);
/* Flows of that lane that the endpoint never heard of: reset before their OPEN went out. */
unsigned apps_count_untold(const struct world *world, unsigned lane);
/* After the run: did each flow end as its plan says? */
void apps_check(struct world *world);

#endif
