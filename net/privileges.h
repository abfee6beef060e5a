/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up what a daemon does not need (libcap-ng).  Main, when started as root, becomes the user
 * `trunkline` if there is one, and keeps nothing but the right to bind low ports; its children
 * keep nothing.  Nobody gains anything by exec after it (PR_SET_NO_NEW_PRIVS), and no process of
 * the same user may look into another (PR_SET_DUMPABLE).
 */
#ifndef NET_PRIVILEGES_H
#define NET_PRIVILEGES_H

#define PRIVILEGES_USER "trunkline"

/*
 * For main, before it starts children: as root the state directory and the plain files in it become
 * the user's, if there is that user.  0 or ERR_IO, logged: do not go on.
 */
int privileges_give_state(const char *state_directory);

/*
 * For main, once its privileged sockets are open and its config was read.  Gives the state again,
 * for files made since.  Logs who it runs as.  0 or ERR_IO, logged: do not go on.
 */
int privileges_drop_main(const char *state_directory);

/* For a child, first thing; it becomes the user too.  0 or ERR_IO, logged: do not go on. */
int privileges_drop_child(void);

#endif
