/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many columns of a terminal a text takes, in the locale's encoding; bytes that are no
 * character, and control characters, take four, as \xNN.
 */
#ifndef CLI_TEXT_WIDTH_H
#define CLI_TEXT_WIDTH_H

#include <stddef.h>

size_t text_width(const char *text);

/*
 * A copy of at most `width` columns (1 or more), for free(): where something had to go it ends in
 * "…", outside UTF-8 in "~".  NULL without memory.
 */
char *text_cut(const char *text, size_t width);

/*
 * The bytes of the words at the beginning of `text` that fit into `width` columns: all of it, or up to
 * a space; of one word at least, however wide.
 */
size_t text_break(const char *text, size_t width);

#endif
