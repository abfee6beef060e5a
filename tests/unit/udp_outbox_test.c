/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/udp_outbox over loopback: order, joining and its limits, several addresses and sockets, counters.
 * The calls of sendmmsg are counted by a wrapper, which is why net/udp.c is included as source.
 */
#include "config.h"

#include <sys/socket.h>

static int counted_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags);
#define sendmmsg counted_sendmmsg
#include "net/udp.c"
#undef sendmmsg

#include "net/udp_outbox.h"
#include "tests/unit/cmocka_all.h"

#include <poll.h>

static unsigned calls, messages_sent;
static bool is_full; /* every socket's buffer */

static int counted_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags)
{
	calls++;
	if (is_full) {
		errno = EAGAIN;
		return -1;
	}
	messages_sent += count;
	return sendmmsg(descriptor, messages, count, flags);
}

static struct page page;
static struct udp_outbox *outbox;
static struct udp from_udp, to_udp;
static struct addr to, none;

static struct addr open_udp(struct udp *udp)
{
	struct udp_options options = {.buffer_bytes = 4 << 20};
	struct addr local;
	int descriptor;

	assert_int_equal(addr_parse("127.0.0.1:0", 0, &options.local), 0);
	assert_int_equal(udp_open(&options, &descriptor), 0);
	assert_int_equal(udp_init(udp, descriptor, false), 0);
	local = options.local;
	local.port = udp->local_port;
	return local;
}

static int setup(void **state)
{
	(void)state;
	memset(&page, 0, sizeof page);
	outbox = udp_outbox_new(&page);
	assert_non_null(outbox);
	open_udp(&from_udp);
	to = open_udp(&to_udp);
	/* Datagrams come one by one. */
	assert_true(set_int(to_udp.descriptor, SOL_UDP, UDP_GRO, 0));
	calls = messages_sent = 0;
	is_full = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	udp_outbox_free(outbox);
	close(from_udp.descriptor);
	close(to_udp.descriptor);
	return 0;
}

static void add(const char *text, size_t length)
{
	static uint8_t data[65536];

	memset(data, text[0], length);
	udp_outbox_add(outbox, &from_udp, data, length, &to, &none);
}

/* The next datagram is so long, all of that letter. */
static void expect_at(int descriptor, const char *text, size_t length)
{
	static char data[65536];
	struct pollfd wait = {.fd = descriptor, .events = POLLIN};

	assert_int_equal(poll(&wait, 1, 1000), 1);
	assert_int_equal(recv(descriptor, data, sizeof data, 0), length);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(data[i], text[0]);
}

static void expect(const char *text, size_t length)
{
	expect_at(to_udp.descriptor, text, length);
}

static void test_nothing(void **state)
{
	(void)state;
	udp_outbox_flush(outbox);
	assert_int_equal(calls, 0);
}

static void test_equal_ones_go_as_one_message(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		add(i % 2 ? "b" : "a", 200);
	assert_int_equal(calls, 0);
	udp_outbox_flush(outbox);
	assert_int_equal(calls, 1);
	assert_int_equal(messages_sent, 1);
	for (int i = 0; i < 40; i++)
		expect(i % 2 ? "b" : "a", 200);
	assert_int_equal(page_get(&page, PAGE_udp_datagrams_sent), 40);
	udp_outbox_flush(outbox);
	assert_int_equal(calls, 1);
}

/* A shorter one ends a run of segments; a longer or an empty one is not of it. */
static void test_unequal_ones_keep_their_lengths(void **state)
{
	static const size_t lengths[] = {300, 300, 100, 100, 301, 0, 300, 1401, 1401, 65507, 20};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
		add("x", lengths[i]);
	udp_outbox_flush(outbox);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
		expect("x", lengths[i]);
	assert_int_equal(messages_sent, 9); /* 300 300 100 | 100 | 301 | 0 | 300 | and four */
	assert_int_equal(page_get(&page, PAGE_udp_datagrams_sent), 11);
}

static void test_addresses_are_not_mixed(void **state)
{
	struct udp other;
	struct addr other_to = open_udp(&other);

	(void)state;
	add("a", 50);
	udp_outbox_add(outbox, &from_udp, (const uint8_t *)"b", 1, &other_to, &none);
	udp_outbox_add(outbox, &from_udp, (const uint8_t *)"c", 1, &other_to, &to);
	add("d", 50);
	udp_outbox_flush(outbox);
	assert_int_equal(calls, 1);
	assert_int_equal(messages_sent, 4);
	expect("a", 50);
	expect("d", 50);
	expect_at(other.descriptor, "b", 1);
	expect_at(other.descriptor, "c", 1);
	close(other.descriptor);
}

static void test_sockets_are_not_mixed(void **state)
{
	struct udp other;

	(void)state;
	open_udp(&other);
	add("a", 50);
	udp_outbox_add(outbox, &other, (const uint8_t *)"b", 1, &to, &none);
	add("c", 50);
	udp_outbox_flush(outbox);
	assert_int_equal(calls, 3);
	expect("a", 50);
	expect("b", 1);
	expect("c", 50);
	assert_int_equal(other.stats.datagrams_sent, 1);
	close(other.descriptor);
}

static void test_full_by_bytes_and_by_addresses(void **state)
{
	struct addr elsewhere = to;

	(void)state;
	for (int i = 0; i < 3; i++)
		add("a", 60000);
	assert_int_equal(calls, 1);
	udp_outbox_flush(outbox);
	for (int i = 0; i < 3; i++)
		expect("a", 60000);
	calls = 0;
	for (uint16_t i = 0; i < 65; i++) {
		elsewhere.port = (uint16_t)(40000 + i);
		udp_outbox_add(
		    outbox, &from_udp, (const uint8_t *)"b", 1, i % 2 ? &to : &elsewhere, &none);
	}
	assert_int_equal(calls, 2); /* of 32 messages each */
	udp_outbox_flush(outbox);
	for (int i = 0; i < 32; i++)
		expect("b", 1);
	assert_int_equal(page_get(&page, PAGE_udp_datagrams_sent), 68);
}

/* What a socket does not take is dropped, and counted. */
static void test_full_socket(void **state)
{
	(void)state;
	is_full = true;
	for (int i = 0; i < 5; i++)
		add("a", 100);
	add("b", 200);
	udp_outbox_flush(outbox);
	assert_int_equal(page_get(&page, PAGE_udp_datagrams_dropped), 6);
	assert_int_equal(page_get(&page, PAGE_udp_datagrams_sent), 0);
	is_full = false;
	add("c", 10);
	udp_outbox_flush(outbox);
	expect("c", 10);
	assert_int_equal(page_get(&page, PAGE_udp_datagrams_dropped), 6);
	assert_int_equal(page_get(&page, PAGE_udp_datagrams_sent), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_equal_ones_go_as_one_message, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_unequal_ones_keep_their_lengths, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_addresses_are_not_mixed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sockets_are_not_mixed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full_by_bytes_and_by_addresses, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full_socket, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
