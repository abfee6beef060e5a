/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/worker_traces.c: a worker's lane writes into the file that main opened, while the config says so. */
#include "config.h"

#include "net/worker_traces.h"

#include "tests/support/worker_process.h"
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUIET_MS = 600 /* two flushes */ };

static struct worker_process process;
static const struct lane_name first = {11, 1};
static char path[] = "/tmp/worker-traces-XXXXXX";

static int setup(void **state)
{
	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	close(mkstemp(path));
	worker_process_start(&process, NODE_LISTENER);
	WORKER_PROCESS_UNTIL(&process, process.requests == 1);
	worker_process_grant(&process, &first);
	WORKER_PROCESS_UNTIL(&process, process.far.packets == 1);
	far_node_answer_start(&process, &first, STARTED_NEW);
	WORKER_PROCESS_UNTIL(&process, process.far.state == LANE_UP);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	worker_process_stop(&process);
	unlink(path);
	return process.status; /* a worker that crashed, or a sanitizer that spoke */
}

static void send_file(const uint8_t pin[PIN_BYTES])
{
	int descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(descriptor >= 0);
	assert_int_equal(ipc_send_descriptors(
	                     process.main, WORKER_MESSAGE_TRACE, pin, PIN_BYTES, &descriptor, 1),
	    0);
	close(descriptor);
}

static void set_traced(bool is_traced)
{
	unsigned configs = process.told->configs;

	process.is_traced = is_traced;
	worker_process_send_config(&process, true, 0);
	WORKER_PROCESS_UNTIL(&process, process.told->configs == configs + 1);
}

static off_t file_bytes(void)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static unsigned count_in_file(const char *text)
{
	FILE *in = fopen(path, "r");
	char line[16384];
	unsigned count = 0;

	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		count += strstr(line, text) != NULL;
	fclose(in);
	return count;
}

static void a_traced_tunnel_writes_until_it_is_not(void **state)
{
	off_t size;

	(void)state;
	set_traced(true);
	send_file(process.far.pin);
	WORKER_PROCESS_UNTIL(
	    &process, count_in_file("packet_sent") && count_in_file("packet_received"));
	assert_int_equal(count_in_file("\"title\":\"tunnel with far, worker 0\""), 1);
	set_traced(false);
	worker_process_run(&process, QUIET_MS);
	size = file_bytes();
	worker_process_run(&process, 2 * QUIET_MS);
	assert_int_equal(file_bytes(), size);
}

static void a_second_file_is_not_used(void **state)
{
	(void)state;
	set_traced(true);
	send_file(process.far.pin);
	send_file(process.far.pin);
	WORKER_PROCESS_UNTIL(&process, count_in_file("packet_sent"));
	worker_process_run(&process, QUIET_MS);
	assert_int_equal(count_in_file("qlog_version"), 1);
}

static void a_file_of_no_traced_peer_stays_empty(void **state)
{
	uint8_t nobody[PIN_BYTES] = {1};

	(void)state;
	send_file(process.far.pin); /* not traced */
	set_traced(true);
	send_file(nobody);
	worker_process_run(&process, QUIET_MS);
	assert_int_equal(file_bytes(), 0);
}

int main(void)
{
#define PROCESS_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
	    PROCESS_TEST(a_traced_tunnel_writes_until_it_is_not),
	    PROCESS_TEST(a_second_file_is_not_used),
	    PROCESS_TEST(a_file_of_no_traced_peer_stays_empty),
	};

	if (worker_process_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
