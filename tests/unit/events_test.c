/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/events.c: one ring, readers of all speeds. */
#include "config.h"

#include "control/events.h"

#include "base/keyed_hash.h"
#include "tests/support/rounds.h"
#include "tests/unit/control_fixture.h"

#include <stdlib.h>

static struct event_reader reader, other;
static unsigned told, beats;
static uint64_t lost;

static void on_event(struct event_reader *which)
{
	(void)which;
	told++;
}

static void on_heartbeat(struct event_reader *which)
{
	(void)which;
	beats++;
}

static int setup(void **state)
{
	(void)state;
	control_begin_alone();
	told = beats = 0;
	reader = (struct event_reader){.kinds = EVENT_BIT(EVENT_REVISION) | EVENT_BIT(EVENT_NODE),
	    .who = "token a",
	    .on_event = on_event,
	    .on_heartbeat = on_heartbeat};
	other = reader;
	events_join(control.events, &reader);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	events_leave(control.events, &reader);
	control_end_alone();
	return 0;
}

static void publish(enum event_kind kind, uint64_t id)
{
	events_publish(control.events, kind, id, json_pack("{s:I}", "n", (json_int_t)id));
}

static void an_event_is_text(void **state)
{
	(void)state;
	publish(EVENT_REVISION, 7);
	assert_int_equal(told, 1);
	assert_string_equal(events_read(control.events, &reader, &lost),
	    "id: 7\nevent: revision\ndata: {\"n\":7}\n\n");
	assert_int_equal(lost, 0);
	assert_null(events_read(control.events, &reader, &lost));
	publish(EVENT_NODE, 0);
	assert_string_equal(
	    events_read(control.events, &reader, &lost), "event: node\ndata: {\"n\":0}\n\n");
}

static void other_kinds_and_earlier_ones_are_not_read(void **state)
{
	(void)state;
	publish(EVENT_TUNNELS, 1);
	assert_int_equal(told, 0);
	publish(EVENT_REVISION, 2);
	events_join(control.events, &other);
	assert_int_equal(events_reader_count(control.events), 2);
	assert_int_equal(events_readers_of(control.events, "token a"), 2);
	assert_int_equal(events_readers_of(control.events, "token b"), 0);
	assert_null(events_read(control.events, &other, &lost));
	assert_non_null(events_read(control.events, &reader, &lost));
	publish(EVENT_REVISION, 3);
	assert_non_null(events_read(control.events, &other, &lost));
	events_leave(control.events, &other);
}

/* By number and by bytes; what is lost is counted, and the rest is in order. */
static void a_slow_reader_loses_the_oldest(void **state)
{
	char text[64], *large = malloc(EVENTS_BYTES_MAX / 4);

	(void)state;
	for (uint64_t i = 1; i <= EVENTS_KEPT + 10; i++)
		publish(EVENT_REVISION, i);
	for (uint64_t i = 11; i <= EVENTS_KEPT + 10; i++) {
		const char *event = events_read(control.events, &reader, &lost);

		assert_int_equal(lost, i == 11 ? 10 : 0);
		snprintf(text, sizeof text, "id: %llu\n", (unsigned long long)i);
		assert_non_null(strstr(event, text));
	}
	memset(large, 'x', EVENTS_BYTES_MAX / 4 - 1);
	large[EVENTS_BYTES_MAX / 4 - 1] = '\0';
	for (int i = 0; i < 10; i++)
		events_publish(control.events, EVENT_REVISION, 1, json_pack("{s:s}", "n", large));
	assert_non_null(events_read(control.events, &reader, &lost));
	assert_int_equal(lost, 7);
	free(large);
}

/* Who has read all that he wanted loses nothing by what he did not want. */
static void others_events_are_no_loss(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * EVENTS_KEPT; i++)
		publish(EVENT_HEALTH, 0);
	publish(EVENT_REVISION, 7);
	assert_non_null(events_read(control.events, &reader, &lost));
	assert_int_equal(lost, 0);
}

/* Nobody who wants them: nothing is measured. */
static void tunnels_are_told_each_second(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++)
		rounds_one(control.loop);
	assert_int_equal(told, 0);
	reader.kinds = EVENT_BIT(EVENT_TUNNELS);
	for (int i = 0; i < 5000 && told == 0; i++)
		rounds_one(control.loop);
	assert_string_equal(events_read(control.events, &reader, &lost),
	    "event: tunnels\ndata: {\"items\":[]}\n\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_event_is_text),
	    TEST(other_kinds_and_earlier_ones_are_not_read),
	    TEST(a_slow_reader_loses_the_oldest),
	    TEST(others_events_are_no_loss),
	    TEST(tunnels_are_told_each_second),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
