/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/node_machine.c: what it reads is what the system says by other ways. */
#include "config.h"

#include "net/node_machine.h"

#include "net/udp.h"
#include "tests/unit/cmocka_all.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

static struct tunnel_sockets tunnel;

static int open_tunnel(void **state)
{
	struct addr local;

	(void)state;
	assert_int_equal(addr_parse("127.0.0.1:0", 0, &local), 0);
	assert_int_equal(tunnel_sockets_open(&tunnel, &local, 2), 0);
	return 0;
}

static int close_tunnel(void **state)
{
	(void)state;
	tunnel_sockets_close(&tunnel);
	return 0;
}

static void what_is_read_is_so(void **state)
{
	struct machine machine;
	struct rlimit files;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	node_machine_read(&tunnel, &machine);
	assert_true(machine.clock_ms / 1000 <= (uint64_t)time(NULL));
	assert_true(machine.clock_ms / 1000 + 60 >= (uint64_t)time(NULL));
	assert_int_equal(machine.files_max, files.rlim_cur);
	assert_true(machine.port_first > 0 && machine.port_last > machine.port_first);
	assert_int_equal(machine.tunnel_buffer_bytes, UDP_TUNNEL_BUFFER_BYTES);
	assert_true(machine.has_udp_gro);
	assert_true(machine.has_udp_segment);
}

static void the_smallest_buffer_counts(void **state)
{
	struct machine machine;
	int bytes = 100000;

	(void)state;
	assert_int_equal(
	    setsockopt(tunnel.descriptors[1], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
	node_machine_read(&tunnel, &machine);
	assert_int_equal(machine.tunnel_granted_bytes, bytes);
}

static void without_a_socket_there_is_nothing_to_read(void **state)
{
	struct machine machine;

	(void)state;
	node_machine_read(&(struct tunnel_sockets){0}, &machine);
	assert_int_equal(machine.tunnel_granted_bytes, 0);
	assert_false(machine.has_udp_gro || machine.has_udp_segment);
	assert_true(machine.clock_ms > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_read_is_so, open_tunnel, close_tunnel),
	    cmocka_unit_test_setup_teardown(the_smallest_buffer_counts, open_tunnel, close_tunnel),
	    cmocka_unit_test(without_a_socket_there_is_nothing_to_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
