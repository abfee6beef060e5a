/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/options: command line, file and both; every error named, the right exit status.  What is
 * printed is caught in a file.
 */
#include "config.h"

#include "net/options.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct name {
	char text[64];
};

struct settings {
	char state[128];
	char *tunnel;
	uint32_t workers;
	bool verbose;
	struct name binds[4];
	size_t bind_count;
};

static const char *check_bind(const void *name)
{
	return options_check_address_only(name);
}

static const struct schema_field fields[] = {
    {SCHEMA_MEMBER("state", struct settings, state), .type = SCHEMA_TEXT},
    {SCHEMA_MEMBER("tunnel", struct settings, tunnel), .type = SCHEMA_STRING,
        .check = options_check_address_port, .default_text = "0.0.0.0:7401"},
    {SCHEMA_MEMBER("workers", struct settings, workers), .type = SCHEMA_U32, .min = 1, .max = 64,
        .default_number = 2},
    {SCHEMA_MEMBER("verbose", struct settings, verbose), .type = SCHEMA_BOOL},
    {SCHEMA_ARRAY_IN_PLACE("bind", struct settings, binds, bind_count), .type = SCHEMA_TEXT,
        .check = check_bind},
};
static const struct schema schema = SCHEMA(struct settings, fields);

static const struct option_help help[] = {
    {"state", "DIR", "where it keeps what it knows", true},
    {"tunnel", "ADDR:PORT", "UDP port", false},
    {"workers", "N", "how many", false},
    {"verbose", NULL, "say more", false},
    {"bind", "ADDR", "address for users", false},
};
static const struct options_usage usage = {
    "trunkline-test", "Tests options.", &schema, help, sizeof(help) / sizeof(help[0])};

static char directory[] = "/tmp/options_test.XXXXXX";
static char config_path[64], output_path[64];
static char output[8192];
static struct settings settings;

static int setup(void **state)
{
	(void)state;
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(config_path, sizeof(config_path), "%s/config.yaml", directory);
	snprintf(output_path, sizeof(output_path), "%s/output", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(config_path);
	unlink(output_path);
	rmdir(directory);
	schema_clear(&schema, &settings);
	return 0;
}

static void write_config(const char *text)
{
	FILE *file = fopen(config_path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Runs with "%" standing for the config's path; what it prints on both lands in output. */
static int run(const char *first, ...)
{
	char *argv[16] = {(char *)"trunkline-test"};
	int argc = 1, status;
	int out = dup(1), err = dup(2);
	int file = open(output_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;
	va_list arguments;

	schema_clear(&schema, &settings);
	va_start(arguments, first);
	for (const char *text = first; text; text = va_arg(arguments, const char *))
		argv[argc++] = strcmp(text, "%") == 0 ? config_path : (char *)text;
	va_end(arguments);
	fflush(stdout);
	dup2(file, 1);
	dup2(file, 2);
	status = options_parse(&usage, argc, argv, &settings);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	n = pread(file, output, sizeof(output) - 1, 0);
	output[n < 0 ? 0 : n] = '\0';
	close(file);
	return status;
}

static void says(const char *text)
{
	if (!strstr(output, text))
		fail_msg("\"%s\" not in \"%s\"", text, output);
}

static void command_line_alone(void **state)
{
	(void)state;
	assert_int_equal(
	    run("--state", "/x", "--bind=::1", "--bind", "10.0.0.1", "--verbose", NULL),
	    OPTIONS_RUN);
	assert_string_equal(output, "");
	assert_string_equal(settings.state, "/x");
	assert_string_equal(settings.tunnel, "0.0.0.0:7401");
	assert_int_equal(settings.workers, 2);
	assert_true(settings.verbose);
	assert_int_equal(settings.bind_count, 2);
	assert_string_equal(settings.binds[1].text, "10.0.0.1");
}

static void file_gives_way_to_the_command_line(void **state)
{
	(void)state;
	write_config("state: /from/file\nworkers: 7\nbind: [127.0.0.1, 127.0.0.2]\n");
	assert_int_equal(run("--config", "%", "--workers", "3", NULL), OPTIONS_RUN);
	assert_string_equal(settings.state, "/from/file");
	assert_int_equal(settings.workers, 3);
	assert_int_equal(settings.bind_count, 2);
	assert_int_equal(run("--config", "%", "--bind", "::1", NULL), OPTIONS_RUN);
	assert_int_equal(settings.bind_count, 1);
	assert_int_equal(settings.workers, 7);
}

static void every_error_of_a_file_has_its_place(void **state)
{
	(void)state;
	write_config("state: /x\nworkers: 65\n\nwokers: 1\ntunnel: here\n");
	assert_int_equal(run("-t", "--config", "%", NULL), EXIT_FAILED);
	says("config.yaml:2:10: workers: ");
	says("config.yaml:4:1: ");
	says("config.yaml:5:9: tunnel: must be ADDR:PORT");
	assert_int_equal(run("--config", "%", NULL), EXIT_FAILED);
	says("config.yaml:4:1: ");
	assert_int_equal(run("-t", "--config", "/nonexistent", NULL), EXIT_FAILED);
	says("/nonexistent: ");
}

static void right_config_is_said_by_the_status(void **state)
{
	(void)state;
	write_config("workers: 4\n");
	/* --state comes by the command line when it runs. */
	assert_int_equal(run("-t", "--config", "%", NULL), EXIT_DONE);
	assert_string_equal(output, "");
	assert_int_equal(run("--config", "%", NULL), EXIT_USAGE);
	says("--state DIR is required");
}

static void errors_of_the_command_line(void **state)
{
	static const struct {
		const char *arguments[3];
		const char *text;
	} cases[] = {
	    {{"--stat", "/x", NULL}, "unknown option --stat; did you mean --state?"},
	    {{"--frobnicate", NULL, NULL}, "unknown option --frobnicate; --help lists them"},
	    {{"--state", NULL, NULL}, "--state needs DIR"},
	    {{"--config", NULL, NULL}, "--config needs FILE"},
	    {{"--state=/x", "--state=/y", NULL}, "--state is given twice"},
	    {{"--state=/x", "--workers=0", NULL}, "--workers: "},
	    {{"--state=/x", "--workers=-1", NULL}, "--workers: "},
	    {{"--state=/x", "--workers=two", NULL}, "--workers: "},
	    {{"--state=/x", "--workers=99999999999999999999", NULL}, "--workers: "},
	    {{"--state=/x", "--bind=1.2.3.4:5", NULL},
	        "--bind[0]: must be an address without a port"},
	    {{"--state=/x", "--tunnel=1.2.3.4", NULL}, "--tunnel: must be ADDR:PORT"},
	    {{"--state=/x", "--verbose=1", NULL}, "--verbose takes no value"},
	    {{"--state=\xff", NULL, NULL}, "--state: not text in UTF-8"},
	    {{"state", NULL, NULL}, "unexpected argument 'state'"},
	    {{"--", NULL, NULL}, "unexpected argument '--'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const *a = cases[i].arguments;

		if (run(a[0], a[1], a[2], NULL) != EXIT_USAGE)
			fail_msg("case %zu", i);
		says(cases[i].text);
	}
	assert_int_equal(run("--a", "--b", NULL), EXIT_USAGE);
	says("--a");
	says("--b");
}

static void help_and_version(void **state)
{
	(void)state;
	assert_int_equal(run("--help", NULL), EXIT_DONE);
	says("Usage: trunkline-test");
	says("--state DIR");
	says("(required)");
	says("--config FILE");
	assert_int_equal(run("--version", NULL), EXIT_DONE);
	assert_string_equal(output, "trunkline-test " PACKAGE_VERSION "\n");
}

static void addresses_are_checked(void **state)
{
	(void)state;
	assert_null(options_check_address("1.2.3.4"));
	assert_null(options_check_address("[::]:7400"));
	assert_non_null(options_check_address("host:1"));
	assert_null(options_check_address_port("[::1]:2"));
	assert_non_null(options_check_address_port("[::1]"));
	assert_null(options_check_address_only("::1"));
	assert_non_null(options_check_address_only("[::1]:1"));
}

static void sizes(void **state)
{
	(void)state;
	assert_null(options_check_size("512M"));
	assert_non_null(options_check_size("512MB"));
	assert_non_null(options_check_size(""));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sizes),
	    TEST(command_line_alone),
	    TEST(file_gives_way_to_the_command_line),
	    TEST(every_error_of_a_file_has_its_place),
	    TEST(right_config_is_said_by_the_status),
	    TEST(errors_of_the_command_line),
	    TEST(help_and_version),
	    TEST(addresses_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
