/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/channel: messages survive any cut of the bytes; lengths that lie cost nothing; both sides
 * keep to their caps.
 */
#include "config.h"

#include "net/channel.h"

#include "base/err.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 7, MESSAGES = 50, QUEUE_BYTES = 8 << 20 };

struct heard {
	unsigned count;
	size_t bytes;
	int answer;
};

/* Message n is n times a letter. */
static int on_message(void *context, const char *message, size_t length)
{
	struct heard *heard = context;

	heard->count++;
	heard->bytes += length;
	assert_int_equal(strlen(message), length);
	for (size_t i = 1; i < length; i++)
		assert_int_equal(message[i], message[0]);
	return heard->answer;
}

static void add(struct channel_queue *queue, size_t length, char letter, int expected)
{
	char *text = malloc(length + 1);

	memset(text, letter, length);
	assert_int_equal(channel_queue_add(queue, text, length), expected);
	free(text);
}

static void messages_survive_any_cut(void **state)
{
	struct channel_decoder decoder;
	struct channel_queue queue;
	struct heard heard = {0};
	struct rng rng;
	size_t total = 0;

	(void)state;
	rng_seed(&rng, SEED);
	channel_decoder_init(&decoder, 100000);
	channel_queue_init(&queue, QUEUE_BYTES);
	for (int i = 0; i < MESSAGES; i++) {
		size_t length = 1 + rng_below(&rng, i % 5 ? 100 : 100000);

		add(&queue, length, (char)('a' + i % 26), 0);
		total += length;
		/* Some is sent between, so that the queue moves. */
		for (int k = 0; k < 3; k++) {
			size_t waiting, part;
			const uint8_t *data = channel_queue_data(&queue, &waiting);

			part = waiting ? 1 + rng_below(&rng, i % 3 ? waiting : 7) : 0;
			part = part > waiting ? waiting : part;
			assert_int_equal(
			    channel_decode(&decoder, data, part, on_message, &heard), 0);
			channel_queue_consume(&queue, part);
		}
	}
	for (size_t waiting; channel_queue_data(&queue, &waiting);) {
		assert_int_equal(channel_decode(&decoder, channel_queue_data(&queue, &waiting),
		                     waiting, on_message, &heard),
		    0);
		channel_queue_consume(&queue, waiting);
	}
	assert_int_equal(heard.count, MESSAGES);
	assert_int_equal(heard.bytes, total);
	channel_decoder_clear(&decoder);
	channel_queue_clear(&queue);
}

static void largest_message_crosses(void **state)
{
	struct channel_decoder decoder;
	struct channel_queue queue;
	struct heard heard = {0};
	size_t waiting;
	const uint8_t *data;

	(void)state;
	channel_decoder_init(&decoder, CHANNEL_MESSAGE_BYTES);
	channel_queue_init(&queue, QUEUE_BYTES);
	add(&queue, CHANNEL_MESSAGE_BYTES, 'x', 0);
	add(&queue, CHANNEL_MESSAGE_BYTES + 1, 'x', ERR_TOO_LARGE);
	add(&queue, CHANNEL_MESSAGE_BYTES, 'x', ERR_AGAIN);
	add(&queue, 0, 'x', ERR_TOO_LARGE);
	data = channel_queue_data(&queue, &waiting);
	for (size_t at = 0; at < waiting; at += 16384) {
		size_t part = waiting - at < 16384 ? waiting - at : 16384;

		assert_int_equal(channel_decode(&decoder, data + at, part, on_message, &heard), 0);
	}
	assert_int_equal(heard.bytes, CHANNEL_MESSAGE_BYTES);
	channel_queue_consume(&queue, waiting);
	assert_null(channel_queue_data(&queue, &waiting));
	assert_int_equal(queue.allocated, 0);
	channel_queue_clear(&queue);
	channel_decoder_clear(&decoder);
}

static void lengths_that_lie_are_refused(void **state)
{
	struct channel_decoder decoder;
	struct heard heard = {0};

	(void)state;
	channel_decoder_init(&decoder, 1000);
	assert_int_equal(
	    channel_decode(&decoder, "\0\0\0\0", 4, on_message, &heard), ERR_MALFORMED);
	channel_decoder_clear(&decoder);
	assert_int_equal(
	    channel_decode(&decoder, "\0\0\x03\xe9", 4, on_message, &heard), ERR_TOO_LARGE);
	assert_null(decoder.message);
	channel_decoder_clear(&decoder);
	/* An announced megabyte holds no more memory than came of it. */
	channel_decoder_init(&decoder, CHANNEL_MESSAGE_BYTES);
	assert_int_equal(channel_decode(&decoder, "\0\x10\0\0ab", 6, on_message, &heard), 0);
	assert_true(decoder.allocated < 8192);
	assert_int_equal(heard.count, 0);
	channel_decoder_clear(&decoder);
}

static void callback_ends_decoding(void **state)
{
	struct channel_decoder decoder;
	struct heard heard = {.answer = ERR_AUTH};

	(void)state;
	channel_decoder_init(&decoder, 1000);
	assert_int_equal(
	    channel_decode(&decoder, "\0\0\0\1a\0\0\0\1b", 10, on_message, &heard), ERR_AUTH);
	assert_int_equal(heard.count, 1);
	channel_decoder_clear(&decoder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_survive_any_cut),
	    cmocka_unit_test(largest_message_crosses),
	    cmocka_unit_test(lengths_that_lie_are_refused),
	    cmocka_unit_test(callback_ends_decoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
