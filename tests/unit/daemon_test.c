/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/daemon: one daemon for each state directory, signals, limits, and what systemd is told
 * (over a socket that the test made).
 */
#include "config.h"

#include "net/daemon.h"

#include "base/err.h"
#include "base/log.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];
static unsigned stops, stops_at_once;

static int setup(void **state)
{
	(void)state;
	stops = stops_at_once = 0;
	strcpy(directory, "/tmp/daemon_test.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void one_daemon_holds_a_state(void **state)
{
	char path[128];
	struct stat found;
	int first, second, status;
	pid_t child;

	(void)state;
	snprintf(path, sizeof(path), "%s/state", directory);
	assert_int_equal(daemon_open_state(path, &first), 0);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0700);
	child = fork();
	if (child == 0) {
		close(first);
		_exit(daemon_open_state(path, &second) == ERR_EXISTS ? 0 : 1);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	/* The child's copy of the lock's descriptor was closed and took nothing away. */
	assert_int_equal(daemon_open_state(path, &second), ERR_EXISTS);
	assert_int_equal(second, -1);
	close(first);
	assert_int_equal(daemon_open_state(path, &second), 0);
	close(second);
}

static void unusable_state_is_refused(void **state)
{
	int lock;

	(void)state;
	assert_int_equal(daemon_open_state("/proc/nonexistent/deep", &lock), ERR_IO);
	assert_int_equal(daemon_open_state("/dev/null", &lock), ERR_IO);
	assert_int_equal(lock, -1);
}

static void on_stop(void *context, bool at_once)
{
	assert_ptr_equal(context, &stops);
	stops++;
	stops_at_once += at_once;
}

static void second_signal_means_at_once(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct daemon_signals signals;

	(void)state;
	daemon_watch_signals(&signals, loop, on_stop, &stops);
	raise(SIGHUP);
	raise(SIGPIPE);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(stops, 0);
	raise(SIGTERM);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(stops, 1);
	assert_int_equal(stops_at_once, 0);
	raise(SIGINT);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(stops, 2);
	assert_int_equal(stops_at_once, 1);
	daemon_unwatch_signals(&signals);
	daemon_unwatch_signals(&signals);
	ev_loop_destroy(loop);
}

static void limits_are_raised_and_cores_forbidden(void **state)
{
	struct rlimit limit;

	(void)state;
	daemon_set_limits();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(limit.rlim_cur, limit.rlim_max);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_max, 0);
}

static void expect_word(int descriptor, const char *word)
{
	char text[256] = "";

	assert_true(recv(descriptor, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, word);
}

static void systemd_is_told(void **state)
{
#ifdef HAVE_SYSTEMD
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct daemon_watchdog watchdog = {0};
	struct ev_loop *loop = ev_loop_new(0);
	int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char number[16];

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", directory);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	setenv("WATCHDOG_USEC", "20000", 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("WATCHDOG_PID", number, 1);
	daemon_notify_ready(&watchdog, loop);
	expect_word(descriptor, "READY=1");
	ev_ref(loop);
	ev_run(loop, EVRUN_ONCE);
	expect_word(descriptor, "WATCHDOG=1");
	ev_unref(loop);
	daemon_notify_stopping(&watchdog);
	expect_word(descriptor, "STOPPING=1");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	ev_loop_destroy(loop);
	close(descriptor);
#else
	(void)state;
	skip();
#endif
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(one_daemon_holds_a_state),
	    TEST(unusable_state_is_refused),
	    TEST(second_signal_means_at_once),
	    TEST(limits_are_raised_and_cores_forbidden),
	    TEST(systemd_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
