/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmocka with what it wants included before it, and the seed of tests that draw random numbers:
 * TEST_SEED=N in the environment repeats a run.
 */
#ifndef TESTS_UNIT_CMOCKA_ALL_H
#define TESTS_UNIT_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static inline uint64_t test_seed(void)
{
	const char *text = getenv("TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

	printf("seed %llu; to repeat: TEST_SEED=%llu\n", (unsigned long long)seed,
	    (unsigned long long)seed);
	return seed;
}

#endif
