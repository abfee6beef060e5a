/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLS of the channels between nodes and control, inside the keys process: main carries the
 * ciphertext over its TCP sockets and gets the plaintext, and never sees the private key.
 * No loop and no sockets here: each message in is answered by messages out through one function.
 */
#ifndef NET_KEYS_CHANNELS_H
#define NET_KEYS_CHANNELS_H

#include "net/keys_messages.h"

struct keys_channels;

/* Sends a message to main: its struct, then `length` bytes. 0 or a negative error. */
typedef int keys_send_fn(void *context, enum keys_message type, const void *head, size_t head_bytes,
    const uint8_t *bytes, size_t length);

/* The identity outlives it. 0 or ERR_NOMEM. */
int keys_channels_new(struct keys_channels **channels, struct tls_identity *identity,
    keys_send_fn *send, void *context);
/* Closes all without a word. Takes NULL. */
void keys_channels_free(struct keys_channels *channels);

/*
 * One message of KEYS_MESSAGE_CHANNEL_*, whose length ipc's table has checked.  0; or an error that
 * means that main or the way to it is broken.  A channel that fails is told by CLOSED, once.
 */
int keys_channels_receive(
    struct keys_channels *channels, enum keys_message type, const uint8_t *data, size_t length);
size_t keys_channels_count(const struct keys_channels *channels);

#endif
