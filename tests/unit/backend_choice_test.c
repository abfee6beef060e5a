/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shares follow the weights; weight 0 and excluded backends are never chosen. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/rng.h"
#include "model/backend_choice.h"

enum { DRAWS = 100000 };

static const struct backend backends[] = {
    {.host = "a", .weight = 10},
    {.host = "b", .weight = 0},
    {.host = "c", .weight = 30},
    {.host = "d", .weight = 60},
};

static void count_draws(uint64_t excluded, unsigned share[4])
{
	struct rng rng;

	rng_seed(&rng, 1);
	for (unsigned i = 0; i < DRAWS; i++)
		share[backend_choose(backends, 4, excluded, rng_next(&rng))]++;
}

static void shares_follow_weights(void **state)
{
	unsigned share[4] = {0};

	(void)state;
	count_draws(0, share);
	assert_in_range(share[0], DRAWS * 95 / 1000, DRAWS * 105 / 1000);
	assert_int_equal(share[1], 0);
	assert_in_range(share[2], DRAWS * 29 / 100, DRAWS * 31 / 100);
	assert_in_range(share[3], DRAWS * 59 / 100, DRAWS * 61 / 100);
}

static void excluded_share_goes_to_the_rest(void **state)
{
	unsigned share[4] = {0};

	(void)state;
	count_draws(1u << 3, share);
	assert_int_equal(share[1] + share[3], 0);
	assert_in_range(share[0], DRAWS * 24 / 100, DRAWS * 26 / 100);
}

static void extremes_of_the_draw(void **state)
{
	(void)state;
	assert_int_equal(backend_choose(backends, 4, 0, 0), 0);
	assert_int_equal(backend_choose(backends, 4, 0, UINT64_MAX), 3);
}

static void nothing_left(void **state)
{
	(void)state;
	assert_int_equal(backend_choose(backends, 0, 0, 5), ERR_NOT_FOUND);
	assert_int_equal(backend_choose(backends + 1, 1, 0, 5), ERR_NOT_FOUND);
	assert_int_equal(backend_choose(backends, 4, 0xd, 5), ERR_NOT_FOUND);
}

static void the_last_of_the_most(void **state)
{
	struct backend many[GROUP_BACKENDS_MAX] = {0};

	(void)state;
	many[GROUP_BACKENDS_MAX - 1].weight = 1;
	assert_int_equal(
	    backend_choose(many, GROUP_BACKENDS_MAX, UINT64_MAX >> 1, 99), GROUP_BACKENDS_MAX - 1);
	assert_int_equal(backend_choose(many, GROUP_BACKENDS_MAX, UINT64_MAX, 99), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shares_follow_weights),
	    cmocka_unit_test(excluded_share_goes_to_the_rest),
	    cmocka_unit_test(extremes_of_the_draw),
	    cmocka_unit_test(nothing_left),
	    cmocka_unit_test(the_last_of_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
