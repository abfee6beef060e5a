/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/own_machine.c: what is read of this machine, and what is said of which. */
#include "config.h"

#include "control/own_machine.h"

#include "control/finding.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct own_machine good = {.files_max = 65536,
    .files_open = 40,
    .has_state = true,
    .state_free_bytes = UINT64_C(10) << 30,
    .state_free_files = 1000,
    .is_state_writable = true,
    .now_ms = 1700000000000,
    .expiry_ms = 1700000000000,
    .newest_change_ms = 1699999999000};

/* Judges it: exactly one finding, of that level and check, and with those words. */
static void expect(
    const struct own_machine *own, const char *level, const char *check, const char *words)
{
	json_t *findings = json_array(), *finding;

	own_machine_judge(findings, own, "/var/lib/x");
	assert_int_equal(json_array_size(findings), 1);
	finding = json_array_get(findings, 0);
	assert_string_equal(json_string_value(json_object_get(finding, "level")), level);
	assert_string_equal(json_string_value(json_object_get(finding, "check")), check);
	assert_non_null(strstr(json_string_value(json_object_get(finding, "detail")), words));
	assert_true(strlen(json_string_value(json_object_get(finding, "fix"))) > 0);
	assert_true(json_is_null(json_object_get(finding, "node")));
	json_decref(findings);
}

#define EXPECT(level, check, words, ...)                                                           \
	do {                                                                                       \
		struct own_machine own = good;                                                     \
		__VA_ARGS__;                                                                       \
		expect(&own, level, check, words);                                                 \
	} while (0)

static void a_good_one_is_not_spoken_of(void **state)
{
	json_t *findings = json_array();

	(void)state;
	own_machine_judge(findings, &good, "/var/lib/x");
	own_machine_judge(findings, &(struct own_machine){0}, "/var/lib/x");
	assert_int_equal(json_array_size(findings), 0);
	json_decref(findings);
}

static void each_thing_that_is_wrong_is_told(void **state)
{
	(void)state;
	EXPECT("notice", "limits", "256 open files", own.files_max = 256);
	EXPECT(
	    "wrong", "limits", "3900 of its 4096", (own.files_max = 4096, own.files_open = 3900));
	EXPECT("notice", "state", "100 MiB left", own.state_free_bytes = UINT64_C(100) << 20);
	EXPECT("wrong", "state", "/var/lib/x, has 1 MiB", own.state_free_bytes = 1 << 20);
	EXPECT("wrong", "state", "no more files", own.state_free_files = 0);
	EXPECT("wrong", "state", "cannot write", own.is_state_writable = false);
	EXPECT("wrong", "state", "lies in memory", own.is_state_in_memory = true);
	EXPECT("notice", "clock", "set back by 3600 s", own.expiry_ms += 3600000);
	EXPECT("notice", "clock", "set forward by 9 s", own.expiry_ms -= 9000);
	EXPECT("wrong", "clock", "before its newest change", own.newest_change_ms += 10000);
	EXPECT("notice", "clock", "nobody keeps", own.is_clock_unset = true);
}

static void this_machine_is_read(void **state)
{
	char directory[] = "/tmp/trunkline-own-XXXXXX", path[64];
	struct own_machine own;

	(void)state;
	assert_non_null(mkdtemp(directory));
	own_machine_read(directory, &own);
	assert_true(own.has_state);
	assert_false(own.is_state_writable); /* there is no database */
	snprintf(path, sizeof path, "%s/control.db", directory);
	fclose(fopen(path, "we"));
	own_machine_read(directory, &own);
	assert_true(own.is_state_writable);
	assert_true(own.state_free_bytes > 0 && own.state_free_files > 0);
	assert_in_range(own.files_open, 3, own.files_max);
	unlink(path);
	rmdir(directory);
	own_machine_read(directory, &own);
	assert_false(own.has_state);
	own_machine_read("/dev/shm", &own);
	assert_true(own.is_state_in_memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_one_is_not_spoken_of),
	    cmocka_unit_test(each_thing_that_is_wrong_is_told),
	    cmocka_unit_test(this_machine_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
