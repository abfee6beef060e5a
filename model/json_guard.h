/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cheap look at JSON text before it is parsed: how deep it nests and how many values it has, so
 * that a short text cannot make the parser take a hundred times its size in memory.
 * It does not judge the syntax; the parser does.
 */
#ifndef MODEL_JSON_GUARD_H
#define MODEL_JSON_GUARD_H

#include <stddef.h>

/* 0, or ERR_LIMIT when it nests deeper than max_depth or has more than max_values values. */
int json_guard(const char *text, size_t length, unsigned max_depth, size_t max_values);

#endif
