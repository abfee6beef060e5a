/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the lanes of a tunnel share their path with others, as an operator states it: "bbr", "cubic",
 * or "fixed:RATE" for a leased line of known rate, RATE as 200mbit or 64kbit.
 */
#ifndef MODEL_CONGESTION_H
#define MODEL_CONGESTION_H

#include <stdint.h>

enum congestion_kind { CONGESTION_BBR, CONGESTION_CUBIC, CONGESTION_FIXED };

struct congestion {
	enum congestion_kind kind;
	uint64_t rate_bps; /* CONGESTION_FIXED: bits a second of the whole tunnel; else 0 */
};

enum { CONGESTION_TEXT_BYTES = 32 }; /* of the longest number of any unit, with the NUL */

#define CONGESTION_DEFAULT      "bbr"
#define CONGESTION_RATE_MIN_BPS UINT64_C(64000)
#define CONGESTION_RATE_MAX_BPS UINT64_C(400000000000)
#define CONGESTION_RULE                                                                            \
	"bbr, cubic, or fixed:RATE with RATE from 64kbit to 400gbit, as in fixed:200mbit"

/* 0, or ERR_INVALID with *congestion as it was: the text must be CONGESTION_RULE. */
int congestion_parse(const char *text, struct congestion *congestion);

/* The text with the largest unit that leaves a whole number; returns text. */
const char *congestion_format(
    const struct congestion *congestion, char text[CONGESTION_TEXT_BYTES]);

/* For schema tables: NULL, or what is wrong with the text. */
const char *congestion_check(const void *text);

#endif
