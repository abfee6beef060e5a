/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See answers.h: which kind has which, and the kind whose bytes an operator states. */
#include "config.h"

#include "endpoint/answers.h"

#include <string.h>

const struct answers *answers_of(enum health_kind kind)
{
	static const struct answers *const kinds[HEALTH_KIND_COUNT] = {
	    [HEALTH_UDP] = &answers_udp,
	    [HEALTH_DNS] = &answers_dns,
	    [HEALTH_SIP_OPTIONS] = &answers_sip,
	    [HEALTH_A2S] = &answers_a2s,
	    [HEALTH_QUAKE3] = &answers_quake3,
	    [HEALTH_QUIC] = &answers_quic,
	    [HEALTH_ICMP] = &answers_icmp,
	};

	return (unsigned)kind < HEALTH_KIND_COUNT ? kinds[kind] : NULL;
}

static void ask(const struct question *question, struct question_bytes *out)
{
	int length = health_payload(question->check->send, out->data, HEALTH_PAYLOAD_BYTES);

	out->length = length > 0 ? (size_t)length : 0;
}

/* The expected bytes stand anywhere in the answer. */
static enum answer judge(const struct question *question, const uint8_t *data, size_t length,
    struct question_bytes *again)
{
	uint8_t expected[HEALTH_PAYLOAD_BYTES];
	const char *expect = question->check->expect;
	int expected_length;

	(void)again;
	if (!expect[0] || strcmp(expect, "any") == 0)
		return ANSWER_GOOD;
	expected_length = health_payload(expect, expected, sizeof(expected));
	if (expected_length < 0 || !memmem(data, length, expected, (size_t)expected_length))
		return ANSWER_WRONG;
	return ANSWER_GOOD;
}

const struct answers answers_udp = {ask, judge};
