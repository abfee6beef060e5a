/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listener/user_sockets: from config to config only what differs is opened and closed, each worker
 * is told of exactly its own, a replaced worker of all, and a port that cannot be had changes
 * nothing.
 */
#include "config.h"

#include "listener/user_sockets.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "net/tcp.h"
#include "net/worker_messages.h"

#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 2, SEEN = 512 };

/* What one worker was told: the sockets that it has now. */
struct seen {
	struct worker_socket sockets[SEEN];
	ino_t inodes[SEEN];
	size_t count, messages;
};

static struct ev_loop *loop;
static struct ipc *to[WORKERS], *from[WORKERS];
static struct seen seen[WORKERS];
static struct user_sockets *sockets;
static uint16_t base_port;

static int on_socket(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct seen *worker = context;
	struct worker_socket socket;
	struct stat found;

	(void)ipc;
	memcpy(&socket, message->data, sizeof(socket));
	worker->messages++;
	if (message->descriptor_count == 1) {
		assert_true(worker->count < SEEN);
		assert_int_equal(fstat(message->descriptors[0], &found), 0);
		worker->inodes[worker->count] = found.st_ino;
		worker->sockets[worker->count++] = socket;
		return 0;
	}
	for (size_t i = 0; i < worker->count; i++)
		if (memcmp(&worker->sockets[i], &socket, sizeof(socket)) == 0) {
			worker->sockets[i] = worker->sockets[--worker->count];
			worker->inodes[i] = worker->inodes[worker->count];
			return 0;
		}
	fail_msg("taken back what was not lent: accelerator %u port %u", socket.accelerator,
	    socket.local.port);
	return 0;
}

static void on_closed(struct ipc *ipc, void *context, int reason)
{
	(void)ipc;
	(void)context;
	fail_msg("channel closed: %s", err_text(reason));
}

static const struct ipc_rule rules[] = {{WORKER_MESSAGE_SOCKET, sizeof(struct worker_socket),
    sizeof(struct worker_socket), 0, 1, on_socket}};
static const struct ipc_callbacks callbacks = {on_closed, NULL};

static int setup(void **state)
{
	struct addr binds[2];

	(void)state;
	keyed_hash_init();
	loop = ev_loop_new(0);
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < WORKERS; i++) {
		int pair[2];

		assert_int_equal(ipc_pair(pair), 0);
		assert_int_equal(ipc_new(&to[i], loop, pair[0], NULL, 0, &callbacks, NULL), 0);
		assert_int_equal(
		    ipc_new(&from[i], loop, pair[1], rules, 1, &callbacks, &seen[i]), 0);
	}
	assert_int_equal(addr_parse("127.0.0.1", 0, &binds[0]), 0);
	assert_int_equal(addr_parse("127.0.0.2", 0, &binds[1]), 0);
	sockets = user_sockets_new(binds, 2, WORKERS);
	/* Below the ports that the system gives to clients. */
	base_port = (uint16_t)(20000 + (uint64_t)getpid() * 97 % 10000);
	return sockets ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	user_sockets_free(sockets);
	for (int i = 0; i < WORKERS; i++) {
		ipc_free(from[i]);
		ipc_free(to[i]);
	}
	ev_loop_destroy(loop);
	return 0;
}

/* Until the channels are silent. */
static void lend_all(void)
{
	for (int i = 0; i < WORKERS; i++) {
		int result = user_sockets_lend(sockets, (unsigned)i, to[i]);

		assert_true(result == 0 || result == ERR_AGAIN);
		for (size_t before = SIZE_MAX; before != seen[i].messages;) {
			before = seen[i].messages;
			for (int round = 0; round < 20; round++)
				ev_run(loop, EVRUN_NOWAIT);
			if (result == ERR_AGAIN)
				result = user_sockets_lend(sockets, (unsigned)i, to[i]);
		}
	}
}

struct setup {
	struct port_range range;
	struct config_accelerator accelerator;
	struct node_config config;
};

static const struct node_config *config_of(
    struct setup *s, uint32_t id, enum accelerator_protocol protocol, uint16_t first, uint16_t last)
{
	s->range = (struct port_range){first, last};
	s->accelerator = (struct config_accelerator){
	    .id = id, .name = "game", .protocol = protocol, .ports = &s->range, .port_count = 1};
	s->config = (struct node_config){
	    .role = NODE_LISTENER, .accelerators = &s->accelerator, .accelerator_count = 1};
	return &s->config;
}

static void apply(const struct node_config *config)
{
	char reason[REASON_BYTES] = "";

	if (user_sockets_prepare(sockets, config, reason) < 0)
		fail_msg("%s", reason);
	user_sockets_commit(sockets);
	lend_all();
}

static void each_worker_gets_its_own(void **state)
{
	struct setup s;
	struct node_config none = {.role = NODE_LISTENER};

	(void)state;
	apply(config_of(&s, 1, PROTOCOL_TCP_UDP, base_port, (uint16_t)(base_port + 1)));
	/* 2 ports, 2 protocols, 2 addresses, for each worker. */
	assert_int_equal(user_sockets_count(sockets), 16);
	for (int i = 0; i < WORKERS; i++) {
		assert_int_equal(seen[i].count, 8);
		for (size_t j = 0; j < 8; j++)
			assert_int_equal(seen[i].sockets[j].accelerator, 1);
	}
	apply(&none);
	assert_int_equal(user_sockets_count(sockets), 0);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(seen[i].count, 0);
}

/* Old UDP flows go on by their sockets, and nobody waits in a backlog. */
static void a_draining_listener_has_no_tcp_sockets(void **state)
{
	struct setup s;
	ino_t inode;

	(void)state;
	apply(config_of(&s, 1, PROTOCOL_UDP, base_port, base_port));
	inode = seen[0].inodes[0];
	apply(config_of(&s, 1, PROTOCOL_TCP_UDP, base_port, base_port));
	assert_int_equal(user_sockets_count(sockets), 8);
	s.config.is_draining = true;
	apply(&s.config);
	assert_int_equal(user_sockets_count(sockets), 4);
	assert_int_equal(seen[0].count, 2);
	assert_int_equal(seen[0].sockets[0].kind, WORKER_SOCKET_UDP_USERS);
	assert_true(seen[0].inodes[0] == inode || seen[0].inodes[1] == inode);
	s.config.is_draining = false;
	apply(&s.config);
	assert_int_equal(user_sockets_count(sockets), 8);
	assert_int_equal(seen[1].count, 4);
}

static void what_stays_is_not_touched(void **state)
{
	struct setup s;
	ino_t inode;
	size_t messages;

	(void)state;
	apply(config_of(&s, 1, PROTOCOL_TCP, base_port, base_port));
	inode = seen[0].inodes[0];
	messages = seen[0].messages;
	apply(&s.config);
	assert_int_equal(seen[0].messages, messages);
	apply(config_of(&s, 1, PROTOCOL_TCP, base_port, (uint16_t)(base_port + 1)));
	assert_int_equal(seen[0].messages, messages + 2);
	assert_int_equal(seen[0].inodes[0], inode);
	/* Another accelerator takes the port over: the same socket under another name. */
	apply(config_of(&s, 2, PROTOCOL_TCP, base_port, base_port));
	assert_int_equal(seen[0].count, 2);
	assert_int_equal(seen[0].sockets[0].accelerator, 2);
	assert_true(seen[0].inodes[0] == inode || seen[0].inodes[1] == inode);
}

static void a_wide_range_is_shared_out(void **state)
{
	struct setup s;
	size_t even = 0;

	(void)state;
	apply(config_of(&s, 1, PROTOCOL_UDP, base_port, (uint16_t)(base_port + 64)));
	assert_int_equal(user_sockets_count(sockets), 2 * 65);
	assert_int_equal(seen[0].count + seen[1].count, 2 * 65);
	for (size_t i = 0; i < seen[0].count; i++)
		even += seen[0].sockets[i].local.port % 2 == 0;
	assert_int_equal(even, seen[0].count);
}

static void a_taken_port_changes_nothing(void **state)
{
	struct setup s;
	struct addr taken;
	char reason[REASON_BYTES], port[16];
	int descriptor;

	(void)state;
	apply(config_of(&s, 1, PROTOCOL_TCP, base_port, base_port));
	assert_int_equal(addr_parse("127.0.0.2", (uint16_t)(base_port + 3), &taken), 0);
	/* Even by one who would share it. */
	assert_int_equal(tcp_listen(&taken, true, &descriptor), 0);
	assert_int_equal(
	    user_sockets_prepare(sockets,
	        config_of(&s, 7, PROTOCOL_TCP, base_port, (uint16_t)(base_port + 5)), reason),
	    ERR_IO);
	snprintf(port, sizeof(port), "%u/tcp", taken.port);
	assert_non_null(strstr(reason, port));
	assert_non_null(strstr(reason, "game"));
	assert_non_null(strstr(reason, "Address already in use"));
	assert_int_equal(user_sockets_count(sockets), 4);
	lend_all();
	assert_int_equal(seen[0].count, 2);
	assert_int_equal(seen[0].sockets[0].accelerator, 1);
	close(descriptor);
	apply(&s.config);
	assert_int_equal(user_sockets_count(sockets), 24);
}

static void a_replaced_worker_gets_all_again(void **state)
{
	struct setup s;
	struct node_config none = {.role = NODE_LISTENER};

	(void)state;
	apply(config_of(&s, 1, PROTOCOL_TCP, base_port, base_port));
	memset(&seen[0], 0, sizeof(seen[0]));
	user_sockets_worker_started(sockets, 0);
	lend_all();
	assert_int_equal(seen[0].count, 2);
	assert_int_equal(seen[1].messages, 2);
	/* Closed while the worker was away: the new one never hears of it. */
	user_sockets_prepare(sockets, &none, (char[REASON_BYTES]){0});
	user_sockets_commit(sockets);
	memset(&seen[0], 0, sizeof(seen[0]));
	user_sockets_worker_started(sockets, 0);
	lend_all();
	assert_int_equal(seen[0].messages, 0);
	assert_int_equal(seen[1].count, 0);
}

static void a_port_that_comes_back_is_lent_again(void **state)
{
	struct setup s, again;
	struct node_config none = {.role = NODE_LISTENER};
	ino_t inode;

	(void)state;
	apply(config_of(&s, 1, PROTOCOL_TCP, base_port, base_port));
	inode = seen[0].inodes[0];
	user_sockets_prepare(sockets, &none, (char[REASON_BYTES]){0});
	user_sockets_commit(sockets);
	lend_all();
	apply(config_of(&again, 1, PROTOCOL_TCP, base_port, base_port));
	assert_int_equal(seen[0].count, 2);
	assert_true(seen[0].inodes[0] != inode && seen[0].inodes[1] != inode);
}

static void at_the_end_all_ports_are_free(void **state)
{
	struct setup s;

	(void)state;
	apply(config_of(&s, 1, PROTOCOL_TCP, base_port, base_port));
	user_sockets_close(sockets);
	assert_int_equal(user_sockets_count(sockets), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(each_worker_gets_its_own),
	    TEST(a_draining_listener_has_no_tcp_sockets),
	    TEST(what_stays_is_not_touched),
	    TEST(a_wide_range_is_shared_out),
	    TEST(a_taken_port_changes_nothing),
	    TEST(a_replaced_worker_gets_all_again),
	    TEST(a_port_that_comes_back_is_lent_again),
	    TEST(at_the_end_all_ports_are_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
