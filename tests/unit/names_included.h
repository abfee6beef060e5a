/* SPDX-License-Identifier: GPL-2.0-or-later */
/* endpoint/names.c and what it asks as source, so that a test chooses the name server. */
#ifndef TESTS_UNIT_NAMES_INCLUDED_H
#define TESTS_UNIT_NAMES_INCLUDED_H

#define RESOLVE_TRY_MS 300 /* so long that a busy machine asks but once */
#include "net/resolve.c"

#define on_answer on_name_answer /* both files have one */
#include "endpoint/names.c"
#undef on_answer

#include "tests/support/name_server.h"
#include "tests/unit/cmocka_all.h"

static void names_ask(struct names *names, const struct name_server *server)
{
	char text[ADDR_TEXT_BYTES];

	assert_int_equal(
	    ares_set_servers_ports_csv(names->resolver->channel, name_server_text(server, text)),
	    ARES_SUCCESS);
}

#endif
