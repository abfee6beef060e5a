/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/worker_siblings.c: lanes of a tunnel find one another in the pages of all workers. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "net/worker_private.h"

#include <string.h>
#include <unistd.h>

enum { WORKERS = 2, LANES = 3 };

static struct worker workers[WORKERS];
static struct page *pages[WORKERS];
static const struct page *seen[WORKERS];
static struct carried lanes[LANES];
static struct lane_config configs[LANES];

/* Lanes 0 and 1 are worker 0's, lane 2 is worker 1's. */
static int set_up(void **state)
{
	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		int writer, reader;

		assert_int_equal(page_create(&writer, &reader), 0);
		assert_int_equal(page_open(writer, &pages[i]), 0);
		assert_int_equal(page_map(reader, &seen[i]), 0);
		close(writer);
		close(reader);
		workers[i] = (struct worker){.page = pages[i]};
	}
	for (int i = 0; i < WORKERS; i++)
		workers[i].siblings[workers[i].sibling_count++] = seen[!i];
	memset(lanes, 0, sizeof(lanes));
	for (int i = 0; i < LANES; i++) {
		lanes[i].shown.worker = &workers[i / 2];
		lanes[i].local_id = 100 + (unsigned)i;
		memset(lanes[i].shown.peer_pin, 5, PIN_BYTES);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		page_unmap(pages[i]);
		page_unmap(seen[i]);
	}
	return 0;
}

static void begin(int lane)
{
	worker_siblings_begin(&lanes[lane], &configs[lane]);
}

static void tell(int lane, uint64_t rate_Bps)
{
	struct path_share_record record = {.told_us = 1, .rate_Bps = rate_Bps};

	configs[lane].siblings.tell(configs[lane].siblings.context, &record);
}

/* The sum of the rates that a lane reads, 0 for nobody. */
static uint64_t read_by(int lane)
{
	struct path_share_record records[PATH_SIBLINGS_MAX];
	const struct path_siblings *siblings = &configs[lane].siblings;
	unsigned count = siblings->read(siblings->context, records, PATH_SIBLINGS_MAX);
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += records[i].rate_Bps;
	return sum;
}

static void a_new_lane_reads_at_once_and_others_see_it_within_a_tick(void **state)
{
	(void)state;
	begin(0);
	tell(0, 1);
	begin(1);
	tell(1, 10);
	begin(2);
	tell(2, 100);
	assert_int_equal(read_by(2), 11);
	assert_int_equal(read_by(0), 0);
	worker_siblings_tick(&lanes[0]);
	assert_int_equal(read_by(0), 110);
	assert_int_equal(configs[2].siblings.order, 102);
}

static void lanes_of_other_tunnels_are_not_read(void **state)
{
	(void)state;
	lanes[2].shown.peer_pin[0]++;
	begin(0);
	tell(0, 1);
	begin(2);
	assert_int_equal(read_by(2), 0);
}

static void who_is_gone_is_not_read(void **state)
{
	(void)state;
	begin(0);
	tell(0, 1);
	begin(2);
	assert_int_equal(read_by(2), 1);
	worker_siblings_end(&lanes[0]);
	assert_int_equal(read_by(2), 0);
}

/* With no place left a lane is alone, until there is one. */
static void a_full_page_is_no_harm(void **state)
{
	struct page_path *last = NULL;

	(void)state;
	for (int i = 0; i < PAGE_PATHS; i++)
		last = page_path_claim(&pages[0]->paths, 1);
	begin(2);
	tell(2, 100);
	begin(0);
	tell(0, 1);
	assert_int_equal(read_by(0), 0);
	worker_siblings_tick(&lanes[2]);
	assert_int_equal(read_by(2), 0);
	page_path_release(&pages[0]->paths, last);
	worker_siblings_tick(&lanes[0]);
	tell(0, 1);
	assert_int_equal(read_by(0), 100);
	worker_siblings_tick(&lanes[2]);
	assert_int_equal(read_by(2), 1);
	worker_siblings_end(&lanes[0]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        a_new_lane_reads_at_once_and_others_see_it_within_a_tick, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(lanes_of_other_tunnels_are_not_read, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(who_is_gone_is_not_read, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_full_page_is_no_harm, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
