/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that are left to a child (libseccomp).  A worker may use IP sockets that it makes
 * or is lent, and no file; keys has no network, and of files only /dev/urandom, which wolfSSL opens
 * for each connection (landlock(7); without it any file that its user may read); health has
 * the sockets of a worker, and of files only the certificates of authorities.  Opening a file
 * fails with EACCES, for libraries try that in passing; anything else that is not listed kills the
 * process, and the kernel logs it.  Not used in builds with sanitizers.
 */
#ifndef NET_SANDBOX_H
#define NET_SANDBOX_H

enum sandbox_profile { SANDBOX_KEYS, SANDBOX_WORKER, SANDBOX_HEALTH };

/*
 * For good, for this process.  TRUNKLINE_SANDBOX=log lets the kernel log what it would kill for,
 * =off does nothing; both are logged as warnings.  0; ERR_UNSUPPORTED when the kernel or the build
 * has no seccomp, logged, for the caller to go on; ERR_IO, logged.
 */
int sandbox_enter(enum sandbox_profile profile);

#endif
