/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/supervisor and net/process with real children: this program itself, started again by its
 * hidden arguments.  Children are killed, and main's descriptors and the channels between keys and
 * the workers must be there again.
 */
#include "config.h"

#include "net/supervisor.h"

#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 2, PING = PROCESS_MESSAGE_OWN, PONG, BREAK_RULES, HELD, MANY_DESCRIPTORS };

/* ---- the children ---- */

static struct ipc *child_main;
static struct ipc *child_peers[WORKERS];
static struct ev_loop *child_loop;

static void child_on_closed(struct ipc *ipc, void *context, int reason)
{
	(void)context;
	if (ipc == child_main)
		_exit(reason == ERR_CLOSED ? 0 : 9);
	for (int i = 0; i < WORKERS; i++)
		if (child_peers[i] == ipc)
			child_peers[i] = NULL;
	ipc_free(ipc);
}

static const struct ipc_callbacks child_callbacks = {child_on_closed, NULL};

/* A ping that a worker got from main goes to keys, comes back, and goes to main as a pong. */
static int keys_on_ping(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)context;
	return ipc_send(ipc, PONG, message->data, message->length_bytes);
}

static int worker_on_pong(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	(void)context;
	return ipc_send(child_main, PONG, message->data, message->length_bytes);
}

static const struct ipc_rule keys_peer_rules[] = {{PING, 4, 4, 0, 0, keys_on_ping}};
static const struct ipc_rule worker_peer_rules[] = {{PONG, 4, 4, 0, 0, worker_on_pong}};

static int child_on_peer(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct process_start *start = context;
	struct process_peer peer;
	int descriptor;
	int result = process_peer_take(message, &peer, &descriptor);

	(void)ipc;
	if (result < 0)
		return result;
	ipc_free(child_peers[peer.index]);
	return ipc_new(&child_peers[peer.index], child_loop, descriptor,
	    start->role == PROCESS_KEYS ? keys_peer_rules : worker_peer_rules, 1, &child_callbacks,
	    start);
}

static int worker_on_ping(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	(void)context;
	return child_peers[0] ? ipc_send(child_peers[0], PING, message->data, message->length_bytes)
	                      : 0;
}

static int child_on_break_rules(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)context;
	(void)message;
	return ipc_send(ipc, 9999, NULL, 0);
}

/* Main lends the write end of a pipe: the child writes its first argument there. */
static int child_on_held(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct process_start *start = context;

	(void)ipc;
	return write(message->descriptors[0], start->arguments[0], 1) == 1 ? 0 : ERR_IO;
}

static const struct ipc_rule child_rules[] = {
    {PROCESS_MESSAGE_PEER, PROCESS_PEER_RULE, child_on_peer},
    {PING, 4, 4, 0, 0, worker_on_ping},
    {BREAK_RULES, 0, 0, 0, 0, child_on_break_rules},
    {HELD, 0, 0, 1, 1, child_on_held},
};

static unsigned count_descriptors(void)
{
	unsigned count = 0;

	for (int i = 3; i < 1000; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

static int child_run(struct process_start *start)
{
	unsigned descriptors = count_descriptors();

	if (start->role == PROCESS_MAIN || start->argument_count != 2)
		return 2;
	if (strcmp(start->arguments[1], "exit") == 0)
		return 5;
	child_loop = ev_default_loop(0);
	if (ipc_new(&child_main, child_loop, PROCESS_CHANNEL_DESCRIPTOR, child_rules,
	        sizeof(child_rules) / sizeof(child_rules[0]), &child_callbacks, start)
	    < 0)
		return 1;
	if (descriptors != 1)
		ipc_send(child_main, MANY_DESCRIPTORS, NULL, 0);
	ipc_send(child_main, PROCESS_MESSAGE_READY, NULL, 0);
	ev_run(child_loop, 0);
	return 1;
}

/* ---- main ---- */

static struct ev_loop *loop;
static struct supervisor *supervisor;
static unsigned started, ready, died, pongs, too_many_descriptors;
static int last_status;
static bool stopped;

static int on_pong(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct process *process = context;
	uint32_t index;

	(void)ipc;
	memcpy(&index, message->data, sizeof(index));
	assert_int_equal(index, process_index(process));
	pongs++;
	return 0;
}

static int on_many_descriptors(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	(void)context;
	(void)message;
	too_many_descriptors++;
	return 0;
}

static const struct ipc_rule main_rules[] = {
    {PONG, 4, 4, 0, 0, on_pong},
    {MANY_DESCRIPTORS, 0, 0, 0, 0, on_many_descriptors},
};

static void on_started(void *context, struct process *process)
{
	assert_ptr_equal(context, &started);
	assert_non_null(process_channel(process));
	started++;
}

static void on_ready(void *context, struct process *process)
{
	assert_ptr_equal(process_context(process), context);
	ready++;
}

static void on_died(void *context, struct process *process, int status)
{
	(void)context;
	assert_null(process_channel(process));
	assert_int_equal(process_pid(process), 0);
	last_status = status;
	died++;
}

static void on_stopped(void *context)
{
	(void)context;
	stopped = true;
}

static const struct supervisor_callbacks callbacks = {
    on_started, on_ready, on_died, NULL, on_stopped};

static int setup_with(const char *mode)
{
	static const char *arguments[3];
	struct supervisor_config config = {.program = "supervisor_test",
	    .workers = WORKERS,
	    .arguments = arguments,
	    .keys_rules = main_rules + 1,
	    .keys_rule_count = 1,
	    .worker_rules = main_rules,
	    .worker_rule_count = 2,
	    .callbacks = &callbacks,
	    .context = &started};

	arguments[0] = "A";
	arguments[1] = mode;
	loop = ev_default_loop(0);
	config.loop = loop;
	started = ready = died = pongs = too_many_descriptors = 0;
	stopped = false;
	return supervisor_new(&supervisor, &config);
}

static int setup(void **state)
{
	(void)state;
	return setup_with("run");
}

static int teardown(void **state)
{
	(void)state;
	supervisor_free(supervisor);
	return 0;
}

/* Runs the loop until *value reaches `wanted`, for at most 20 s. */
static void on_tick(struct ev_loop *l, ev_timer *timer, int events)
{
	(void)l;
	(void)timer;
	(void)events;
}

static void run_until(const unsigned *value, unsigned wanted)
{
	ev_timer tick;
	ev_tstamp end;

	ev_now_update(loop);
	end = ev_now(loop) + 20;
	ev_timer_init(&tick, on_tick, 0.01, 0.01);
	ev_timer_start(loop, &tick);
	while (*value < wanted && ev_now(loop) < end)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &tick);
	assert_true(*value >= wanted);
}

/* A round trip main -> worker -> keys -> worker -> main for each worker. */
static void ping_all(void)
{
	unsigned wanted = pongs + WORKERS;

	for (uint32_t i = 0; i < WORKERS; i++)
		assert_int_equal(
		    ipc_send(process_channel(supervisor_process(supervisor, PROCESS_WORKER, i)),
		        PING, &i, sizeof(i)),
		    0);
	run_until(&pongs, wanted);
}

static void children_start_and_are_joined(void **state)
{
	char path[64], text[128] = "";
	int file;

	(void)state;
	run_until(&ready, WORKERS + 1);
	assert_true(supervisor_is_ready(supervisor));
	assert_int_equal(started, WORKERS + 1);
	assert_int_equal(too_many_descriptors, 0);
	assert_null(supervisor_process(supervisor, PROCESS_WORKER, WORKERS));
	ping_all();
	snprintf(path, sizeof(path), "/proc/%d/cmdline",
	    (int)process_pid(supervisor_process(supervisor, PROCESS_WORKER, 1)));
	file = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(file, text, sizeof(text) - 1) > 0);
	close(file);
	assert_string_equal(text, "supervisor_test: worker 1");
}

static void killed_worker_comes_back(void **state)
{
	struct process *worker = supervisor_process(supervisor, PROCESS_WORKER, 1);
	pid_t before;

	(void)state;
	run_until(&ready, WORKERS + 1);
	before = process_pid(worker);
	kill(before, SIGKILL);
	run_until(&ready, WORKERS + 2);
	assert_int_equal(died, 1);
	assert_int_equal(process_restarts(worker), 1);
	assert_int_not_equal(process_pid(worker), before);
	ping_all();
}

static void killed_keys_comes_back_with_fresh_channels(void **state)
{
	(void)state;
	run_until(&ready, WORKERS + 1);
	ping_all();
	process_kill(supervisor_process(supervisor, PROCESS_KEYS, 0));
	run_until(&ready, WORKERS + 2);
	ping_all();
	assert_int_equal(died, 1);
}

static void child_that_breaks_rules_is_replaced(void **state)
{
	struct process *worker = supervisor_process(supervisor, PROCESS_WORKER, 0);

	(void)state;
	run_until(&ready, WORKERS + 1);
	assert_int_equal(ipc_send(process_channel(worker), BREAK_RULES, NULL, 0), 0);
	run_until(&ready, WORKERS + 2);
	assert_int_equal(died, 1);
	ping_all();
}

static void main_lends_its_descriptor_again(void **state)
{
	struct process *worker = supervisor_process(supervisor, PROCESS_WORKER, 0);
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	run_until(&ready, WORKERS + 1);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(
		    ipc_send_descriptors(process_channel(worker), HELD, NULL, 0, &ends[1], 1), 0);
		assert_int_equal(read(ends[0], &byte, 1), 1);
		assert_int_equal(byte, 'A');
		process_kill(worker);
		run_until(&ready, WORKERS + 2 + round);
	}
	close(ends[0]);
	close(ends[1]);
}

static void stop_ends_all(void **state)
{
	bool *flag = &stopped;

	(void)state;
	run_until(&ready, WORKERS + 1);
	supervisor_stop(supervisor);
	for (int i = 0; i < 1000 && !*flag; i++)
		ev_run(loop, EVRUN_ONCE);
	assert_true(stopped);
	assert_int_equal(died, WORKERS + 1);
	assert_int_equal(last_status, 0);
}

static void restarts_back_off(void **state)
{
	ev_tstamp begin;

	(void)state;
	assert_int_equal(setup_with("exit"), 0);
	begin = ev_time();
	/* 0.1 + 0.2 + 0.4 s pass before each has died four times. */
	run_until(&died, 4 * (WORKERS + 1));
	assert_true(ev_time() - begin > 0.6);
	assert_int_equal(WEXITSTATUS(last_status), 5);
	supervisor_stop(supervisor);
	for (int i = 0; i < 100 && !stopped; i++)
		ev_run(loop, EVRUN_ONCE);
	assert_true(stopped);
}

static void hidden_arguments_by_hand_are_usage(void **state)
{
	struct process_start start;
	char *by_hand[] = {(char *)"x", (char *)"--role", (char *)"worker", (char *)"--index",
	    (char *)"0", (char *)"--", NULL};
	char *normal[] = {(char *)"x", (char *)"--state", (char *)"d", NULL};

	(void)state;
	assert_true(process_is_child(6, by_hand, &start));
	assert_int_equal(start.role, PROCESS_MAIN);
	assert_false(process_is_child(3, normal, &start));
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hidden_arguments_by_hand_are_usage),
	    TEST(children_start_and_are_joined),
	    TEST(killed_worker_comes_back),
	    TEST(killed_keys_comes_back_with_fresh_channels),
	    TEST(child_that_breaks_rules_is_replaced),
	    TEST(main_lends_its_descriptor_again),
	    TEST(stop_ends_all),
	    cmocka_unit_test_teardown(restarts_back_off, teardown),
	};
	struct process_start start;

	if (process_is_child(argc, argv, &start))
		return child_run(&start);
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
