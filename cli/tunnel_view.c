/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnels as tables.  OUT is from the listener to the endpoint, BACK the other way.
 */
#include "cli/tunnel_view.h"

#include <string.h>
#include <time.h>

#include "cli/format.h"
#include "cli/history.h"

#define SPARE_NUMBER (TABLE_RIGHT | TABLE_SPARE)

/* What tunnels and lanes have in common, from RTT to SINCE. */
#define MEASURE_COLUMNS                                                                            \
	{"RTT ms", TABLE_RIGHT}, {"MIN", SPARE_NUMBER}, {"P50", SPARE_NUMBER},                     \
	    {"P99", SPARE_NUMBER}, {"JITTER ms", SPARE_NUMBER}, {"LOSS% OUT", TABLE_RIGHT},        \
	    {"BACK", TABLE_RIGHT}, {"MBIT/s OUT", SPARE_NUMBER}, {"BACK", SPARE_NUMBER},           \
	    {"FLOWS", SPARE_NUMBER},                                                               \
	{                                                                                          \
		"SINCE", TABLE_SPARE                                                               \
	}

static enum table_colour state_colour(const char *state)
{
	if (strcmp(state, "up") == 0)
		return COLOUR_GOOD;
	return strcmp(state, "partial") == 0 ? COLOUR_WARN : COLOUR_BAD;
}

static void add_state(struct table *table, const json_t *object)
{
	char buf[FORMAT_BYTES];
	format_string(json_object_get(object, "state"), buf);
	table_cell_coloured(table, buf, state_colour(buf));
}

static void add_measures(struct table *table, const json_t *object)
{
	static const char *const times[] = {"now", "min", "p50", "p99"};
	static const char *const ways[] = {"to_endpoint", "to_listener"};
	char buf[FORMAT_BYTES];
	const json_t *rtt = json_object_get(object, "rtt_us");
	const json_t *loss = json_object_get(object, "loss");
	const json_t *mbps = json_object_get(object, "mbps");
	for (size_t i = 0; i < 4; i++)
		table_cell(table, format_ms(json_object_get(rtt, times[i]), buf));
	table_cell(table, format_ms(json_object_get(object, "jitter_us"), buf));
	for (size_t i = 0; i < 2; i++)
		table_cell(table, format_percent(json_object_get(loss, ways[i]), buf));
	for (size_t i = 0; i < 2; i++)
		table_cell(table, format_rate(json_object_get(mbps, ways[i]), buf));
	table_cell(table, format_integer(json_object_get(object, "flows"), buf));
	table_cell(table, format_time(json_object_get(object, "since"), time(NULL), buf));
}

/* A table with a row for each item. */
static void print_rows(struct session *session, const struct table_column *columns,
    const json_t *items,
    void (*add)(const struct session *session, struct table *table, const json_t *item))
{
	struct table *table = table_new(columns, true);
	size_t i;
	json_t *item;
	json_array_foreach(items, i, item)
	{
		table_row(table);
		add(session, table, item);
	}
	session_print_table(session, table);
}

static void add_ends(struct table *table, const json_t *tunnel)
{
	char buf[FORMAT_BYTES];
	table_cell(table, format_string(json_object_get(tunnel, "listener"), buf));
	table_cell(table, format_string(json_object_get(tunnel, "endpoint"), buf));
}

static void add_tunnel(const struct session *session, struct table *table, const json_t *tunnel)
{
	(void)session;
	add_ends(table, tunnel);
	add_state(table, tunnel);
	add_measures(table, tunnel);
}

void tunnel_print_list(struct session *session, const json_t *items)
{
	static const struct table_column columns[] = {
	    {"LISTENER", 0}, {"ENDPOINT", 0}, {"STATE", 0}, MEASURE_COLUMNS, {NULL, 0}};
	print_rows(session, columns, items, add_tunnel);
}

static void add_lane(const struct session *session, struct table *table, const json_t *lane)
{
	char buf[FORMAT_BYTES];
	const json_t *packets = json_object_get(lane, "packet_bytes");
	(void)session;
	table_cell(table, format_integer(json_object_get(lane, "lane"), buf));
	table_cell(table, format_integer(json_object_get(lane, "slot"), buf));
	add_state(table, lane);
	table_cell(table, format_integer(json_object_get(packets, "to_endpoint"), buf));
	table_cell(table, format_integer(json_object_get(packets, "to_listener"), buf));
	add_measures(table, lane);
}

void tunnel_print_lanes(struct session *session, const json_t *lanes)
{
	static const struct table_column columns[] = {{"LANE", TABLE_RIGHT}, {"SLOT", TABLE_RIGHT},
	    {"STATE", 0}, {"PACKET OUT", TABLE_RIGHT}, {"BACK", TABLE_RIGHT}, MEASURE_COLUMNS,
	    {NULL, 0}};
	print_rows(session, columns, lanes, add_lane);
}

void tunnel_print_figures(struct session *session, const json_t *figures)
{
	static const struct table_column columns[] = {
	    {"FIGURE", 0}, {"LISTENER", TABLE_RIGHT}, {"ENDPOINT", TABLE_RIGHT}, {NULL, 0}};
	json_t *listener = json_object_get(figures, "listener");
	json_t *endpoint = json_object_get(figures, "endpoint"), *value;
	char buf[FORMAT_BYTES];
	const char *name;
	struct table *table = table_new(columns, true);
	json_object_foreach(json_is_object(listener) ? listener : endpoint, name, value)
	{
		const json_t *here = json_object_get(listener, name);
		const json_t *there = json_object_get(endpoint, name);
		if (json_integer_value(here) == 0 && json_integer_value(there) == 0)
			continue;
		table_row(table);
		table_cell(table, name);
		table_cell(table, format_integer(here, buf));
		table_cell(table, format_integer(there, buf));
	}
	session_print_table(session, table);
}

static void add_history(const struct session *session, struct table *table, const json_t *tunnel)
{
	char buf[FORMAT_BYTES], line[HISTORY_LINE_BYTES];
	const json_t *history = json_object_get(tunnel, "rtt_history_us");
	double least = 0, greatest = 0;
	bool has_any = history_range(history, &least, &greatest);
	json_t *from = has_any ? json_real(least) : json_null();
	json_t *to = has_any ? json_real(greatest) : json_null();
	add_ends(table, tunnel);
	table_cell(table, history_line(history, session->terminal.is_utf8, line));
	table_cell(table, format_ms(from, buf));
	table_cell(table, format_ms(to, buf));
	json_decref(from);
	json_decref(to);
}

void tunnel_print_history(struct session *session, const json_t *items)
{
	static const struct table_column columns[] = {{"LISTENER", 0}, {"ENDPOINT", 0},
	    {"RTT, LAST MINUTE", TABLE_CUT}, {"FROM ms", TABLE_RIGHT}, {"TO ms", TABLE_RIGHT},
	    {NULL, 0}};
	print_rows(session, columns, items, add_history);
}
