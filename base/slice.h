/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct slice, a part of a chunk, is declared beside the chunk; this name is for those who need
 * only slices.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include "base/chunk.h"

#endif
