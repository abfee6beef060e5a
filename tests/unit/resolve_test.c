/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/resolve with a name server of its own on loopback, and a hosts file of its own: the module
 * is included as source to set both.
 */
#include "config.h"

#define RESOLVE_TRY_MS 50
#include "net/resolve.c"

#include "net/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct ev_loop *loop;
static struct resolver *resolver;
static int server;
static ev_io server_io;
static bool server_is_silent;
static unsigned questions;

/* ---- a name server: two.test has 2 addresses of each kind; nothing else exists ---- */

static size_t append(uint8_t *packet, size_t at, const char *bytes, size_t length)
{
	memcpy(packet + at, bytes, length);
	return at + length;
}

static void on_question(struct ev_loop *l, ev_io *io, int events)
{
	uint8_t packet[1024];
	struct sockaddr_storage from;
	socklen_t from_length = sizeof(from);
	ssize_t n = recvfrom(
	    server, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from, &from_length);
	size_t at = 12;
	bool is_known, is_v6;

	(void)l;
	(void)io;
	(void)events;
	if (n < 17)
		return;
	questions++;
	if (server_is_silent)
		return;
	is_known = memcmp(packet + 12, "\3two\4test\0", 10) == 0;
	while (packet[at])
		at += packet[at] + 1u;
	is_v6 = packet[at + 2] == 28;
	at += 5; /* the root label, type and class; what follows is EDNS and left out */
	packet[2] = 0x81;
	packet[3] = is_known ? 0x80 : 0x83;
	memset(packet + 6, 0, 6);
	for (int i = 1; is_known && i <= 2; i++) {
		packet[7]++;
		at = append(packet, at,
		    is_v6 ? "\xc0\x0c\0\x1c\0\1\0\0\0\x2a\0\x10" : "\xc0\x0c\0\1\0\1\0\0\0\x2a\0\4",
		    12);
		at = append(packet, at, is_v6 ? "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" : "\xc0\0\2",
		    is_v6 ? 15 : 3);
		packet[at++] = (uint8_t)i;
	}
	sendto(server, packet, at, 0, (struct sockaddr *)&from, from_length);
}

static int setup(void **state)
{
	struct addr local;
	struct sockaddr_storage storage;
	socklen_t length;
	char text[ADDR_TEXT_BYTES];

	(void)state;
	loop = ev_loop_new(0);
	server_is_silent = false;
	questions = 0;
	assert_int_equal(addr_parse("127.0.0.1", 0, &local), 0);
	length = addr_to_sockaddr(&local, &storage);
	server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server, (struct sockaddr *)&storage, length), 0);
	length = sizeof(storage);
	assert_int_equal(getsockname(server, (struct sockaddr *)&storage, &length), 0);
	assert_int_equal(addr_from_sockaddr(&local, (struct sockaddr *)&storage, length), 0);
	ev_io_init(&server_io, on_question, server, EV_READ);
	ev_io_start(loop, &server_io);
	assert_int_equal(resolver_new(&resolver, loop), 0);
	assert_int_equal(
	    ares_set_servers_ports_csv(resolver->channel, addr_format(&local, text, sizeof(text))),
	    ARES_SUCCESS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	resolver_free(resolver);
	ev_io_stop(loop, &server_io);
	close(server);
	ev_loop_destroy(loop);
	return 0;
}

struct heard {
	unsigned calls;
	int error;
	size_t count;
	uint32_t ttl_s;
	unsigned v4, v6;
	struct addr first;
};

static void on_resolved(
    void *context, int error, const struct addr *addresses, size_t count, uint32_t ttl_s)
{
	struct heard *heard = context;

	heard->calls++;
	heard->error = error;
	heard->count = count;
	heard->ttl_s = ttl_s;
	for (size_t i = 0; i < count; i++) {
		heard->v4 += addresses[i].family == 4;
		heard->v6 += addresses[i].family == 6;
	}
	if (count)
		heard->first = addresses[0];
}

static void wait_for(struct heard *heard)
{
	ev_tstamp end = ev_time() + 10;

	while (!heard->calls && ev_time() < end)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(heard->calls, 1);
}

static struct heard lookup(const char *name)
{
	struct heard heard = {0};

	assert_int_equal(resolve(resolver, name, on_resolved, &heard, NULL), 0);
	assert_int_equal(heard.calls, 0);
	wait_for(&heard);
	assert_int_equal(resolver->query_count, 0);
	return heard;
}

static void literals_ask_nobody(void **state)
{
	struct heard v4 = lookup("192.0.2.7"), v6 = lookup("2001:db8::7");

	(void)state;
	assert_int_equal(v4.v4, 1);
	assert_int_equal(v4.first.ip[3], 7);
	assert_int_equal(v4.first.port, 0);
	assert_int_equal(v6.v6, 1);
	assert_int_equal(v6.ttl_s, RESOLVE_TTL_LITERAL_S);
	assert_int_equal(questions, 0);
}

static void names_have_addresses_of_both_kinds(void **state)
{
	struct heard heard = lookup("two.test");

	(void)state;
	assert_int_equal(heard.error, 0);
	assert_int_equal(heard.v4, 2);
	assert_int_equal(heard.v6, 2);
	assert_int_equal(heard.ttl_s, 42);
	assert_int_equal(questions, 2);
}

static void unknown_names_are_not_found(void **state)
{
	struct heard heard = lookup("nothing.test");

	(void)state;
	assert_int_equal(heard.error, ERR_NOT_FOUND);
	assert_int_equal(heard.count, 0);
}

static void hosts_file_comes_first(void **state)
{
	char path[] = "/tmp/resolve_test.XXXXXX";
	int file = mkstemp(path);
	static const char text[] =
	    "# comment\n192.0.2.1 web.test Alias\r\n\n2001:db8::1\tweb.test # x\n"
	    "nonsense web.test\n192.0.2.9\n";
	struct heard heard;

	(void)state;
	assert_int_equal(write(file, text, sizeof(text) - 1), sizeof(text) - 1);
	close(file);
	assert_int_equal(read_hosts(resolver, path), 0);
	unlink(path);
	heard = lookup("WEB.test");
	assert_int_equal(heard.v4, 1);
	assert_int_equal(heard.v6, 1);
	heard = lookup("alias");
	assert_int_equal(heard.count, 1);
	assert_int_equal(questions, 0);
	assert_int_equal(read_hosts(resolver, "/nonexistent"), 0);
	assert_int_equal(lookup("web.test").error, ERR_NOT_FOUND);
}

static void silent_server_is_a_timeout(void **state)
{
	struct heard heard;

	(void)state;
	server_is_silent = true;
	heard = lookup("two.test");
	assert_int_equal(heard.error, ERR_TIMEOUT);
	assert_true(questions >= 2 * TRIES);
}

static void cancelled_queries_do_not_call(void **state)
{
	struct heard heard = {0}, other = {0};
	struct resolve_query *asked, *answered;

	(void)state;
	assert_int_equal(resolve(resolver, "two.test", on_resolved, &heard, &asked), 0);
	assert_int_equal(resolve(resolver, "192.0.2.1", on_resolved, &heard, &answered), 0);
	resolve_cancel(asked);
	resolve_cancel(answered);
	assert_int_equal(resolve(resolver, "two.test", on_resolved, &other, NULL), 0);
	wait_for(&other);
	for (int i = 0; i < 20 && resolver->query_count; i++)
		ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(resolver->query_count, 0);
	assert_int_equal(heard.calls, 0);
}

/* teardown frees what is open. */
static void queries_are_capped(void **state)
{
	struct heard heard = {0};

	(void)state;
	server_is_silent = true;
	for (int i = 0; i < RESOLVE_QUERIES; i++)
		assert_int_equal(
		    resolve(resolver, i % 2 ? "two.test" : "::1", on_resolved, &heard, NULL), 0);
	assert_int_equal(resolve(resolver, "::1", on_resolved, &heard, NULL), ERR_LIMIT);
	assert_int_equal(resolve(resolver, "", on_resolved, &heard, NULL), ERR_INVALID);
	assert_int_equal(heard.calls, 0);
}

static void nonsense_is_not_found(void **state)
{
	struct heard heard = lookup("a..b");

	(void)state;
	assert_true(heard.error < 0);
	assert_int_equal(heard.count, 0);
}

/* c-ares makes its sockets and needs no file then. */
static void names_are_found_inside_the_sandbox(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		ev_loop_fork(loop);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (sandbox_enter(SANDBOX_WORKER) == ERR_IO)
			_exit(1);
		_exit(lookup("two.test").count == 4 && lookup("none.test").error ? 0 : 2);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(literals_ask_nobody),
	    TEST(names_have_addresses_of_both_kinds),
	    TEST(unknown_names_are_not_found),
	    TEST(hosts_file_comes_first),
	    TEST(silent_server_is_a_timeout),
	    TEST(cancelled_queries_do_not_call),
	    TEST(queries_are_capped),
	    TEST(nonsense_is_not_found),
	    TEST(names_are_found_inside_the_sandbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
