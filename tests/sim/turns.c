/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who goes when, in virtual time: shares of classes and flows, what a small flow feels of a large one beside it,
 * deadlines, flows that become bulk, little memory.  Bounds are exact but for what packets and the
 * pacer's quantum of 1 ms make; each was seen to fail with its mechanism switched off.
 */
#include "config.h"

#include "tests/sim/rig.h"
#include "tests/unit/cmocka_all.h"

#define MS   UINT64_C(1000)
#define S    UINT64_C(1000000)
#define MBIT UINT64_C(125000)
#define MIB  (UINT64_C(1) << 20)

/* A line of 50 Mbit/s, 50 ms round trip; lanes use all but a little of it, so that the line has no queue. */
#define LINE   .delay_us = 25 * MS, .rate_Bps = 50 * MBIT, .queue_bytes = MIB
#define RTT_US UINT64_C(50000)
/* 9.75 MB are under way on it. */
#define LONG_RTT_US UINT64_C(100000)
#define LONG_LINE                                                                                  \
	.delay_us = LONG_RTT_US / 2, .rate_Bps = 800 * MBIT, .queue_bytes = 4 * MIB,               \
	.fixed_Bps = 780 * MBIT, .loss = 0.01
#define FIXED .fixed_Bps = 48 * MBIT

static struct rig rig;

static struct source *add_download(enum flow_class class)
{
	return rig_add(&rig, &(struct source){.kind = SOURCE_DOWNLOAD, .policy = {.class = class}});
}

static struct source *add_questions(enum flow_class class)
{
	return rig_add(&rig, &(struct source){.kind = SOURCE_QUESTIONS,
	                         .policy = {.class = class},
	                         .bytes = 100,
	                         .period_us = 20 * MS});
}

static struct lane_stats stats_of(int side)
{
	struct lane_stats stats;

	lane_get_stats(rig.sides[side].lane, &stats);
	return stats;
}

static double goodput(const struct source *source, uint64_t us)
{
	return (double)source_since(source) * 1e6 / (double)us;
}

/* What the answers to small questions take longer because of downloads beside them. */
static void a_question_feels_nothing_of_downloads(void **state)
{
	struct source *questions;

	(void)state;
	for (uint64_t seed = 0; seed < 10; seed++) {
		rig_init(&rig, &(struct rig_config){LINE, FIXED, .seed = seed});
		questions = add_questions(CLASS_INTERACTIVE);
		rig_run(&rig, 2 * S);
		rig_mark(&rig);
		rig_run(&rig, 2 * S);
		assert_in_range(questions->worst_us, RTT_US, RTT_US + 500);
		/* Of its own class at first, bulk by what they take a second later. */
		add_download(CLASS_INTERACTIVE);
		add_download(CLASS_INTERACTIVE);
		rig_mark(&rig);
		rig_run(&rig, 10 * S);
		assert_in_range(questions->delays, 100, 200);
		assert_in_range(questions->worst_us, RTT_US, RTT_US + 4 * MS);
		assert_in_range(questions->sum_us / questions->delays, RTT_US, RTT_US + 2 * MS);
		rig_free(&rig);
	}
}

/* Nor of twenty of its own class, none of which takes much: a turn of each would take 5 ms. */
static void a_question_does_not_wait_for_everybodys_turn(void **state)
{
	struct source *questions;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED});
	questions = add_questions(CLASS_INTERACTIVE);
	for (int i = 0; i < 20; i++)
		add_download(CLASS_INTERACTIVE);
	rig_run(&rig, 2 * S);
	rig_mark(&rig);
	rig_run(&rig, 10 * S);
	assert_int_equal(stats_of(RIG_ENDPOINT).flows_turned_bulk, 0);
	assert_in_range(questions->worst_us, RTT_US, RTT_US + 4 * MS);
	assert_in_range(questions->sum_us / questions->delays, RTT_US, RTT_US + 3 * MS / 2);
	rig_free(&rig);
}

static uint64_t since_sum(struct source **sources, int count)
{
	uint64_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += source_since(sources[i]);
	return sum;
}

/* Five flows of each class, so that none takes a quarter of the lane. */
static void classes_share_80_10_10(void **state)
{
	struct source *sources[3][5];
	uint64_t sums[3], all = 0;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED});
	for (int i = 0; i < 5; i++)
		for (int class = 0; class < 3; class ++)
			sources[class][i] = add_download((enum flow_class) class);
	rig_run(&rig, 2 * S);
	rig_mark(&rig);
	rig_run(&rig, 10 * S);
	for (int class = 0; class < 3; class ++)
		all += sums[class] = since_sum(sources[class], 5);
	assert_int_equal(stats_of(RIG_ENDPOINT).flows_turned_bulk, 0);
	assert_in_range(sums[CLASS_REALTIME] * 1000 / all, 795, 805);
	assert_in_range(sums[CLASS_INTERACTIVE] * 1000 / all, 95, 105);
	assert_in_range(sums[CLASS_BULK] * 1000 / all, 95, 105);
	/* And all of them fill the lane. */
	assert_in_range(all, 48 * MBIT * 10 * 93 / 100, 48 * MBIT * 10);
	rig_free(&rig);
}

/* Jain's index of what they got, in thousandths. */
static uint64_t fairness(struct source **sources, int count)
{
	double sum = 0, squares = 0;

	for (int i = 0; i < count; i++) {
		double x = (double)source_since(sources[i]);

		sum += x;
		squares += x * x;
	}
	return (uint64_t)(1000 * sum * sum / (count * squares));
}

static void equal_downloads_get_equal_shares(void **state)
{
	struct source *sources[8];

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED});
	for (int i = 0; i < 8; i++) {
		sources[i] = add_download(CLASS_BULK);
		rig_run(&rig, 300 * MS); /* one after the other */
	}
	rig_mark(&rig);
	rig_run(&rig, 10 * S);
	assert_in_range(fairness(sources, 8), 999, 1000);
	rig_free(&rig);
}

/* With losses too: a lost packet costs its flow a turn, nobody else. */
static void losses_do_not_make_it_unfair(void **state)
{
	struct source *sources[8];

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED, .loss = 0.02, .seed = 3});
	for (int i = 0; i < 8; i++)
		sources[i] = add_download(CLASS_BULK);
	rig_run(&rig, S);
	rig_mark(&rig);
	rig_run(&rig, 10 * S);
	assert_in_range(fairness(sources, 8), 990, 1000);
	rig_free(&rig);
}

static struct source *add_datagrams(
    enum flow_class class, uint64_t bytes, uint64_t period_us, uint32_t deadline_us)
{
	return rig_add(&rig, &(struct source){.kind = SOURCE_DATAGRAMS,
	                         .policy = {.class = class, .deadline_us = deadline_us},
	                         .bytes = bytes,
	                         .period_us = period_us});
}

/* A flow of datagrams that asks for more than the line keeps its own queue, and no other flow's, long. */
static void a_flood_of_datagrams_hurts_itself_alone(void **state)
{
	struct source *calls[4], *flood;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED});
	for (int i = 0; i < 4; i++)
		calls[i] = add_datagrams(CLASS_REALTIME, 160, 20 * MS, 0);
	flood = add_datagrams(CLASS_REALTIME, 1200, 100, 0); /* 96 Mbit/s */
	rig_run(&rig, 3 * S);
	rig_mark(&rig);
	rig_run(&rig, 5 * S);
	for (int i = 0; i < 4; i++) {
		assert_in_range(calls[i]->worst_us, RTT_US / 2, RTT_US / 2 + 3 * MS);
		assert_in_range(calls[i]->delays, 230, 270);
	}
	assert_in_range(flood->worst_us, RTT_US / 2 + 5 * MS, RTT_US / 2 + 110 * MS);
	assert_int_equal(flow_class(flood->flows[RIG_ENDPOINT]), CLASS_BULK);
	/* Of the line, less the calls, headers and what does not fill packets. */
	assert_in_range(source_since(flood) * 1200, 48 * MBIT * 5 * 80 / 100, 48 * MBIT * 5);
	rig_free(&rig);
}

/* A little more than the line carries: without CoDel they would wait for the 100 ms that they may. */
static void a_standing_queue_of_datagrams_stays_short(void **state)
{
	struct source *video;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED});
	video = add_datagrams(CLASS_REALTIME, 1200, 203, 0);
	rig_run(&rig, 5 * S);
	rig_mark(&rig);
	rig_run(&rig, 10 * S);
	assert_in_range(stats_of(RIG_ENDPOINT).datagrams_queue_dropped, 100, video->sent / 10);
	assert_in_range(video->sum_us / video->delays, RTT_US / 2, RTT_US / 2 + 15 * MS);
	rig_free(&rig);
}

/* Nothing comes after its deadline: what could not is dropped before it is sent. */
static void late_datagrams_are_dropped_at_the_sender(void **state)
{
	const uint64_t deadline_us = 40 * MS;
	struct source *flood;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED});
	flood = add_datagrams(CLASS_REALTIME, 1200, 100, (uint32_t)deadline_us);
	rig_run(&rig, 5 * S);
	/* Behind a burst of the pacer, of three quanta. */
	assert_in_range(flood->worst_us, 0, deadline_us + 2 * MS);
	assert_in_range(stats_of(RIG_ENDPOINT).datagrams_late, 1000, flood->sent);
	assert_in_range(flood->received + stats_of(RIG_ENDPOINT).datagrams_late
	                    + stats_of(RIG_ENDPOINT).datagrams_queue_dropped,
	    flood->sent - 1000, flood->sent);
	rig_free(&rig);
}

/* So many of 10,000 datagrams that arrive over a line that loses 5 %. */
static uint64_t arrived_percent10(uint32_t deadline_us, uint64_t *worst_us)
{
	struct source *source;
	uint64_t arrived;

	rig_init(&rig, &(struct rig_config){LINE, FIXED, .loss = 0.05, .seed = 7});
	source = add_datagrams(CLASS_REALTIME, 200, 2 * MS, deadline_us);
	rig_run(&rig, 2 * S);
	source->worst_us = 0;
	rig_run(&rig, 18 * S);
	source->stop_us = 1;
	rig_run(&rig, S);
	arrived = source->received * 1000 / source->sent;
	*worst_us = source->worst_us;
	assert_int_equal(source->received > source->sent, 0);
	rig_free(&rig);
	return arrived;
}

static void lost_datagrams_go_again_while_there_is_time(void **state)
{
	uint64_t worst_us;

	(void)state;
	/* None without a deadline, nor with one that is too short for it. */
	assert_in_range(arrived_percent10(0, &worst_us), 940, 960);
	assert_in_range(worst_us, RTT_US / 2, RTT_US / 2 + 2 * MS);
	assert_in_range(arrived_percent10(70 * MS, &worst_us), 940, 960);
	assert_in_range(arrived_percent10(200 * MS, &worst_us), 997, 1000);
	assert_in_range(worst_us, RTT_US, 201 * MS);
}

/* A download alone is bulk after a second, and what it was again after an idle one. */
static void a_download_becomes_bulk_and_back(void **state)
{
	struct source *download, *talk;
	struct flow *flow;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED});
	download = add_download(CLASS_INTERACTIVE);
	talk = add_questions(CLASS_INTERACTIVE);
	rig_run(&rig, 900 * MS);
	flow = download->flows[RIG_ENDPOINT];
	assert_int_equal(flow_class(flow), CLASS_INTERACTIVE);
	rig_run(&rig, 400 * MS);
	assert_int_equal(flow_class(flow), CLASS_BULK);
	assert_int_equal(flow_class(talk->flows[RIG_ENDPOINT]), CLASS_INTERACTIVE);
	assert_int_equal(stats_of(RIG_ENDPOINT).flows_turned_bulk, 1);
	download->is_pausing = true;
	rig_run(&rig, 500 * MS);
	source_resume(download);
	rig_run(&rig, 100 * MS);
	assert_int_equal(flow_class(flow), CLASS_BULK);
	download->is_pausing = true;
	rig_run(&rig, 1500 * MS);
	source_resume(download);
	rig_run(&rig, 100 * MS);
	assert_int_equal(flow_class(flow), CLASS_INTERACTIVE);
	rig_run(&rig, 1500 * MS);
	assert_int_equal(flow_class(flow), CLASS_BULK);
	assert_int_equal(stats_of(RIG_ENDPOINT).flows_turned_bulk, 2);
	rig_free(&rig);
}

/* A tenth of the line is no quarter, whoever is beside it or not. */
static void a_small_stream_of_datagrams_stays_what_it_is(void **state)
{
	struct source *game;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED});
	game = add_datagrams(CLASS_REALTIME, 1200, 2 * MS, 0); /* 4.8 Mbit/s */
	rig_run(&rig, 5 * S);
	assert_int_equal(flow_class(game->flows[RIG_ENDPOINT]), CLASS_REALTIME);
	add_download(CLASS_INTERACTIVE);
	rig_run(&rig, 5 * S);
	assert_int_equal(flow_class(game->flows[RIG_ENDPOINT]), CLASS_REALTIME);
	assert_int_equal(stats_of(RIG_ENDPOINT).flows_turned_bulk, 1);
	rig_free(&rig);
}

/* 2 BDP are 600 KB here; more of a download waits where it comes from. */
static void a_download_keeps_two_bdp(void **state)
{
	const uint64_t bdp = 48 * MBIT * RTT_US / S;
	struct source *download;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED});
	download = add_download(CLASS_INTERACTIVE);
	rig_run(&rig, S);
	rig_mark(&rig);
	download->most_kept_bytes = 0;
	rig_run(&rig, 5 * S);
	assert_in_range(download->most_kept_bytes, bdp, 2 * bdp + CHUNK_BYTES);
	assert_true(goodput(download, 5 * S) > 0.93 * (double)(48 * MBIT));
	rig_free(&rig);
}

static void add_stuck(struct source **stuck, int count)
{
	for (int i = 0; i < count; i++) {
		stuck[i] = add_download(CLASS_INTERACTIVE);
		stuck[i]->is_unread = true;
	}
}

static void read_on(struct source **stuck, int count)
{
	for (int i = 0; i < count; i++) {
		stuck[i]->is_unread = false;
		if (stuck[i]->flows[RIG_LISTENER])
			flow_resume(stuck[i]->flows[RIG_LISTENER]);
	}
}

static void expect_within(uint64_t memory)
{
	for (int side = 0; side < RIG_SIDES; side++) {
		assert_int_equal(stats_of(side).state, LANE_UP);
		assert_in_range(stats_of(side).memory_peak_bytes, 0, memory);
	}
}

/* The windows of 20 users who read nothing are 10 MiB, of 4 there are: they wait, and nobody else does. */
static void those_who_do_not_read_wait_alone(void **state)
{
	struct source *stuck[20], *reader;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED, .memory_bytes = 4 * MIB});
	reader = add_download(CLASS_INTERACTIVE);
	add_stuck(stuck, 20);
	rig_run(&rig, 5 * S);
	rig_mark(&rig);
	rig_run(&rig, 5 * S);
	expect_within(3 * MIB);
	assert_in_range(stats_of(RIG_LISTENER).flows_held, 10, 20);
	assert_in_range(source_since(reader), 48 * MBIT * 5 * 95 / 100, 48 * MBIT * 5);
	for (int i = 0; i < 20; i++)
		assert_false(stuck[i]->is_refused);
	read_on(stuck, 20);
	rig_run(&rig, S);
	rig_mark(&rig);
	rig_run(&rig, 5 * S);
	assert_in_range(fairness(stuck, 20), 990, 1000);
	rig_free(&rig);
}

/*
 * What is under way to 100 users who read nothing when they are told to wait is more than the memory: it is not
 * kept, so that new flows are served beside them, and it comes again when they read; or they leave.
 */
static void what_is_under_way_to_them_takes_no_memory(void **state)
{
	struct source *stuck[100], *questions;

	(void)state;
	for (uint64_t seed = 0; seed < 3; seed++) {
		rig_init(
		    &rig, &(struct rig_config){LONG_LINE, .memory_bytes = 8 * MIB, .seed = seed});
		for (int i = 0; i < 100; i += 10) {
			add_stuck(stuck + i, 10);
			rig_run(&rig, LONG_RTT_US);
		}
		rig_run(&rig, 2 * S);
		/* Three quarters, and what one more packet of each side costs. */
		assert_in_range(stats_of(RIG_LISTENER).memory_peak_bytes, 0, 8 * MIB / 16 * 13);
		questions = add_questions(CLASS_INTERACTIVE);
		rig_run(&rig, 5 * S);
		expect_within(8 * MIB);
		assert_false(questions->is_refused);
		assert_in_range(questions->delays, 35, 50);
		assert_in_range(questions->worst_us, LONG_RTT_US, 6 * LONG_RTT_US);
		assert_int_equal(stats_of(RIG_LISTENER).flows_refused_memory, 0);
		for (int i = 0; i < 10; i++)
			flow_reset(stuck[i]->flows[RIG_LISTENER], REASON_TCP_RESET);
		read_on(stuck + 10, 90);
		rig_run(&rig, 5 * S);
		for (int i = 0; i < 10; i++)
			assert_true(
			    !stuck[i]->flows[RIG_LISTENER] && !stuck[i]->flows[RIG_ENDPOINT]);
		for (int i = 10; i < 100; i++)
			assert_true(stuck[i]->received > MIB);
		rig_free(&rig);
	}
}

/* When there is hardly any, new flows are refused and counted, until there is again. */
static void exhausted_memory_refuses_new_flows(void **state)
{
	struct source *stuck[60];
	unsigned refused = 0;

	(void)state;
	rig_init(&rig, &(struct rig_config){LINE, FIXED, .memory_bytes = MIB});
	add_stuck(stuck, 60);
	rig_run(&rig, 3 * S);
	for (int i = 0; i < 20; i++) {
		add_questions(CLASS_INTERACTIVE);
		rig_run(&rig, 100 * MS);
	}
	for (unsigned i = 0; i < rig.source_count; i++)
		refused += rig.sources[i].is_refused;
	expect_within(MIB);
	assert_int_equal(refused, stats_of(RIG_LISTENER).flows_refused_memory
	                              + stats_of(RIG_ENDPOINT).flows_refused_memory);
	assert_in_range(refused, 20, 80);
	read_on(stuck, 60);
	rig_run(&rig, 2 * S);
	refused = rig.source_count;
	add_questions(CLASS_INTERACTIVE);
	rig_run(&rig, S);
	assert_false(rig.sources[refused].is_refused);
	assert_true(rig.sources[refused].delays > 10);
	assert_in_range(rig.sources[refused].worst_us, RTT_US, RTT_US + 5 * MS);
	rig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_question_feels_nothing_of_downloads),
	    cmocka_unit_test(a_question_does_not_wait_for_everybodys_turn),
	    cmocka_unit_test(classes_share_80_10_10),
	    cmocka_unit_test(equal_downloads_get_equal_shares),
	    cmocka_unit_test(losses_do_not_make_it_unfair),
	    cmocka_unit_test(a_flood_of_datagrams_hurts_itself_alone),
	    cmocka_unit_test(a_standing_queue_of_datagrams_stays_short),
	    cmocka_unit_test(late_datagrams_are_dropped_at_the_sender),
	    cmocka_unit_test(lost_datagrams_go_again_while_there_is_time),
	    cmocka_unit_test(a_download_becomes_bulk_and_back),
	    cmocka_unit_test(a_small_stream_of_datagrams_stays_what_it_is),
	    cmocka_unit_test(a_download_keeps_two_bdp),
	    cmocka_unit_test(those_who_do_not_read_wait_alone),
	    cmocka_unit_test(what_is_under_way_to_them_takes_no_memory),
	    cmocka_unit_test(exhausted_memory_refuses_new_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
