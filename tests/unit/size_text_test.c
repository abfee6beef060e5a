/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of base/size_text.c. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/size_text.h"

static void taken(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {{"0", 0}, {"1", 1}, {"1K", 1024}, {"64M", 64 << 20}, {"3G", UINT64_C(3) << 30},
	    {"999999999999999999", UINT64_C(999999999999999999)},
	    {"17179869183G", UINT64_C(17179869183) << 30}};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(size_parse(cases[i].text, &bytes), 0);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void refused(void **state)
{
	static const char *const texts[] = {"", "K", "1k", "1KB", "1T", "-1", "+1", " 1", "1 M",
	    "1.5G", "17179869184G", "1000000000000000000", "99999999999999999999"};
	uint64_t bytes = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (size_parse(texts[i], &bytes) != ERR_INVALID)
			fail_msg("taken: %s", texts[i]);
	assert_int_equal(bytes, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(taken),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
