/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/node_store: what was saved is what is loaded, private, and gone when the node is removed. */
#include "config.h"

#include "net/node_store.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/node_store_test.XXXXXX";

static void path_of(const char *file, char path[256])
{
	snprintf(path, 256, "%s/%s", folder, file);
}

static int setup(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	node_store_forget(folder);
	return rmdir(folder);
}

static void spoil(const char *file, const char *text)
{
	char path[256];
	FILE *out;

	path_of(file, path);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void assert_private(const char *file)
{
	char path[256];
	struct stat found;

	path_of(file, path);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
}

static void enrolment_comes_back(void **state)
{
	struct enrolment saved = {.address_count = 2, .role = NODE_ENDPOINT, .name = "e1"}, loaded;

	(void)state;
	snprintf(saved.addresses[0], NAME_BYTES, "192.0.2.1:7400");
	snprintf(saved.addresses[1], NAME_BYTES, "control.example:7400");
	memset(saved.control_pin, 0xa5, PIN_BYTES);
	assert_int_equal(node_store_load_enrolment(folder, &loaded), ERR_NOT_FOUND);
	assert_int_equal(node_store_save_enrolment(folder, &saved), 0);
	assert_private("control.json");
	assert_int_equal(node_store_load_enrolment(folder, &loaded), 0);
	assert_int_equal(loaded.address_count, 2);
	assert_string_equal(loaded.addresses[1], "control.example:7400");
	assert_memory_equal(loaded.control_pin, saved.control_pin, PIN_BYTES);
	assert_int_equal(loaded.role, NODE_ENDPOINT);
	assert_string_equal(loaded.name, "e1");
}

static void expect_addresses(const struct enrolment *enrolment, const char *wanted)
{
	char text[JOIN_ADDRESSES_MAX * NAME_BYTES] = "";

	for (size_t i = 0; i < enrolment->address_count; i++)
		strcat(strcat(text, enrolment->addresses[i]), " ");
	assert_string_equal(text, wanted);
}

/* An old token tells what the node gave up: nothing that it knows gives way for that. */
static void tokens_addresses_come_behind_the_known_ones(void **state)
{
	struct enrolment enrolment = {.address_count = 1, .addresses = {"new:1"}};

	(void)state;
	node_store_add_addresses(&enrolment,
	    &(struct join_token){.address_count = 3, .addresses = {"old:1", "new:1", "old:2"}});
	expect_addresses(&enrolment, "new:1 old:1 old:2 ");
	node_store_add_addresses(
	    &enrolment, &(struct join_token){.address_count = 2, .addresses = {"b:1", "c:1"}});
	expect_addresses(&enrolment, "new:1 old:1 old:2 b:1 ");
	node_store_add_addresses(
	    &enrolment, &(struct join_token){.address_count = 2, .addresses = {"c:1", "b:1"}});
	expect_addresses(&enrolment, "new:1 old:1 old:2 b:1 ");
	node_store_add_addresses(
	    &enrolment, &(struct join_token){.address_count = 2, .addresses = {"d:1", "e:1"}});
	expect_addresses(&enrolment, "new:1 old:1 old:2 d:1 ");
}

static void broken_enrolment_is_refused(void **state)
{
	static const char short_pin[] =
	    "{\"addresses\":[{\"address\":\"a:1\"}],\"role\":\"control\",\"name\":\"x\","
	    "\"control_pin\":\"AAAA\"}";
	static const char *const texts[] = {
	    "", "{}", "[]", "{\"addresses\":[],\"name\":\"x\"}", short_pin};
	struct enrolment loaded;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		spoil("control.json", texts[i]);
		assert_int_equal(node_store_load_enrolment(folder, &loaded), ERR_MALFORMED);
	}
}

static void config_comes_back_and_a_spoilt_one_does_not(void **state)
{
	struct node_config config = {.number = {7, 9},
	    .node_id = 1,
	    .node_name = "l1",
	    .region = "near",
	    .role = NODE_LISTENER,
	    .seed = 5};
	struct node_config loaded;
	struct model_error error;
	char *text, *again;
	size_t length, again_length;

	(void)state;
	assert_int_equal(
	    node_store_load_config(folder, &loaded, &again, &again_length, &error), ERR_NOT_FOUND);
	assert_int_equal(node_config_save(&config, &text, &length), 0);
	assert_int_equal(node_store_save_config(folder, text, length), 0);
	assert_private("node.config");
	assert_int_equal(node_store_load_config(folder, &loaded, &again, &again_length, &error), 0);
	assert_int_equal(again_length, length);
	assert_memory_equal(again, text, length);
	assert_int_equal(config_number_compare(&loaded.number, &config.number), 0);
	node_config_clear(&loaded);
	free(again);
	text[length - 5] ^= 1;
	assert_int_equal(node_store_save_config(folder, text, length), 0);
	assert_int_equal(
	    node_store_load_config(folder, &loaded, &again, &again_length, &error), ERR_MALFORMED);
	assert_true(error.reason[0]);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(enrolment_comes_back, setup, teardown),
	    cmocka_unit_test(tokens_addresses_come_behind_the_known_ones),
	    cmocka_unit_test_setup_teardown(broken_enrolment_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        config_comes_back_and_a_spoilt_one_does_not, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
