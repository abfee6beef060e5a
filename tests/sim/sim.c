/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual-time simulator: runs scenarios by seeds, tells how often each fault struck, and for a
 * failure the command that repeats it.  Run without arguments it is the test of `make check`.
 */
#include "tests/sim/capture.h"
#include "tests/sim/scenario.h"
#include "tests/sim/world.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHECK_SEEDS = 12, /* of each scenario, in `make check` */
	EXIT_USAGE = 2,
};

struct options {
	const struct scenario *scenario; /* NULL: all */
	uint64_t first_seed, last_seed;
	struct world_options run;
	bool is_list;
};

static void usage(FILE *out)
{
	fputs(
	    "usage: sim [--scenario NAME] [--seed N | --seeds A-B] [--capture FILE] [--verbose]\n"
	    "           [--list]\n"
	    "Without options: all scenarios, as make check runs them. A capture holds the packets\n"
	    "before they were sealed, for tools/trunkline.lua.\n",
	    out);
}

static bool parse_seeds(const char *text, struct options *options)
{
	char *end;

	options->first_seed = options->last_seed = strtoull(text, &end, 10);
	if (end != text && *end == '-') {
		text = end + 1;
		options->last_seed = strtoull(text, &end, 10);
	}
	return end != text && *end == '\0' && options->first_seed <= options->last_seed;
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
	    {"scenario", required_argument, NULL, 'c'},
	    {"seed", required_argument, NULL, 's'},
	    {"seeds", required_argument, NULL, 's'},
	    {"capture", required_argument, NULL, 'p'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"list", no_argument, NULL, 'l'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	*options = (struct options){.first_seed = 1, .last_seed = CHECK_SEEDS};
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->scenario = scenario_find(optarg);
			if (!options->scenario)
				fprintf(stderr, "no scenario %s; --list shows them\n", optarg);
			if (!options->scenario)
				return false;
			break;
		case 's':
			if (!parse_seeds(optarg, options))
				return false;
			break;
		case 'p':
			options->run.capture = capture_open(optarg);
			if (!options->run.capture)
				exit(1);
			break;
		case 'v':
			options->run.is_verbose = true;
			break;
		case 'l':
			options->is_list = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			return false;
		}
	}
	return optind == argc;
}

static bool run_seed(const struct scenario *scenario, uint64_t seed,
    const struct world_options *options, struct world_result *sum)
{
	struct world_result result, again;
	bool is_good = world_run(scenario, seed, options, &result) == 0;

	if (!is_good)
		fprintf(stderr, "to repeat: tests/sim/sim --scenario %s --seed %llu --verbose\n",
		    scenario->name, (unsigned long long)seed);
	/* The first of each scenario proves that a seed repeats. */
	if (is_good && sum->events == 0 && !options->is_verbose && !options->capture) {
		world_run(scenario, seed, options, &again);
		if (again.digest != result.digest || again.events != result.events) {
			fprintf(stderr, "%s, seed %llu: two runs differ\n", scenario->name,
			    (unsigned long long)seed);
			is_good = false;
		}
	}
	sum->digest = sum->digest * 31 + result.digest;
	sum->events += result.events;
	sum->virtual_us += result.virtual_us;
	sum->packets += result.packets;
	sum->restarts += result.restarts;
	if (result.memory_bytes > sum->memory_bytes)
		sum->memory_bytes = result.memory_bytes;
	for (int fault = 0; fault < FAULT_COUNT; fault++)
		sum->faults[fault] += result.faults[fault];
	return is_good;
}

static unsigned run_scenario(const struct scenario *scenario, const struct options *options)
{
	struct world_result sum = {0};
	unsigned failures = 0;

	for (uint64_t seed = options->first_seed; seed <= options->last_seed; seed++)
		failures += !run_seed(scenario, seed, &options->run, &sum);
	printf("%-13s seeds %llu-%llu digest %016llx, %llu s, %llu packets, %llu of %llu KiB:",
	    scenario->name, (unsigned long long)options->first_seed,
	    (unsigned long long)options->last_seed, (unsigned long long)sum.digest,
	    (unsigned long long)(sum.virtual_us / 1000000), (unsigned long long)sum.packets,
	    (unsigned long long)(sum.memory_bytes >> 10),
	    (unsigned long long)(scenario->pool_bytes >> 10));
	for (int fault = 0; fault < FAULT_COUNT; fault++)
		if (sum.faults[fault])
			printf(" %s %llu", fault_name((enum fault)fault),
			    (unsigned long long)sum.faults[fault]);
	if (sum.restarts)
		printf(" restart %llu", (unsigned long long)sum.restarts);
	printf("%s\n", failures ? " FAILED" : "");
	fflush(stdout);
	return failures;
}

int main(int argc, char **argv)
{
	struct options options;
	unsigned failures = 0;

	if (!parse(argc, argv, &options)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < scenario_count; i++) {
		if (options.is_list)
			puts(scenarios[i].name);
		else if (!options.scenario || options.scenario == &scenarios[i])
			failures += run_scenario(&scenarios[i], &options);
	}
	if (options.run.capture && fclose(options.run.capture) != 0)
		failures++;
	if (failures)
		printf("%u runs failed\n", failures);
	return failures > 0;
}
