/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/steer with a group of real sockets: packets go by their slot from any source port, and
 * short ones to the first socket.
 */
#include "config.h"

#include "net/steer.h"

#include "base/err.h"
#include "net/udp.h"

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SLOTS = 3 };

static int sockets[SLOTS];
static struct sockaddr_storage group;
static socklen_t group_length = sizeof(group);

static int setup(void **state)
{
	struct udp_options options = {.reuse_port = true};

	(void)state;
	assert_int_equal(addr_parse("127.0.0.1", 0, &options.local), 0);
	for (int i = 0; i < SLOTS; i++) {
		assert_int_equal(udp_open(&options, &sockets[i]), 0);
		if (i)
			continue;
		assert_int_equal(
		    getsockname(sockets[0], (struct sockaddr *)&group, &group_length), 0);
		assert_int_equal(
		    addr_from_sockaddr(&options.local, (struct sockaddr *)&group, group_length), 0);
	}
	assert_int_equal(steer_attach(sockets[0], SLOTS), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < SLOTS; i++)
		close(sockets[i]);
	return 0;
}

/* Sends from a fresh port; the number of the socket that got it, -1 for none. */
static int send_one(const uint8_t *packet, size_t length)
{
	struct pollfd wait[SLOTS];
	uint8_t got[64];
	int from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), result = -1;

	assert_int_equal(
	    sendto(from, packet, length, 0, (struct sockaddr *)&group, group_length), length);
	for (int i = 0; i < SLOTS; i++)
		wait[i] = (struct pollfd){.fd = sockets[i], .events = POLLIN};
	assert_int_equal(poll(wait, SLOTS, 1000), 1);
	for (int i = 0; i < SLOTS; i++)
		if (wait[i].revents) {
			assert_int_equal(recv(sockets[i], got, sizeof(got), 0), length);
			assert_memory_equal(got, packet, length);
			result = i;
		}
	close(from);
	return result;
}

static void packets_go_by_their_slot(void **state)
{
	(void)state;
	for (unsigned slot = 0; slot < 256; slot++) {
		uint8_t packet[12] = {0xff, (uint8_t)slot, 0xff, 0xff, 0xff};

		assert_int_equal(send_one(packet, sizeof(packet)), slot % SLOTS);
	}
}

static void short_packets_go_to_the_first(void **state)
{
	static const uint8_t packet[2] = {0xff, 2};

	(void)state;
	assert_int_equal(send_one(packet, 0), 0);
	assert_int_equal(send_one(packet, 1), 0);
	assert_int_equal(send_one(packet, 2), 2);
}

static void slots_out_of_range_are_refused(void **state)
{
	(void)state;
	assert_int_equal(steer_attach(sockets[0], 0), ERR_INVALID);
	assert_int_equal(steer_attach(sockets[0], 257), ERR_INVALID);
	assert_int_equal(steer_attach(-1, 2), ERR_IO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(packets_go_by_their_slot),
	    TEST(short_packets_go_to_the_first),
	    TEST(slots_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
