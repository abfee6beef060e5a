/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search finds what a path carries with few probes, plain loss never makes it fall, and a path that
 * shrinks does, soon.
 */
#include "tunnel/pmtu.h"

#include "base/rng.h"
#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

enum { LEAST = 1200, MOST = 8952 };

/* A path that drops what is larger, and some of the rest. */
struct line {
	uint16_t mtu_bytes;
	double loss;
	struct rng rng;
	struct pmtu pmtu;
	uint64_t number, now_us;
};

static void set_up(struct line *line, uint16_t mtu_bytes, uint16_t most_bytes)
{
	*line = (struct line){.mtu_bytes = mtu_bytes, .now_us = 1000000};
	rng_seed(&line->rng, mtu_bytes);
	pmtu_init(&line->pmtu, LEAST, most_bytes);
}

static void send_packet(struct line *line, uint16_t bytes, bool is_probe)
{
	uint64_t number = line->number++;

	if (is_probe)
		pmtu_on_probe_sent(&line->pmtu, number);
	if (bytes > line->mtu_bytes || rng_uniform(&line->rng) < line->loss)
		pmtu_on_lost(&line->pmtu, number, bytes, is_probe, line->now_us);
	else
		pmtu_on_acked(&line->pmtu, number, bytes, is_probe, line->now_us);
}

/* One round: the probe that is due, if any. False when none is. */
static bool probe(struct line *line)
{
	line->now_us += 1000;
	if (pmtu_timer_us(&line->pmtu) > line->now_us)
		return false;
	send_packet(line, pmtu_probe_bytes(&line->pmtu, line->now_us), true);
	return true;
}

static unsigned search(struct line *line)
{
	unsigned probes = 0;

	while (probe(line))
		probes++;
	assert_true(probes < 100);
	return probes;
}

static void finds_what_passes(void **state)
{
	/* Payload that passes, what is found, and probes at most. */
	static const struct {
		uint16_t mtu_bytes, most_bytes, found;
		unsigned probes;
	} cases[] = {
	    {8952, MOST, 8952, 4},
	    {8930, MOST, 8872, 12},
	    {1472, MOST, 1472, 15},
	    {1452, MOST, 1452, 12},
	    {1464, MOST, 1460, 12},
	    {1420, MOST, 1412, 16},
	    {1350, MOST, 1340, 12},
	    {1200, MOST, 1200, 12},
	    {2300, MOST, 2272, 12},
	    {8952, 1452, 1452, 2},
	    {8952, 1460, 1460, 3},
	    {8952, 1210, 1210, 1},
	    {8952, 1200, 1200, 0},
	    {8952, 5000, 5000, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line line;

		set_up(&line, cases[i].mtu_bytes, cases[i].most_bytes);
		assert_int_equal(pmtu_packet_bytes(&line.pmtu), LEAST);
		assert_in_range(search(&line), 0, cases[i].probes);
		assert_int_equal(pmtu_packet_bytes(&line.pmtu), cases[i].found);
		assert_int_equal(line.pmtu.black_holes, 0);
	}
}

/* Between any two sizes of the table no more is lost than this share. */
static void wastes_little_of_any_path(void **state)
{
	(void)state;
	for (uint16_t mtu_bytes = LEAST; mtu_bytes < 1500; mtu_bytes++) {
		struct line line;

		set_up(&line, mtu_bytes, MOST);
		search(&line);
		assert_in_range(
		    pmtu_packet_bytes(&line.pmtu), mtu_bytes - mtu_bytes / 20, mtu_bytes);
	}
}

static void asks_again_after_a_while(void **state)
{
	struct line line;

	(void)state;
	set_up(&line, 1452, MOST);
	search(&line);
	assert_int_equal(line.pmtu.raise_us / 1000000, (line.now_us + PMTU_RAISE_US) / 1000000);
	line.mtu_bytes = 1472;
	line.now_us = line.pmtu.raise_us;
	assert_true(search(&line) > 0);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), 1472);
	/* One that has found the most does not ask. */
	line.mtu_bytes = MOST;
	line.now_us = line.pmtu.raise_us;
	search(&line);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), MOST);
	assert_true(pmtu_timer_us(&line.pmtu) == UINT64_MAX);
}

/* A million packets of all sizes at 10 % loss: the size stays. */
static void plain_loss_is_no_black_hole(void **state)
{
	struct line line;
	uint64_t shrunk = 0;

	(void)state;
	set_up(&line, 1472, 1472);
	search(&line);
	line.loss = 0.1;
	for (int i = 0; i < 1000000; i++) {
		uint16_t bytes = pmtu_packet_bytes(&line.pmtu);

		shrunk += bytes < 1472;
		probe(&line);
		send_packet(
		    &line, i % 3 ? bytes : (uint16_t)(100 + rng_below(&line.rng, 1300)), false);
	}
	assert_int_equal(line.pmtu.black_holes, 0);
	assert_int_equal(line.pmtu.size_bytes, 1472);
	assert_in_range(shrunk, 0, 100);
}

/* A burst loses whatever comes, probes too: for one round packets are small, then all is as before. */
static void a_burst_is_no_black_hole(void **state)
{
	struct line line;

	(void)state;
	set_up(&line, 1472, 1472);
	search(&line);
	for (int i = 0; i < 50; i++)
		pmtu_on_lost(&line.pmtu, line.number++, 1472, false, line.now_us);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), LEAST);
	assert_true(probe(&line));
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), 1472);
	assert_false(probe(&line));
	assert_int_equal(line.pmtu.black_holes, 0);
}

/*
 * A queue that flows over loses every second packet, and one ACK tells of all: first of those that arrived, the newest of
 * which is the shorter end of an answer.
 */
static void an_overflow_is_no_black_hole(void **state)
{
	struct line line;
	uint64_t first;

	(void)state;
	set_up(&line, 1472, 1472);
	search(&line);
	first = line.number;
	pmtu_on_acked(&line.pmtu, first + 40, 1300, false, line.now_us);
	for (uint64_t i = 1; i < 40; i += 2)
		pmtu_on_acked(&line.pmtu, first + i, 1472, false, line.now_us);
	for (uint64_t i = 0; i < 40; i += 2)
		pmtu_on_lost(&line.pmtu, first + i, 1472, false, line.now_us);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), 1472);
	assert_int_equal(line.pmtu.phase, PMTU_SETTLED);
	/* What was sent after the last that arrived counts as ever. */
	for (uint64_t i = 41; i < 41 + PMTU_SUSPECT_LOSSES; i++)
		pmtu_on_lost(&line.pmtu, first + i, 1472, false, line.now_us);
	assert_int_equal(line.pmtu.phase, PMTU_SUSPECTED);
}

static void a_path_that_shrinks_is_found_out(void **state)
{
	struct line line;
	unsigned lost = 0;

	(void)state;
	set_up(&line, MOST, MOST);
	search(&line);
	line.mtu_bytes = 1472;
	while (pmtu_packet_bytes(&line.pmtu) > LEAST && lost++ < 100)
		send_packet(&line, pmtu_packet_bytes(&line.pmtu), false);
	assert_int_equal(lost, PMTU_SUSPECT_LOSSES);
	for (int i = 0; i < PMTU_PROBES; i++)
		assert_true(probe(&line));
	assert_int_equal(line.pmtu.black_holes, 1);
	search(&line);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), 1472);
	assert_int_equal(line.pmtu.black_holes, 1);
}

/* Mixed sizes: those that still pass do not hide that the larger ones do not. */
static void packets_that_pass_do_not_hide_a_black_hole(void **state)
{
	struct line line;
	unsigned sent = 0;

	(void)state;
	set_up(&line, 1472, 1472);
	search(&line);
	line.mtu_bytes = 1400;
	line.loss = 0.05;
	while (line.pmtu.black_holes == 0 && sent++ < 1000) {
		probe(&line);
		send_packet(&line, sent % 2 ? 1300 : pmtu_packet_bytes(&line.pmtu), false);
	}
	assert_in_range(sent, 2 * PMTU_SUSPECT_LOSSES, 200);
	line.loss = 0;
	search(&line);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), 1400);
}

static void what_the_system_refuses_is_not_tried(void **state)
{
	struct line line;

	(void)state;
	set_up(&line, 1472, MOST);
	while (pmtu_packet_bytes(&line.pmtu) < 1472)
		probe(&line);
	assert_int_equal(pmtu_probe_bytes(&line.pmtu, line.now_us), MOST);
	pmtu_on_probe_sent(&line.pmtu, line.number++);
	pmtu_on_refused(&line.pmtu, MOST, line.now_us);
	assert_int_equal(pmtu_probe_bytes(&line.pmtu, line.now_us), 4324);
	pmtu_on_refused(&line.pmtu, 4324, line.now_us);
	pmtu_on_refused(&line.pmtu, 2272, line.now_us);
	assert_int_equal(line.pmtu.phase, PMTU_SETTLED);
	assert_int_equal(line.pmtu.black_holes, 0);
	/* The interface has shrunk: what was in use does not leave the machine. */
	pmtu_on_refused(&line.pmtu, 1472, line.now_us);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), LEAST);
	assert_int_equal(line.pmtu.black_holes, 1);
	pmtu_on_refused(&line.pmtu, LEAST, line.now_us);
	assert_int_equal(line.pmtu.black_holes, 1);
}

/* Answers to a probe that was given up, or that another path got, harm nothing; a late one counts. */
static void late_answers(void **state)
{
	struct line line;

	(void)state;
	set_up(&line, MOST, MOST);
	assert_int_equal(pmtu_probe_bytes(&line.pmtu, 0), 1400);
	for (int i = 0; i < PMTU_PROBES; i++) {
		pmtu_on_probe_sent(&line.pmtu, line.number);
		pmtu_on_lost(&line.pmtu, line.number++, 1400, true, line.now_us);
	}
	assert_true(pmtu_probe_bytes(&line.pmtu, 0) < 1400);
	pmtu_on_acked(&line.pmtu, 0, 1400, true, line.now_us);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), 1400);
	assert_int_equal(pmtu_probe_bytes(&line.pmtu, 0), 1452);
	pmtu_on_probe_sent(&line.pmtu, line.number);
	pmtu_restart(&line.pmtu);
	pmtu_on_lost(&line.pmtu, line.number, 1452, true, line.now_us);
	assert_int_equal(line.pmtu.probes_lost, 0);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), LEAST);
	search(&line);
	assert_int_equal(pmtu_packet_bytes(&line.pmtu), MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_what_passes),
	    cmocka_unit_test(wastes_little_of_any_path),
	    cmocka_unit_test(asks_again_after_a_while),
	    cmocka_unit_test(plain_loss_is_no_black_hole),
	    cmocka_unit_test(a_burst_is_no_black_hole),
	    cmocka_unit_test(an_overflow_is_no_black_hole),
	    cmocka_unit_test(a_path_that_shrinks_is_found_out),
	    cmocka_unit_test(packets_that_pass_do_not_hide_a_black_hole),
	    cmocka_unit_test(what_the_system_refuses_is_not_tried),
	    cmocka_unit_test(late_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
