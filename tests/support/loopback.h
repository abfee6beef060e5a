/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real sockets on loopback for unit tests. What cannot be opened fails the test. */
#ifndef TESTS_SUPPORT_LOOPBACK_H
#define TESTS_SUPPORT_LOOPBACK_H

#include "base/addr.h"

#include <stddef.h>
#include <sys/types.h>

/* Listens there, at a free port when `text` has none; *address is where. */
int loopback_listen(const char *text, struct addr *address);
int loopback_connect(const struct addr *to);
/* Non-blocking, as tcp_prepare() leaves it; -1 when nobody waits. */
int loopback_accept(int listener, struct addr *from);
/* `inner` is set up as the daemons set up what they accept or connect. */
void loopback_pair(int *inner, int *outer);
/* Closes it with a reset; *descriptor is -1 then. */
void loopback_reset(int *descriptor);

/* Bound there, at a free port when `text` has none. */
int loopback_udp(const char *text, struct addr *address);
void loopback_send(int descriptor, const struct addr *to, const void *data, size_t length);
/* Its length, or -1 when there is none. `from` may be NULL. */
ssize_t loopback_receive(int descriptor, void *buffer, size_t size, struct addr *from);

/* What is there to be read now: exactly this text; the end; a reset; nothing. */
void assert_reads(int descriptor, const char *text);
void assert_end(int descriptor);
void assert_reset(int descriptor);
void assert_silent(int descriptor);

#endif
