/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_token.c: secrets, and finding a token by its text. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "control/api_token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static struct api_token_list list;
static char texts[3][API_TOKEN_TEXT_BYTES];

static int setup(void **state)
{
	(void)state;
	list = (struct api_token_list){.tokens = calloc(3, sizeof(struct api_token)), .count = 3};
	for (uint32_t i = 0; i < 3; i++) {
		list.tokens[i].id = i + 1;
		list.tokens[i].name[0] = (char)('a' + i);
		api_token_make(texts[i], list.tokens[i].hash);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_token_list_clear(&list);
	return 0;
}

static void secrets_are_long_and_different(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(strlen(texts[i]), API_TOKEN_TEXT_BYTES - 1);
		assert_int_equal(strncmp(texts[i], "tla1_", 5), 0);
		assert_string_not_equal(texts[i], texts[(i + 1) % 3]);
		assert_null(memmem(list.tokens[i].hash, 32, texts[i] + 5, 8));
	}
}

static void only_the_whole_text_is_one(void **state)
{
	char text[API_TOKEN_TEXT_BYTES + 1];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(api_token_find(&list, texts[i]), &list.tokens[i]);
	assert_null(api_token_find(&list, ""));
	assert_null(api_token_find(&list, "tla1_"));
	for (size_t i = 0; i < API_TOKEN_TEXT_BYTES - 1; i++) {
		memcpy(text, texts[0], sizeof(texts[0]));
		text[i] = text[i] == 'x' ? 'y' : 'x';
		assert_null(api_token_find(&list, text));
	}
	memcpy(text, texts[0], sizeof(texts[0]));
	strcat(text, "x");
	assert_null(api_token_find(&list, text));
	text[API_TOKEN_TEXT_BYTES - 2] = '\0';
	assert_null(api_token_find(&list, text));
}

static void by_name_and_id(void **state)
{
	(void)state;
	assert_ptr_equal(api_token_by_name(&list, "b"), &list.tokens[1]);
	assert_null(api_token_by_name(&list, "d"));
	assert_ptr_equal(api_token_by_id(&list, 3), &list.tokens[2]);
	assert_null(api_token_by_id(&list, 0));
}

static void times_of_use_outlive_a_reload(void **state)
{
	struct api_token_list loaded = {.tokens = calloc(2, sizeof(struct api_token)), .count = 2};

	(void)state;
	list.tokens[1].used_ms = 77;
	loaded.tokens[0].id = 2;
	loaded.tokens[1].id = 9;
	api_token_list_replace(&list, &loaded);
	assert_null(loaded.tokens);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.tokens[0].used_ms, 77);
	assert_int_equal(list.tokens[1].used_ms, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(secrets_are_long_and_different),
	    TEST(only_the_whole_text_is_one),
	    TEST(by_name_and_id),
	    TEST(times_of_use_outlive_a_reload),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
