/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Framing between a node and control: each message is a 32-bit big-endian length and that many
 * bytes of JSON.  Decoding takes bytes as they come; a length above the cap ends the channel before
 * anything is allocated for it.  Where the bytes come from and go to is the caller's (TLS).
 */
#ifndef NET_CHANNEL_H
#define NET_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

enum { CHANNEL_HEADER_BYTES = 4, CHANNEL_MESSAGE_BYTES = 4 * 1024 * 1024 };

struct channel_decoder {
	size_t max_bytes;
	uint8_t header[CHANNEL_HEADER_BYTES];
	size_t header_length;
	char *message; /* NULL while the header is not whole */
	size_t length, allocated, wanted;
};

/* A whole message, NUL-terminated after `length` bytes, valid until it returns.  Negative ends. */
typedef int channel_message_fn(void *context, const char *message, size_t length);

/* max_bytes may be changed at any time for the messages that follow (small before the hello). */
void channel_decoder_init(struct channel_decoder *decoder, size_t max_bytes);

void channel_decoder_clear(struct channel_decoder *decoder);

/*
 * Takes all bytes and calls back for each message that is whole.  0; ERR_TOO_LARGE or
 * ERR_MALFORMED (empty message); ERR_NOMEM; or what the callback gave.  After an error the
 * decoder is of no more use.  The callback must not clear the decoder.
 */
int channel_decode(struct channel_decoder *decoder, const void *data, size_t length,
    channel_message_fn *on_message, void *context);

/* Bytes to send: whole frames, one after the other, within a cap. */
struct channel_queue {
	uint8_t *data;
	size_t start, end, allocated;
	size_t max_bytes;
};

void channel_queue_init(struct channel_queue *queue, size_t max_bytes);
void channel_queue_clear(struct channel_queue *queue);

/* Frames and queues a message.  0, ERR_TOO_LARGE, ERR_AGAIN (the queue is full) or ERR_NOMEM. */
int channel_queue_add(struct channel_queue *queue, const char *message, size_t length);

/* What waits, in one piece; valid until the queue is used again. */
const uint8_t *channel_queue_data(const struct channel_queue *queue, size_t *length);

/* The first `length` bytes are out. */
void channel_queue_consume(struct channel_queue *queue, size_t length);

#endif
