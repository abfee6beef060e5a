/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hex and base64url: RFC 4648's vectors, and strictness.
 */
#include "base/encoding.h"

#include <string.h>

#include "base/err.h"
#include "tests/unit/cmocka_all.h"

static void base64_matches_the_rfc(void **state)
{
	static const char *const cases[][2] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"},
	    {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
	    {"\xff\xfe\xfb", "__77"}};
	char text[BASE64_TEXT_BYTES(6)], bytes[7];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t length = strlen(cases[i][0]);

		assert_int_equal(BASE64_TEXT_BYTES(length), strlen(cases[i][1]) + 1);
		assert_string_equal(base64_encode(cases[i][0], length, text), cases[i][1]);
		assert_int_equal(base64_decode(text, strlen(text), bytes, 6, &n), 0);
		assert_int_equal(n, length);
		assert_memory_equal(bytes, cases[i][0], n);
		if (length) {
			assert_int_equal(base64_decode(text, strlen(text), bytes, length - 1, &n),
			    ERR_TOO_LARGE);
			assert_int_equal(n, 0);
		}
	}
}

static void wrong_base64_is_refused(void **state)
{
	static const char beyond_ascii[] = "A2\xc7"
	                                   "2";
	static const char *const cases[] = {
	    "Z", "Zg==", "Zh", "Z g", "Zm+v", "Zm/v", "Zm9v\n", beyond_ascii};
	char bytes[8];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    base64_decode(cases[i], strlen(cases[i]), bytes, sizeof(bytes), &n),
		    ERR_MALFORMED);
		assert_int_equal(n, 0);
	}
}

static void hex_is_strict(void **state)
{
	static const char *const bad[] = {"0", "0g", "00 1", "0x00"};
	char text[HEX_TEXT_BYTES(3)];
	uint8_t bytes[3];
	size_t n;

	(void)state;
	assert_string_equal(hex_encode("\x00\xab\xff", 3, text), "00abff");
	assert_int_equal(hex_decode("00ABff", 6, bytes, 3, &n), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(bytes, "\x00\xab\xff", 3);
	assert_int_equal(hex_decode("", 0, bytes, 3, &n), 0);
	assert_int_equal(hex_decode("00112233", 8, bytes, 3, &n), ERR_TOO_LARGE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(hex_decode(bad[i], strlen(bad[i]), bytes, 3, &n), ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(base64_matches_the_rfc),
	    cmocka_unit_test(wrong_base64_is_refused),
	    cmocka_unit_test(hex_is_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
