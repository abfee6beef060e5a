/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is different between two JSON values, field by field, as people read it:
 * `endpoint_groups[oslo].backends[10.0.0.1:80].weight` was 128 and is 0.
 */
#ifndef CONTROL_DIFFERENCE_H
#define CONTROL_DIFFERENCE_H

#include <jansson.h>

enum { DIFFERENCES_MAX = 1000 };

/*
 * A new array of {field, before, after}; before or after is null for what was not there, or is no
 * more.  Objects in lists are told apart by region, host and port, or name, else by their place.
 */
json_t *difference(const json_t *before, const json_t *after);

#endif
