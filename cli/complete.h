/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand next on a command line, from the command table: commands, options, and the values
 * that metavars name.  Knows neither shells nor control.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/metavar.h"

enum { COMPLETE_OFFERS_MAX = 1000, COMPLETE_WORD_BYTES = 256 };

struct complete;

/* What stands before the word, as far as it makes sense, and what is typed of the word. */
const struct invocation *complete_typed(const struct complete *complete);
const char *complete_word(const struct complete *complete);

/* Offers the names that a metavar's capitals stand for; those that do not fit may be among them. */
typedef void complete_names_fn(struct complete *complete, const struct metavar_start *start);

/*
 * Prints what may stand for the last of `count` words (behind the program's name), a line
 * "WORD<tab>EXPLANATION" for each; a line "files" says that names of files may.  What is before
 * the word need not make sense.
 */
void complete_line(const struct command_table *table, size_t count, char *const *words,
    complete_names_fn *names, FILE *out);

/*
 * Offers a name; `help` is one line or "".  It is left out when it does not begin as the word
 * does, was offered before, or has characters that mean something to a shell.
 */
void complete_offer(struct complete *complete, const char *name, const char *help);

#endif
