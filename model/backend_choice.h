/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which backend a new flow gets: by weight, never one of weight 0, and never one that is in the
 * set of those that refused this flow already.
 */
#ifndef MODEL_BACKEND_CHOICE_H
#define MODEL_BACKEND_CHOICE_H

#include "model/accelerator.h"

#include <stddef.h>
#include <stdint.h>

/*
 * draw is any uniform 64-bit number; the same draw and set give the same answer.  Bit i of
 * excluded takes out backend i.  count is at most GROUP_BACKENDS_MAX.
 * Returns the index, or ERR_NOT_FOUND when nothing is left.
 */
int backend_choose(const struct backend *backends, size_t count, uint64_t excluded, uint64_t draw);

#endif
