/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane's budget of memory for data: what send slices, received pages, queued and incomplete
 * datagrams cost.  The pool has the process's own limit besides.
 */
#ifndef TUNNEL_BUDGET_H
#define TUNNEL_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
	uint64_t used_bytes, limit_bytes, peak_bytes;
};

/* Takes the bytes although the limit may be passed: for what is bounded in another way. */
static inline void budget_force(struct budget *budget, uint64_t bytes)
{
	budget->used_bytes += bytes;
	if (budget->used_bytes > budget->peak_bytes)
		budget->peak_bytes = budget->used_bytes;
}

static inline uint64_t budget_left(const struct budget *budget)
{
	return budget->limit_bytes > budget->used_bytes ? budget->limit_bytes - budget->used_bytes
	                                                : 0;
}

static inline bool budget_take(struct budget *budget, uint64_t bytes)
{
	if (budget_left(budget) < bytes)
		return false;
	budget_force(budget, bytes);
	return true;
}

static inline void budget_give(struct budget *budget, uint64_t bytes)
{
	budget->used_bytes -= bytes;
}

#endif
