/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The questions and answers of probes that are datagrams, one answers_*.c for each kind.  Pure: bytes in,
 * bytes and verdict out; an answer may be anything, and counts only when it is to this question.
 */
#ifndef ENDPOINT_ANSWERS_H
#define ENDPOINT_ANSWERS_H

#include "base/addr.h"
#include "model/health_check.h"

#include <stddef.h>
#include <stdint.h>

enum {
	QUESTION_BYTES_MAX = 1400,
	QUESTION_TOKEN_BYTES = 16,
};

/* What a question is made of, and its answer judged by. */
struct question {
	const struct health_check *check;
	uint8_t token[QUESTION_TOKEN_BYTES]; /* random */
	struct addr to;                      /* with its port */
	struct addr local;                   /* that it is sent from */
};

enum answer {
	ANSWER_OTHER, /* not to this question: wait on */
	ANSWER_GOOD,
	ANSWER_WRONG,
	ANSWER_AGAIN, /* good so far: another question follows, which judge() wrote */
};

/* A datagram of QUESTION_BYTES_MAX at most. */
struct question_bytes {
	uint8_t data[QUESTION_BYTES_MAX];
	size_t length;
};

struct answers {
	/* Writes the first question. It always fits. */
	void (*ask)(const struct question *question, struct question_bytes *out);
	/* Fills *again for ANSWER_AGAIN only. */
	enum answer (*judge)(const struct question *question, const uint8_t *data, size_t length,
	    struct question_bytes *again);
};

/* NULL for kinds that are not by datagram. */
const struct answers *answers_of(enum health_kind kind);

extern const struct answers answers_udp, answers_dns, answers_sip, answers_a2s, answers_quake3,
    answers_quic, answers_icmp;

#endif
