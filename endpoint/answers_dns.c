/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DNS server (RFC 1035 section 4): it is asked for the address of a name, and is healthy when it answers that
 * question without an error.
 */
#include "base/bytes.h"
#include "endpoint/answers.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
	HEADER_BYTES = 12,
	FLAG_RECURSION_DESIRED = 0x0100,
	FLAG_RESPONSE = 0x8000,
	MASK_CODE = 0x000f,
	TYPE_A = 1,
	CLASS_IN = 1,
};

/* The name's labels; a name that was checked, so each has 1 to 63 bytes. */
static void write_name(struct writer *writer, const char *name)
{
	while (*name) {
		size_t label = strcspn(name, ".");

		writer_u8(writer, (uint8_t)label);
		writer_bytes(writer, name, label);
		name += label + (name[label] == '.');
	}
	writer_u8(writer, 0);
}

static void ask(const struct question *question, struct question_bytes *out)
{
	struct writer writer;

	writer_init(&writer, out->data, sizeof(out->data));
	writer_bytes(&writer, question->token, 2);
	writer_u16(&writer, FLAG_RECURSION_DESIRED);
	writer_u16(&writer, 1);
	writer_u16(&writer, 0);
	writer_u16(&writer, 0);
	writer_u16(&writer, 0);
	write_name(&writer, question->check->name);
	writer_u16(&writer, TYPE_A);
	writer_u16(&writer, CLASS_IN);
	out->length = writer_length(&writer);
}

/* Servers repeat the question, perhaps in other letters' case. */
static bool repeats(const struct question_bytes *asked, const uint8_t *data, size_t length)
{
	if (length < asked->length)
		return false;
	for (size_t i = HEADER_BYTES; i < asked->length; i++)
		if (tolower(asked->data[i]) != tolower(data[i]))
			return false;
	return true;
}

static enum answer judge(const struct question *question, const uint8_t *data, size_t length,
    struct question_bytes *again)
{
	struct question_bytes asked;
	unsigned flags;

	(void)again;
	if (length < HEADER_BYTES || memcmp(data, question->token, 2) != 0)
		return ANSWER_OTHER;
	flags = (unsigned)data[2] << 8 | data[3];
	if (!(flags & FLAG_RESPONSE))
		return ANSWER_OTHER;
	if (flags & MASK_CODE)
		return ANSWER_WRONG;
	ask(question, &asked);
	return repeats(&asked, data, length) ? ANSWER_GOOD : ANSWER_WRONG;
}

const struct answers answers_dns = {ask, judge};
