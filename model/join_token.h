/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one string that enrols a node: where control is, control's pin, a one-time secret, and for
 * messages the role and region that it was made for.  Printable, survives copy and paste, and a
 * checksum catches typing errors before anything is sent.
 */
#ifndef MODEL_JOIN_TOKEN_H
#define MODEL_JOIN_TOKEN_H

#include "base/pin.h"
#include "model/node_config.h"

#include <stddef.h>
#include <stdint.h>

#define JOIN_TOKEN_PREFIX "tlj1_"

enum {
	JOIN_TOKEN_TEXT_BYTES = 1024, /* enough for any token and its NUL */
	JOIN_ADDRESSES_MAX = 4,
};

struct join_token {
	enum node_role role;
	char region[NAME_BYTES];
	uint8_t control_pin[PIN_BYTES];
	uint8_t secret[JOIN_SECRET_BYTES];              /* hello carries it by pin_format() */
	size_t address_count;                           /* 1 to JOIN_ADDRESSES_MAX */
	char addresses[JOIN_ADDRESSES_MAX][NAME_BYTES]; /* "ADDR:PORT" or "NAME:PORT" */
};

/* ERR_INVALID when a field is out of range. */
int join_token_format(const struct join_token *token, char text[JOIN_TOKEN_TEXT_BYTES]);

/*
 * Takes white space around it.  ERR_MALFORMED when it is no token or its checksum is wrong (part
 * of it missing, a typing error); ERR_UNSUPPORTED for a later kind of token.
 */
int join_token_parse(const char *text, struct join_token *token);

#endif
