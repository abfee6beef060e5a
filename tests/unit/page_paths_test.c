/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/page_paths.c: records for siblings, by tunnel, across the death of who writes them. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "net/page_paths.h"

#include <string.h>

static struct page_paths paths;

static int set_up(void **state)
{
	(void)state;
	memset(&paths, 0, sizeof(paths));
	return 0;
}

static void tell(struct page_path *path, uint64_t rate_Bps)
{
	page_path_write(path, &(struct path_share_record){.told_us = 1, .rate_Bps = rate_Bps});
}

static void records_are_found_by_tunnel(void **state)
{
	const struct page_path *found[4];
	struct path_share_record record;
	struct page_path *one, *two;

	(void)state;
	one = page_path_claim(&paths, 7);
	page_path_claim(&paths, 8);
	two = page_path_claim(&paths, 7);
	tell(one, 100);
	tell(two, 200);
	assert_int_equal(page_paths_find(&paths, 7, found, 4), 2);
	assert_true(page_path_read(found[0], 7, &record));
	assert_int_equal(record.rate_Bps, 100);
	assert_true(page_path_read(found[1], 7, &record));
	assert_int_equal(record.rate_Bps, 200);
	assert_int_equal(page_paths_find(&paths, 7, found, 1), 1);
	assert_int_equal(page_paths_find(&paths, 9, found, 4), 0);
}

/* Who found the place before reads neither the old record nor the new tunnel's. */
static void a_place_given_back_is_anothers(void **state)
{
	struct path_share_record record;
	struct page_path *path = page_path_claim(&paths, 7);

	(void)state;
	tell(path, 100);
	page_path_release(&paths, path);
	assert_false(page_path_read(path, 7, &record));
	assert_ptr_equal(page_path_claim(&paths, 8), path);
	assert_false(page_path_read(path, 7, &record));
	assert_true(page_path_read(path, 8, &record));
	assert_int_equal(record.told_us, 0);
	page_path_release(&paths, NULL);
}

static void a_full_page_gives_no_place(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PAGE_PATHS; i++)
		assert_non_null(page_path_claim(&paths, 7));
	assert_null(page_path_claim(&paths, 7));
}

static void half_a_record_is_none(void **state)
{
	struct path_share_record record;
	struct page_path *path = page_path_claim(&paths, 7);

	(void)state;
	tell(path, 100);
	path->sequence++; /* it died while writing */
	assert_false(page_path_read(path, 7, &record));
	tell(path, 200);
	assert_true(page_path_read(path, 7, &record));
	assert_int_equal(record.rate_Bps, 200);
}

static void a_successor_begins_with_an_empty_page(void **state)
{
	const struct page_path *found[4];
	struct path_share_record record;
	struct page_path *path = page_path_claim(&paths, 7);

	(void)state;
	tell(path, 100);
	path->sequence++;
	page_paths_clear(&paths);
	assert_int_equal(page_paths_find(&paths, 7, found, 4), 0);
	assert_ptr_equal(page_path_claim(&paths, 7), path);
	assert_true(page_path_read(path, 7, &record));
	assert_int_equal(record.rate_Bps, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(records_are_found_by_tunnel, set_up),
	    cmocka_unit_test_setup(a_place_given_back_is_anothers, set_up),
	    cmocka_unit_test_setup(a_full_page_gives_no_place, set_up),
	    cmocka_unit_test_setup(half_a_record_is_none, set_up),
	    cmocka_unit_test_setup(a_successor_begins_with_an_empty_page, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
