/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packetization-layer path MTU discovery, see pmtu.h. */
#include "tunnel/pmtu.h"

#include "tunnel/path_limits.h"

#include <stddef.h>
#include <string.h>

/*
 * What is tried first, upward: what most tunnels leave, Ethernet under IPv6 and under IPv4, and then the
 * most that both sides take.
 */
static const uint16_t likely[] = {1400, 1452, 1472};

/* Where a likely one fails, halving goes on among these: PPPoE, GRE, VXLAN, WireGuard, Wi-Fi, FDDI, jumbo frames. */
static const uint16_t sizes[] = {
    1252, 1300, 1340, 1372, 1400, 1412, 1424, 1432, 1440, 1452, 1460, 1472, 2272, 4324, 8872, 8932};

enum {
	LIKELY = sizeof(likely) / sizeof(likely[0]),
	SIZES = sizeof(sizes) / sizeof(sizes[0]),
};

static bool is_open(const struct pmtu *pmtu, uint16_t bytes)
{
	return bytes > pmtu->size_bytes && bytes < pmtu->ceiling_bytes && bytes <= pmtu->most_bytes;
}

/* The next size to try, 0 when none is left. */
static uint16_t choose(const struct pmtu *pmtu)
{
	unsigned first = 0, end = SIZES;

	for (unsigned i = 0; i < LIKELY && likely[i] < pmtu->ceiling_bytes; i++)
		if (is_open(pmtu, likely[i]))
			return likely[i];
	if (pmtu->size_bytes >= likely[LIKELY - 1] && is_open(pmtu, pmtu->most_bytes))
		return pmtu->most_bytes;
	while (first < end && !is_open(pmtu, sizes[first]))
		first++;
	while (end > first && !is_open(pmtu, sizes[end - 1]))
		end--;
	if (first < end)
		return sizes[first + (end - first - 1) / 2];
	return is_open(pmtu, pmtu->most_bytes) ? pmtu->most_bytes : 0;
}

static void search_on(struct pmtu *pmtu, uint64_t now_us)
{
	pmtu->probe_bytes = choose(pmtu);
	pmtu->probes_lost = 0;
	pmtu->is_probe_out = false;
	if (pmtu->probe_bytes) {
		pmtu->phase = PMTU_SEARCHING;
		return;
	}
	pmtu->phase = PMTU_SETTLED;
	if (pmtu->raise_us <= now_us)
		pmtu->raise_us = now_us + PMTU_RAISE_US;
}

void pmtu_init(struct pmtu *pmtu, uint16_t least_bytes, uint16_t most_bytes)
{
	*pmtu = (struct pmtu){.least_bytes = least_bytes, .most_bytes = most_bytes};
	pmtu_restart(pmtu);
}

void pmtu_restart(struct pmtu *pmtu)
{
	pmtu->size_bytes = pmtu->least_bytes;
	pmtu->ceiling_bytes = (uint16_t)(pmtu->most_bytes + 1);
	pmtu->large_lost = 0;
	pmtu->passed = pmtu->passed_full = (struct pmtu_passed){.bytes = 0};
	pmtu->raise_us = 0;
	search_on(pmtu, 0);
}

uint16_t pmtu_packet_bytes(const struct pmtu *pmtu)
{
	return pmtu->phase == PMTU_SUSPECTED ? pmtu->least_bytes : pmtu->size_bytes;
}

uint64_t pmtu_timer_us(const struct pmtu *pmtu)
{
	if (pmtu->is_probe_out)
		return UINT64_MAX;
	if (pmtu->phase == PMTU_SETTLED)
		return pmtu->size_bytes < pmtu->most_bytes ? pmtu->raise_us : UINT64_MAX;
	return 0;
}

uint16_t pmtu_probe_bytes(struct pmtu *pmtu, uint64_t now_us)
{
	if (pmtu->phase == PMTU_SETTLED) {
		pmtu->ceiling_bytes = (uint16_t)(pmtu->most_bytes + 1);
		search_on(pmtu, now_us);
	}
	return pmtu->probe_bytes;
}

void pmtu_on_probe_sent(struct pmtu *pmtu, uint64_t number)
{
	pmtu->is_probe_out = true;
	pmtu->probe_number = number;
	pmtu->probes++;
}

/* The size in use does not pass any more. */
static void fall_back(struct pmtu *pmtu, uint64_t now_us)
{
	pmtu->black_holes++;
	if (pmtu->size_bytes < pmtu->ceiling_bytes)
		pmtu->ceiling_bytes = pmtu->size_bytes;
	pmtu->size_bytes = pmtu->least_bytes;
	pmtu->large_lost = 0;
	pmtu->raise_us = 0;
	search_on(pmtu, now_us);
}

static bool is_the_probe(const struct pmtu *pmtu, uint64_t number)
{
	return pmtu->is_probe_out && pmtu->probe_number == number;
}

static void note_passed(struct pmtu_passed *passed, uint64_t number, uint16_t bytes)
{
	if (passed->bytes == 0 || number > passed->number)
		*passed = (struct pmtu_passed){.number = number, .bytes = bytes};
}

static bool is_forgiven(const struct pmtu_passed *passed, uint64_t number, uint16_t bytes)
{
	return bytes <= passed->bytes && number < passed->number;
}

void pmtu_on_acked(
    struct pmtu *pmtu, uint64_t number, uint16_t bytes, bool is_probe, uint64_t now_us)
{
	bool is_ours = is_probe && is_the_probe(pmtu, number);

	if (is_ours)
		pmtu->is_probe_out = false;
	if (bytes > pmtu->least_bytes)
		note_passed(&pmtu->passed, number, bytes);
	if (bytes > pmtu->least_bytes && bytes >= pmtu->size_bytes)
		note_passed(&pmtu->passed_full, number, bytes);
	if (pmtu->large_lost && bytes >= pmtu->large_lost_bytes) {
		pmtu->large_lost = 0;
		if (pmtu->phase == PMTU_SUSPECTED) {
			search_on(pmtu, now_us);
			return;
		}
	}
	/* A probe that was given up may come late: it has shown what passes. */
	if (is_probe && bytes > pmtu->size_bytes && bytes <= pmtu->most_bytes
	    && pmtu->phase != PMTU_SUSPECTED) {
		pmtu->size_bytes = bytes;
		if (pmtu->ceiling_bytes <= bytes)
			pmtu->ceiling_bytes = (uint16_t)(pmtu->most_bytes + 1);
		search_on(pmtu, now_us);
	}
}

static void on_probe_lost(struct pmtu *pmtu, uint64_t now_us)
{
	pmtu->is_probe_out = false;
	if (++pmtu->probes_lost < PMTU_PROBES)
		return;
	if (pmtu->phase == PMTU_SUSPECTED) {
		fall_back(pmtu, now_us);
		return;
	}
	pmtu->ceiling_bytes = pmtu->probe_bytes;
	search_on(pmtu, now_us);
}

static void suspect(struct pmtu *pmtu)
{
	pmtu->phase = PMTU_SUSPECTED;
	pmtu->probe_bytes = pmtu->size_bytes;
	pmtu->probes_lost = 0;
	pmtu->is_probe_out = false;
}

void pmtu_on_lost(
    struct pmtu *pmtu, uint64_t number, uint16_t bytes, bool is_probe, uint64_t now_us)
{
	if (is_probe) {
		if (is_the_probe(pmtu, number))
			on_probe_lost(pmtu, now_us);
		return;
	}
	/* What was sent before the last fall says nothing new. */
	if (bytes <= pmtu->least_bytes || bytes > pmtu->size_bytes)
		return;
	/* Nor what a queue lost that flowed over: others came through. */
	if (is_forgiven(&pmtu->passed, number, bytes)
	    || is_forgiven(&pmtu->passed_full, number, bytes))
		return;
	if (pmtu->large_lost == 0 || bytes < pmtu->large_lost_bytes)
		pmtu->large_lost_bytes = bytes;
	pmtu->large_lost++;
	if (pmtu->large_lost >= PMTU_SUSPECT_LOSSES && pmtu->phase != PMTU_SUSPECTED)
		suspect(pmtu);
}

void pmtu_on_refused(struct pmtu *pmtu, uint16_t bytes, uint64_t now_us)
{
	if (bytes <= pmtu->least_bytes)
		return;
	if (bytes < pmtu->ceiling_bytes)
		pmtu->ceiling_bytes = bytes;
	if (pmtu->size_bytes >= bytes)
		fall_back(pmtu, now_us);
	else if (pmtu->phase == PMTU_SEARCHING && !is_open(pmtu, pmtu->probe_bytes))
		search_on(pmtu, now_us);
}
