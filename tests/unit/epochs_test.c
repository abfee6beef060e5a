/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Key epochs: both sides follow each other, late packets open, forged phase bits change nothing.
 */
#include "config.h"

#include "tunnel/epochs.h"

#include "base/err.h"
#include "tests/unit/cmocka_all.h"
#include "tunnel/limits.h"

#include <string.h>

enum { PTO_US = 100000, BYTES = PACKET_OVERHEAD_BYTES + 4 };

struct two {
	struct epochs a, b;
};

static void start(struct two *two)
{
	static const uint8_t from_a[AEAD_SECRET_BYTES] = {1}, from_b[AEAD_SECRET_BYTES] = {2};

	assert_int_equal(aead_init(), 0);
	assert_int_equal(epochs_init(&two->a, AEAD_CHACHA20POLY1305, from_a, from_b, 0), 0);
	assert_int_equal(epochs_init(&two->b, AEAD_CHACHA20POLY1305, from_b, from_a, 0), 0);
}

static void seal(struct epochs *epochs, uint64_t number, uint64_t now_us, uint8_t packet[BYTES])
{
	memcpy(packet + PACKET_HEADER_BYTES, "data", 4);
	epochs_prepare_send(epochs, number, now_us);
	epochs_seal(epochs, packet, 9, number, 4);
}

static int open_copy(struct epochs *epochs, const uint8_t packet[BYTES], uint64_t now_us)
{
	uint8_t copy[BYTES];
	struct packet_header header;
	int rc;

	memcpy(copy, packet, BYTES);
	assert_int_equal(packet_header_read(copy, BYTES, &header), 0);
	rc = epochs_open(epochs, &header, copy, BYTES, PTO_US, now_us);
	if (rc == 0)
		assert_memory_equal(copy + PACKET_HEADER_BYTES, "data", 4);
	return rc;
}

static void sides_change_together(void **state)
{
	struct two two;
	uint8_t old[BYTES], packet[BYTES];
	uint64_t now_us = EPOCH_MAX_US;

	(void)state;
	start(&two);
	seal(&two.a, 0, 0, old);
	seal(&two.a, 1, 0, packet);
	assert_int_equal(open_copy(&two.b, packet, 0), 0);
	/* Not before a packet of this epoch was acknowledged. */
	seal(&two.a, 2, now_us, packet);
	assert_int_equal(two.a.send_epoch, 0);
	epochs_on_ack(&two.a, 2);
	seal(&two.a, 3, now_us, packet);
	assert_int_equal(two.a.send_epoch, 1);
	assert_int_equal(open_copy(&two.b, packet, now_us), 0);
	assert_int_equal(two.b.receive_epoch, 1);
	/* The answer comes in the new epoch too. */
	seal(&two.b, 0, now_us, packet);
	assert_int_equal(two.b.send_epoch, 1);
	assert_int_equal(open_copy(&two.a, packet, now_us), 0);
	assert_int_equal(two.a.receive_epoch, 1);
	assert_int_equal(two.a.changes, 2);
	/* A late packet opens while the old keys live. */
	assert_int_equal(open_copy(&two.b, old, now_us), 0);
	assert_int_equal(open_copy(&two.b, old, now_us + 3 * PTO_US), ERR_AUTH);
	assert_int_equal(two.b.receive_epoch, 1);
	epochs_clear(&two.a);
	epochs_clear(&two.b);
}

static void both_may_begin_at_once(void **state)
{
	struct two two;
	uint8_t from_a[BYTES], from_b[BYTES];
	uint64_t now_us = 0;

	(void)state;
	start(&two);
	for (uint64_t number = 0; number < 200; number++) {
		seal(&two.a, number, now_us, from_a);
		seal(&two.b, number, now_us, from_b);
		assert_int_equal(open_copy(&two.b, from_a, now_us), 0);
		assert_int_equal(open_copy(&two.a, from_b, now_us), 0);
		epochs_on_ack(&two.a, number);
		epochs_on_ack(&two.b, number);
		now_us += EPOCH_MAX_US / 10;
	}
	assert_in_range(two.a.receive_epoch, 15, 20);
	assert_int_equal(two.a.receive_epoch, two.b.receive_epoch);
	epochs_clear(&two.a);
	epochs_clear(&two.b);
}

static void packets_count_too(void **state)
{
	struct two two;
	uint8_t packet[BYTES];

	(void)state;
	start(&two);
	two.a.send_pkts = EPOCH_MAX_PKTS;
	two.a.is_confirmed = true;
	seal(&two.a, 77, 1, packet);
	assert_int_equal(two.a.send_epoch, 1);
	assert_true(epochs_phase(&two.a));
	assert_int_equal(open_copy(&two.b, packet, 1), 0);
	epochs_clear(&two.a);
	epochs_clear(&two.b);
}

static void forged_phases_change_nothing(void **state)
{
	struct two two;
	uint8_t packet[BYTES];

	(void)state;
	start(&two);
	seal(&two.a, 0, 0, packet);
	packet[0] ^= PACKET_FLAG_PHASE;
	assert_int_equal(open_copy(&two.b, packet, 0), ERR_AUTH);
	assert_int_equal(two.b.receive_epoch, 0);
	packet[0] ^= PACKET_FLAG_PHASE;
	assert_int_equal(open_copy(&two.b, packet, 0), 0);
	epochs_clear(&two.a);
	epochs_clear(&two.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sides_change_together),
	    cmocka_unit_test(both_may_begin_at_once),
	    cmocka_unit_test(packets_count_too),
	    cmocka_unit_test(forged_phases_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
