/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/tunnel_sockets: one port for all workers, each packet at the socket of its slot from either
 * family, and a port that somebody has is refused, even to the same user with SO_REUSEPORT.
 */
#include "config.h"

#include "net/tunnel_sockets.h"

#include "base/err.h"
#include "net/steer.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 4, WAIT_MS = 1000 };

static void send_to(const char *ip, uint16_t port, uint8_t slot)
{
	uint8_t packet[8] = {0};
	struct sockaddr_storage storage;
	struct addr to;
	socklen_t length;
	int client;

	packet[STEER_SLOT_OFFSET] = slot;
	assert_int_equal(addr_parse(ip, port, &to), 0);
	length = addr_to_sockaddr(&to, &storage);
	client = socket(storage.ss_family, SOCK_DGRAM, 0);
	assert_int_equal(
	    sendto(client, packet, sizeof(packet), 0, (void *)&storage, length), sizeof(packet));
	close(client);
}

static void each_packet_comes_to_its_slot(void **state)
{
	static const char *const peers[] = {"127.0.0.1", "::1"};
	struct tunnel_sockets sockets;
	struct addr any = {0};

	(void)state;
	assert_int_equal(tunnel_sockets_open(&sockets, &any, WORKERS), 0);
	assert_int_equal(sockets.count, WORKERS);
	assert_int_not_equal(sockets.local.port, 0);
	for (unsigned i = 0; i < 2 * WORKERS; i++) {
		uint8_t packet[16], slot = (uint8_t)(i % WORKERS);
		struct pollfd wait = {.fd = sockets.descriptors[slot], .events = POLLIN};

		send_to(peers[i / WORKERS], sockets.local.port, slot);
		assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
		assert_int_equal(recv(wait.fd, packet, sizeof(packet), MSG_DONTWAIT), 8);
		assert_int_equal(packet[STEER_SLOT_OFFSET], slot);
	}
	tunnel_sockets_close(&sockets);
	assert_int_equal(sockets.count, 0);
}

static void a_port_in_use_is_refused(void **state)
{
	struct tunnel_sockets first, second;
	struct addr local;

	(void)state;
	assert_int_equal(addr_parse("127.0.0.1", 0, &local), 0);
	assert_int_equal(tunnel_sockets_open(&first, &local, 2), 0);
	local.port = first.local.port;
	assert_int_equal(tunnel_sockets_open(&second, &local, 2), ERR_IO);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(second.count, 0);
	tunnel_sockets_close(&first);
	assert_int_equal(tunnel_sockets_open(&second, &local, 2), 0);
	tunnel_sockets_close(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_packet_comes_to_its_slot),
	    cmocka_unit_test(a_port_in_use_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
