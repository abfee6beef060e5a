/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes as people write them: a whole number of bytes, or with K, M or G behind it, of 1024 each. */
#ifndef BASE_SIZE_TEXT_H
#define BASE_SIZE_TEXT_H

#include <stdint.h>

/* "1073741824", "1048576K", "1024M" or "1G".  0, or ERR_INVALID with *bytes as it was. */
int size_parse(const char *text, uint64_t *bytes);

#endif
