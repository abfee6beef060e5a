/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines: their shape, that nothing forges a second line, quoting, and the rate limit.
 */
#include "base/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "tests/unit/cmocka_all.h"

static char captured[65536];
static int saved_stderr, capture_file;

static void capture_begin(void)
{
	char path[] = "/tmp/log_test.XXXXXX";

	capture_file = mkstemp(path);
	assert_true(capture_file >= 0);
	unlink(path);
	saved_stderr = dup(STDERR_FILENO);
	dup2(capture_file, STDERR_FILENO);
}

static const char *capture_end(void)
{
	ssize_t n = pread(capture_file, captured, sizeof(captured) - 1, 0);

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(capture_file);
	assert_true(n >= 0);
	captured[n] = 0;
	return captured;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void a_line_has_time_level_event_and_values(void **state)
{
	const char *text;

	(void)state;
	log_set_name("worker-0");
	capture_begin();
	log_warn("lane_down", "peer=%s silent_ms=%d", "a", 500);
	text = capture_end();
	assert_int_equal(text[4], '-');
	assert_int_equal(text[10], 'T');
	assert_int_equal(text[23], 'Z');
	assert_string_equal(text + 24, " warn lane_down process=worker-0 peer=a silent_ms=500\n");
	log_set_name("");
	capture_begin();
	log_info("plain", "%s", "");
	assert_non_null(strstr(capture_end(), "Z info plain \n"));
}

static void levels_are_left_out(void **state)
{
	enum log_level level;

	(void)state;
	capture_begin();
	log_debug("hidden", "a=1");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("seen", "a=1");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("hidden", "a=1");
	log_set_level(LOG_LEVEL_INFO);
	capture_end();
	assert_int_equal(count_lines(captured), 1);
	assert_non_null(strstr(captured, "debug seen a=1\n"));
	assert_int_equal(log_level_parse("warn", &level), 0);
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_int_equal(log_level_parse("loud", &level), ERR_INVALID);
}

static void a_value_cannot_forge_a_line(void **state)
{
	char big[5000];

	(void)state;
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	capture_begin();
	log_info("forged", "name=%s", "x\nerror fake a=1\x1b[2J\x7f");
	log_info("big", "name=%s", big);
	capture_end();
	assert_int_equal(count_lines(captured), 2);
	assert_non_null(strstr(captured, "name=x?error fake a=1?[2J?\n"));
	assert_non_null(strstr(captured, "bbb...\n"));
	assert_true(strlen(captured) < 2300);
}

static void quoting_is_safe_and_bounded(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(log_quote(buf, sizeof(buf), "plain-1.2"), "plain-1.2");
	assert_string_equal(log_quote(buf, sizeof(buf), ""), "\"\"");
	assert_string_equal(log_quote(buf, sizeof(buf), "a b"), "\"a b\"");
	assert_string_equal(log_quote(buf, sizeof(buf), "a=b"), "\"a=b\"");
	assert_string_equal(log_quote(buf, sizeof(buf), "\"\\\n\x01"), "\"\\\"\\\\\\n\\x01\"");
	assert_string_equal(log_quote_bytes(buf, sizeof(buf), "a\0b", 3), "\"a\\x00b\"");
	for (size_t size = 8; size <= sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		log_quote(buf, size, "\xff\xff\xff\xff\xff\xff\xff\xff\xff");
		assert_true(strlen(buf) < size);
		assert_non_null(strstr(buf, "...\""));
		log_quote(buf, size, "longer than all of these sizes");
		assert_int_equal(strlen(buf), size - 1);
	}
}

static void floods_are_held_back_and_counted(void **state)
{
	struct log_limit limit = {0};
	uint64_t suppressed = 99;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_true(log_limit_allows(&limit, 5, 100, &suppressed));
		assert_int_equal(suppressed, 0);
	}
	for (int i = 0; i < 7; i++)
		assert_false(log_limit_allows(&limit, 5, 100, &suppressed));
	assert_true(log_limit_allows(&limit, 5, 101, &suppressed));
	assert_int_equal(suppressed, 7);
	assert_true(log_limit_allows(&limit, 5, 101, &suppressed));
	assert_int_equal(suppressed, 0);

	capture_begin();
	for (int i = 0; i < 1000; i++)
		log_limited(LOG_LEVEL_WARN, 3, "flood", "i=%d", i);
	capture_end();
	/* The second may turn once while this runs. */
	assert_in_range(count_lines(captured), 3, 6);
}

/* In a process of its own: the answer about the journal is kept for its life. */
static void journald_gets_priorities(int argument_count, char **arguments)
{
	struct stat stat_buf;
	char stream[64];

	if (argument_count < 2 || strcmp(arguments[1], "journal"))
		return;
	fstat(STDERR_FILENO, &stat_buf);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)stat_buf.st_dev,
	    (unsigned long long)stat_buf.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_error("e", "a=%d", 1);
	log_info("i", "a=%d", 2);
	exit(0);
}

static const char *program;

static void under_journald_the_priority_leads(void **state)
{
	char command[4096];

	(void)state;
	snprintf(command, sizeof(command), "'%s' journal", program);
	capture_begin();
	assert_int_equal(system(command), 0);
	assert_string_equal(capture_end(), "<3>error e a=1\n<6>info i a=2\n");
}

int main(int argument_count, char **arguments)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_has_time_level_event_and_values),
	    cmocka_unit_test(levels_are_left_out),
	    cmocka_unit_test(a_value_cannot_forge_a_line),
	    cmocka_unit_test(quoting_is_safe_and_bounded),
	    cmocka_unit_test(floods_are_held_back_and_counted),
	    cmocka_unit_test(under_journald_the_priority_leads),
	};

	program = arguments[0];
	journald_gets_priorities(argument_count, arguments);
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
