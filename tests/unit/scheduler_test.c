/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler: shares of the classes, turns within them, and what goes first.
 */
#include "config.h"

#include "tunnel/scheduler.h"

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

enum {
	FLOWS = 12,
	PACKET_BYTES = 1000,
	REALTIME = 0,
	INTERACTIVE = 1,
	BULK = 2,
	SMALL_BYTES = 32768,
	MEDIUM_BYTES = 262144,
};

struct source {
	struct schedule schedule;
	uint64_t new_bytes, lost_bytes; /* to send */
	uint64_t sent;
	uint32_t piece_bytes; /* sent in a turn */
	unsigned class;
};

struct world {
	struct scheduler scheduler;
	struct source sources[FLOWS];
};

static struct world world;

static int set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	scheduler_init(&world.scheduler, PACKET_BYTES);
	for (int i = 0; i < FLOWS; i++) {
		schedule_init(&world.sources[i].schedule);
		world.sources[i].piece_bytes = PACKET_BYTES;
	}
	return 0;
}

static void update(struct source *source)
{
	scheduler_set(&world.scheduler, &source->schedule, source->class, source->lost_bytes > 0,
	    source->new_bytes > 0);
}

static void give(int index, unsigned class, uint64_t bytes)
{
	world.sources[index].class = class;
	world.sources[index].new_bytes += bytes;
	update(&world.sources[index]);
}

/* One turn; the flow's index, -1 when nobody waits. */
static int step(unsigned from)
{
	struct turn turn = scheduler_next(&world.scheduler, from);
	struct source *source;
	uint64_t *left, bytes;

	if (!turn.flow)
		return -1;
	source = LIST_ENTRY(turn.flow, struct source, schedule);
	left = turn.is_lost ? &source->lost_bytes : &source->new_bytes;
	assert_true(*left > 0);
	bytes = *left < source->piece_bytes ? *left : source->piece_bytes;
	*left -= bytes;
	source->sent += bytes;
	scheduler_on_sent(&world.scheduler, turn, (uint32_t)bytes);
	update(source);
	return (int)(source - world.sources);
}

static void run(int turns)
{
	for (int i = 0; i < turns; i++)
		assert_int_not_equal(step(0), -1);
}

/* So many flows that have sent so much that they take turns, with more to send. */
static void give_long(int count, unsigned class)
{
	for (int i = 0; i < count; i++)
		give(i, class, UINT64_C(1) << 40);
	run(count * (MEDIUM_BYTES / PACKET_BYTES + 2) * 4 / 3);
	for (int i = 0; i < count; i++)
		world.sources[i].sent = 0;
}

static uint64_t share_percent(int index, uint64_t total)
{
	return (world.sources[index].sent * 200 + total) / (2 * total);
}

static void classes_have_their_shares(void **state)
{
	const uint64_t total = 1000 * PACKET_BYTES;

	(void)state;
	for (int class = 0; class < SCHEDULER_CLASSES; class ++)
		give(class, (unsigned)class, UINT64_C(1) << 40);
	run(1000);
	assert_int_equal(share_percent(0, total), 80);
	assert_int_equal(share_percent(1, total), 10);
	assert_int_equal(share_percent(2, total), 10);
}

static void two_classes_share_what_the_third_leaves(void **state)
{
	const uint64_t total = 1000 * PACKET_BYTES;

	(void)state;
	give(0, INTERACTIVE, UINT64_C(1) << 40);
	give(1, BULK, UINT64_C(1) << 40);
	run(1000);
	assert_int_equal(share_percent(0, total), 90);
	assert_int_equal(share_percent(1, total), 10);
	set_up(NULL);
	give(0, REALTIME, UINT64_C(1) << 40);
	give(1, BULK, UINT64_C(1) << 40);
	run(1000);
	assert_int_equal(share_percent(0, total), 80);
	assert_int_equal(share_percent(1, total), 20);
}

/* Small pieces too, as of a call beside a download. */
static void shares_hold_for_small_pieces(void **state)
{
	(void)state;
	give(0, REALTIME, UINT64_C(1) << 40);
	give(1, INTERACTIVE, UINT64_C(1) << 40);
	world.sources[0].piece_bytes = 61;
	run(50000);
	assert_int_equal(share_percent(0, world.sources[0].sent + world.sources[1].sent), 80);
}

static void nobody_owes_what_nobody_waited_for(void **state)
{
	(void)state;
	give(0, REALTIME, UINT64_C(1) << 40);
	run(1000);
	give(1, BULK, UINT64_C(1) << 40);
	for (int i = 0; i < 4; i++)
		assert_int_equal(step(0), 0);
}

static void urgent_ones_go_first(void **state)
{
	(void)state;
	give(0, BULK, 100 * PACKET_BYTES);
	run(3);
	give(1, INTERACTIVE, 100);
	give(2, REALTIME, 100);
	assert_int_equal(step(0), 2);
	assert_int_equal(step(0), 1);
	assert_int_equal(step(0), 0);
}

static void equal_flows_get_equal_bytes(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	give_long(5, BULK);
	for (int turn = 0; turn < 5000; turn++) {
		for (int i = 0; i < 5; i++)
			world.sources[i].piece_bytes =
			    (uint32_t)(1 + rng_below(&rng, PACKET_BYTES) / (unsigned)(i + 1));
		run(1);
	}
	for (int i = 1; i < 5; i++)
		assert_in_range(world.sources[i].sent + 2 * PACKET_BYTES, world.sources[0].sent,
		    world.sources[0].sent + 4 * PACKET_BYTES);
}

static void new_flows_go_before_long_ones(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		give(i, INTERACTIVE, 100 * PACKET_BYTES);
	run(20);
	give(7, INTERACTIVE, 100);
	assert_int_equal(step(0), 7);
}

/* One that always has a full packet, but never more at once, is no new flow each time. */
static void trickling_is_no_privilege(void **state)
{
	(void)state;
	give_long(3, INTERACTIVE);
	for (int i = 0; i < 4000; i++) {
		if (world.sources[9].new_bytes == 0)
			give(9, INTERACTIVE, PACKET_BYTES);
		run(1);
	}
	assert_in_range(world.sources[9].sent, 700 * PACKET_BYTES, 1100 * PACKET_BYTES);
}

/* Turns until each of so many flows has nothing more. */
static void run_to_ends(int count, int *ends)
{
	memset(ends, 0, (size_t)count * sizeof(*ends));
	for (int turn = 1; turn < 10000; turn++) {
		int flow = step(0);

		if (flow < 0)
			return;
		if (flow < count && world.sources[flow].new_bytes == 0)
			ends[flow] = turn;
	}
}

/* Flows as long as one another are done one after the other, not all at the end; but for the fifth of those behind. */
static void what_began_first_is_done_first(void **state)
{
	int ends[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		give(i, INTERACTIVE, 200 * PACKET_BYTES);
	run_to_ends(4, ends);
	assert_in_range(ends[0], 200, 330);
	assert_in_range(ends[1], ends[0] + 150, 500);
	assert_in_range(ends[2], ends[1] + 150, 680);
	assert_int_equal(ends[3], 800);
}

/* Also when its bytes come in pieces, as they are read from a socket. */
static void one_whose_bytes_come_in_pieces_keeps_its_place(void **state)
{
	int steps = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		give(i, INTERACTIVE, 200 * PACKET_BYTES);
	run(4 * 40);
	world.sources[0].new_bytes = 0;
	update(&world.sources[0]);
	for (int piece = 0; piece < 20; piece++) {
		run(2);
		give(0, INTERACTIVE, 5 * PACKET_BYTES);
		while (world.sources[0].new_bytes > 0) {
			run(1);
			steps++;
		}
	}
	assert_in_range(steps, 100, 130);
}

/* Also when others began before it: the second of four is done second, though it had nothing for a moment. */
static void the_second_stays_the_second(void **state)
{
	int ends[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		give(i, INTERACTIVE, 200 * PACKET_BYTES);
	run(4 * 40);
	world.sources[1].new_bytes = 0;
	update(&world.sources[1]);
	run(10);
	give(1, INTERACTIVE, 150 * PACKET_BYTES);
	run_to_ends(4, ends);
	assert_true(ends[0] < ends[1]);
	assert_in_range(ends[2], ends[1] + 50, 800);
	assert_in_range(ends[3], ends[2] + 50, 800);
}

/* But not for ever. */
static void after_a_pause_a_flow_begins_anew(void **state)
{
	(void)state;
	give_long(3, INTERACTIVE);
	world.sources[0].new_bytes = 0;
	update(&world.sources[0]);
	run(MEDIUM_BYTES / PACKET_BYTES);
	give(0, INTERACTIVE, PACKET_BYTES);
	assert_int_equal(step(0), 0);
}

static void many_medium_ones_take_turns(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		give(i, INTERACTIVE, 200 * PACKET_BYTES);
	run(10 * 100);
	for (int i = 0; i < 10; i++)
		assert_in_range(world.sources[i].sent, 85 * PACKET_BYTES, 118 * PACKET_BYTES);
}

static void small_ones_go_before_medium_ones(void **state)
{
	int steps = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		give(i, INTERACTIVE, 200 * PACKET_BYTES);
	run(4 * 40);
	give(7, INTERACTIVE, 20 * PACKET_BYTES);
	while (world.sources[7].new_bytes > 0) {
		run(1);
		steps++;
	}
	assert_in_range(steps, 20, 26);
}

/* Small new flows without end do not stop those that began before: medium and long ones keep a tenth each. */
static void long_ones_are_not_starved(void **state)
{
	uint64_t medium_before;

	(void)state;
	give_long(2, INTERACTIVE);
	for (int i = 2; i < 4; i++)
		give(i, INTERACTIVE, 200 * PACKET_BYTES);
	run(100);
	world.sources[0].sent = world.sources[1].sent = 0;
	medium_before = world.sources[2].sent + world.sources[3].sent;
	assert_true(medium_before >= 2 * SMALL_BYTES);
	for (int i = 0; i < 1000; i++) {
		for (int flow = 4; flow < FLOWS; flow++)
			if (world.sources[flow].new_bytes == 0) {
				scheduler_remove(&world.scheduler, &world.sources[flow].schedule);
				give(flow, INTERACTIVE, 10 * PACKET_BYTES);
			}
		run(1);
	}
	assert_in_range(
	    world.sources[0].sent + world.sources[1].sent, 50 * PACKET_BYTES, 110 * PACKET_BYTES);
	assert_in_range(world.sources[2].sent + world.sources[3].sent - medium_before,
	    50 * PACKET_BYTES, 110 * PACKET_BYTES);
}

static void lost_bytes_go_first_in_their_class_only(void **state)
{
	(void)state;
	give(0, INTERACTIVE, 10 * PACKET_BYTES);
	give(1, BULK, 10 * PACKET_BYTES);
	give(2, BULK, 10 * PACKET_BYTES);
	give(3, BULK, 0);
	world.sources[3].lost_bytes = 2 * PACKET_BYTES;
	update(&world.sources[3]);
	for (int i = 0; i < 5; i++)
		assert_int_equal(step(0), 0);
	assert_int_equal(step(BULK), 3);
	assert_int_equal(step(BULK), 3);
	assert_int_equal(world.sources[3].lost_bytes, 0);
	assert_int_equal(step(BULK), 1);
}

static void it_knows_who_waits(void **state)
{
	const struct schedule *first = &world.sources[0].schedule;

	(void)state;
	assert_false(scheduler_has(&world.scheduler, 0));
	give(0, 0, 5000);
	assert_true(scheduler_has(&world.scheduler, 0));
	assert_false(scheduler_has(&world.scheduler, BULK));
	assert_false(scheduler_has_others(&world.scheduler, first));
	give(1, BULK, 5000);
	assert_true(scheduler_has(&world.scheduler, BULK));
	assert_true(scheduler_has_others(&world.scheduler, first));
	scheduler_remove(&world.scheduler, &world.sources[0].schedule);
	assert_true(scheduler_has_others(&world.scheduler, first));
	scheduler_remove(&world.scheduler, &world.sources[1].schedule);
	assert_false(scheduler_has_others(&world.scheduler, first));
}

static void it_is_empty_when_all_were_sent_or_gone(void **state)
{
	(void)state;
	assert_true(scheduler_is_empty(&world.scheduler));
	for (int i = 0; i < FLOWS; i++)
		give(i, (unsigned)i % 3, 5000);
	scheduler_remove(&world.scheduler, &world.sources[4].schedule);
	assert_false(scheduler_is_empty(&world.scheduler));
	run((FLOWS - 1) * 5);
	assert_true(scheduler_is_empty(&world.scheduler));
	assert_int_equal(step(0), -1);
	assert_int_equal(world.sources[4].sent, 0);
}

/* A flow whose class changes waits there, with its bytes. */
static void a_flow_changes_its_class(void **state)
{
	(void)state;
	give(0, INTERACTIVE, 100 * PACKET_BYTES);
	give(1, INTERACTIVE, 100 * PACKET_BYTES);
	give(1, BULK, 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(step(0), 0);
	assert_int_equal(step(BULK), 1);
	give(1, REALTIME, 0);
	assert_int_equal(step(0), 1);
}

/* On a path of smaller packets turns are shorter. */
static void turns_follow_the_size_of_packets(void **state)
{
	static const uint32_t quanta[] = {PACKET_BYTES, PACKET_BYTES / 4, PACKET_BYTES};

	(void)state;
	give_long(2, INTERACTIVE);
	for (int i = 0; i < 2; i++)
		world.sources[i].piece_bytes = PACKET_BYTES / 4;
	run(40);
	for (size_t i = 0; i < 3; i++) {
		int run_pieces = 1, longest = 1, last = -1;

		scheduler_set_quantum(&world.scheduler, quanta[i]);
		run(10);
		for (int k = 0; k < 40; k++) {
			int flow = step(0);

			run_pieces = flow == last ? run_pieces + 1 : 1;
			longest = run_pieces > longest ? run_pieces : longest;
			last = flow;
		}
		assert_int_equal(longest, quanta[i] / (PACKET_BYTES / 4));
	}
}

/* Small flows that never end, and a long one, are no reason that one in the midst of its first 256 KiB gets nothing. */
static void every_level_gets_its_turn(void **state)
{
	uint64_t before;

	(void)state;
	give_long(1, INTERACTIVE);
	give(1, INTERACTIVE, SMALL_BYTES + 40 * PACKET_BYTES);
	while (world.sources[1].sent <= SMALL_BYTES)
		run(1);
	before = world.sources[1].sent;
	world.sources[0].sent = 0;
	give(3, INTERACTIVE, SMALL_BYTES);
	for (int i = 0; i < 400; i++) {
		if (world.sources[2].new_bytes == 0) {
			scheduler_remove(&world.scheduler, &world.sources[2].schedule);
			give(2, INTERACTIVE, PACKET_BYTES);
		}
		run(1);
	}
	assert_in_range(world.sources[1].sent - before, 22 * PACKET_BYTES, 30 * PACKET_BYTES);
	assert_in_range(world.sources[0].sent, 22 * PACKET_BYTES, 30 * PACKET_BYTES);
	assert_in_range(world.sources[3].sent, 22 * PACKET_BYTES, 30 * PACKET_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(classes_have_their_shares, set_up),
	    cmocka_unit_test_setup(two_classes_share_what_the_third_leaves, set_up),
	    cmocka_unit_test_setup(shares_hold_for_small_pieces, set_up),
	    cmocka_unit_test_setup(nobody_owes_what_nobody_waited_for, set_up),
	    cmocka_unit_test_setup(urgent_ones_go_first, set_up),
	    cmocka_unit_test_setup(equal_flows_get_equal_bytes, set_up),
	    cmocka_unit_test_setup(new_flows_go_before_long_ones, set_up),
	    cmocka_unit_test_setup(trickling_is_no_privilege, set_up),
	    cmocka_unit_test_setup(what_began_first_is_done_first, set_up),
	    cmocka_unit_test_setup(one_whose_bytes_come_in_pieces_keeps_its_place, set_up),
	    cmocka_unit_test_setup(the_second_stays_the_second, set_up),
	    cmocka_unit_test_setup(after_a_pause_a_flow_begins_anew, set_up),
	    cmocka_unit_test_setup(many_medium_ones_take_turns, set_up),
	    cmocka_unit_test_setup(small_ones_go_before_medium_ones, set_up),
	    cmocka_unit_test_setup(long_ones_are_not_starved, set_up),
	    cmocka_unit_test_setup(lost_bytes_go_first_in_their_class_only, set_up),
	    cmocka_unit_test_setup(it_knows_who_waits, set_up),
	    cmocka_unit_test_setup(it_is_empty_when_all_were_sent_or_gone, set_up),
	    cmocka_unit_test_setup(a_flow_changes_its_class, set_up),
	    cmocka_unit_test_setup(every_level_gets_its_turn, set_up),
	    cmocka_unit_test_setup(turns_follow_the_size_of_packets, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
