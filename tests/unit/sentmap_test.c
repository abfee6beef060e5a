/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was sent stays, with its frames, through growth of the rings, and goes when it may. */
#include "tunnel/sentmap.h"

#include "base/err.h"
#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

static void push(struct sentmap *map, unsigned frames)
{
	unsigned count = 0;

	assert_int_equal(sentmap_reserve(map), 0);
	for (unsigned i = 0; i < frames; i++) {
		struct sent_frame frame = {map->next, i, 1, 2};

		assert_int_equal(sentmap_add_frame(map, &frame, &count), 0);
	}
	sentmap_push(map, map->next, 100, true, count);
}

static void acknowledge(struct sentmap *map, uint64_t number)
{
	sentmap_set_state(map, sentmap_get(map, number), SENT_ACKED);
}

static void frames_survive_growth(void **state)
{
	enum { PACKETS = 5000 };
	struct sentmap map;

	(void)state;
	assert_int_equal(sentmap_init(&map), 0);
	/* The rings are not at their beginning when they grow. */
	for (unsigned i = 0; i < 50; i++) {
		push(&map, 2);
		acknowledge(&map, i);
	}
	sentmap_expire(&map, 0);
	for (unsigned i = 0; i < PACKETS; i++)
		push(&map, i % 4);
	for (uint64_t number = 50; number < 50 + PACKETS; number++) {
		struct sent_packet *packet = sentmap_get(&map, number);

		assert_int_equal(packet->sent_us, number);
		assert_int_equal(packet->frame_count, (number - 50) % 4);
		for (unsigned i = 0; i < packet->frame_count; i++) {
			assert_int_equal(sentmap_frame(&map, packet, i)->flow, number);
			assert_int_equal(sentmap_frame(&map, packet, i)->offset, i);
		}
	}
	assert_int_equal(map.in_flight_bytes, PACKETS * 100);
	assert_null(sentmap_get(&map, 49));
	assert_null(sentmap_get(&map, map.next));
	/* Emptied, it gives memory back. */
	for (uint64_t number = 50; number < 50 + PACKETS; number++)
		acknowledge(&map, number);
	sentmap_expire(&map, 0);
	assert_int_equal(map.packet_capacity, SENTMAP_PACKETS_MIN);
	assert_int_equal(map.frame_capacity, SENTMAP_FRAMES_MIN);
	assert_int_equal(map.in_flight_bytes, 0);
	push(&map, 1);
	assert_int_equal(sentmap_frame(&map, sentmap_get(&map, map.first), 0)->flow, map.first);
	sentmap_clear(&map);
}

static void dropped_records_leave_no_trace(void **state)
{
	struct sentmap map;
	struct sent_frame frame = {7, 0, 0, 0};
	unsigned count = 0;

	(void)state;
	assert_int_equal(sentmap_init(&map), 0);
	for (unsigned i = 0; i < SENTMAP_PACKET_FRAMES_MAX; i++)
		assert_int_equal(sentmap_add_frame(&map, &frame, &count), 0);
	assert_int_equal(sentmap_add_frame(&map, &frame, &count), ERR_LIMIT);
	sentmap_drop_frames(&map, count);
	push(&map, 1);
	assert_int_equal(sentmap_frame(&map, sentmap_get(&map, 0), 0)->flow, 0);
	assert_int_equal(map.frame_next, 1);
	sentmap_clear(&map);
}

static void lost_packets_are_kept_a_while(void **state)
{
	struct sentmap map;

	(void)state;
	assert_int_equal(sentmap_init(&map), 0);
	for (unsigned i = 0; i < 10; i++)
		push(&map, 1);
	sentmap_set_state(&map, sentmap_get(&map, 0), SENT_LOST);
	sentmap_set_state(&map, sentmap_get(&map, 1), SENT_LOST);
	acknowledge(&map, 2);
	assert_int_equal(map.in_flight_pkts, 7);
	assert_int_equal(sentmap_oldest_outstanding(&map), 3);
	sentmap_expire(&map, 1);
	assert_int_equal(map.first, 1);
	sentmap_expire(&map, 2);
	assert_int_equal(map.first, 3);
	/* What is in flight is never forgotten. */
	sentmap_expire(&map, UINT64_MAX);
	assert_int_equal(map.first, 3);
	/* A late acknowledgement of a lost packet counts nothing twice. */
	sentmap_set_state(&map, sentmap_get(&map, 3), SENT_LOST);
	sentmap_set_state(&map, sentmap_get(&map, 3), SENT_ACKED);
	assert_int_equal(map.in_flight_pkts, 6);
	assert_int_equal(map.in_flight_bytes, 600);
	sentmap_clear(&map);
}

static void there_is_a_cap(void **state)
{
	struct sentmap map;

	(void)state;
	assert_int_equal(sentmap_init(&map), 0);
	while (!sentmap_is_nearly_full(&map))
		push(&map, 0);
	assert_in_range(map.next, SENTMAP_PACKETS_MAX - 100, SENTMAP_PACKETS_MAX - 50);
	while (sentmap_reserve(&map) == 0)
		sentmap_push(&map, 1, 100, false, 0);
	assert_int_equal(sentmap_reserve(&map), ERR_LIMIT);
	assert_int_equal(map.next, SENTMAP_PACKETS_MAX);
	sentmap_clear(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_survive_growth),
	    cmocka_unit_test(dropped_records_leave_no_trace),
	    cmocka_unit_test(lost_packets_are_kept_a_while),
	    cmocka_unit_test(there_is_a_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
