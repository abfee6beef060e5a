/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of sealed packets.
 */
#include "config.h"

#include "tunnel/packet.h"

#include "base/err.h"
#include "tests/unit/cmocka_all.h"
#include "tunnel/limits.h"

static void headers_have_their_bytes(void **state)
{
	static const uint8_t expected[PACKET_HEADER_BYTES] = {
	    0x41, 0x12, 0x34, 0x56, 0x78, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t packet[PACKET_OVERHEAD_BYTES + 1] = {0};
	struct packet_header header = {true, 0x12345678, PACKET_NUMBER_MAX};

	(void)state;
	packet_header_write(packet, &header);
	assert_memory_equal(packet, expected, sizeof(expected));
	header = (struct packet_header){0};
	assert_int_equal(packet_header_read(packet, sizeof(packet), &header), 0);
	assert_true(header.phase);
	assert_int_equal(header.connection_id, 0x12345678);
	assert_true(header.number == PACKET_NUMBER_MAX);
}

static void others_are_refused(void **state)
{
	uint8_t packet[PACKET_OVERHEAD_BYTES + 1] = {PACKET_FLAG_SEALED};
	struct packet_header header;

	(void)state;
	for (size_t length = 0; length < sizeof(packet); length++)
		assert_int_equal(packet_header_read(packet, length, &header), ERR_MALFORMED);
	for (unsigned flags = 0; flags < 256; flags++) {
		packet[0] = (uint8_t)flags;
		assert_int_equal(packet_header_read(packet, sizeof(packet), &header),
		    flags == 0x40 || flags == 0x41 ? 0 : ERR_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_have_their_bytes),
	    cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
