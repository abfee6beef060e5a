/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a worker's descriptors are shared between users' flows and the rest: a part stays free of flows,
 * so that a worker full of them can still take a config, a socket that main lends, or a name
 * server's answer.  Without that part a message that brings a descriptor would end the channel.
 */
#ifndef NET_DESCRIPTORS_H
#define NET_DESCRIPTORS_H

#include <stddef.h>

enum {
	DESCRIPTORS_KEPT_SHARE = 8, /* a part of RLIMIT_NOFILE, between these; at most half of it */
	DESCRIPTORS_KEPT_MIN = 64,
	DESCRIPTORS_KEPT_MAX = 4096,
};

/*
 * So many of this process's descriptors may be flows'.  The system gives the lowest free number, so
 * a new descriptor of this number or above tells that they are all taken.
 */
size_t descriptors_for_flows(void);

#endif
