/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See exposition.h. */
#include "base/exposition.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 16 * 1024, NUMBER_BYTES = 40 };

static const char *const type_names[] = {
    [EXPOSITION_COUNTER] = "counter",
    [EXPOSITION_GAUGE] = "gauge",
    [EXPOSITION_HISTOGRAM] = "histogram",
};

/* ---- text ---- */

static bool has_room(struct exposition *exposition, size_t length)
{
	size_t size = exposition->size ? exposition->size : FIRST_BYTES;
	char *grown;

	if (exposition->has_failed)
		return false;
	if (exposition->length + length < exposition->size)
		return true;
	while (size <= exposition->length + length)
		size *= 2;
	grown = realloc(exposition->text, size);
	exposition->has_failed = !grown;
	if (!grown)
		return false;
	exposition->text = grown;
	exposition->size = size;
	return true;
}

static void put_bytes(struct exposition *exposition, const char *bytes, size_t length)
{
	if (!has_room(exposition, length))
		return;
	memcpy(exposition->text + exposition->length, bytes, length);
	exposition->length += length;
	exposition->text[exposition->length] = '\0';
}

static void put(struct exposition *exposition, const char *text)
{
	put_bytes(exposition, text, strlen(text));
}

/* A quote is escaped in the values of labels alone. */
static void put_escaped(struct exposition *exposition, const char *text, bool is_label)
{
	const char *special = is_label ? "\\\n\"" : "\\\n";

	for (size_t plain; *text; text++) {
		plain = strcspn(text, special);
		put_bytes(exposition, text, plain);
		text += plain;
		if (!*text)
			break;
		put_bytes(exposition, "\\", 1);
		put_bytes(exposition, *text == '\n' ? "n" : text, 1);
	}
}

static const char *number_text(double value, char text[NUMBER_BYTES])
{
	if (isnan(value))
		return "NaN";
	if (isinf(value))
		return value > 0 ? "+Inf" : "-Inf";
	snprintf(text, NUMBER_BYTES, "%.15g", value);
	return text;
}

/* ---- labels and samples ---- */

static void put_label(
    struct exposition *exposition, const char *before, const char *name, const char *value)
{
	char whole[EXPOSITION_LABEL_BYTES_MAX + 1];

	snprintf(whole, sizeof(whole), "%s", value);
	put(exposition, before);
	put(exposition, name);
	put(exposition, "=\"");
	put_escaped(exposition, utf8_mend(whole), true);
	put(exposition, "\"");
}

/* The labels, with `le` behind them unless it is NULL. */
static void put_labels(
    struct exposition *exposition, const struct exposition_label *labels, const char *le)
{
	const char *before = "{";

	for (; labels->name; labels++, before = ",")
		put_label(exposition, before, labels->name, labels->value);
	if (le) {
		put_label(exposition, before, "le", le);
		before = ",";
	}
	if (*before == ',')
		put(exposition, "}");
}

static void put_sample(struct exposition *exposition, const char *suffix,
    const struct exposition_label *labels, const char *le, const char *value)
{
	put(exposition, exposition->family);
	put(exposition, suffix);
	put_labels(exposition, labels, le);
	put(exposition, " ");
	put(exposition, value);
	put(exposition, "\n");
}

static bool is_full(struct exposition *exposition)
{
	if (exposition->series < EXPOSITION_SERIES_MAX) {
		exposition->series++;
		return false;
	}
	exposition->left_out++;
	return true;
}

void exposition_family(
    struct exposition *exposition, enum exposition_type type, const char *name, const char *help)
{
	snprintf(exposition->family, sizeof(exposition->family), "%s%s", name,
	    type == EXPOSITION_COUNTER ? "_total" : "");
	exposition->series = 0;
	put(exposition, "# HELP ");
	put(exposition, exposition->family);
	put(exposition, " ");
	put_escaped(exposition, help, false);
	put(exposition, "\n# TYPE ");
	put(exposition, exposition->family);
	put(exposition, " ");
	put(exposition, type_names[type]);
	put(exposition, "\n");
}

void exposition_count(
    struct exposition *exposition, const struct exposition_label *labels, uint64_t value)
{
	char text[NUMBER_BYTES];

	if (is_full(exposition))
		return;
	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_sample(exposition, "", labels, NULL, text);
}

void exposition_number(
    struct exposition *exposition, const struct exposition_label *labels, double value)
{
	char text[NUMBER_BYTES];

	if (!is_full(exposition))
		put_sample(exposition, "", labels, NULL, number_text(value, text));
}

void exposition_histogram(struct exposition *exposition, const struct exposition_label *labels,
    const double *bounds, const uint64_t *counts, size_t bound_count, double sum)
{
	char text[NUMBER_BYTES], le[NUMBER_BYTES];
	uint64_t total = 0;

	if (is_full(exposition))
		return;
	for (size_t i = 0; i <= bound_count; i++) {
		total += counts[i];
		snprintf(text, sizeof(text), "%" PRIu64, total);
		put_sample(exposition, "_bucket", labels,
		    i < bound_count ? number_text(bounds[i], le) : "+Inf", text);
	}
	put_sample(exposition, "_count", labels, NULL, text);
	put_sample(exposition, "_sum", labels, NULL, number_text(sum, text));
}

void exposition_end(struct exposition *exposition)
{
	uint64_t left_out = exposition->left_out;

	exposition_family(exposition, EXPOSITION_GAUGE, "trunkline_metrics_series_left_out",
	    "Series that are not here because their family has too many");
	exposition_count(exposition, EXPOSITION_NO_LABELS, left_out);
}
