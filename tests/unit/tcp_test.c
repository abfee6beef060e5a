/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/tcp over loopback: accepting in batches, reset and FIN on close, connecting and its errors,
 * and a process that ran out of descriptors.
 */
#include "config.h"

#include "net/tcp.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CONNECTIONS = 200 };

static struct ev_loop *loop;
static struct tcp_reserve reserve;
static struct tcp_acceptor acceptor;
static int accepted[CONNECTIONS], accepted_count, shortages, close_after;
static struct addr last_user, last_local;

static void on_accept(
    struct tcp_acceptor *from, int descriptor, const struct addr *user, const struct addr *local)
{
	assert_ptr_equal(from->context, &loop);
	accepted[accepted_count++] = descriptor;
	last_user = *user;
	last_local = *local;
	if (accepted_count == close_after)
		tcp_acceptor_close(from);
}

static void on_shortage(struct tcp_acceptor *from)
{
	assert_ptr_equal(from, &acceptor);
	shortages++;
}

static const struct tcp_acceptor_callbacks callbacks = {on_accept, on_shortage};

static void listen_at(const char *address)
{
	struct addr local;
	int descriptor;

	assert_int_equal(addr_parse(address, 0, &local), 0);
	assert_int_equal(tcp_listen(&local, false, &descriptor), 0);
	assert_int_equal(
	    tcp_acceptor_init(&acceptor, loop, descriptor, &reserve, &callbacks, &loop), 0);
}

static int setup(void **state)
{
	(void)state;
	loop = ev_loop_new(0);
	accepted_count = shortages = close_after = 0;
	memset(&acceptor, 0, sizeof(acceptor));
	return tcp_reserve_init(&reserve);
}

static int teardown(void **state)
{
	(void)state;
	tcp_acceptor_close(&acceptor);
	for (int i = 0; i < accepted_count; i++)
		close(accepted[i]);
	tcp_reserve_close(&reserve);
	ev_loop_destroy(loop);
	return 0;
}

static struct addr target(void)
{
	struct addr addr = acceptor.local;

	if (addr_is_any(&addr))
		addr_parse(addr.family == 4 ? "127.0.0.1" : "::1", addr.port, &addr);
	addr.port = acceptor.local.port;
	return addr;
}

static int connect_now(const struct addr *source)
{
	struct addr to = target();
	struct pollfd wait = {.events = POLLOUT};
	int descriptor;
	int result = tcp_connect(&to, source, &descriptor);

	assert_true(result == 0 || result == ERR_AGAIN);
	wait.fd = descriptor;
	assert_int_equal(poll(&wait, 1, 5000), 1);
	assert_int_equal(tcp_connect_result(descriptor), 0);
	return descriptor;
}

static void turn(int rounds)
{
	for (int i = 0; i < rounds; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

/* What the other side sees: 0 for FIN, an errno otherwise. */
static int end_of(int descriptor)
{
	struct pollfd wait = {.fd = descriptor, .events = POLLIN};
	char byte;

	assert_int_equal(poll(&wait, 1, 5000), 1);
	return recv(descriptor, &byte, 1, 0) == 0 ? 0 : errno;
}

static void many_are_accepted_with_addresses(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "::1", "0.0.0.0", "::"};
	int clients[CONNECTIONS];

	for (size_t a = 0; a < 4; a++) {
		struct addr to;

		if (a) {
			teardown(state);
			setup(state);
		}
		listen_at(addresses[a]);
		to = target();
		for (int i = 0; i < CONNECTIONS; i++)
			clients[i] = connect_now(NULL);
		turn(1);
		assert_int_equal(accepted_count, TCP_ACCEPT_BATCH);
		turn(5);
		assert_int_equal(accepted_count, CONNECTIONS);
		assert_true(addr_equal(&last_local, &to));
		assert_true(addr_equal_ip(&last_user, &to));
		assert_int_equal(fcntl(accepted[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		for (int i = 0; i < CONNECTIONS; i++)
			close(clients[i]);
	}
}

static void callback_may_close_the_acceptor(void **state)
{
	int clients[3];

	(void)state;
	listen_at("127.0.0.1");
	close_after = 1;
	for (int i = 0; i < 3; i++)
		clients[i] = connect_now(NULL);
	turn(3);
	assert_int_equal(accepted_count, 1);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
}

static void close_resets_until_fin_is_allowed(void **state)
{
	int a, b;

	(void)state;
	listen_at("127.0.0.1");
	a = connect_now(NULL);
	b = connect_now(NULL);
	turn(2);
	assert_int_equal(accepted_count, 2);
	close(accepted[0]);
	assert_int_equal(end_of(a), ECONNRESET);
	tcp_allow_fin(accepted[1]);
	close(accepted[1]);
	assert_int_equal(end_of(b), 0);
	close(a);
	close(b);
	/* And the connecting side. */
	accepted_count = 0;
	a = connect_now(NULL);
	turn(2);
	assert_int_equal(accepted_count, 1);
	close(a);
	assert_int_equal(end_of(accepted[0]), ECONNRESET);
}

static void refusal_is_told(void **state)
{
	struct pollfd wait = {.events = POLLOUT};
	struct addr to;
	int result;

	(void)state;
	listen_at("127.0.0.1");
	to = target();
	tcp_acceptor_close(&acceptor);
	result = tcp_connect(&to, NULL, &wait.fd);
	if (result == ERR_AGAIN) {
		assert_int_equal(poll(&wait, 1, 5000), 1);
		result = tcp_connect_result(wait.fd);
		close(wait.fd);
	}
	assert_int_equal(result, ERR_REFUSED);
}

static void source_address_is_taken(void **state)
{
	struct addr source;
	int a;

	(void)state;
	listen_at("127.0.0.1");
	assert_int_equal(addr_parse("127.0.0.9", 0, &source), 0);
	a = connect_now(&source);
	turn(2);
	assert_int_equal(accepted_count, 1);
	assert_true(addr_equal_ip(&last_user, &source));
	close(a);
}

static void occupied_port_is_an_error(void **state)
{
	int descriptor;

	(void)state;
	listen_at("127.0.0.1");
	assert_int_equal(tcp_listen(&acceptor.local, false, &descriptor), ERR_IO);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(descriptor, -1);
}

static void without_descriptors_users_are_reset(void **state)
{
	struct rlimit old, now;
	int a, b, fill[64], filled = 0;

	(void)state;
	listen_at("127.0.0.1");
	a = connect_now(NULL);
	b = connect_now(NULL);
	turn(0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	now = old;
	now.rlim_cur = 48;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	while (filled < 64 && (fill[filled] = dup(0)) >= 0)
		filled++;
	turn(2);
	assert_int_equal(accepted_count, 0);
	assert_int_equal(shortages, 2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	while (filled)
		close(fill[--filled]);
	assert_int_equal(end_of(a), ECONNRESET);
	assert_int_equal(end_of(b), ECONNRESET);
	assert_true(reserve.descriptor >= 0);
	close(a);
	close(b);
	a = connect_now(NULL);
	turn(2);
	assert_int_equal(accepted_count, 1);
	close(a);
}

/* What is above the limit is for others than users. */
static void above_the_limit_users_are_reset(void **state)
{
	size_t limit = reserve.limit;
	int a, b, lowest;

	(void)state;
	listen_at("127.0.0.1");
	a = connect_now(NULL);
	b = connect_now(NULL);
	turn(0);
	lowest = dup(0);
	close(lowest);
	reserve.limit = (size_t)lowest + 1;
	turn(2);
	assert_int_equal(accepted_count, 1);
	assert_int_equal(accepted[0], lowest);
	assert_int_equal(shortages, 1);
	assert_int_equal(end_of(b), ECONNRESET);
	reserve.limit = limit;
	close(a);
	close(b);
}

static void without_descriptors_nothing_is_connected(void **state)
{
	struct rlimit old, now;
	struct addr nobody = addr_any(4, 9);
	int descriptor;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	now = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(tcp_connect(&nobody, NULL, &descriptor), ERR_LIMIT);
	assert_int_equal(descriptor, -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* What is accepted inherits it; an unknown name leaves the system's. */
static void a_leg_outside_is_tuned(void **state)
{
	char name[16] = "";
	socklen_t length = sizeof(name), size = sizeof(int);
	struct addr local = addr_any(4, 0);
	int descriptor, unsent = 0;

	(void)state;
	assert_int_equal(tcp_listen(&local, false, &descriptor), 0);
	tcp_tune_user(descriptor, "reno");
	tcp_tune_user(descriptor, "nonesuch");
	tcp_tune_user(descriptor, "");
	assert_int_equal(getsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, &size), 0);
	assert_int_equal(unsent, TCP_UNSENT_BYTES);
	assert_int_equal(getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
	assert_string_equal(name, "reno");
	close(descriptor);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_leg_outside_is_tuned),
	    TEST(many_are_accepted_with_addresses),
	    TEST(callback_may_close_the_acceptor),
	    TEST(close_resets_until_fin_is_allowed),
	    TEST(refusal_is_told),
	    TEST(source_address_is_taken),
	    TEST(occupied_port_is_an_error),
	    TEST(without_descriptors_users_are_reset),
	    TEST(above_the_limit_users_are_reset),
	    TEST(without_descriptors_nothing_is_connected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
