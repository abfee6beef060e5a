/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A side's parameters: written and read, judged, compared, and the choice of the AEAD.
 */
#include "config.h"

#include "base/bytes.h"
#include "tests/unit/cmocka_all.h"
#include "tunnel/parameters.h"

static const struct tunnel_parameters good = {.version = TUNNEL_VERSION,
    .aeads = 3,
    .workers = 8,
    .instance = UINT64_C(0x1122334455667788),
    .max_flows = 200000,
    .packet_bytes = 1452};

static void reads_what_was_written(void **state)
{
	static const uint8_t expected[TUNNEL_PARAMETERS_BYTES] = {0, 4, 3, 8, 0x11, 0x22, 0x33,
	    0x44, 0x55, 0x66, 0x77, 0x88, 0, 3, 0x0d, 0x40, 0x05, 0xac};
	uint8_t bytes[TUNNEL_PARAMETERS_BYTES];
	struct tunnel_parameters read;
	struct writer w;
	struct reader r;

	(void)state;
	writer_init(&w, bytes, sizeof(bytes));
	tunnel_parameters_write(&w, &good);
	assert_int_equal(writer_length(&w), sizeof(bytes));
	assert_memory_equal(bytes, expected, sizeof(bytes));
	reader_init(&r, bytes, sizeof(bytes));
	tunnel_parameters_read(&r, &read);
	assert_false(r.failed);
	assert_true(tunnel_parameters_equal(&read, &good));
	assert_true(tunnel_parameters_are_good(&read));
	/* Each byte counts. */
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		reader_init(&r, bytes, sizeof(bytes));
		tunnel_parameters_read(&r, &read);
		assert_false(tunnel_parameters_equal(&read, &good));
		bytes[i] ^= 1;
	}
}

static void refuses_what_is_out_of_range(void **state)
{
	struct tunnel_parameters p;

	(void)state;
#define REFUSED(field, value)                                                                      \
	do {                                                                                       \
		p = good;                                                                          \
		p.field = value;                                                                   \
		assert_false(tunnel_parameters_are_good(&p));                                      \
	} while (0)
	REFUSED(version, 0);
	REFUSED(version, TUNNEL_VERSION - 1);
	REFUSED(version, TUNNEL_VERSION + 1);
	REFUSED(aeads, 0);
	REFUSED(aeads, 4);
	REFUSED(aeads, 7);
	REFUSED(workers, 0);
	REFUSED(workers, TUNNEL_LANES_MAX + 1);
	REFUSED(max_flows, 0);
	REFUSED(packet_bytes, 1199);
	REFUSED(packet_bytes, 8953);
}

static void chooses_the_best_of_both(void **state)
{
	(void)state;
	assert_int_equal(tunnel_parameters_choose(3, 3), AEAD_AES256GCM);
	assert_int_equal(tunnel_parameters_choose(3, 2), AEAD_CHACHA20POLY1305);
	assert_int_equal(tunnel_parameters_choose(2, 3), AEAD_CHACHA20POLY1305);
	assert_int_equal(tunnel_parameters_choose(1, 3), AEAD_AES256GCM);
	assert_int_equal(tunnel_parameters_choose(1, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_was_written),
	    cmocka_unit_test(refuses_what_is_out_of_range),
	    cmocka_unit_test(chooses_the_best_of_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
