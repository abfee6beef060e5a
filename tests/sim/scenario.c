/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of scenarios, see scenario.h. */
#include "tests/sim/scenario.h"

#include <string.h>

#define MS   UINT64_C(1000)
#define S    UINT64_C(1000000)
#define KB   UINT64_C(1000)
#define MB   UINT64_C(1000000)
#define MIB  UINT64_C(1048576)
#define MBIT UINT64_C(125000) /* bytes a second */

/* A line: delay in ms, Mbit/s, queue in KB; the same both ways. */
#define LINE(ms, mbit, kb) .delay_us = (ms)*MS, .rate_Bps = (mbit)*MBIT, .queue_bytes = (kb)*KB
#define BOTH(...)          .up = {__VA_ARGS__}, .down = {__VA_ARGS__}

/* How long it may take, with so many lanes, of packets so large, each with 8 MiB or less. */
#define RUN(seconds, lanes, bytes) RUN_IN(8 * MIB, seconds, lanes, bytes)
/* Bounds of memory: what the lanes may hold, and the piece that an app is writing. */
#define RUN_IN(lane_bytes, seconds, lanes_, bytes)                                                 \
	.lane_memory_bytes = (lane_bytes), .pool_bytes = (lane_bytes) * (lanes_) + MIB,            \
	.lanes = (lanes_), .packet_bytes = (bytes), .duration_us = (uint64_t)((seconds)*1e6)

/* Faults that must strike in either direction. */
#define FAULTS(...)     .must_fire = (__VA_ARGS__)
#define LOSS            FAULT_BIT(FAULT_LOSS)
#define BURSTS          FAULT_BIT(FAULT_BURST_LOSS)
#define REORDER         FAULT_BIT(FAULT_REORDER)
#define DUPLICATE       FAULT_BIT(FAULT_DUPLICATE)
#define REPLAY          FAULT_BIT(FAULT_REPLAY)
#define CORRUPT         FAULT_BIT(FAULT_CORRUPT)
#define TRUNCATE        FAULT_BIT(FAULT_TRUNCATE)
#define JUNK            FAULT_BIT(FAULT_JUNK)
#define CUT             FAULT_BIT(FAULT_CUT)
#define MARK            FAULT_BIT(FAULT_MARK)
#define QUEUE_DROP      FAULT_BIT(FAULT_QUEUE_DROP)
#define TOO_LARGE       FAULT_BIT(FAULT_TOO_LARGE)
#define ASTRAY          FAULT_BIT(FAULT_ASTRAY)
#define STEAL           FAULT_BIT(FAULT_STEAL)
#define ARRIVE(percent) .datagram_share_percent = (percent)
#define RESTARTS(who)   .lanes_die = true, .restart = (who), .restart_us = 1500 * MS

/* Flows: the usual mixture of browsing, uploads, talks, slow readers, resets, calls; or one of its own. */
#define MIX(...) .mix = {__VA_ARGS__}
#define USUAL                                                                                      \
	MIX(.tcp = 30, .udp = 6, .bytes_max = 2 * MB, .echo_percent = 20, .talk_percent = 20,      \
	    .slow_percent = 15, .reset_percent = 10, .refused_percent = 5, .datagrams_max = 60,    \
	    .datagram_bytes_max = 9000, .start_spread_us = 2 * S, .idle_us = 50 * MS)
#define BULK(bytes)         .bytes_min = (bytes), .bytes_max = (bytes)
#define CALLS(count, bytes) .datagrams_max = (count), .datagram_bytes_max = (bytes)
/* While lines are cut: much talk, spread over so many seconds. */
#define TALKERS(tcp_, udp_, calls, spread)                                                         \
	.tcp = (tcp_), .udp = (udp_), .echo_percent = 20, .reset_percent = 10, CALLS(calls, 1200), \
	.start_spread_us = (spread)*S, .idle_us = 200 * MS

/* clang-format off */
const struct scenario scenarios[] = {
    /* Lines as they should be. */
    {"clean", BOTH(LINE(20, 100, 500)), RUN(60, 1, 1200), USUAL, ARRIVE(90)},
    {"loopback", BOTH(.delay_us = 30), RUN(30, 2, 8952), ARRIVE(95),
        MIX(.tcp = 20, .udp = 4, .bytes_max = 4 * MB, .echo_percent = 30, CALLS(100, 65507), .start_spread_us = S)},

    /* Lines that lose, mix up, copy and change. */
    {"loss-1", BOTH(LINE(40, 50, 250), .loss = 0.01), RUN(120, 2, 1200), USUAL, FAULTS(LOSS), ARRIVE(50)},
    {"loss-15", BOTH(.delay_us = 30 * MS, .loss = 0.15), RUN(300, 1, 1200), FAULTS(LOSS), ARRIVE(20),
        MIX(.tcp = 20, .udp = 5, .bytes_max = 400 * KB, .echo_percent = 20, .talk_percent = 20, .reset_percent = 10,
            .refused_percent = 10, CALLS(40, 2000), .start_spread_us = S, .idle_us = 20 * MS)},
    {"bursts", BOTH(LINE(50, 100, 500), .burst_enter = 0.004, .burst_leave = 0.15),
        RUN(200, 1, 1400), USUAL, FAULTS(BURSTS), ARRIVE(35)},
    {"jitter", BOTH(LINE(30, 100, 500), .jitter_us = 15 * MS), RUN(120, 2, 1200), USUAL, FAULTS(REORDER), ARRIVE(50)},
    {"reorder", BOTH(.delay_us = 10 * MS, .reorder = 0.05, .reorder_us = 100 * MS),
        RUN(120, 1, 1200), USUAL, FAULTS(REORDER), ARRIVE(50)},
    {"copies", BOTH(.delay_us = 20 * MS, .duplicate = 0.1, .replay = 0.05, .loss = 0.005),
        RUN(120, 3, 1200), USUAL, FAULTS(DUPLICATE | REPLAY), ARRIVE(50)},
    {"tampering", BOTH(.delay_us = 20 * MS, .corrupt = 0.03, .truncate = 0.02, .junk = 0.05),
        RUN(120, 2, 1200), USUAL, FAULTS(CORRUPT | TRUNCATE | JUNK), ARRIVE(35)},
    {"small-line", .up = {LINE(40, 1, 4)}, .down = {LINE(40, 4, 60)}, RUN(400, 1, 1200), FAULTS(QUEUE_DROP),
        MIX(.tcp = 40, .udp = 3, .bytes_max = 500 * KB, .echo_percent = 20, .talk_percent = 30, .reset_percent = 10,
            CALLS(60, 1000), .start_spread_us = 3 * S, .idle_us = 50 * MS)},
    {"asymmetric", .up = {LINE(30, 2, 50), .loss = 0.2}, .down = {LINE(90, 200, 1000)},
        RUN(400, 1, 1200), FAULTS(LOSS),
        MIX(.tcp = 20, .bytes_max = 500 * KB, .slow_percent = 10, .reset_percent = 10, .start_spread_us = 2 * S)},
    {"marks", BOTH(LINE(20, 20, 400), .mark_bytes = 40 * KB), RUN(100, 1, 1200), FAULTS(MARK),
        MIX(.tcp = 20, .bytes_max = 3 * MB, .echo_percent = 30, .start_spread_us = S)},

    /* Lines that are cut. */
    {"cut-3", BOTH(LINE(25, 50, 250), .cuts = {{2 * S, 5 * S}, {6 * S, 6 * S + 300 * MS}}),
        RUN(120, 2, 1200), FAULTS(CUT), ARRIVE(20),
        MIX(TALKERS(40, 6, 100, 6), .bytes_max = MB, .talk_percent = 40, .slow_percent = 10, .refused_percent = 5)},
    {"cut-20", BOTH(LINE(25, 50, 250), .cuts = {{2 * S, 22 * S}}), RUN(150, 1, 1200), FAULTS(CUT),
        MIX(TALKERS(30, 4, 100, 3), .bytes_max = MB, .talk_percent = 40)},
    {"cut-one-way", .up = {.delay_us = 25 * MS, .cuts = {{2 * S, 4 * S}}},
        .down = {.delay_us = 25 * MS, .cuts = {{6 * S, 9 * S}}}, RUN(120, 1, 1200), FAULTS(CUT),
        MIX(TALKERS(30, 4, 100, 8), .bytes_max = MB, .talk_percent = 40, .refused_percent = 5)},
    {"dead", BOTH(.delay_us = 25 * MS, .cuts = {{3 * S, 60 * S}}), RUN(100, 2, 1200), FAULTS(CUT), .lanes_die = true,
        MIX(TALKERS(40, 4, 1000, 3), .bytes_max = 2 * MB, .talk_percent = 50, .slow_percent = 10)},

    /* Users of all kinds. */
    {"resets", BOTH(.delay_us = 15 * MS, .loss = 0.02, .reorder = 0.02, .reorder_us = 20 * MS, .duplicate = 0.01),
        RUN(120, 2, 1200), FAULTS(LOSS | REORDER | DUPLICATE),
        MIX(.tcp = 150, .bytes_max = 200 * KB, .echo_percent = 20, .talk_percent = 10, .slow_percent = 30,
            .reset_percent = 60, .refused_percent = 25, .start_spread_us = 3 * S, .idle_us = 20 * MS)},
    {"slow-readers", BOTH(LINE(10, 100, 500), .loss = 0.002), RUN_IN(4 * MIB, 300, 1, 1200), FAULTS(LOSS),
        MIX(.tcp = 20, .bytes_max = 3 * MB, .slow_percent = 70, .start_spread_us = S)},
    {"little-memory", BOTH(LINE(10, 100, 500), .loss = 0.005), RUN_IN(2 * MIB, 300, 1, 1200), FAULTS(LOSS),
        .may_refuse = true,
        MIX(.tcp = 40, .udp = 4, .bytes_max = MB, .echo_percent = 30, .slow_percent = 50, .reset_percent = 10,
            CALLS(50, 20000), .start_spread_us = S)},
    {"many-flows", BOTH(LINE(20, 200, 1000), .loss = 0.003), RUN(100, 4, 1400), FAULTS(LOSS), ARRIVE(50),
        MIX(.tcp = 600, .udp = 100, .bytes_max = 60 * KB, .echo_percent = 40, .talk_percent = 10, .slow_percent = 5,
            .reset_percent = 10, .refused_percent = 5, CALLS(10, 1200), .start_spread_us = S, .idle_us = 20 * MS)},
    {"datagrams",
        BOTH(LINE(20, 100, 500), .loss = 0.002, .duplicate = 0.02, .reorder = 0.02, .reorder_us = 30 * MS),
        RUN(100, 1, 1200), FAULTS(LOSS | DUPLICATE | REORDER), ARRIVE(40),
        MIX(.udp = 20, CALLS(100, 65507), .start_spread_us = S)},
    {"long-idle", BOTH(.delay_us = 50 * MS, .loss = 0.01, .replay = 0.02, .reorder = 0.01, .reorder_us = 50 * MS),
        RUN(1500, 1, 1200), FAULTS(LOSS | REPLAY), .keys_change = true,
        MIX(.tcp = 4, .udp = 1, .bytes_max = 100 * KB, .echo_percent = 50, .talk_percent = 100, CALLS(20, 1000),
            .start_spread_us = 260 * S, .idle_us = 5 * S)},

    /* What packets may be, and where they go. */
    {"mtu-ethernet", BOTH(LINE(20, 100, 500), .loss = 0.1, .mtus = {{0, 1472}}),
        RUN(120, 1, 8952), USUAL, FAULTS(LOSS | TOO_LARGE), .found_bytes = 1300},
    /* Jumbo frames, then Ethernet, then a tunnel: 4 s of transfer, and less than 2 s for each fall. */
    {"mtu-shrinks", BOTH(LINE(20, 50, 250), .mtus = {{0, 8952}, {2 * S, 1472}, {4 * S, 1350}}),
        RUN(8, 1, 8952), FAULTS(TOO_LARGE), ARRIVE(50), .found_bytes = 1340, .black_holes = 2,
        MIX(.tcp = 2, .udp = 2, BULK(12 * MB), CALLS(300, 9000))},
    /* A NAT forgets a mapping, then the listener gets another address. */
    {"listener-moves", BOTH(LINE(25, 50, 250), .loss = 0.01), RUN(120, 2, 1472), USUAL, FAULTS(ASTRAY), ARRIVE(50),
        .moves = {{.at_us = 1800 * MS, .is_port_only = true}, {.at_us = 2800 * MS}}},
    /* The endpoint's NAT gives it another port; then both sides have moved at once. */
    {"both-move", BOTH(LINE(25, 50, 250)), RUN(120, 2, 1472), USUAL, FAULTS(ASTRAY), ARRIVE(35),
        .moves = {{.at_us = 1800 * MS, .is_endpoint = true, .is_port_only = true},
            {.at_us = 2600 * MS, .is_endpoint = true}, {.at_us = 2600 * MS + 10}}},
    /* Somebody on the way copies packets and is faster than the original. */
    {"thief", BOTH(LINE(25, 50, 250), .loss = 0.01, .steal = 0.3), RUN(120, 2, 1472), USUAL, FAULTS(STEAL), ARRIVE(50)},
    /* Keys change as often as they can, under a bulk flow each way over a line that reorders. */
    {"rekey", BOTH(LINE(10, 100, 500), .jitter_us = 4 * MS, .duplicate = 0.02),
        RUN(8, 1, 1472), FAULTS(REORDER | DUPLICATE), .epoch_pkts = 100, .least_key_changes = 10,
        MIX(.tcp = 2, .udp = 1, BULK(8 * MB), CALLS(500, 500))},

    /* Daemons that start anew. */
    {"restart-endpoint", BOTH(LINE(25, 50, 250), .loss = 0.01), RUN(120, 3, 1200), USUAL, FAULTS(LOSS),
        RESTARTS(RESTART_ENDPOINT)},
    {"restart-listener", BOTH(LINE(25, 50, 250), .loss = 0.01), RUN(120, 3, 1200), USUAL, FAULTS(LOSS),
        RESTARTS(RESTART_LISTENER)},
    {"restart-worker", BOTH(LINE(25, 50, 250), .duplicate = 0.02, .replay = 0.02),
        RUN(120, 3, 1200), USUAL, FAULTS(DUPLICATE | REPLAY), RESTARTS(RESTART_WORKER)},

    /* 1.1 s would do at the line's rate; slow start and what it overshoots may cost as much. */
    {"bulk-near", BOTH(LINE(10, 100, 250)), RUN(2.2, 1, 1400), MIX(.tcp = 1, BULK(13 * MB), .up_bytes_max = 500)},
    {"bulk-far", BOTH(LINE(75, 50, 1000)), RUN(6, 1, 1400), MIX(.tcp = 1, BULK(12 * MB), .up_bytes_max = 500)},
    /* Everything at once. */
    {"chaos",
        .up = {LINE(35, 20, 100), .jitter_us = 10 * MS, .mark_bytes = 50 * KB, .loss = 0.01, .burst_enter = 0.005,
            .burst_leave = 0.3, .reorder = 0.02, .reorder_us = 40 * MS, .duplicate = 0.02, .replay = 0.01,
            .corrupt = 0.01, .truncate = 0.01, .junk = 0.02, .cuts = {{4 * S, 4 * S + 700 * MS}}},
        .down = {LINE(45, 50, 200), .jitter_us = 5 * MS, .loss = 0.02, .burst_enter = 0.001, .burst_leave = 0.2,
            .reorder = 0.02, .reorder_us = 40 * MS, .duplicate = 0.02, .replay = 0.01,
            .corrupt = 0.01, .truncate = 0.01, .junk = 0.02, .cuts = {{5 * S, 6 * S}}},
        RUN(300, 2, 1200), USUAL,
        FAULTS(LOSS | BURSTS | REORDER | DUPLICATE | REPLAY | CORRUPT | TRUNCATE | JUNK | CUT)},
};
/* clang-format on */

const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);

const struct scenario *scenario_find(const char *name)
{
	for (size_t i = 0; i < scenario_count; i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	return NULL;
}
