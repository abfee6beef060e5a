/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Length-prefixed messages; see net/channel.h.
 */
#include "config.h"

#include "net/channel.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_BYTES = 4096,       /* a buffer grows from here with what really came */
	QUEUE_KEEP_BYTES = 65536, /* an empty queue gives back more than this */
};

/* ---- decoding ---- */

void channel_decoder_init(struct channel_decoder *decoder, size_t max_bytes)
{
	memset(decoder, 0, sizeof(*decoder));
	decoder->max_bytes = max_bytes;
}

void channel_decoder_clear(struct channel_decoder *decoder)
{
	free(decoder->message);
	channel_decoder_init(decoder, decoder->max_bytes);
}

/* The header is whole: checks the length before there is a buffer. */
static int begin_message(struct channel_decoder *decoder)
{
	const uint8_t *h = decoder->header;
	size_t wanted = (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];

	if (wanted == 0)
		return ERR_MALFORMED;
	if (wanted > decoder->max_bytes)
		return ERR_TOO_LARGE;
	decoder->wanted = wanted;
	decoder->length = 0;
	decoder->allocated = (wanted < FIRST_BYTES ? wanted : FIRST_BYTES) + 1;
	decoder->message = malloc(decoder->allocated);
	return decoder->message ? 0 : ERR_NOMEM;
}

/* Room for n more bytes and a NUL; memory follows what came, not what was announced. */
static int grow(struct channel_decoder *decoder, size_t n)
{
	size_t needed = decoder->length + n + 1, size = decoder->allocated;
	char *larger;

	if (needed <= size)
		return 0;
	while (size < needed)
		size *= 2;
	if (size > decoder->wanted + 1)
		size = decoder->wanted + 1;
	larger = realloc(decoder->message, size);
	if (!larger)
		return ERR_NOMEM;
	decoder->message = larger;
	decoder->allocated = size;
	return 0;
}

static int end_message(
    struct channel_decoder *decoder, channel_message_fn *on_message, void *context)
{
	int result;

	decoder->message[decoder->length] = '\0';
	result = on_message(context, decoder->message, decoder->length);
	free(decoder->message);
	decoder->message = NULL;
	decoder->header_length = 0;
	return result;
}

/* Takes some of the bytes: how many, or a negative error. */
static int take(struct channel_decoder *decoder, const uint8_t *data, size_t length,
    channel_message_fn *on_message, void *context)
{
	size_t missing;
	int result;

	if (!decoder->message) {
		decoder->header[decoder->header_length++] = data[0];
		result =
		    decoder->header_length == CHANNEL_HEADER_BYTES ? begin_message(decoder) : 0;
		return result < 0 ? result : 1;
	}
	missing = decoder->wanted - decoder->length;
	if (length > missing)
		length = missing;
	result = grow(decoder, length);
	if (result < 0)
		return result;
	memcpy(decoder->message + decoder->length, data, length);
	decoder->length += length;
	if (length == missing)
		result = end_message(decoder, on_message, context);
	return result < 0 ? result : (int)length;
}

int channel_decode(struct channel_decoder *decoder, const void *data, size_t length,
    channel_message_fn *on_message, void *context)
{
	const uint8_t *at = data, *end = at + length;

	while (at < end) {
		int taken = take(decoder, at, (size_t)(end - at), on_message, context);

		if (taken < 0)
			return taken;
		at += taken;
	}
	return 0;
}

/* ---- sending ---- */

void channel_queue_init(struct channel_queue *queue, size_t max_bytes)
{
	memset(queue, 0, sizeof(*queue));
	queue->max_bytes = max_bytes;
}

void channel_queue_clear(struct channel_queue *queue)
{
	free(queue->data);
	channel_queue_init(queue, queue->max_bytes);
}

/* Room for n more bytes at the end, by moving what waits to the front or by growing. */
static int make_room(struct channel_queue *queue, size_t n)
{
	size_t waiting = queue->end - queue->start, size = queue->allocated;
	uint8_t *larger;

	if (queue->end + n <= queue->allocated)
		return 0;
	if (queue->start) {
		memmove(queue->data, queue->data + queue->start, waiting);
		queue->start = 0;
		queue->end = waiting;
	}
	if (waiting + n <= size)
		return 0;
	for (size = size ? size : FIRST_BYTES; size < waiting + n;)
		size *= 2;
	larger = realloc(queue->data, size);
	if (!larger)
		return ERR_NOMEM;
	queue->data = larger;
	queue->allocated = size;
	return 0;
}

int channel_queue_add(struct channel_queue *queue, const char *message, size_t length)
{
	uint8_t *at;
	int result;

	if (length == 0 || length > CHANNEL_MESSAGE_BYTES)
		return ERR_TOO_LARGE;
	if (queue->end - queue->start + CHANNEL_HEADER_BYTES + length > queue->max_bytes)
		return ERR_AGAIN;
	result = make_room(queue, CHANNEL_HEADER_BYTES + length);
	if (result < 0)
		return result;
	at = queue->data + queue->end;
	at[0] = (uint8_t)(length >> 24);
	at[1] = (uint8_t)(length >> 16);
	at[2] = (uint8_t)(length >> 8);
	at[3] = (uint8_t)length;
	memcpy(at + CHANNEL_HEADER_BYTES, message, length);
	queue->end += CHANNEL_HEADER_BYTES + length;
	return 0;
}

const uint8_t *channel_queue_data(const struct channel_queue *queue, size_t *length)
{
	*length = queue->end - queue->start;
	return *length ? queue->data + queue->start : NULL;
}

void channel_queue_consume(struct channel_queue *queue, size_t length)
{
	queue->start += length;
	if (queue->start < queue->end)
		return;
	queue->start = queue->end = 0;
	if (queue->allocated > QUEUE_KEEP_BYTES) {
		free(queue->data);
		queue->data = NULL;
		queue->allocated = 0;
	}
}
