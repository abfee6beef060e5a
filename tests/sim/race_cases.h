/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of races: lines, who runs on them, and the bounds that must hold for every seed. */
#ifndef TESTS_SIM_RACE_CASES_H
#define TESTS_SIM_RACE_CASES_H

#include "tests/sim/race.h"

#include <stddef.h>
#include <stdint.h>

/* Bounds; 0: none. */
struct race_case {
	const char *name;
	struct race_config config; /* without its seed */
	uint64_t share_of_Bps;     /* what the share is of */
	double share_min, jain_min, loss_max, spurious_max;
	double first_min, first_max; /* of all goodput, for the first `first_count` racers */
	unsigned first_count;
	uint64_t queue_p50_max_us, queue_p95_max_us, request_p50_max_us;
};

extern const struct race_case race_cases[];
extern const size_t race_case_count;

/* NULL when there is none of that name. */
const struct race_case *race_case_find(const char *name);
double race_case_first_share(const struct race_case *race_case, const struct race_result *result);
/* Which bound was passed; NULL: none. */
const char *race_case_check(const struct race_case *race_case, const struct race_result *result);

#endif
