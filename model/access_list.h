/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose flows an accelerator takes: blocks of source addresses that an operator allows and denies.
 * The longest prefix decides; access_table.h says what holds where none matches.  Listeners get it
 * with their configs.
 */
#ifndef MODEL_ACCESS_LIST_H
#define MODEL_ACCESS_LIST_H

#include "base/cidr.h"
#include "base/schema.h"
#include "model/access_table.h"
#include "model/error.h"
#include "model/limits.h"

#include <stddef.h>

/* In an array; "10.0.0.0/8". */
struct cidr_text {
	char text[CIDR_TEXT_BYTES];
};

/* Owned, as the schema decodes them. */
struct access_lists {
	struct cidr_text *allow;
	size_t allow_count;
	struct cidr_text *deny;
	size_t deny_count;
};

/*
 * 0 when every text is a block and none stands twice, else ERR_INVALID with *error filled, or
 * ERR_NOMEM.  Rewrites the texts in their one form.
 */
int access_lists_validate(struct access_lists *lists, struct model_error *error);

/*
 * The table of lists that were validated; NULL, and 0, when both are empty.  ERR_NOMEM, or
 * ERR_MALFORMED.
 */
int access_lists_table(const struct access_lists *lists, struct access_table **table);

/* The fields of a table whose struct has a `struct access_lists access`. */
#define ACCESS_FIELDS(struct_type)                                                                 \
	{SCHEMA_ARRAY("allow", struct_type, access.allow, access.allow_count),                     \
	    .help = "blocks of user addresses that may use it, as 10.0.0.0/8; left out: all. The " \
	            "longest prefix of allow and deny decides",                                    \
	    .type = SCHEMA_TEXT, .min = 1, .max_items = ACCESS_ENTRIES_MAX},                       \
	{                                                                                          \
		SCHEMA_ARRAY("deny", struct_type, access.deny, access.deny_count),                 \
		    .help = "blocks of user addresses that may not: TCP is reset, UDP dropped",    \
		    .type = SCHEMA_TEXT, .min = 1, .max_items = ACCESS_ENTRIES_MAX                 \
	}

#endif
