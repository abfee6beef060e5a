/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's congestion control on the legs outside of the tunnel: users' and backends' TCP.
 * Workers set it without any privilege, so only what the kernel allows to everybody counts.
 */
#ifndef NET_USER_CONGESTION_H
#define NET_USER_CONGESTION_H

enum { USER_CONGESTION_BYTES = 16 }; /* of a name, with the NUL: TCP_CA_NAME_MAX */

/* For schema tables: NULL, or that it is none of those that the kernel has, which are named. */
const char *user_congestion_check(const void *name);

/* "bbr" where the kernel has it, else "" for the system's own. */
const char *user_congestion_default(void);

#endif
