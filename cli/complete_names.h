/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names that a command line may have where the command table says REGION, NODE and so on: of
 * control when it answers soon, of kinds and checks from the tables that decode them.
 */
#ifndef CLI_COMPLETE_NAMES_H
#define CLI_COMPLETE_NAMES_H

#include "cli/complete.h"

/* A complete_names_fn; asks the control that the line itself names.  No answer, no names. */
void complete_names(struct complete *complete, const struct metavar_start *start);

#endif
