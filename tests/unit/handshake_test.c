/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of handshake packets, and that each cause has a name of its own.
 */
#include "config.h"

#include "base/bytes.h"
#include "tests/unit/cmocka_all.h"
#include "tunnel/handshake.h"

#include <string.h>

static void reads_what_was_written(void **state)
{
	struct handshake_header header = {HANDSHAKE_RESPOND, 0x01020304,
	                            UINT64_C(0x1112131415161718), UINT64_C(0x2122232425262728)},
	                        read;
	uint8_t packet[64] = {0};
	struct writer w;

	(void)state;
	writer_init(&w, packet, sizeof(packet));
	handshake_header_write(&w, &header);
	assert_int_equal(writer_length(&w), HANDSHAKE_HEADER_BYTES);
	assert_int_equal(packet[0], 0x82);
	assert_true(handshake_is(packet, 1));
	assert_false(handshake_is(packet, 0));
	assert_int_equal(
	    handshake_form_check(&read, TUNNEL_LISTENER, packet, sizeof(packet)), HANDSHAKE_FINE);
	assert_int_equal(read.type, header.type);
	assert_int_equal(read.connection_id, header.connection_id);
	assert_true(read.door_id == header.door_id && read.tunnel_id == header.tunnel_id);
}

static void takes_only_types_of_its_role(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES] = {0};
	struct handshake_header header;

	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		bool to_endpoint = first == 0x81 || first == 0x84;
		bool to_listener = first == 0x82 || first == 0x83 || first == 0x85 || first == 0x86;

		packet[0] = (uint8_t)first;
		assert_int_equal(
		    handshake_form_check(&header, TUNNEL_ENDPOINT, packet, sizeof(packet)),
		    to_endpoint ? HANDSHAKE_FINE : HANDSHAKE_WRONG_TYPE);
		assert_int_equal(
		    handshake_form_check(&header, TUNNEL_LISTENER, packet, sizeof(packet)),
		    to_listener ? HANDSHAKE_FINE : HANDSHAKE_WRONG_TYPE);
	}
}

static void names_are_all_different(void **state)
{
	(void)state;
	for (int i = 0; i < HANDSHAKE_CAUSE_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(handshake_cause_name((enum handshake_cause)i),
			    handshake_cause_name((enum handshake_cause)j));
	assert_string_equal(handshake_cause_name(HANDSHAKE_CAUSE_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_was_written),
	    cmocka_unit_test(takes_only_types_of_its_role),
	    cmocka_unit_test(names_are_all_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
