/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of metrics in Prometheus's exposition format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/): families one after the other, each
 * with its HELP and TYPE, then its samples.  A family that grew too long is cut, and what was left
 * out is counted.  Pure: bytes in memory.
 */
#ifndef BASE_EXPOSITION_H
#define BASE_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EXPOSITION_SERIES_MAX = 10000,    /* samples of a family; a histogram's buckets are one */
	EXPOSITION_LABEL_BYTES_MAX = 320, /* of a label's value, before it is escaped */
};

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum exposition_type { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM };

/* All zero is empty. */
struct exposition {
	char *text; /* NUL-terminated once there is any; the owner's to free() */
	size_t length, size;
	bool has_failed; /* no memory: the text is not whole */
	char family[128];
	size_t series;     /* of the family, so far */
	uint64_t left_out; /* series, of all families */
};

/* The name must be one of the format; a value may be any text. */
struct exposition_label {
	const char *name, *value;
};

/* At the place of a call: LABELS({"node", name}, {"role", role}). */
#define EXPOSITION_LABELS(...) ((const struct exposition_label[]){__VA_ARGS__, {NULL, NULL}})
#define EXPOSITION_NO_LABELS   ((const struct exposition_label[]){{NULL, NULL}})

/*
 * Begins a family.  A counter gets "_total" behind its name, which must bear its unit (seconds,
 * bytes) and have none of the suffixes that the format keeps for itself.
 */
void exposition_family(
    struct exposition *exposition, enum exposition_type type, const char *name, const char *help);

/* A sample of the family that was begun last; the labels end with a NULL name. */
void exposition_count(
    struct exposition *exposition, const struct exposition_label *labels, uint64_t value);
void exposition_number(
    struct exposition *exposition, const struct exposition_label *labels, double value);

/*
 * counts[i] are the values above bounds[i - 1] and up to bounds[i], counts[bound_count] those above
 * all bounds; bounds and sum in the metric's unit.
 */
void exposition_histogram(struct exposition *exposition, const struct exposition_label *labels,
    const double *bounds, const uint64_t *counts, size_t bound_count, double sum);

/* The last family: how many series were left out of those before. */
void exposition_end(struct exposition *exposition);

#endif
