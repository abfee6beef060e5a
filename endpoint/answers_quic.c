/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QUIC server: it is offered a version that is reserved for this (RFC 9000 section 15), and answers which it knows
 * (section 6, RFC 8999 section 6), without a handshake.
 */
#include "base/bytes.h"
#include "endpoint/answers.h"

#include <string.h>

enum {
	LONG_HEADER = 0xc0,
	LONG_HEADER_BIT = 0x80,
	RESERVED_VERSION = 0x1a2a3a4a, /* 0x?a?a?a?a */
	CONNECTION_ID_BYTES = 8,
	INITIAL_BYTES = 1200, /* shorter ones are dropped, RFC 9000 section 14.1 */
	VERSION_BYTES_EACH = 4,
	ANSWER_HEADER_BYTES = 1 + 4 + 2 * (1 + CONNECTION_ID_BYTES),
};

static const uint8_t *destination(const struct question *question)
{
	return question->token;
}

static const uint8_t *source(const struct question *question)
{
	return question->token + CONNECTION_ID_BYTES;
}

static void ask(const struct question *question, struct question_bytes *out)
{
	struct writer writer;

	memset(out->data, 0, INITIAL_BYTES);
	writer_init(&writer, out->data, INITIAL_BYTES);
	writer_u8(&writer, LONG_HEADER);
	writer_u32(&writer, RESERVED_VERSION);
	writer_u8(&writer, CONNECTION_ID_BYTES);
	writer_bytes(&writer, destination(question), CONNECTION_ID_BYTES);
	writer_u8(&writer, CONNECTION_ID_BYTES);
	writer_bytes(&writer, source(question), CONNECTION_ID_BYTES);
	out->length = INITIAL_BYTES;
}

/* The ids come back in each other's place. */
static enum answer judge(const struct question *question, const uint8_t *data, size_t length,
    struct question_bytes *again)
{
	const uint8_t *ids = data + 5;

	(void)again;
	if (length < ANSWER_HEADER_BYTES || !(data[0] & LONG_HEADER_BIT)
	    || ids[0] != CONNECTION_ID_BYTES || ids[1 + CONNECTION_ID_BYTES] != CONNECTION_ID_BYTES
	    || memcmp(ids + 1, source(question), CONNECTION_ID_BYTES) != 0
	    || memcmp(ids + 2 + CONNECTION_ID_BYTES, destination(question), CONNECTION_ID_BYTES)
	           != 0)
		return ANSWER_OTHER;
	length -= ANSWER_HEADER_BYTES;
	if (data[1] || data[2] || data[3] || data[4] || length == 0 || length % VERSION_BYTES_EACH)
		return ANSWER_WRONG;
	return ANSWER_GOOD;
}

const struct answers answers_quic = {ask, judge};
