/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/descriptors: a part of the descriptors stays free, whatever the limit is. */
#include "tests/unit/cmocka_all.h"

#include "net/descriptors.h"

#include <sys/resource.h>

static size_t with_limit(rlim_t limit)
{
	struct rlimit old, now;
	size_t flows;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	now = (struct rlimit){.rlim_cur = limit, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	flows = descriptors_for_flows();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	return flows;
}

static void a_part_stays_free(void **state)
{
	(void)state;
	assert_int_equal(with_limit(10), 5);
	assert_int_equal(with_limit(100), 50);
	assert_int_equal(with_limit(200), 200 - DESCRIPTORS_KEPT_MIN);
	assert_int_equal(with_limit(1024), 1024 - 1024 / DESCRIPTORS_KEPT_SHARE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_part_stays_free)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
