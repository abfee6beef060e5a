/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of races, see race_cases.h. */
#include "config.h"

#include "tests/sim/race_cases.h"

#include "tests/sim/kernel_bbr.h"
#include "tunnel/cc_bbr.h"
#include "tunnel/cc_cubic.h"

#include <string.h>

enum { PACKET_BYTES = 1400 };

#define MS              UINT64_C(1000)
#define S               UINT64_C(1000000)
#define MBIT            UINT64_C(125000) /* a second, in bytes */
#define START_US        UINT64_C(1000000)
#define QUEUE_50        ((uint64_t)50 * PACKET_BYTES)
#define QUEUE(mbit, ms) ((mbit)*UINT64_C(125) * (ms))

/* The line of GOALS.md: 100 Mbit/s, 110 ms, a queue of 50 packets. */
#define LONG_WAY .rate_Bps = 100 * MBIT, .delay_us = 55 * MS, .queue_bytes = QUEUE_50
#define BACK(ms) .back = {.delay_us = (ms)*MS}

#define ALONE         .racers = {{.cc = &cc_bbr}}, .count = 1
#define TWO           .racers = {{.cc = &cc_bbr}, {.cc = &cc_bbr, .start_us = 3 * S}}, .count = 2
#define BESIDE(other) .racers = {{.cc = &cc_bbr}, {.cc = &(other)}}, .count = 2
/* Eight lanes of a tunnel, and beside them somebody else. */
#define LANE                                                                                       \
	{                                                                                          \
		.cc = &cc_bbr, .tunnel = 1                                                         \
	}
#define LANES               LANE, LANE, LANE, LANE, LANE, LANE, LANE, LANE
#define EIGHT               .racers = {LANES}, .count = 8
#define EIGHT_BESIDE(other) .racers = {LANES, {.cc = &(other), .start_us = 3 * S}}, .count = 9
#define OTHER                                                                                      \
	{                                                                                          \
		.cc = &cc_bbr, .tunnel = 2, .start_us = 3 * S                                      \
	}
#define OTHERS      OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER
#define TWICE_EIGHT .racers = {LANES, OTHERS}, .count = 16
/* The line of GOALS.md with the queue that bench/ gives it: 50 ms. */
#define DEEP_WAY             .rate_Bps = 100 * MBIT, .delay_us = 55 * MS, .queue_bytes = QUEUE(100, 50)
#define SECONDS(whole, from) .duration_us = (whole)*S, .measure_from_us = (from)*S

const struct race_case race_cases[] = {
    /* Random loss, both ways. */
    {"clean", {.forward = {LONG_WAY}, BACK(55), ALONE, SECONDS(30, 10)}, 100 * MBIT,
        .share_min = 0.96, .loss_max = 0.02, .queue_p50_max_us = 2 * MS},
    /* The queue of a probe, in which requests beside a download wait. */
    {"probes", {.forward = {DEEP_WAY}, BACK(55), ALONE, SECONDS(30, 10)}, 100 * MBIT,
        .share_min = 0.97, .loss_max = 0.01, .queue_p50_max_us = 2 * MS,
        .queue_p95_max_us = 20 * MS},
    {"loss-1",
        {.forward = {LONG_WAY, .loss = 0.01},
            .back = {.delay_us = 55 * MS, .loss = 0.01},
            ALONE,
            SECONDS(30, 10)},
        100 * MBIT, .share_min = 0.95, .loss_max = 0.03, .queue_p50_max_us = 2 * MS},
    {"loss-5",
        {.forward = {LONG_WAY, .loss = 0.05},
            .back = {.delay_us = 55 * MS, .loss = 0.05},
            ALONE,
            SECONDS(30, 10)},
        100 * MBIT, .share_min = 0.94, .loss_max = 0.075, .queue_p50_max_us = 3 * MS},
    {"loss-10",
        {.forward = {LONG_WAY, .loss = 0.1},
            .back = {.delay_us = 55 * MS, .loss = 0.1},
            ALONE,
            SECONDS(30, 10)},
        100 * MBIT, .share_min = 0.92, .loss_max = 0.13, .queue_p50_max_us = 3 * MS},
    /* The five seconds after loss rose. */
    {"loss-rises",
        {.forward = {DEEP_WAY, .loss = 0.05, .losses = {{START_US + 12 * S, 0.1}}},
            .back = {.delay_us = 55 * MS, .loss = 0.05},
            ALONE,
            SECONDS(17, 12)},
        100 * MBIT, .share_min = 0.9, .loss_max = 0.13},
    {"loss-comes",
        {.forward = {DEEP_WAY, .losses = {{START_US + 12 * S, 0.1}}},
            BACK(55),
            ALONE,
            SECONDS(17, 12)},
        100 * MBIT, .share_min = 0.9, .loss_max = 0.13},
    {"bursts",
        {.forward = {LONG_WAY, .burst_enter = 0.01, .burst_leave = 0.3},
            BACK(55),
            ALONE,
            SECONDS(30, 10)},
        100 * MBIT, .share_min = 0.92, .loss_max = 0.06},
    {"ack-loss",
        {.forward = {LONG_WAY}, .back = {.delay_us = 55 * MS, .loss = 0.3}, ALONE, SECONDS(30, 10)},
        100 * MBIT, .share_min = 0.95, .loss_max = 0.02},
    /* Rates and round trips. */
    {"1-mbit",
        {.forward = {.rate_Bps = MBIT, .delay_us = 25 * MS, .queue_bytes = QUEUE(1, 100)},
            BACK(25),
            ALONE,
            SECONDS(60, 20)},
        MBIT, .share_min = 0.95, .loss_max = 0.01, .queue_p50_max_us = 13 * MS},
    {"10-mbit-300-ms",
        {.forward = {.rate_Bps = 10 * MBIT,
             .delay_us = 150 * MS,
             .queue_bytes = QUEUE_50,
             .loss = 0.05},
            BACK(150),
            ALONE,
            SECONDS(60, 20)},
        10 * MBIT, .share_min = 0.9, .loss_max = 0.08, .queue_p50_max_us = 10 * MS},
    {"1-gbit-5-ms",
        {.forward = {.rate_Bps = 1000 * MBIT, .delay_us = 2500, .queue_bytes = QUEUE_50},
            .back = {.delay_us = 2500},
            ALONE,
            SECONDS(6, 2)},
        1000 * MBIT, .share_min = 0.95, .loss_max = 0.02, .queue_p50_max_us = MS},
    {"1-gbit-300-ms",
        {.forward = {.rate_Bps = 1000 * MBIT,
             .delay_us = 150 * MS,
             .queue_bytes = QUEUE(1000, 6),
             .loss = 0.01},
            BACK(150),
            ALONE,
            SECONDS(15, 5)},
        1000 * MBIT, .share_min = 0.93, .loss_max = 0.034, .queue_p50_max_us = 3 * MS},
    /* Requests of 200 KB: the line alone takes 126 ms, and an ACK waits up to 5. */
    {"requests",
        {.forward = {LONG_WAY, .loss = 0.01},
            BACK(55),
            .racers = {{.cc = &cc_bbr, .request_bytes = 200000, .pause_us = 300 * MS}},
            .count = 1,
            SECONDS(60, 20)},
        100 * MBIT, .loss_max = 0.05, .request_p50_max_us = 140 * MS},
    /* The line is known, then only requests come for two minutes, and in the midst of them a neighbour's 100 MB. */
    {"requests-after-a-neighbour",
        {.forward = {DEEP_WAY},
            BACK(55),
            .racers = {{.cc = &cc_bbr,
                           .first_bytes = 75000000,
                           .request_bytes = 200000,
                           .pause_us = 300 * MS},
                {.cc = &cc_bbr,
                    .start_us = 60 * S,
                    .request_bytes = 200000000,
                    .pause_us = 1000 * S}},
            .count = 2,
            SECONDS(150, 110)},
        100 * MBIT, .loss_max = 0.01, .request_p50_max_us = 145 * MS},
    /* 75 MB, 80 s of silence, and the line has a quarter of its rate by then: what is lost of the next 20 MB and more. */
    {"after-a-long-silence",
        {.forward = {DEEP_WAY, .steps = {{START_US + 40 * S, 25 * MBIT}}},
            BACK(55),
            .racers = {{.cc = &cc_bbr, .request_bytes = 75000000, .pause_us = 80 * S}},
            .count = 1,
            SECONDS(100, 80)},
        25 * MBIT, .share_min = 0.5, .loss_max = 0.03},
    /* What is odd about lines. */
    {"policer",
        {.forward = {LONG_WAY, .police_Bps = 20 * MBIT, .police_burst_bytes = QUEUE(20, 50)},
            BACK(55),
            ALONE,
            SECONDS(30, 10)},
        20 * MBIT, .share_min = 0.95, .loss_max = 0.06},
    {"jitter",
        {.forward = {LONG_WAY, .jitter_us = 10 * MS, .is_in_order = true, .loss = 0.01},
            .back = {.delay_us = 55 * MS, .jitter_us = 10 * MS, .is_in_order = true},
            ALONE,
            SECONDS(30, 10)},
        100 * MBIT, .share_min = 0.92, .loss_max = 0.04},
    {"reordering",
        {.forward = {LONG_WAY, .reorder = 0.02, .reorder_us = 20 * MS},
            BACK(55),
            ALONE,
            SECONDS(30, 10)},
        100 * MBIT, .share_min = 0.95, .loss_max = 0.03, .spurious_max = 0.4},
    /* Three in ten are up to 350 packets late, more than the threshold of losses allows for. */
    {"reordering-far",
        {.forward = {.rate_Bps = 200 * MBIT,
             .delay_us = 20 * MS,
             .queue_bytes = QUEUE(200, 20),
             .reorder = 0.3,
             .reorder_us = 20 * MS},
            BACK(20),
            ALONE,
            SECONDS(10, 3)},
        200 * MBIT, .share_min = 0.95, .queue_p50_max_us = 12 * MS},
    {"rate-halves-and-doubles",
        {.forward = {LONG_WAY,
             .steps = {{START_US + 10 * S, 50 * MBIT}, {START_US + 20 * S, 100 * MBIT}}},
            BACK(55),
            ALONE,
            SECONDS(30, 10)},
        75 * MBIT, .share_min = 0.85, .loss_max = 0.05, .queue_p50_max_us = 3 * MS},
    /* Easing alone goes no lower than 0.8 of the rate that was. */
    {"rate-halves-long-queue",
        {.forward = {.rate_Bps = 100 * MBIT,
             .delay_us = 20 * MS,
             .queue_bytes = QUEUE(100, 50),
             .steps = {{START_US + 10 * S, 55 * MBIT}}},
            BACK(20),
            ALONE,
            SECONDS(15, 10)},
        55 * MBIT, .share_min = 0.9, .queue_p50_max_us = 58 * MS},
    {"marks",
        {.forward = {.rate_Bps = 100 * MBIT,
             .delay_us = 25 * MS,
             .queue_bytes = QUEUE(100, 50),
             .mark_bytes = QUEUE(100, 3)},
            BACK(25),
            ALONE,
            SECONDS(30, 10)},
        100 * MBIT, .share_min = 0.93, .loss_max = 0.001, .queue_p50_max_us = 3 * MS,
        .queue_p95_max_us = 5 * MS},
    /* What Startup overshoots by is gone within a round trip or two. */
    {"first-seconds",
        {.forward = {.rate_Bps = 100 * MBIT, .delay_us = 55 * MS, .queue_bytes = QUEUE(100, 220)},
            BACK(55),
            ALONE,
            SECONDS(3, 1)},
        100 * MBIT, .share_min = 0.9, .queue_p50_max_us = 40 * MS},
    /* Startup ends early, by what it loses to a queue of nine packets and to the line. */
    {"first-seconds-loss-10",
        {.forward = {.rate_Bps = 20 * MBIT,
             .delay_us = 50 * MS,
             .queue_bytes = (uint64_t)9 * PACKET_BYTES,
             .loss = 0.1},
            .back = {.delay_us = 50 * MS, .loss = 0.1},
            ALONE,
            SECONDS(3, 1)},
        20 * MBIT, .share_min = 0.88},
    /* Neighbours. */
    {"two-short-queue", {.forward = {LONG_WAY}, BACK(55), TWO, SECONDS(60, 20)}, 100 * MBIT,
        .share_min = 0.95, .jain_min = 0.9, .loss_max = 0.1, .queue_p50_max_us = 10 * MS},
    {"two-half-bdp-queue",
        {.forward = {.rate_Bps = 100 * MBIT, .delay_us = 55 * MS, .queue_bytes = QUEUE(100, 55)},
            BACK(55),
            TWO,
            SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.95, .jain_min = 0.9, .loss_max = 0.04,
        .queue_p50_max_us = 45 * MS},
    {"two-long-queue",
        {.forward = {.rate_Bps = 100 * MBIT, .delay_us = 55 * MS, .queue_bytes = QUEUE(100, 220)},
            BACK(55),
            TWO,
            SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.95, .jain_min = 0.9, .loss_max = 0.01,
        .queue_p50_max_us = 50 * MS},
    {"two-near",
        {.forward = {.rate_Bps = 20 * MBIT, .delay_us = 10 * MS, .queue_bytes = QUEUE(20, 100)},
            BACK(10),
            TWO,
            SECONDS(60, 20)},
        20 * MBIT, .share_min = 0.95, .jain_min = 0.9, .loss_max = 0.01,
        .queue_p50_max_us = 10 * MS},
    {"beside-kernel-short-queue",
        {.forward = {LONG_WAY}, BACK(55), BESIDE(cc_kernel_bbr), SECONDS(60, 20)}, 100 * MBIT,
        .share_min = 0.95, .jain_min = 0.9},
    {"beside-kernel-half-bdp-queue",
        {.forward = {.rate_Bps = 100 * MBIT, .delay_us = 55 * MS, .queue_bytes = QUEUE(100, 55)},
            BACK(55),
            BESIDE(cc_kernel_bbr),
            SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.95, .jain_min = 0.75},
    {"beside-kernel-long-queue",
        {.forward = {.rate_Bps = 100 * MBIT, .delay_us = 55 * MS, .queue_bytes = QUEUE(100, 220)},
            BACK(55),
            BESIDE(cc_kernel_bbr),
            SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.95, .jain_min = 0.9},
    {"beside-kernel-near",
        {.forward = {.rate_Bps = 20 * MBIT, .delay_us = 10 * MS, .queue_bytes = QUEUE(20, 100)},
            BACK(10),
            BESIDE(cc_kernel_bbr),
            SECONDS(60, 20)},
        20 * MBIT, .share_min = 0.95, .jain_min = 0.85},
    {"beside-cubic-half-bdp-queue",
        {.forward = {.rate_Bps = 100 * MBIT, .delay_us = 55 * MS, .queue_bytes = QUEUE(100, 55)},
            BACK(55),
            BESIDE(cc_cubic),
            SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.95, .jain_min = 0.8},
    {"beside-cubic-long-queue",
        {.forward = {.rate_Bps = 100 * MBIT, .delay_us = 55 * MS, .queue_bytes = QUEUE(100, 220)},
            BACK(55),
            BESIDE(cc_cubic),
            SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.95, .jain_min = 0.8},
    /* Lanes of a tunnel are as one flow: their queue, their probes, their part of the line. */
    {"eight-lanes", {.forward = {DEEP_WAY}, BACK(55), EIGHT, SECONDS(60, 20)}, 100 * MBIT,
        .share_min = 0.95, .jain_min = 0.99, .loss_max = 0.01, .queue_p50_max_us = 3 * MS,
        .queue_p95_max_us = 40 * MS},
    {"eight-lanes-loss-2",
        {.forward = {DEEP_WAY, .loss = 0.02},
            .back = {.delay_us = 55 * MS, .loss = 0.02},
            EIGHT,
            SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.94, .jain_min = 0.99, .loss_max = 0.03,
        .queue_p50_max_us = 3 * MS},
    {"eight-lanes-near",
        {.forward = {.rate_Bps = 100 * MBIT, .delay_us = 10 * MS, .queue_bytes = QUEUE(100, 50)},
            BACK(10),
            EIGHT,
            SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.95, .jain_min = 0.99, .loss_max = 0.01,
        .queue_p50_max_us = 4 * MS},
    {"eight-lanes-1-mbit",
        {.forward = {.rate_Bps = MBIT, .delay_us = 25 * MS, .queue_bytes = QUEUE(1, 200)},
            BACK(25),
            EIGHT,
            SECONDS(60, 20)},
        MBIT, .share_min = 0.95, .jain_min = 0.95, .loss_max = 0.01, .queue_p50_max_us = 46 * MS},
    /* One of them goes another way, which takes longer: it is no sibling then, and has a rate of its own. */
    {"eight-lanes-one-another-way",
        {.forward = {DEEP_WAY},
            BACK(55),
            .racers = {LANE, LANE, LANE, LANE, LANE, LANE, LANE,
                {.cc = &cc_bbr, .tunnel = 1, .start_us = 3 * S, .longer_us = 25 * MS}},
            .count = 8,
            SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.95, .first_count = 7, .first_min = 0.35, .first_max = 0.8},
    {"eight-lanes-beside-one",
        {.forward = {DEEP_WAY}, BACK(55), EIGHT_BESIDE(cc_bbr), SECONDS(60, 20)}, 100 * MBIT,
        .share_min = 0.95, .first_count = 8, .first_min = 0.35, .first_max = 0.8,
        .queue_p50_max_us = 48 * MS},
    {"eight-lanes-beside-kernel",
        {.forward = {DEEP_WAY}, BACK(55), EIGHT_BESIDE(cc_kernel_bbr), SECONDS(60, 20)}, 100 * MBIT,
        .share_min = 0.95, .first_count = 8, .first_min = 0.35, .first_max = 0.7},
    {"two-tunnels-of-eight-lanes", {.forward = {DEEP_WAY}, BACK(55), TWICE_EIGHT, SECONDS(60, 20)},
        100 * MBIT, .share_min = 0.95, .jain_min = 0.9, .loss_max = 0.04,
        .queue_p50_max_us = 48 * MS},
};

const size_t race_case_count = sizeof(race_cases) / sizeof(race_cases[0]);

const struct race_case *race_case_find(const char *name)
{
	for (size_t i = 0; i < race_case_count; i++)
		if (strcmp(race_cases[i].name, name) == 0)
			return &race_cases[i];
	return NULL;
}

double race_case_first_share(const struct race_case *race_case, const struct race_result *result)
{
	double sum = 0;

	for (unsigned i = 0; i < race_case->first_count; i++)
		sum += result->goodput_Bps[i];
	return result->total_Bps > 0 ? sum / result->total_Bps : 0;
}

const char *race_case_check(const struct race_case *race_case, const struct race_result *result)
{
	double first = race_case_first_share(race_case, result);

	if (result->total_Bps < race_case->share_min * (double)race_case->share_of_Bps)
		return "share";
	if (result->jain < race_case->jain_min)
		return "fairness";
	if (race_case->loss_max > 0 && result->loss > race_case->loss_max)
		return "loss";
	if (race_case->spurious_max > 0 && result->spurious > race_case->spurious_max)
		return "spurious losses";
	if (first < race_case->first_min
	    || (race_case->first_max > 0 && first > race_case->first_max))
		return "share of the first";
	if (race_case->queue_p50_max_us && result->queue_p50_us > race_case->queue_p50_max_us)
		return "queue, median";
	if (race_case->queue_p95_max_us && result->queue_p95_us > race_case->queue_p95_max_us)
		return "queue, 95 of 100";
	if (race_case->request_p50_max_us && result->request_p50_us > race_case->request_p50_max_us)
		return "requests";
	return NULL;
}
