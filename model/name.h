/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a name of a node, accelerator or region may look like, so that it is the same in a URL, a
 * shell, a file name and a log line.
 */
#ifndef MODEL_NAME_H
#define MODEL_NAME_H

#include "model/limits.h"

#include <stdbool.h>

/* In words, for error messages. */
#define NAME_RULE "1 to 63 letters, digits, '-', '_' or '.', the first a letter or digit"

bool name_is_valid(const char *name);

#endif
