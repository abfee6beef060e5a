/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Races: without arguments all cases with their bounds, as `make check` runs them; with --rate one line of one's
 * own, told as one line of numbers (bench/sweep).
 */
#include "config.h"

#include "tests/sim/kernel_bbr.h"
#include "tests/sim/race.h"
#include "tests/sim/race_cases.h"
#include "tunnel/cc_bbr.h"
#include "tunnel/cc_cubic.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, CHECK_SEEDS = 2, PACKET_BYTES = 1400 };

static const struct cc_ops *const controllers[] = {&cc_bbr, &cc_cubic, &cc_kernel_bbr};

struct options {
	const char *name;             /* NULL: all cases */
	const struct cc_ops *instead; /* of BBR in all cases: shows which bounds it is that holds */
	uint64_t seed;                /* 0: those of the check */
	bool is_verbose, is_list;
	bool is_apart; /* lanes of a tunnel share nothing: shows which bounds it is that holds */
	/* A line of one's own; rate 0: none. */
	double rate_mbit, rtt_ms, queue_ms, loss_percent, seconds;
	unsigned count, lanes; /* senders, and how many of the first of them are one tunnel */
};

static void usage(FILE *out)
{
	fputs("usage: race [--case NAME] [--with bbr|cubic|kernel] [--apart] [--seed N] "
	      "[--verbose] [--list]\n"
	      "       race --rate MBIT --rtt MS [--queue MS] [--loss PERCENT] [--seconds N]\n"
	      "            [--count N] [--lanes N] [--with bbr|cubic|kernel] [--seed N] "
	      "[--verbose]\n",
	    out);
}

static const struct cc_ops *find_controller(const char *name)
{
	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
		if (strcmp(controllers[i]->name, name) == 0)
			return controllers[i];
	return NULL;
}

static bool take(int option, struct options *options)
{
	switch (option) {
	case 'c':
		options->name = optarg;
		return race_case_find(optarg) != NULL;
	case 'w':
		options->instead = find_controller(optarg);
		return options->instead != NULL;
	case 's':
		options->seed = strtoull(optarg, NULL, 10);
		return options->seed > 0;
	case 'v':
		options->is_verbose = true;
		return true;
	case 'l':
		options->is_list = true;
		return true;
	case 'r':
		options->rate_mbit = strtod(optarg, NULL);
		return options->rate_mbit > 0;
	case 't':
		options->rtt_ms = strtod(optarg, NULL);
		return options->rtt_ms > 0;
	case 'q':
		options->queue_ms = strtod(optarg, NULL);
		return options->queue_ms > 0;
	case 'p':
		options->loss_percent = strtod(optarg, NULL);
		return options->loss_percent >= 0 && options->loss_percent < 100;
	case 'd':
		options->seconds = strtod(optarg, NULL);
		return options->seconds > 0;
	case 'n':
		options->count = (unsigned)strtoul(optarg, NULL, 10);
		return options->count > 0 && options->count <= RACERS_MAX;
	case 'a':
		options->is_apart = true;
		return true;
	case 'm':
		options->lanes = (unsigned)strtoul(optarg, NULL, 10);
		return options->lanes > 0;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		return false;
	}
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
	    {"case", required_argument, NULL, 'c'},
	    {"with", required_argument, NULL, 'w'},
	    {"seed", required_argument, NULL, 's'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"list", no_argument, NULL, 'l'},
	    {"rate", required_argument, NULL, 'r'},
	    {"rtt", required_argument, NULL, 't'},
	    {"queue", required_argument, NULL, 'q'},
	    {"loss", required_argument, NULL, 'p'},
	    {"seconds", required_argument, NULL, 'd'},
	    {"count", required_argument, NULL, 'n'},
	    {"apart", no_argument, NULL, 'a'},
	    {"lanes", required_argument, NULL, 'm'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	*options = (struct options){.rtt_ms = 100, .queue_ms = 20, .seconds = 30, .count = 1};
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!take(option, options))
			return false;
	return optind == argc;
}

static void print(const struct race_result *result, double line_Bps)
{
	printf("share %.4f jain %.3f lost %.4f spurious %.4f queue_p50_ms %.2f queue_p95_ms %.2f "
	       "request_p50_ms %.1f",
	    result->total_Bps / line_Bps, result->jain, result->loss, result->spurious,
	    (double)result->queue_p50_us / 1e3, (double)result->queue_p95_us / 1e3,
	    (double)result->request_p50_us / 1e3);
}

static int run_own(const struct options *options)
{
	double line_Bps = options->rate_mbit * 125000;
	struct race_config config = {
	    .forward = {.delay_us = (uint64_t)(options->rtt_ms * 500),
	        .rate_Bps = (uint64_t)line_Bps,
	        .queue_bytes = (uint64_t)(line_Bps * options->queue_ms / 1e3) + 4 * PACKET_BYTES,
	        .loss = options->loss_percent / 100},
	    .back = {.delay_us = (uint64_t)(options->rtt_ms * 500),
	        .loss = options->loss_percent / 100},
	    .count = options->count,
	    .duration_us = (uint64_t)(options->seconds * 1e6),
	    .measure_from_us = (uint64_t)(options->seconds * 1e6 / 3),
	    .seed = options->seed ? options->seed : 1,
	    .is_verbose = options->is_verbose,
	};
	struct race_result result;

	for (unsigned i = 0; i < config.count; i++)
		config.racers[i] = (struct racer_config){
		    .cc = options->instead ? options->instead : &cc_bbr,
		    .tunnel = options->lanes ? 1 + i / options->lanes : 0,
		};
	race_run(&config, &result);
	print(&result, line_Bps);
	printf("\n");
	return 0;
}

/* How many bounds were passed. */
static unsigned run_case(
    const struct race_case *race_case, uint64_t seed, const struct options *options)
{
	struct race_config config = race_case->config;
	struct race_result result;
	const char *failure;

	config.seed = seed;
	config.is_verbose = options->is_verbose;
	for (unsigned i = 0; options->is_apart && i < config.count; i++)
		config.racers[i].tunnel = 0;
	for (unsigned i = 0; options->instead && i < config.count; i++)
		if (config.racers[i].cc == &cc_bbr)
			config.racers[i].cc = options->instead;
	race_run(&config, &result);
	failure = race_case_check(race_case, &result);
	printf("%-28s seed %llu ", race_case->name, (unsigned long long)seed);
	print(&result, (double)race_case->share_of_Bps);
	if (race_case->first_count)
		printf(" first %.3f", race_case_first_share(race_case, &result));
	printf(failure ? " FAILED: %s\n" : "%s\n", failure ? failure : "");
	fflush(stdout);
	return failure != NULL;
}

static unsigned run_cases(const struct options *options)
{
	uint64_t first = options->seed ? options->seed : 1;
	uint64_t last = options->seed ? options->seed : CHECK_SEEDS;
	unsigned failures = 0;

	for (size_t i = 0; i < race_case_count; i++) {
		if (options->name && strcmp(options->name, race_cases[i].name) != 0)
			continue;
		if (options->is_list)
			puts(race_cases[i].name);
		for (uint64_t seed = first; seed <= last && !options->is_list; seed++)
			failures += run_case(&race_cases[i], seed, options);
	}
	if (failures)
		printf("%u bounds were passed; to repeat: tests/sim/race --case NAME --seed N\n",
		    failures);
	return failures;
}

int main(int argc, char **argv)
{
	struct options options;

	if (!parse(argc, argv, &options)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (options.rate_mbit > 0)
		return run_own(&options);
	return run_cases(&options) > 0;
}
