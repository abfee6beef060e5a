/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys process of a node or of control: it alone holds the private key, runs all TLS, and gives
 * each worker the secrets of its own lanes.  It opens the identity's files first and then gives up
 * files and network; what it knows comes and goes by messages (net/keys_messages.h).
 */
#ifndef NET_KEYS_PROCESS_H
#define NET_KEYS_PROCESS_H

/*
 * Runs until main's channel (PROCESS_CHANNEL_DESCRIPTOR) ends; the exit status.  Makes the identity
 * in the state directory when there is none.
 */
int keys_process_main(const char *state_directory);

#endif
