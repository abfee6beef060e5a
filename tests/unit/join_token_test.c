/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Join tokens there and back, with white space, cut, mistyped. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/rng.h"
#include "model/join_token.h"

#include <stdio.h>
#include <string.h>

static struct join_token token;

static void make_token(void)
{
	struct rng rng;

	rng_seed(&rng, 5);
	token.role = NODE_ENDPOINT;
	strcpy(token.region, "frankfurt");
	rng_bytes(&rng, token.control_pin, sizeof(token.control_pin));
	rng_bytes(&rng, token.secret, sizeof(token.secret));
	token.address_count = 2;
	strcpy(token.addresses[0], "192.0.2.1:7400");
	strcpy(token.addresses[1], "[2001:db8::1]:7400");
}

static void there_and_back(void **state)
{
	char text[JOIN_TOKEN_TEXT_BYTES], padded[JOIN_TOKEN_TEXT_BYTES + 8];
	struct join_token again;

	(void)state;
	assert_int_equal(join_token_format(&token, text), 0);
	snprintf(padded, sizeof(padded), " \t%s\r\n", text);
	assert_int_equal(join_token_parse(padded, &again), 0);
	assert_memory_equal(&token, &again, sizeof(token));
}

static void the_longest_fits(void **state)
{
	char text[JOIN_TOKEN_TEXT_BYTES];
	struct join_token longest = token, again;

	(void)state;
	memset(longest.region, 'r', NAME_BYTES - 1);
	longest.address_count = JOIN_ADDRESSES_MAX;
	for (size_t i = 0; i < JOIN_ADDRESSES_MAX; i++)
		memset(longest.addresses[i], '1', NAME_BYTES - 1);
	assert_int_equal(join_token_format(&longest, text), 0);
	assert_int_equal(join_token_parse(text, &again), 0);
	assert_memory_equal(&longest, &again, sizeof(longest));
}

static void every_typing_error_is_seen(void **state)
{
	char text[JOIN_TOKEN_TEXT_BYTES];
	struct join_token again;
	size_t length;

	(void)state;
	join_token_format(&token, text);
	length = strlen(text);
	for (size_t i = 0; i < length; i++) {
		char kept = text[i];

		text[i] = kept == 'A' ? 'B' : 'A';
		assert_true(join_token_parse(text, &again) < 0);
		text[i] = kept;
	}
	for (size_t i = 0; i < length; i++) {
		char kept = text[i];

		text[i] = '\0';
		assert_true(join_token_parse(text, &again) < 0);
		text[i] = kept;
	}
	assert_int_equal(join_token_parse(text, &again), 0);
}

static void refuses_what_is_no_token(void **state)
{
	struct join_token again, wrong = token;
	char text[JOIN_TOKEN_TEXT_BYTES];

	(void)state;
	assert_int_equal(join_token_parse("", &again), ERR_MALFORMED);
	assert_int_equal(join_token_parse("tlj", &again), ERR_MALFORMED);
	assert_int_equal(join_token_parse("tlj1_", &again), ERR_MALFORMED);
	assert_int_equal(join_token_parse("tlj2_AAAA", &again), ERR_UNSUPPORTED);
	join_token_format(&token, text);
	strcat(text, " x");
	assert_int_equal(join_token_parse(text, &again), ERR_MALFORMED);
	wrong.address_count = 0;
	assert_int_equal(join_token_format(&wrong, text), ERR_INVALID);
	wrong = token;
	wrong.role = 0;
	assert_int_equal(join_token_format(&wrong, text), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(the_longest_fits),
	    cmocka_unit_test(every_typing_error_is_seen),
	    cmocka_unit_test(refuses_what_is_no_token),
	};

	make_token();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
