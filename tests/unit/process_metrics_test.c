/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/process_metrics.c: this process's own figures are what it knows of itself. */
#include "config.h"

#include "net/process_metrics.h"

#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct exposition exposition;

static int tear_down(void **state)
{
	(void)state;
	free(exposition.text);
	exposition = (struct exposition){0};
	return 0;
}

static void scrape(const struct process_metrics_child *children, size_t count)
{
	free(exposition.text);
	exposition = (struct exposition){0};
	process_metrics_write(&exposition, "tester", children, count);
	assert_false(exposition.has_failed);
}

/* The value behind "\nSERIES ", which must be there. */
static double value(const char *series)
{
	const char *found = exposition.text;

	while ((found = strstr(found, series)) != NULL) {
		if (found[-1] == '\n' && found[strlen(series)] == ' ')
			return strtod(found + strlen(series), NULL);
		found++;
	}
	fail_msg("no %s in:\n%s", series, exposition.text);
	return 0;
}

static void test_own_figures(void **state)
{
	double began, now = (double)time(NULL);

	(void)state;
	scrape(NULL, 0);
	assert_non_null(strstr(exposition.text,
	    "\ntrunkline_build_info{program=\"tester\",version=\"" PACKAGE_VERSION "\"} 1\n"));
	began = value("process_start_time_seconds");
	assert_true(began > now - 600 && began < now + 2);
	assert_true(value("process_resident_memory_bytes") > 100 * 1024);
	assert_true(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
	assert_true(value("process_max_fds") >= value("process_open_fds"));
}

static void test_descriptors_and_time_rise(void **state)
{
	double before, cpu;
	int opened;

	(void)state;
	scrape(NULL, 0);
	before = value("process_open_fds");
	cpu = value("process_cpu_seconds_total");
	opened = open("/dev/null", O_RDONLY);
	while (clock() < CLOCKS_PER_SEC / 10)
		;
	scrape(NULL, 0);
	assert_true(value("process_open_fds") == before + 1);
	assert_true(value("process_cpu_seconds_total") > cpu || cpu >= 0.09);
	close(opened);
}

enum { CHILD_BYTES = 8 << 20 };

/* A child with some memory, which ends with the test. */
static pid_t child_with_memory(void)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		char *memory = malloc(CHILD_BYTES);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (memory)
			memset(memory, 1, CHILD_BYTES);
		if (write(ready[1], memory ? memory : &byte, 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void test_children(void **state)
{
	struct process_metrics_child children[] = {{"keys", 0, 3}, {"worker 0", 0, 0}};

	(void)state;
	children[1].pid = child_with_memory();
	scrape(children, 2);
	kill(children[1].pid, SIGKILL);
	assert_int_equal(waitpid(children[1].pid, NULL, 0), children[1].pid);
	assert_true(value("trunkline_child_up{process=\"keys\"}") == 0);
	assert_true(value("trunkline_child_up{process=\"worker 0\"}") == 1);
	assert_true(value("trunkline_child_restarts_total{process=\"keys\"}") == 3);
	assert_true(
	    value("trunkline_child_resident_memory_bytes{process=\"worker 0\"}") > CHILD_BYTES / 2);
	assert_null(strstr(exposition.text, "memory_bytes{process=\"keys\"}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_own_figures, tear_down),
	    cmocka_unit_test_teardown(test_descriptors_and_time_rise, tear_down),
	    cmocka_unit_test_teardown(test_children, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
