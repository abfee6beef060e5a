/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The language of scenarios and commands (stated at the top of wanem.c) and the counters' output.
 */
#include "tests/lab/wanem.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_WORDS = 40,
};

struct path paths[MAX_NODES][MAX_NODES];

static const struct {
	const char *key;
	size_t offset;
} keys[] = {
    {"delay", offsetof(struct path, delay_ms)},
    {"jitter", offsetof(struct path, jitter_ms)},
    {"loss", offsetof(struct path, loss_pct)},
    {"burst", offsetof(struct path, burst_pkts)},
    {"outage", offsetof(struct path, outage_ms)},
    {"rate", offsetof(struct path, rate_mbit)},
    {"queue", offsetof(struct path, queue_ms)},
    {"dup", offsetof(struct path, dup_pct)},
    {"replay", offsetof(struct path, replay_pct)},
    {"reorder", offsetof(struct path, reorder_pct)},
    {"hold", offsetof(struct path, hold_ms)},
    {"corrupt", offsetof(struct path, corrupt_pct)},
    {"mtu", offsetof(struct path, mtu_bytes)},
};

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
    {"packets", offsetof(struct path_counters, packets)},
    {"bytes", offsetof(struct path_counters, bytes)},
    {"doubled", offsetof(struct path_counters, doubled)},
    {"replayed", offsetof(struct path_counters, replayed)},
    {"lost", offsetof(struct path_counters, lost)},
    {"queue_full", offsetof(struct path_counters, queue_full)},
    {"cut_off", offsetof(struct path_counters, cut_off)},
    {"refused", offsetof(struct path_counters, refused)},
    {"delivered", offsetof(struct path_counters, delivered)},
    {"reordered", offsetof(struct path_counters, reordered)},
    {"corrupted", offsetof(struct path_counters, corrupted)},
};

static const char *set_key(struct path *path, const char *key, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (*end || end == text || value < 0 || !isfinite(value))
		return "a value is not a number of zero or more";
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (!strcmp(keys[i].key, key)) {
			memcpy((char *)path + keys[i].offset, &value, sizeof value);
			return NULL;
		}
	return "unknown key";
}

static const char *set_path(int from, int to, char **words, int count)
{
	struct path *path = &paths[from][to];

	if (count % 2)
		return "a key has no value";
	if (!path->exists)
		*path = (struct path){.exists = true,
		    .burst_pkts = 1,
		    .queue_ms = 100,
		    .hold_ms = 5,
		    .mtu_bytes = 1500};
	for (int i = 0; i < count; i += 2) {
		const char *why = set_key(path, words[i], words[i + 1]);
		if (why)
			return why;
	}
	return NULL;
}

static void print_path(FILE *out, int from, int to)
{
	const struct path *path = &paths[from][to];

	fprintf(out, "{\"from\":\"%s\",\"to\":\"%s\"", nodes[from].name, nodes[to].name);
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		uint64_t value;
		memcpy(&value, (const char *)&path->count + counters[i].offset, sizeof value);
		fprintf(out, ",\"%s\":%" PRIu64, counters[i].name, value);
	}
	fputs("}\n", out);
}

void language_print_stats(FILE *out)
{
	for (int from = 0; from < node_count; from++)
		for (int to = 0; to < node_count; to++)
			if (paths[from][to].exists)
				print_path(out, from, to);
}

static const char *run_on_nodes(int a, int b, char **words, int count)
{
	if (!strcmp(words[0], "cut") || !strcmp(words[0], "mend")) {
		paths[a][b].is_cut = paths[b][a].is_cut = words[0][0] == 'c';
		return NULL;
	}
	if (!strcmp(words[0], "path"))
		return set_path(a, b, words + 3, count - 3);
	if (strcmp(words[0], "link") != 0)
		return "unknown statement";
	const char *why = set_path(a, b, words + 3, count - 3);
	return why ? why : set_path(b, a, words + 3, count - 3);
}

const char *language_run_statement(const char *prefix, char *line, FILE *out)
{
	char *words[MAX_WORDS], *save = NULL;
	int count = 0;

	line[strcspn(line, "#\n")] = 0;
	for (char *word = strtok_r(line, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (count == MAX_WORDS)
			return "too many words";
		words[count++] = word;
	}
	if (!count)
		return NULL;
	if (!strcmp(words[0], "stats") && count == 1) {
		language_print_stats(out);
		return NULL;
	}
	if (!strcmp(words[0], "node") && count == 3)
		return net_add_node(prefix, words[1], words[2]);
	int a = count > 2 ? net_find_node(words[1]) : -1;
	int b = count > 2 ? net_find_node(words[2]) : -1;
	if (a < 0 || b < 0 || a == b)
		return "not a statement, or not two known nodes";
	return run_on_nodes(a, b, words, count);
}
