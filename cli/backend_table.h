/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of backends and their health, of an accelerator or a node. */
#ifndef CLI_BACKEND_TABLE_H
#define CLI_BACKEND_TABLE_H

#include <jansson.h>

#include "cli/session.h"

/* `health` is the API's list; nothing when it is empty. An empty line goes before it. */
void backend_table_print(struct session *session, const json_t *health);

#endif
