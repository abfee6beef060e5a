/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SIP server: OPTIONS by UDP (RFC 3261 section 11). Any final answer shows that it serves, but 5xx and 6xx: many answer
 * 404 or 405 to a stranger.
 */
#include "config.h"

#include "endpoint/answers.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_TEXT_BYTES = 2 * QUESTION_TOKEN_BYTES + 1, CODE_SERVER_ERROR = 500 };

static void token_text(const struct question *question, char text[TOKEN_TEXT_BYTES])
{
	for (size_t i = 0; i < QUESTION_TOKEN_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", question->token[i]);
}

static void ask(const struct question *question, struct question_bytes *out)
{
	char token[TOKEN_TEXT_BYTES], to[ADDR_TEXT_BYTES], local[ADDR_TEXT_BYTES];

	token_text(question, token);
	addr_format(&question->to, to, sizeof(to));
	addr_format(&question->local, local, sizeof(local));
	out->length = (size_t)snprintf((char *)out->data, sizeof(out->data),
	    "OPTIONS sip:%s SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP %s;branch=z9hG4bK%.16s;rport\r\n"
	    "Max-Forwards: 70\r\n"
	    "From: <sip:health@%s>;tag=%.8s\r\n"
	    "To: <sip:%s>\r\n"
	    "Call-ID: %s\r\n"
	    "CSeq: 1 OPTIONS\r\n"
	    "Contact: <sip:health@%s>\r\n"
	    "Accept: application/sdp\r\n"
	    "Content-Length: 0\r\n\r\n",
	    to, local, token, local, token + 16, to, token, local);
}

/* The status of "SIP/2.0 200 OK", 0 for none. */
static unsigned status_of(const uint8_t *data, size_t length)
{
	unsigned status = 0;

	if (length < 12 || memcmp(data, "SIP/2.0 ", 8) != 0)
		return 0;
	for (size_t i = 8; i < 11; i++) {
		if (data[i] < '0' || data[i] > '9')
			return 0;
		status = status * 10 + (unsigned)(data[i] - '0');
	}
	return status;
}

static enum answer judge(const struct question *question, const uint8_t *data, size_t length,
    struct question_bytes *again)
{
	char token[TOKEN_TEXT_BYTES];
	unsigned status = status_of(data, length);

	(void)again;
	token_text(question, token);
	if (!memmem(data, length, token, strlen(token)))
		return ANSWER_OTHER;
	if (status >= 100 && status < 200)
		return ANSWER_OTHER; /* the final one follows */
	return status >= 200 && status < CODE_SERVER_ERROR ? ANSWER_GOOD : ANSWER_WRONG;
}

const struct answers answers_sip = {ask, judge};
