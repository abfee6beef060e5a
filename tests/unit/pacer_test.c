/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pacer keeps its rate from 1 Mbit/s to 10 Gbit/s, and sends in whole bursts. */
#include "tunnel/pacer.h"

#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

enum { PACKET_BYTES = 1200 };

/* Sends whatever it lets go for a second of virtual time; returns the bytes, counts the bursts. */
static uint64_t send_a_second(struct pacer *pacer, uint64_t late_us, unsigned *bursts)
{
	uint64_t sent = 0, now_us = 1000000, end_us = 2000000;

	*bursts = 0;
	while (now_us < end_us) {
		uint64_t room = pacer_room_bytes(pacer, now_us), due_us;

		*bursts += room > 0;
		for (; room >= PACKET_BYTES; room -= PACKET_BYTES) {
			pacer_on_sent(pacer, PACKET_BYTES, now_us);
			sent += PACKET_BYTES;
		}
		due_us = pacer_timer_us(pacer, now_us);
		assert_true(due_us > now_us);
		if (late_us == 0)
			assert_true(pacer_room_bytes(pacer, due_us) > 0);
		assert_int_equal(pacer_room_bytes(pacer, due_us - 1), 0);
		now_us = due_us + late_us;
	}
	return sent;
}

static void every_rate_is_kept(void **state)
{
	static const uint64_t rates_Bps[] = {125000, 1250000, 12500000, 125000000, 1250000000};

	(void)state;
	for (unsigned i = 0; i < sizeof(rates_Bps) / sizeof(rates_Bps[0]); i++) {
		struct pacer pacer;
		uint64_t sent;
		unsigned bursts;

		pacer_init(&pacer, PACKET_BYTES, 0);
		pacer_set_rate(&pacer, rates_Bps[i], 0);
		sent = send_a_second(&pacer, 0, &bursts);
		/* Half a per cent, and the burst that was saved up. */
		assert_in_range(sent, rates_Bps[i] * 995 / 1000,
		    rates_Bps[i] * 1005 / 1000 + 3 * pacer.quantum_bytes + 12000);
		assert_true(sent / bursts + PACKET_BYTES > pacer.quantum_bytes);
		assert_in_range(pacer.quantum_bytes, PACKET_BYTES, PACER_QUANTUM_MAX_BYTES);
	}
}

/* What goes past it is not owed for ever. */
static void a_debt_is_a_burst_at_the_most(void **state)
{
	struct pacer pacer;

	(void)state;
	pacer_init(&pacer, PACKET_BYTES, 0);
	pacer_set_rate(&pacer, 1000000, 0);
	for (int i = 0; i < 10000; i++)
		pacer_on_sent(&pacer, PACKET_BYTES, 0);
	assert_in_range(pacer_timer_us(&pacer, 0), 12000, 24000);
}

/* A timer that comes 0.5 ms late each time costs no rate. */
static void late_timers_are_made_up_for(void **state)
{
	struct pacer pacer;
	uint64_t sent;
	unsigned bursts;

	(void)state;
	pacer_init(&pacer, PACKET_BYTES, 0);
	pacer_set_rate(&pacer, 12500000, 0);
	sent = send_a_second(&pacer, 500, &bursts);
	assert_in_range(sent, 12300000, 12600000);
}

static void idle_time_saves_three_quanta(void **state)
{
	struct pacer pacer;

	(void)state;
	pacer_init(&pacer, PACKET_BYTES, 0);
	/* The first burst is the initial window. */
	assert_int_equal(pacer_room_bytes(&pacer, 0), UINT64_MAX);
	pacer_set_rate(&pacer, 10000000, 0);
	assert_int_equal(pacer_room_bytes(&pacer, 0), 12000);
	pacer_on_sent(&pacer, 12000, 0);
	assert_int_equal(pacer_room_bytes(&pacer, 0), 0);
	assert_int_equal(pacer_room_bytes(&pacer, 999), 0);
	assert_int_equal(pacer_room_bytes(&pacer, 1000), 10000);
	assert_int_equal(pacer_room_bytes(&pacer, 100000000), 30000);
}

/* A small packet leaves the rest of the burst usable at once. */
static void small_packets_do_not_wait(void **state)
{
	struct pacer pacer;

	(void)state;
	pacer_init(&pacer, PACKET_BYTES, 0);
	pacer_set_rate(&pacer, 10000000, 0);
	pacer_on_sent(&pacer, 100, 0);
	assert_int_equal(pacer_room_bytes(&pacer, 0), 11900);
	assert_int_equal(pacer_timer_us(&pacer, 0), 0);
}

static void probes_beyond_the_rate_are_paid_back(void **state)
{
	struct pacer pacer;

	(void)state;
	pacer_init(&pacer, PACKET_BYTES, 0);
	pacer_set_rate(&pacer, 1000000, 0);
	pacer_on_sent(&pacer, 14000, 0);
	/* 2,000 owed and a quantum of 1,200. */
	assert_int_equal(pacer_timer_us(&pacer, 0), 3200);
	assert_int_equal(pacer_timer_us(&pacer, 400), 3200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_rate_is_kept),
	    cmocka_unit_test(a_debt_is_a_burst_at_the_most),
	    cmocka_unit_test(late_timers_are_made_up_for),
	    cmocka_unit_test(idle_time_saves_three_quanta),
	    cmocka_unit_test(small_packets_do_not_wait),
	    cmocka_unit_test(probes_beyond_the_rate_are_paid_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
