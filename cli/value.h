/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of command-line options: names, durations, ports, lists, backends.
 * Checks what can be checked without asking control; resolves no names.
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "model/limits.h"

enum {
	VALUE_ERROR_BYTES = 512,
	WEIGHT_UNSAID = -1,
};

/*
 * Every value_* function is false when `text` is wrong; `error` (VALUE_ERROR_BYTES) then has one
 * line that names `what` (the option or argument), the bad part and the grammar.
 */

/* The rule of nodes', accelerators' and regions' names. */
bool value_name(const char *what, const char *text, char *error);

/* A whole number from min to max. */
bool value_number(
    const char *what, const char *text, long min, long max, long *number, char *error);

/* Seconds, or a number with s, m, h or d behind it; in seconds, from min_s to max_s. */
bool value_duration(
    const char *what, const char *text, long min_s, long max_s, long *seconds, char *error);

/* One of the words; the array ends with NULL. */
bool value_word(const char *what, const char *text, const char *const *words, char *error);

/* "on" or "off" */
bool value_on_off(const char *what, const char *text, bool *is_on, char *error);
/* A tunnel's congestion control, see model/congestion.h. */
bool value_congestion(const char *what, const char *text, char *error);

/* "80,8000-8010" to a new array ["80", "8000-8010"], sorted; the caller frees it. */
bool value_ports(const char *what, const char *text, json_t **ports, char *error);

/* "tokyo,osaka" to a new array of names, each once; the caller frees it. */
bool value_regions(const char *what, const char *text, json_t **regions, char *error);

/* "10.0.0.0/8,::1" to a new array of blocks in their one form; the caller frees it. */
bool value_cidrs(const char *what, const char *text, json_t **cidrs, char *error);

/* "env=prod,tier=web" into an object; false too for a key that it has already. */
bool value_labels(const char *what, const char *text, json_t *labels, char *error);

/* The keys of labels, "env,tier", to a new array, each once; the caller frees it. */
bool value_label_keys(const char *what, const char *text, json_t **keys, char *error);

/* A backend as the command line names it. */
struct backend_value {
	char region[NAME_BYTES];
	char host[ADDR_HOST_BYTES];
	uint16_t port; /* 0: the listener's ports */
	int weight;    /* WEIGHT_UNSAID where it is not given */
};

/* REGION=PCT: how many percent of the flows that come to a region's group it takes. */
struct dial_value {
	char region[NAME_BYTES];
	int percent;
};
bool value_dial(const char *what, const char *text, struct dial_value *dial, char *error);

/* REGION=HOST[:PORT][,weight=N] */
bool value_backend(const char *what, const char *text, struct backend_value *backend, char *error);

/* REGION=HOST[:PORT], the name of a backend. */
bool value_backend_name(
    const char *what, const char *text, struct backend_value *backend, char *error);

/* REGION=HOST[:PORT],N, a backend and its new weight. */
bool value_backend_weight(
    const char *what, const char *text, struct backend_value *backend, char *error);

#endif
