/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A name server on loopback for unit tests: two.test has 192.0.2.1, 192.0.2.2 and two of IPv6,
 * self.test has 127.0.0.1 alone, each for 42 s; nothing else exists.
 */
#ifndef TESTS_SUPPORT_NAME_SERVER_H
#define TESTS_SUPPORT_NAME_SERVER_H

#include "base/addr.h"

#include <ev.h>
#include <stdbool.h>

enum { NAME_SERVER_TTL_S = 42 };

struct name_server {
	struct ev_loop *loop;
	int descriptor;
	ev_io readable;
	struct addr address;
	bool is_silent;     /* the test's to set: questions are counted and not answered */
	unsigned questions; /* one each for IPv4 and IPv6 */
};

void name_server_start(struct name_server *server, struct ev_loop *loop);
void name_server_stop(struct name_server *server);
/* For ares_set_servers_ports_csv(). */
const char *name_server_text(const struct name_server *server, char text[ADDR_TEXT_BYTES]);

#endif
