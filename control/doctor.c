/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See doctor.h. */
#include "config.h"

#include "control/doctor.h"

#include "control/finding.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIB = 1024, FIX_BYTES = 256 };

/* ---- one node ---- */

static void check_version(json_t *findings, const struct node *node, const char *version)
{
	if (strcmp(node->version, version) != 0)
		finding_add(findings, FINDING_WRONG, CHECK_VERSION, node->name,
		    "install the same version everywhere: control first, then endpoints, then "
		    "listeners",
		    "%s %s runs version %s, control %s", node_role_text(node->role), node->name,
		    node->version, version);
}

/* A config that was refused is attention's. */
static void check_config(
    json_t *findings, const struct node *node, const struct node_live *live, uint64_t steady_ms)
{
	unsigned long long wanted = live->wanted_revision, applied = live->applied_revision;

	if (live->refused_revision || (live->has_applied && applied == wanted))
		return;
	if (live->has_applied && applied > wanted)
		finding_add(findings, FINDING_WRONG, CHECK_CONFIG, node->name,
		    "was control's state set back? then trunkctl adopt",
		    "%s %s serves by config %llu, which is newer than control's %llu",
		    node_role_text(node->role), node->name, applied, wanted);
	else if (steady_ms - live->wanted_steady_ms >= DOCTOR_CONFIG_MS)
		finding_add(findings, FINDING_WRONG, CHECK_CONFIG, node->name,
		    "look at the node's log for config_refused or a worker that does not start",
		    "%s %s serves by config %llu and has not answered to %llu for %" PRIu64 " s",
		    node_role_text(node->role), node->name, applied, wanted,
		    (steady_ms - live->wanted_steady_ms) / 1000);
}

static void check_clock(json_t *findings, const struct node *node, const struct node_live *live)
{
	int64_t ahead_ms = live->clock_ahead_ms;

	if (llabs(ahead_ms) > DOCTOR_CLOCK_MS)
		finding_add(findings, FINDING_WRONG, CHECK_CLOCK, node->name,
		    "let chrony or systemd-timesyncd set the clocks of both machines",
		    "the clock of %s is %" PRId64 ".%" PRId64
		    " s %s control's: times in its log and "
		    "in reports are wrong by as much",
		    node->name, (int64_t)llabs(ahead_ms) / 1000,
		    (int64_t)llabs(ahead_ms) % 1000 / 100, ahead_ms > 0 ? "ahead of" : "behind");
}

static void check_buffers(json_t *findings, const struct node *node, const struct machine *machine)
{
	uint64_t wanted = machine->tunnel_buffer_bytes;
	char fix[FIX_BYTES];

	if (machine->tunnel_granted_bytes >= wanted)
		return;
	snprintf(fix, sizeof(fix),
	    "sysctl -w net.core.rmem_max=%" PRIu64 " net.core.wmem_max=%" PRIu64
	    " (and in /etc/sysctl.d), then restart the node",
	    wanted, wanted);
	finding_add(findings, FINDING_WRONG, CHECK_LIMITS, node->name, fix,
	    "the tunnel sockets of %s have buffers of %" PRIu64 " KiB instead of %" PRIu64
	    ": bursts are lost at a high rate",
	    node->name, machine->tunnel_granted_bytes / KIB, wanted / KIB);
}

static void check_files(json_t *findings, const struct node *node, const struct machine *machine)
{
	if (machine->files_max >= DOCTOR_FILES_GOOD)
		return;
	finding_add(findings,
	    machine->files_max < DOCTOR_FILES_MIN ? FINDING_WRONG : FINDING_NOTICE, CHECK_LIMITS,
	    node->name, "LimitNOFILE=524288 in its unit, or ulimit -n where it is started",
	    "a process of %s may have %" PRIu64 " open files, and each flow needs one", node->name,
	    machine->files_max);
}

/* Each flow of an endpoint takes a local port. */
static void check_ports(json_t *findings, const struct node *node, const struct machine *machine)
{
	uint32_t ports = machine->port_last - machine->port_first + 1;

	if (node->role != NODE_ENDPOINT || !machine->port_last || ports >= DOCTOR_PORTS_GOOD)
		return;
	finding_add(findings, FINDING_NOTICE, CHECK_LIMITS, node->name,
	    "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\", or more addresses by --source",
	    "%s has %u local ports (%u to %u): as many flows can go to one backend", node->name,
	    ports, machine->port_first, machine->port_last);
}

static uint64_t counter_of(const struct node_live *live, const char *name)
{
	for (size_t i = 0; i < live->counter_count; i++)
		if (strcmp(live->counters[i].name, name) == 0)
			return live->counters[i].value;
	return 0;
}

static void check_offload(json_t *findings, const struct node *node, const struct node_live *live)
{
	if (!live->machine.has_udp_segment || !live->machine.has_udp_gro)
		finding_add(findings, FINDING_NOTICE, CHECK_LIMITS, node->name,
		    "run Linux 5.0 or later",
		    "the kernel of %s has no %s: packets cost more processor time", node->name,
		    live->machine.has_udp_segment ? "UDP_GRO" : "UDP_SEGMENT");
	else if (counter_of(live, "tunnel_segmentation_off") > 0)
		finding_add(findings, FINDING_NOTICE, CHECK_LIMITS, node->name,
		    "ethtool -K INTERFACE tx-udp-segmentation on, and no TRUNKLINE_PLAIN_UDP",
		    "UDP segmentation is off at %s: packets cost more processor time", node->name);
}

void doctor_node(json_t *findings, const struct node *node, const struct node_live *live,
    const char *version, uint64_t steady_ms)
{
	check_version(findings, node, version);
	check_config(findings, node, live, steady_ms);
	if (!live->machine.clock_ms) /* nothing was told */
		return;
	check_clock(findings, node, live);
	check_buffers(findings, node, &live->machine);
	check_files(findings, node, &live->machine);
	check_ports(findings, node, &live->machine);
	check_offload(findings, node, live);
}

/* ---- one tunnel ---- */

static bool is_over_ipv6(const struct node *endpoint)
{
	return endpoint->address_count > 0 && endpoint->addresses[0].text[0] == '[';
}

/* The smallest packets that a lane found to pass, 0 while none has searched for long enough. */
static uint64_t found_bytes(const struct tunnel_measurement *said, uint64_t clock_ms)
{
	uint64_t least = 0;

	for (size_t i = 0; i < said->lane_count; i++) {
		const struct lane_measurement *lane = &said->lanes[i];

		if (lane->is_up && lane->packet_bytes > 0
		    && clock_ms > lane->since_ms + DOCTOR_MTU_MS
		    && (least == 0 || lane->packet_bytes < least))
			least = lane->packet_bytes;
	}
	return least;
}

void doctor_tunnel(json_t *findings, const struct node *listener, const struct node *endpoint,
    enum node_role side, const struct tunnel_measurement *said, uint64_t clock_ms)
{
	const struct node *from = side == NODE_LISTENER ? listener : endpoint;
	const struct node *to = side == NODE_LISTENER ? endpoint : listener;
	uint64_t expected = is_over_ipv6(endpoint) ? DOCTOR_PACKET_V6 : DOCTOR_PACKET_V4;
	uint64_t found = said ? found_bytes(said, clock_ms) : 0;

	if (found > 0 && found < expected)
		finding_add(findings, FINDING_NOTICE, CHECK_MTU, from->name,
		    "look for a tunnel, a VPN or PPPoE on the way, and raise its MTU",
		    "from %s to %s packets of %" PRIu64 " bytes pass, not of %" PRIu64
		    " as with an MTU of 1,500",
		    from->name, to->name, found, expected);
	if (said && said->figures.mtu_black_holes > 0)
		finding_add(findings, FINDING_NOTICE, CHECK_MTU, from->name,
		    "let routers on the way send ICMP \"packet too big\", and keep one MTU on all "
		    "ways",
		    "from %s to %s packets that passed before vanished %" PRIu64
		    " times without a word",
		    from->name, to->name, said->figures.mtu_black_holes);
}
