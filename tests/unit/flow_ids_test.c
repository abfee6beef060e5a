/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opened flow ids: each opens once, in any order within the window.
 */
#include "config.h"

#include "tunnel/flow_ids.h"

#include "base/err.h"
#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

static void each_opens_once(void **state)
{
	struct flow_ids *ids = calloc(1, sizeof(*ids));
	struct rng rng;

	(void)state;
	assert_non_null(ids);
	rng_seed(&rng, test_seed());
	/* Blocks of ids, each in random order, past two windows. */
	for (uint64_t base = 0; base < 3 * FLOW_ID_WINDOW; base += 64) {
		unsigned opened = 0;

		while (opened < 64) {
			uint64_t id = base + rng_below(&rng, 64);
			bool is_opened = flow_ids_is_opened(ids, id);

			assert_int_equal(flow_ids_open(ids, id), is_opened ? ERR_EXISTS : 0);
			assert_true(flow_ids_is_opened(ids, id));
			opened += !is_opened;
		}
		assert_false(flow_ids_is_opened(ids, base + 64));
	}
	free(ids);
}

static void what_is_far_away_is_refused(void **state)
{
	struct flow_ids *ids = calloc(1, sizeof(*ids));

	(void)state;
	assert_non_null(ids);
	assert_int_equal(flow_ids_open(ids, FLOW_ID_WINDOW), ERR_LIMIT);
	assert_int_equal(flow_ids_open(ids, FLOW_ID_WINDOW - 1), 0);
	assert_false(flow_ids_is_opened(ids, 0));
	assert_int_equal(flow_ids_open(ids, FLOW_ID_WINDOW), 0);
	assert_true(flow_ids_is_opened(ids, 0));
	assert_int_equal(flow_ids_open(ids, 0), ERR_EXISTS);
	assert_int_equal(flow_ids_open(ids, 1), 0);
	free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_opens_once),
	    cmocka_unit_test(what_is_far_away_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
