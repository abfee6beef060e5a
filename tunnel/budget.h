/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Budgets of memory for data: what send slices, received pages, queued and incomplete datagrams cost.  A
 * lane's lies within the process's, which its lanes share; but each lane has a small reserve that the others
 * cannot use up, so that slow flows of one never stop another.
 */
#ifndef TUNNEL_BUDGET_H
#define TUNNEL_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
	uint64_t used_bytes, limit_bytes, peak_bytes;
	struct budget *shared;  /* outlives this one; NULL: there is none */
	uint64_t reserve_bytes; /* so much is there although the shared one is used up */
};

/* How short memory is: what answers to it is in the order of these. */
enum budget_pressure {
	BUDGET_EASY,
	BUDGET_TIGHT,     /* half is used: windows do not grow */
	BUDGET_SCARCE,    /* three quarters: windows shrink */
	BUDGET_EXHAUSTED, /* 15/16: no new flow is taken */
};

/* Takes the bytes although the limit may be passed: for what is bounded in another way. */
static inline void budget_force(struct budget *budget, uint64_t bytes)
{
	budget->used_bytes += bytes;
	if (budget->used_bytes > budget->peak_bytes)
		budget->peak_bytes = budget->used_bytes;
	if (budget->shared)
		budget_force(budget->shared, bytes);
}

static inline uint64_t budget_own_left(const struct budget *budget, uint64_t limit_bytes)
{
	return limit_bytes > budget->used_bytes ? limit_bytes - budget->used_bytes : 0;
}

/* With so many eighths of each limit set apart. */
static inline uint64_t budget_left_but(const struct budget *budget, unsigned eighths)
{
	uint64_t limit_bytes = budget->limit_bytes - budget->limit_bytes / 8 * eighths;
	uint64_t own = budget_own_left(budget, limit_bytes), shared, reserve;

	if (!budget->shared)
		return own;
	shared = budget_left_but(budget->shared, eighths);
	reserve = budget_own_left(budget, budget->reserve_bytes);
	if (shared < reserve)
		shared = reserve;
	return own < shared ? own : shared;
}

static inline uint64_t budget_left(const struct budget *budget)
{
	return budget_left_but(budget, 0);
}

/*
 * For what already has some: the last eighth is for what has nothing yet, so that those who have much slow down
 * before new flows are refused.
 */
static inline uint64_t budget_left_for_more(const struct budget *budget)
{
	return budget_left_but(budget, 1);
}

/* The worse of its own and the shared one's. */
static inline enum budget_pressure budget_pressure(const struct budget *budget)
{
	uint64_t used = budget->used_bytes, limit = budget->limit_bytes;
	enum budget_pressure shared =
	    budget->shared ? budget_pressure(budget->shared) : BUDGET_EASY;
	enum budget_pressure own = used > limit / 16 * 15 ? BUDGET_EXHAUSTED
	                           : used > limit / 4 * 3 ? BUDGET_SCARCE
	                           : used > limit / 2     ? BUDGET_TIGHT
	                                                  : BUDGET_EASY;

	return own > shared ? own : shared;
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
	if (budget->shared)
		budget_give(budget->shared, bytes);
}

#endif
