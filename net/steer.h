/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steers a tunnel's packets to the worker that owns their lane: a classic BPF filter on a group of
 * SO_REUSEPORT sockets (socket(7), SO_ATTACH_REUSEPORT_CBPF) that picks the socket by the slot,
 * the top byte of the connection id, whatever the peer's address is now.
 * Sockets are numbered in the order in which they were bound; none may close before all do.
 */
#ifndef NET_STEER_H
#define NET_STEER_H

enum { STEER_SLOT_OFFSET = 1 /* of the slot in the UDP payload, behind the flags */ };

/*
 * Attaches the filter by any one socket of the group: socket (slot mod slots).  A payload too
 * short to have a slot goes to socket 0.  slots is 1 .. 256.  0, ERR_INVALID or ERR_IO.
 */
int steer_attach(int descriptor, unsigned slots);

#endif
