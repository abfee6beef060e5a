/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of endpoint/ share: the role in a worker double, a config with one accelerator whose
 * backends the test sets, and the tunnel of a listener whose end the test holds.
 */
#ifndef TESTS_UNIT_ENDPOINT_FIXTURE_H
#define TESTS_UNIT_ENDPOINT_FIXTURE_H

#include "tests/unit/cmocka_all.h"

#include "endpoint/endpoint.h"
#include "endpoint/role.h"
#include "net/flow_handler.h"
#include "tests/support/far_end.h"
#include "tests/support/loopback.h"

#include <string.h>
#include <unistd.h>

enum {
	ACCELERATOR = 7,
	USER_PORT = 443,
	UDP_IDLE_S = 20,
	TCP_IDLE_S = 100,
	CONNECT_TIMEOUT_MS = 2000,
	BACKENDS = 4,
};

struct fixture {
	struct worker worker;
	struct endpoint *endpoint;
	struct far_end far;
	struct name listeners[1];
	struct port_range ports;
	struct backend backends[BACKENDS];
	struct config_accelerator accelerator;
	struct node_config config;
	struct flow *opened;     /* the latest that came, at the endpoint's end */
	void (*on_opened)(void); /* NULL, or called when it was taken */
};

static struct fixture fixture;

static inline void fixture_apply(void)
{
	assert_int_equal(endpoint_role.on_config(fixture.endpoint, NULL), 0);
}

static enum reason fixture_on_open(void *lane, struct flow *flow, const struct flow_open *open)
{
	enum reason reason = endpoint_role.on_open(lane, flow, open);

	fixture.opened = flow;
	if (fixture.on_opened)
		fixture.on_opened();
	return reason;
}

static int fixture_setup(void **state)
{
	static struct lane_callbacks near;
	void *endpoint;

	(void)state;
	memset(&fixture, 0, sizeof fixture);
	strcpy(fixture.listeners[0].text, "near-1");
	fixture.ports = (struct port_range){400, 500};
	fixture.accelerator = (struct config_accelerator){
	    .id = ACCELERATOR,
	    .protocol = PROTOCOL_TCP_UDP,
	    .ports = &fixture.ports,
	    .port_count = 1,
	    .tcp_idle_timeout_s = TCP_IDLE_S,
	    .udp_idle_timeout_s = UDP_IDLE_S,
	    .connect_timeout_ms = CONNECT_TIMEOUT_MS,
	    .backends = fixture.backends,
	    .listeners = fixture.listeners,
	    .listener_count = 1,
	};
	fixture.config = (struct node_config){
	    .drain_s = 5, .accelerators = &fixture.accelerator, .accelerator_count = 1};
	double_start(&fixture.worker);
	fixture.worker.config = &fixture.config;
	assert_int_equal(endpoint_role.start(&fixture.worker, &endpoint), 0);
	fixture.endpoint = fixture.worker.role_state = endpoint;
	near = flow_handler_callbacks;
	near.on_open = fixture_on_open;
	far_end_open(&fixture.far, &fixture.worker,
	    (struct joint_options){.peer_name = "near-1", .role = LANE_ENDPOINT, .near = &near});
	return 0;
}

static int fixture_teardown(void **state)
{
	(void)state;
	far_end_close(&fixture.far);
	endpoint_role.stop(fixture.endpoint);
	double_stop(&fixture.worker);
	return 0;
}

/* One more backend. A port of the ranges stands for itself, so USER_PORT reaches that port. */
static inline void fixture_add_backend(const char *host, uint16_t port, uint32_t weight)
{
	struct backend *added = &fixture.backends[fixture.accelerator.backend_count++];

	assert_true(strlen(host) < sizeof added->host);
	strcpy(added->host, host);
	added->port = (uint16_t)(port ? port - (USER_PORT - fixture.ports.first) : 0);
	added->weight = weight;
	assert_int_equal(backends_set(&fixture.endpoint->tables, &fixture.config, NULL), 0);
}

static inline struct far_flow *fixture_open(enum flow_kind kind)
{
	struct flow_open open = {.kind = kind, .accelerator = ACCELERATOR};

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("192.0.2.2", USER_PORT, &open.local);
	return far_flow_open(&fixture.far, &open);
}

/* The health process found that of a backend whose host is an address. */
static inline void fixture_health(size_t backend, enum health_state state, enum health_cause cause)
{
	struct backend_health change = {.state = state, .cause = cause};

	change.backend = backend_key(ACCELERATOR, &fixture.backends[backend]);
	assert_int_equal(addr_parse(fixture.backends[backend].host, 0, &change.address), 0);
	endpoint_role.on_health(fixture.endpoint, &change, 1);
}

static inline void run(unsigned ms)
{
	double_run(&fixture.worker, ms);
}

static inline uint64_t counted(enum page_value value)
{
	return page_get(fixture.worker.page, value);
}

static inline size_t flow_count(enum flow_kind kind)
{
	return endpoint_role.flow_count(fixture.endpoint, kind);
}

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
