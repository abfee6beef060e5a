/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Game servers: A2S_INFO of Source and its kin, which may ask for a challenge to be sent back first, and getinfo of
 * Quake III Arena and its kin (Xonotic, OpenArena, Warsow), which repeats the challenge it got.
 */
#include "config.h"

#include "endpoint/answers.h"

#include <stdio.h>
#include <string.h>

static const uint8_t unconnected[4] = {0xff, 0xff, 0xff, 0xff};

static const char a2s_info[] = "\xff\xff\xff\xffTSource Engine Query"; /* its NUL counts */

enum { A2S_INFO_ANSWER = 'I', A2S_CHALLENGE = 'A', A2S_CHALLENGE_BYTES = 4 };

static void ask_a2s(const struct question *question, struct question_bytes *out)
{
	(void)question;
	memcpy(out->data, a2s_info, sizeof(a2s_info));
	out->length = sizeof(a2s_info);
}

static enum answer judge_a2s(const struct question *question, const uint8_t *data, size_t length,
    struct question_bytes *again)
{
	if (length < 6 || memcmp(data, unconnected, sizeof(unconnected)) != 0)
		return ANSWER_WRONG;
	if (data[4] == A2S_INFO_ANSWER)
		return ANSWER_GOOD;
	if (data[4] != A2S_CHALLENGE || length < 5 + A2S_CHALLENGE_BYTES)
		return ANSWER_WRONG;
	ask_a2s(question, again);
	memcpy(again->data + again->length, data + 5, A2S_CHALLENGE_BYTES);
	again->length += A2S_CHALLENGE_BYTES;
	return ANSWER_AGAIN;
}

const struct answers answers_a2s = {ask_a2s, judge_a2s};

enum { QUAKE3_CHALLENGE_BYTES = 17 };

static void quake3_challenge(const struct question *question, char text[QUAKE3_CHALLENGE_BYTES])
{
	for (size_t i = 0; i < (QUAKE3_CHALLENGE_BYTES - 1) / 2; i++)
		snprintf(text + 2 * i, 3, "%02x", question->token[i]);
}

static void ask_quake3(const struct question *question, struct question_bytes *out)
{
	char challenge[QUAKE3_CHALLENGE_BYTES];

	quake3_challenge(question, challenge);
	memcpy(out->data, unconnected, sizeof(unconnected));
	out->length = sizeof(unconnected)
	              + (size_t)snprintf((char *)out->data + sizeof(unconnected),
	                  sizeof(out->data) - sizeof(unconnected), "getinfo %s", challenge);
}

static enum answer judge_quake3(const struct question *question, const uint8_t *data, size_t length,
    struct question_bytes *again)
{
	static const char head[] = "infoResponse\n";
	char challenge[QUAKE3_CHALLENGE_BYTES];
	size_t head_bytes = sizeof(unconnected) + sizeof(head) - 1;

	(void)again;
	quake3_challenge(question, challenge);
	if (length < head_bytes || memcmp(data, unconnected, sizeof(unconnected)) != 0
	    || memcmp(data + sizeof(unconnected), head, sizeof(head) - 1) != 0)
		return ANSWER_WRONG;
	return memmem(data, length, challenge, strlen(challenge)) ? ANSWER_GOOD : ANSWER_OTHER;
}

const struct answers answers_quake3 = {ask_quake3, judge_quake3};
