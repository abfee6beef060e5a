/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of listener/ share: the role in a worker double, a config with one accelerator of TCP
 * and UDP for the ports 1 to 65000, and tunnels to endpoints whose ends the test holds.
 */
#ifndef TESTS_UNIT_LISTENER_FIXTURE_H
#define TESTS_UNIT_LISTENER_FIXTURE_H

#include "tests/unit/cmocka_all.h"

#include "listener/listener.h"
#include "listener/role.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "tests/support/far_end.h"
#include "tests/support/loopback.h"

#include <string.h>
#include <unistd.h>

enum { ACCELERATOR = 7, UDP_IDLE_S = 20, TCP_IDLE_S = 100, FLOWS_PER_SOURCE = 3, REGION_BYTES = 5 };

struct fixture {
	struct worker worker;
	struct listener *listener;
	struct far_end seoul, paris; /* open when the test opened them */
	struct name endpoints[2];
	struct config_group groups[2];
	struct port_range ports;
	struct config_accelerator accelerator;
	struct node_config config;
};

static struct fixture fixture;

/* Puts the fixture's config, perhaps changed, in force. */
static inline void fixture_apply(void)
{
	assert_int_equal(listener_role.on_config(fixture.listener, NULL), 0);
}

static int fixture_setup(void **state)
{
	void *listener;

	(void)state;
	memset(&fixture, 0, sizeof fixture);
	strcpy(fixture.endpoints[0].text, "seoul-1");
	strcpy(fixture.endpoints[1].text, "paris-1");
	for (int i = 0; i < 2; i++) {
		fixture.groups[i].endpoints = &fixture.endpoints[i];
		fixture.groups[i].endpoint_count = 1;
		fixture.groups[i].traffic_dial_percent = 100;
		memcpy(fixture.groups[i].region, fixture.endpoints[i].text, REGION_BYTES);
	}
	fixture.ports = (struct port_range){1, 65000};
	fixture.accelerator = (struct config_accelerator){
	    .id = ACCELERATOR,
	    .protocol = PROTOCOL_TCP_UDP,
	    .ports = &fixture.ports,
	    .port_count = 1,
	    .tcp_idle_timeout_s = TCP_IDLE_S,
	    .udp_idle_timeout_s = UDP_IDLE_S,
	    .udp_flows_per_source = FLOWS_PER_SOURCE,
	    .groups = fixture.groups,
	    .group_count = 2,
	};
	fixture.config = (struct node_config){
	    .seed = 42, .drain_s = 5, .accelerators = &fixture.accelerator, .accelerator_count = 1};
	double_start(&fixture.worker);
	fixture.worker.config = &fixture.config;
	assert_int_equal(listener_role.start(&fixture.worker, &listener), 0);
	fixture.listener = fixture.worker.role_state = listener;
	fixture_apply();
	return 0;
}

static int fixture_teardown(void **state)
{
	(void)state;
	far_end_close(&fixture.seoul);
	far_end_close(&fixture.paris);
	listener_role.stop(fixture.listener);
	double_stop(&fixture.worker);
	return 0;
}

static inline void fixture_tunnel(struct far_end *end, const char *name, uint32_t max_flows)
{
	far_end_open(end, &fixture.worker,
	    (struct joint_options){.peer_name = name,
	        .role = LANE_LISTENER,
	        .max_flows = max_flows,
	        .near = &flow_handler_callbacks});
}

/* Lends the role a socket at that address, as main does; where it is. */
static inline struct worker_socket fixture_lend(enum worker_socket_kind kind, const char *text)
{
	struct worker_socket lent = {.kind = kind, .accelerator = ACCELERATOR};
	struct udp_options options = {0};
	int descriptor;

	if (kind == WORKER_SOCKET_TCP_LISTEN) {
		close(loopback_listen(text, &lent.local)); /* a port that is free */
		assert_int_equal(tcp_listen(&lent.local, false, &descriptor), 0);
	} else {
		close(loopback_udp(text, &lent.local));
		options.local = lent.local;
		assert_int_equal(udp_open(&options, &descriptor), 0);
	}
	listener_role.on_socket(fixture.listener, &lent, descriptor);
	return lent;
}

static inline void run(unsigned ms)
{
	double_run(&fixture.worker, ms);
}

static inline uint64_t counted(enum page_value value)
{
	return page_get(fixture.worker.page, value);
}

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
