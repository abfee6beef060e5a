/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_backup.c: the state as a file, and an adoption. */
#include "config.h"

#include "tests/unit/api_fixture.h"

#include "model/backup_file.h"

#include <sys/mman.h>

static void test_a_backup_is_a_whole_file(void **state)
{
	struct backup_mark mark;
	char reason[REASON_BYTES];
	unsigned long length = 0;
	const char *body, *header;
	int descriptor = memfd_create("backup", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(api_ask("POST", "/v1/backup", "", ""), 200);
	assert_true(api_has_header("Content-Type: application/octet-stream"));
	header = strstr(answer.bytes, "Content-Length: ");
	assert_int_equal(sscanf(header, "Content-Length: %lu", &length), 1);
	body = strstr(answer.bytes, "\r\n\r\n") + 4;
	assert_int_equal(write(descriptor, body, length), length);
	if (backup_file_check(descriptor, &mark, reason) < 0)
		fail_msg("%s", reason);
	assert_int_equal(mark.revision, control.installation.revision);
	assert_true(mark.made_ms <= control_now_ms() && mark.made_ms + 60000 > control_now_ms());
	assert_memory_equal(body, "SQLite format 3", 16);
	close(descriptor);
}

static void test_adoption(void **state)
{
	(void)state;
	assert_int_equal(api_ask("POST", "/v1/adopt", "", ""), 409);
	assert_string_equal(api_text("type"), "urn:trunkline:problem:not-ahead");
	assert_int_equal(store_mark_restored(control.store, 1700000000000), 0);
	assert_int_equal(store_load(control.store, &control.installation), 0);
	assert_int_equal(api_get("/v1/status"), 200);
	assert_non_null(strstr(api_text("problems/0/detail"), "2023-11-14T22:13:20Z"));
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"draining\": true}"), 409);
	assert_string_equal(api_text("type"), "urn:trunkline:problem:restored");
	assert_int_equal(api_ask("DELETE", "/v1/nodes/tyo-1", "", ""), 200);
	assert_int_equal(api_ask("POST", "/v1/adopt", "", ""), 200);
	assert_int_equal(api_number("revision"), 4);
	assert_string_equal(api_text("nodes/0/node"), "osl-1");
	assert_true(json_is_false(api_at("nodes/0/was_ahead")));
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"draining\": true}"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_a_backup_is_a_whole_file),
	    API_TEST(test_adoption),
	};

	if (api_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
