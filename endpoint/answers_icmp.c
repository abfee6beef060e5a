/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An echo (RFC 792, RFC 4443 section 4): the kernel's ping socket fills in identifier and checksum, and
 * hands back what is to this socket, without the IP header.
 */
#include "base/bytes.h"
#include "endpoint/answers.h"

#include <string.h>

enum {
	ECHO_REPLY = 0,
	ECHO_REQUEST = 8,
	ECHO_REQUEST_V6 = 128,
	ECHO_REPLY_V6 = 129,
	HEADER_BYTES = 8,
};

static void ask(const struct question *question, struct question_bytes *out)
{
	struct writer writer;

	writer_init(&writer, out->data, sizeof(out->data));
	writer_u8(&writer, question->to.family == 6 ? ECHO_REQUEST_V6 : ECHO_REQUEST);
	writer_u8(&writer, 0);
	writer_u16(&writer, 0);
	writer_u32(&writer, 0);
	writer_bytes(&writer, question->token, sizeof(question->token));
	out->length = writer_length(&writer);
}

static enum answer judge(const struct question *question, const uint8_t *data, size_t length,
    struct question_bytes *again)
{
	(void)again;
	if (length != HEADER_BYTES + sizeof(question->token)
	    || data[0] != (question->to.family == 6 ? ECHO_REPLY_V6 : ECHO_REPLY)
	    || memcmp(data + HEADER_BYTES, question->token, sizeof(question->token)) != 0)
		return ANSWER_OTHER;
	return ANSWER_GOOD;
}

const struct answers answers_icmp = {ask, judge};
