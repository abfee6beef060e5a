/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/sandbox and net/privileges, each case in a child of its own: what is needed goes on, what is
 * not kills.
 */
#include "config.h"

#include "net/sandbox.h"

#include "base/err.h"
#include "net/privileges.h"
#include "net/tcp.h"
#include "net/udp.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* The status of a child that runs one case in the sandbox; each case returns 0 when all is well. */
static int run(enum sandbox_profile profile, int (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_enter(profile) < 0)
			_exit(99);
		_exit(body());
	}
	waitpid(child, &status, 0);
	return status;
}

static int use_memory_and_time(void)
{
	struct ev_loop *loop = ev_loop_new(0);
	int blob = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t random[32];
	char *large = malloc(8 << 20);
	time_t now = time(NULL);
	struct tm broken;

	memset(large, 1, 8 << 20);
	free(large);
	randombytes_buf(random, sizeof(random));
	gmtime_r(&now, &broken);
	dprintf(2, "%s", "");
	ev_run(loop, EVRUN_NOWAIT);
	ev_loop_destroy(loop);
	return ftruncate(blob, 100) == 0 ? 0 : 1;
}

static int open_a_file(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 0 : 1;
}

static int read_random_device(void)
{
	char byte;
	int device = open("/dev/urandom", O_RDONLY);

	return read(device, &byte, 1) == 1 ? 0 : 1;
}

static int write_a_file(void)
{
	return open("/tmp/sandbox_test.new", O_WRONLY | O_CREAT, 0600) < 0;
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* asks for the version */) > 0;
}

static int open_an_ip_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : 1;
}

static int run_a_program(void)
{
	return execl("/bin/true", "true", NULL) < 0;
}

static int look_into_main(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0;
}

static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
	       == MAP_FAILED;
}

static int make_a_process(void)
{
	return fork() < 0;
}

static int end_by_abort(void)
{
	abort();
}

static void on_datagram(void *context, struct udp_datagram *datagram)
{
	*(size_t *)context += datagram->length_bytes;
}

static int use_sockets(void)
{
	struct udp_options options = {.buffer_bytes = 1 << 20, .reuse_port = true};
	struct udp udp;
	struct udp_receiver *receiver = udp_receiver_new();
	struct udp_batch batch = {
	    .data = (const uint8_t *)"abcdef", .length_bytes = 6, .segment_bytes = 2};
	struct addr local;
	size_t done, received = 0;
	int descriptor, other;

	addr_parse("127.0.0.1", 0, &options.local);
	local = options.local;
	if (udp_open(&options, &descriptor) < 0 || udp_init(&udp, descriptor, false) < 0)
		return 1;
	batch.to = options.local;
	batch.to.port = udp.local_port;
	if (udp_send(&udp, &batch, 1, &done) < 0 || udp.stats.datagrams_sent != 3)
		return 2;
	if (udp_receive(&udp, receiver, on_datagram, &received) < 0 || received != 6)
		return 4;
	if (tcp_listen(&local, true, &descriptor) < 0)
		return 3;
	tcp_connect(&batch.to, NULL, &other);
	return 0;
}

/* Sanitizers need calls that the sandbox forbids: such builds go without, and say so. */
static bool goes_without(void)
{
#ifdef __SANITIZE_ADDRESS__
	assert_int_equal(sandbox_enter(SANDBOX_KEYS), ERR_UNSUPPORTED);
	return true;
#else
	return false;
#endif
}

static void what_is_needed_goes_on(void **state)
{
	(void)state;
	if (goes_without())
		return;
	assert_int_equal(run(SANDBOX_KEYS, use_memory_and_time), 0);
	assert_int_equal(run(SANDBOX_WORKER, use_memory_and_time), 0);
	if (has_landlock())
		assert_int_equal(run(SANDBOX_KEYS, open_a_file), 0);
	assert_int_equal(run(SANDBOX_KEYS, read_random_device), 0);
	assert_int_equal(run(SANDBOX_WORKER, open_a_file), 0);
	assert_int_equal(run(SANDBOX_WORKER, open_an_ip_socket), 0);
	assert_int_equal(run(SANDBOX_WORKER, use_sockets), 0);
	assert_int_equal(WTERMSIG(run(SANDBOX_KEYS, end_by_abort)), SIGABRT);
}

static void what_is_not_needed_kills(void **state)
{
	static int (*const bodies[])(void) = {
	    run_a_program, look_into_main, map_code, make_a_process};

	(void)state;
	if (goes_without())
		return;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(WTERMSIG(run(SANDBOX_KEYS, bodies[i])), SIGSYS);
		assert_int_equal(WTERMSIG(run(SANDBOX_WORKER, bodies[i])), SIGSYS);
	}
	assert_int_equal(WTERMSIG(run(SANDBOX_KEYS, open_an_ip_socket)), SIGSYS);
	assert_int_equal(WTERMSIG(run(SANDBOX_KEYS, write_a_file)), SIGSYS);
	assert_int_equal(WEXITSTATUS(run(SANDBOX_WORKER, write_a_file)), 1);
}

static void environment_weakens_it(void **state)
{
	(void)state;
	if (goes_without())
		return;
	setenv("TRUNKLINE_SANDBOX", "log", 1);
	assert_int_equal(run(SANDBOX_KEYS, open_an_ip_socket), 0);
	setenv("TRUNKLINE_SANDBOX", "off", 1);
	assert_int_equal(sandbox_enter(SANDBOX_KEYS), ERR_UNSUPPORTED);
	unsetenv("TRUNKLINE_SANDBOX");
}

/* ---- privileges ---- */

static bool has(int capability)
{
	capng_get_caps_process();
	return capng_have_capability(CAPNG_EFFECTIVE, (unsigned)capability) != 0;
}

static int drop(int (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(body());
	waitpid(child, &status, 0);
	return status;
}

static int drop_as_main(void)
{
	char directory[] = "/tmp/privileges_test.XXXXXX";
	bool could_bind = has(CAP_NET_BIND_SERVICE);
	int result;

	if (!mkdtemp(directory))
		return 9;
	result = privileges_drop_main(directory);
	rmdir(directory);
	if (result < 0)
		return 1;
	if (has(CAP_SYS_ADMIN) || has(CAP_NET_ADMIN) || has(CAP_DAC_OVERRIDE) || has(CAP_SETUID))
		return 2;
	if (could_bind && !has(CAP_NET_BIND_SERVICE))
		return 3;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static int drop_as_child(void)
{
	int signal_number = 0;

	if (privileges_drop_child() < 0)
		return 1;
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if (has(i))
			return 2;
	prctl(PR_GET_PDEATHSIG, &signal_number);
	return signal_number == SIGKILL ? 0 : 3;
}

static void main_keeps_low_ports_only(void **state)
{
	(void)state;
	assert_int_equal(drop(drop_as_main), 0);
}

static void children_keep_nothing(void **state)
{
	(void)state;
	assert_int_equal(drop(drop_as_child), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_needed_goes_on),
	    cmocka_unit_test(what_is_not_needed_kills),
	    cmocka_unit_test(environment_weakens_it),
	    cmocka_unit_test(main_keeps_low_ports_only),
	    cmocka_unit_test(children_keep_nothing),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
