/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doors: derived keys, directions, the table.
 */
#include "config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "tests/unit/cmocka_all.h"
#include "tunnel/door.h"

#include <string.h>

static const uint8_t key[DOOR_SECRET_BYTES] = {1, 2, 3};
static const uint8_t pin[PIN_BYTES] = {4, 5, 6};

static size_t make_packet(
    const struct door *door, enum handshake_type type, uint8_t *out, size_t body)
{
	struct handshake_header header = {
	    .type = type, .connection_id = 0x02000000, .door_id = door->id, .tunnel_id = 99};
	struct writer w;

	writer_init(&w, out, HANDSHAKE_PACKET_BYTES);
	handshake_header_write(&w, &header);
	memset(writer_skip(&w, body), 0x55, body);
	door_seal(door, &w);
	return writer_length(&w);
}

static void one_key_gives_one_door(void **state)
{
	uint8_t other_key[DOOR_SECRET_BYTES] = {1, 2, 4};
	struct door a, b, c;

	(void)state;
	door_init(&a, key, pin);
	door_init(&b, key, pin);
	door_init(&c, other_key, pin);
	assert_true(a.id == b.id);
	assert_true(a.id != c.id);
	assert_memory_not_equal(a.mac_keys[0], a.mac_keys[1], DOOR_SECRET_BYTES);
	assert_memory_not_equal(a.mac_keys[0], c.mac_keys[0], DOOR_SECRET_BYTES);
	assert_memory_equal(a.peer_pin, pin, PIN_BYTES);
}

static void keys_differ_by_listener(void **state)
{
	uint8_t other_pin[PIN_BYTES] = {4, 5, 7}, a[DOOR_SECRET_BYTES], b[DOOR_SECRET_BYTES];

	(void)state;
	door_key_derive(a, key, pin);
	door_key_derive(b, key, other_pin);
	assert_memory_not_equal(a, b, sizeof(a));
	door_key_derive(b, key, pin);
	assert_memory_equal(a, b, sizeof(a));
}

/* The first byte is under the MAC, and each direction has its key: nothing can be sent back. */
static void nothing_is_reflected(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	struct handshake_header header;
	const struct door *found;
	struct doors doors = {0};
	struct door door;
	size_t length;

	(void)state;
	door_init(&door, key, pin);
	assert_int_equal(doors_put(&doors, &door), 0);
	length = make_packet(&door, HANDSHAKE_START, packet, 30);
	assert_int_equal(
	    doors_check(&doors, TUNNEL_ENDPOINT, packet, length, &header, &found), HANDSHAKE_FINE);
	assert_int_equal(header.tunnel_id, 99);
	assert_int_equal(header.connection_id, 0x02000000);
	assert_int_equal(doors_check(&doors, TUNNEL_LISTENER, packet, length, &header, &found),
	    HANDSHAKE_WRONG_TYPE);
	packet[0] = HANDSHAKE_FLAG | HANDSHAKE_STARTED;
	assert_int_equal(doors_check(&doors, TUNNEL_LISTENER, packet, length, &header, &found),
	    HANDSHAKE_DOOR_FORGED);
	doors_clear(&doors);
}

static void each_fault_has_its_name(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES + 1];
	struct handshake_header header;
	const struct door *found;
	struct doors doors = {0};
	struct door door;
	size_t length;

	(void)state;
	door_init(&door, key, pin);
	length = make_packet(&door, HANDSHAKE_START, packet, 30);
	assert_int_equal(doors_check(&doors, TUNNEL_ENDPOINT, packet, length, &header, &found),
	    HANDSHAKE_DOOR_UNKNOWN);
	assert_int_equal(doors_put(&doors, &door), 0);
	for (size_t i = 0; i < HANDSHAKE_HEADER_BYTES + HANDSHAKE_MAC_BYTES; i++)
		assert_int_equal(doors_check(&doors, TUNNEL_ENDPOINT, packet, i, &header, &found),
		    HANDSHAKE_MALFORMED);
	assert_int_equal(doors_check(&doors, TUNNEL_ENDPOINT, packet, HANDSHAKE_PACKET_BYTES + 1,
	                     &header, &found),
	    HANDSHAKE_MALFORMED);
	packet[length - 1] ^= 1;
	assert_int_equal(doors_check(&doors, TUNNEL_ENDPOINT, packet, length, &header, &found),
	    HANDSHAKE_DOOR_FORGED);
	packet[0] = HANDSHAKE_FLAG;
	assert_int_equal(doors_check(&doors, TUNNEL_ENDPOINT, packet, length, &header, &found),
	    HANDSHAKE_WRONG_TYPE);
	length = make_packet(&door, HANDSHAKE_INITIATE, packet, 30);
	assert_int_equal(doors_check(&doors, TUNNEL_ENDPOINT, packet, length, &header, &found),
	    HANDSHAKE_MALFORMED);
	doors_clear(&doors);
}

static void the_table_finds_all_and_has_a_cap(void **state)
{
	struct doors doors = {0};
	struct door door;

	(void)state;
	for (uint32_t i = 0; i <= DOORS_MAX; i++) {
		uint8_t many[DOOR_SECRET_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8), 9};

		door_init(&door, many, pin);
		assert_int_equal(doors_put(&doors, &door), i < DOORS_MAX ? 0 : ERR_LIMIT);
	}
	assert_int_equal(doors.count, DOORS_MAX);
	assert_null(doors_find(&doors, door.id));
	for (size_t i = 0; i < doors.count; i++) {
		assert_ptr_equal(doors_find(&doors, doors.items[i].id), &doors.items[i]);
		if (i)
			assert_true(doors.items[i - 1].id < doors.items[i].id);
	}
	door = doors.items[7];
	door.peer_pin[0] = 77;
	assert_int_equal(doors_put(&doors, &door), 0);
	assert_int_equal(doors.count, DOORS_MAX);
	assert_int_equal(doors_find(&doors, door.id)->peer_pin[0], 77);
	doors_clear(&doors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_key_gives_one_door),
	    cmocka_unit_test(keys_differ_by_listener),
	    cmocka_unit_test(nothing_is_reflected),
	    cmocka_unit_test(each_fault_has_its_name),
	    cmocka_unit_test(the_table_finds_all_and_has_a_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
