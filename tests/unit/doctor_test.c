/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/doctor.c: what is found, at which figures, and that all being well is silent. */
#include "control/doctor.h"

#include "control/finding.h"
#include "tests/unit/installation_fixture.h"

enum { NOW_MS = 1000000 };

static json_t *findings;
static struct node node;
static struct node_live live;
static struct counter counter;

/* An endpoint where all is well. */
static int setup(void **state)
{
	(void)state;
	findings = json_array();
	node = (struct node){.name = "osl-1", .role = NODE_ENDPOINT, .version = "0.1"};
	live = (struct node_live){.is_up = true,
	    .wanted_revision = 7,
	    .has_applied = true,
	    .applied_revision = 7,
	    .machine = {.clock_ms = 5,
	        .tunnel_buffer_bytes = 8 << 20,
	        .tunnel_granted_bytes = 8 << 20,
	        .files_max = DOCTOR_FILES_GOOD,
	        .port_first = 32768,
	        .port_last = 60999,
	        .has_udp_gro = true,
	        .has_udp_segment = true}};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(findings);
	return 0;
}

/* The node has this one finding, or with "" none; of that check and level. */
static void expect(const char *detail, const char *check, const char *level)
{
	const json_t *finding = json_array_get(findings, 0);

	assert_int_equal(json_array_size(findings), detail[0] ? 1 : 0);
	if (!finding)
		return;
	assert_non_null(strstr(json_string_value(json_object_get(finding, "detail")), detail));
	assert_string_equal(json_string_value(json_object_get(finding, "check")), check);
	assert_string_equal(json_string_value(json_object_get(finding, "level")), level);
	json_array_clear(findings);
}

static void look(const char *detail, const char *check, const char *level)
{
	doctor_node(findings, &node, &live, "0.1", NOW_MS);
	expect(detail, check, level);
}

static void all_is_well(void **state)
{
	(void)state;
	look("", "", "");
	live.machine = (struct machine){0}; /* it told nothing */
	look("", "", "");
}

static void versions_differ(void **state)
{
	(void)state;
	strcpy(node.version, "0.2");
	look("endpoint osl-1 runs version 0.2, control 0.1", "version", "wrong");
}

static void a_config_has_time_to_be_applied(void **state)
{
	(void)state;
	live.applied_revision = 6;
	live.wanted_steady_ms = NOW_MS - DOCTOR_CONFIG_MS + 1;
	look("", "", "");
	live.wanted_steady_ms--;
	look("serves by config 6 and has not answered to 7 for 10 s", "config", "wrong");
	live.refused_revision = 7; /* told elsewhere */
	look("", "", "");
}

static void a_node_may_be_ahead(void **state)
{
	(void)state;
	live.applied_revision = 9;
	look("config 9, which is newer than control's 7", "config", "wrong");
}

static void clocks_differ(void **state)
{
	(void)state;
	live.clock_ahead_ms = DOCTOR_CLOCK_MS;
	look("", "", "");
	live.clock_ahead_ms = 3600500;
	look("3600.5 s ahead of control's", "clock", "wrong");
	live.clock_ahead_ms = -DOCTOR_CLOCK_MS - 100;
	look("2.1 s behind control's", "clock", "wrong");
}

static void buffers_are_small(void **state)
{
	(void)state;
	live.machine.tunnel_granted_bytes = 212992;
	doctor_node(findings, &node, &live, "0.1", NOW_MS);
	assert_non_null(
	    strstr(json_string_value(json_object_get(json_array_get(findings, 0), "fix")),
	        "net.core.rmem_max=8388608"));
	expect("buffers of 208 KiB instead of 8192", "limits", "wrong");
}

static void files_are_few(void **state)
{
	(void)state;
	live.machine.files_max = DOCTOR_FILES_GOOD - 1;
	look("65535 open files", "limits", "notice");
	live.machine.files_max = DOCTOR_FILES_MIN - 1;
	look("4095 open files", "limits", "wrong");
}

static void only_endpoints_need_ports(void **state)
{
	(void)state;
	live.machine.port_first = live.machine.port_last - DOCTOR_PORTS_GOOD + 1;
	look("", "", "");
	live.machine.port_first++;
	look("has 16383 local ports", "limits", "notice");
	node.role = NODE_LISTENER;
	look("", "", "");
	node.role = NODE_ENDPOINT;
	live.machine.port_first = live.machine.port_last = 0; /* unknown */
	look("", "", "");
}

static void segmentation_is_off(void **state)
{
	(void)state;
	strcpy(counter.name, "tunnel_segmentation_off");
	live.counters = &counter;
	live.counter_count = 1;
	look("", "", "");
	counter.value = 1;
	look("UDP segmentation is off at osl-1", "limits", "notice");
	live.machine.has_udp_gro = false;
	look("has no UDP_GRO", "limits", "notice");
}

/* ---- tunnels ---- */

static void look_at(const struct tunnel_measurement *said, size_t endpoint, const char *detail)
{
	doctor_tunnel(
	    findings, &fixture_nodes[4], &fixture_nodes[endpoint], NODE_LISTENER, said, NOW_MS);
	expect(detail, "mtu", "notice");
}

static void packets_are_small(void **state)
{
	struct lane_measurement lanes[] = {
	    {.is_up = true, .packet_bytes = 1472, .since_ms = 1},
	    {.is_up = true, .packet_bytes = 1380, .since_ms = 1},
	    {.packet_bytes = 1200, .since_ms = 1}, /* down */
	};
	struct tunnel_measurement said = {.lanes = lanes, .lane_count = 3};

	(void)state;
	look_at(&said, 1, "from tyo-1 to osl-1 packets of 1380 bytes pass, not of 1472");
	lanes[1].since_ms = NOW_MS - DOCTOR_MTU_MS; /* it still looks */
	look_at(&said, 1, "");
	lanes[1].since_ms = 1;
	lanes[1].packet_bytes = 1452;
	look_at(&said, 3, ""); /* over IPv6 that is all */
	look_at(&said, 1, "1452 bytes");
	look_at(NULL, 1, "");
}

static void packets_vanished(void **state)
{
	struct tunnel_measurement said = {.figures = {.mtu_black_holes = 3}};

	(void)state;
	doctor_tunnel(findings, &fixture_nodes[4], &fixture_nodes[1], NODE_ENDPOINT, &said, NOW_MS);
	expect("from osl-1 to tyo-1 packets that passed before vanished 3 times", "mtu", "notice");
}

#define DOCTOR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    DOCTOR_TEST(all_is_well),
	    DOCTOR_TEST(versions_differ),
	    DOCTOR_TEST(a_config_has_time_to_be_applied),
	    DOCTOR_TEST(a_node_may_be_ahead),
	    DOCTOR_TEST(clocks_differ),
	    DOCTOR_TEST(buffers_are_small),
	    DOCTOR_TEST(files_are_few),
	    DOCTOR_TEST(only_endpoints_need_ports),
	    DOCTOR_TEST(segmentation_is_off),
	    DOCTOR_TEST(packets_are_small),
	    DOCTOR_TEST(packets_vanished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
