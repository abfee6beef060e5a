/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/resolve with a name server of its own on loopback, and a hosts file of its own: the module
 * is included as source to set both.
 */
#include "config.h"

#define RESOLVE_TRY_MS 50
#include "net/resolve.c"

#include "net/sandbox.h"
#include "tests/support/name_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct ev_loop *loop;
static struct resolver *resolver;
static struct name_server server;

static int setup(void **state)
{
	char text[ADDR_TEXT_BYTES];

	(void)state;
	loop = ev_loop_new(0);
	name_server_start(&server, loop);
	assert_int_equal(resolver_new(&resolver, loop), 0);
	assert_int_equal(
	    ares_set_servers_ports_csv(resolver->channel, name_server_text(&server, text)),
	    ARES_SUCCESS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	resolver_free(resolver);
	name_server_stop(&server);
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
	assert_int_equal(server.questions, 0);
}

static void names_have_addresses_of_both_kinds(void **state)
{
	struct heard heard = lookup("two.test");

	(void)state;
	assert_int_equal(heard.error, 0);
	assert_int_equal(heard.v4, 2);
	assert_int_equal(heard.v6, 2);
	assert_int_equal(heard.ttl_s, NAME_SERVER_TTL_S);
	assert_int_equal(server.questions, 2);
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
	assert_int_equal(server.questions, 0);
	assert_int_equal(read_hosts(resolver, "/nonexistent"), 0);
	assert_int_equal(lookup("web.test").error, ERR_NOT_FOUND);
}

static void silent_server_is_a_timeout(void **state)
{
	struct heard heard;

	(void)state;
	server.is_silent = true;
	heard = lookup("two.test");
	assert_int_equal(heard.error, ERR_TIMEOUT);
	assert_true(server.questions >= 2 * TRIES);
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
	server.is_silent = true;
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
