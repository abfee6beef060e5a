/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions of each kind byte by byte, and answers: good, wrong, another's, cut at every length. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "endpoint/answers.h"

#include <string.h>

static struct health_check check;
static struct question question;
static struct question_bytes asked, again;
static const struct answers *answers;

static void ask(const char *spec)
{
	struct model_error error;

	if (health_check_parse(spec, &check, &error) < 0)
		fail_msg("%s", error.reason);
	question = (struct question){.check = &check};
	for (size_t i = 0; i < sizeof(question.token); i++)
		question.token[i] = (uint8_t)(0xa0 + i);
	assert_int_equal(addr_parse("192.0.2.1:5060", 0, &question.to), 0);
	assert_int_equal(addr_parse("192.0.2.9:4000", 0, &question.local), 0);
	answers = answers_of(check.kind);
	assert_non_null(answers);
	answers->ask(&question, &asked);
	assert_in_range(asked.length, 1, QUESTION_BYTES_MAX);
}

static enum answer judge(const void *data, size_t length)
{
	return answers->judge(&question, data, length, &again);
}

/* No part of a good answer is good, but where it says so; a copy on the heap shows reads beyond it. */
static void assert_cut_is_not_good(const void *data, size_t length, size_t enough)
{
	for (size_t i = 0; i < enough; i++) {
		uint8_t *part = malloc(i ? i : 1);

		memcpy(part, data, i);
		assert_int_not_equal(judge(part, i), ANSWER_GOOD);
		free(part);
	}
	assert_int_equal(judge(data, length), ANSWER_GOOD);
}

static void stated_bytes(void **state)
{
	(void)state;
	ask("udp:send=00ff");
	assert_int_equal(asked.length, 2);
	assert_memory_equal(asked.data, "\x00\xff", 2);
	assert_int_equal(judge("", 0), ANSWER_GOOD);
	ask("udp:send=ping,expect=pong");
	assert_memory_equal(asked.data, "ping", 4);
	assert_int_equal(judge("--pong", 6), ANSWER_GOOD);
	assert_int_equal(judge("--pon", 5), ANSWER_WRONG);
	ask("udp:send=ping,expect=any");
	assert_int_equal(judge("x", 1), ANSWER_GOOD);
}

static void dns(void **state)
{
	static const char wanted[] = "\xa0\xa1\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	                             "\x01"
	                             "a\x04test\x00\x00\x01\x00\x01";
	uint8_t answer[64];

	(void)state;
	ask("dns:a.test.");
	assert_int_equal(asked.length, sizeof(wanted) - 1);
	assert_memory_equal(asked.data, wanted, asked.length);
	memcpy(answer, asked.data, asked.length);
	assert_int_equal(judge(answer, asked.length), ANSWER_OTHER); /* a question */
	answer[2] |= 0x80;
	answer[13] = 'A';
	assert_cut_is_not_good(answer, asked.length, asked.length);
	answer[3] |= 2; /* SERVFAIL */
	assert_int_equal(judge(answer, asked.length), ANSWER_WRONG);
	answer[0]++;
	assert_int_equal(judge(answer, asked.length), ANSWER_OTHER);
}

static void sip_answer(char *buf, size_t size, const char *line)
{
	snprintf(
	    buf, size, "SIP/2.0 %s\r\nCall-ID: a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\r\n\r\n", line);
}

static void sip(void **state)
{
	char answer[200];

	(void)state;
	ask("sip-options");
	asked.data[asked.length] = '\0';
	assert_non_null(strstr((char *)asked.data, "OPTIONS sip:192.0.2.1:5060 SIP/2.0\r\n"));
	assert_non_null(strstr((char *)asked.data,
	    "Via: SIP/2.0/UDP 192.0.2.9:4000;branch=z9hG4bKa0a1a2a3a4a5a6a7;rport\r\n"));
	assert_non_null(
	    strstr((char *)asked.data, "Call-ID: a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\r\n"));
	sip_answer(answer, sizeof(answer), "200 OK");
	assert_cut_is_not_good(answer, strlen(answer), strlen(answer) - 4);
	sip_answer(answer, sizeof(answer), "404 Not Found");
	assert_int_equal(judge(answer, strlen(answer)), ANSWER_GOOD);
	sip_answer(answer, sizeof(answer), "100 Trying");
	assert_int_equal(judge(answer, strlen(answer)), ANSWER_OTHER);
	sip_answer(answer, sizeof(answer), "503 Service Unavailable");
	assert_int_equal(judge(answer, strlen(answer)), ANSWER_WRONG);
	assert_int_equal(judge("SIP/2.0 200 OK\r\n", 16), ANSWER_OTHER);
}

static void source_engine(void **state)
{
	static const char first[] = "\xff\xff\xff\xffTSource Engine Query";

	(void)state;
	ask("a2s");
	assert_int_equal(asked.length, sizeof(first));
	assert_memory_equal(asked.data, first, sizeof(first));
	assert_int_equal(judge("\xff\xff\xff\xff"
	                       "A1234",
	                     9),
	    ANSWER_AGAIN);
	assert_int_equal(again.length, sizeof(first) + 4);
	assert_memory_equal(again.data + sizeof(first), "1234", 4);
	assert_int_equal(judge("\xff\xff\xff\xff"
	                       "A123",
	                     8),
	    ANSWER_WRONG);
	assert_cut_is_not_good("\xff\xff\xff\xffI\x11", 6, 6);
	assert_int_equal(judge("hello", 5), ANSWER_WRONG);
}

static void quake(void **state)
{
	static const char good[] = "\xff\xff\xff\xffinfoResponse\n\\challenge\\a0a1a2a3a4a5a6a7";

	(void)state;
	ask("quake3");
	assert_int_equal(asked.length, 4 + strlen("getinfo a0a1a2a3a4a5a6a7"));
	assert_memory_equal(asked.data, "\xff\xff\xff\xffgetinfo a0a1a2a3a4a5a6a7", asked.length);
	assert_cut_is_not_good(good, sizeof(good) - 1, sizeof(good) - 1);
	assert_int_equal(judge("\xff\xff\xff\xffinfoResponse\n\\challenge\\00", 30), ANSWER_OTHER);
	assert_int_equal(judge("\xff\xff\xff\xffprint\n", 10), ANSWER_WRONG);
}

static void quic(void **state)
{
	static const char head[] = "\xc0\x1a\x2a\x3a\x4a\x08\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7"
	                           "\x08\xa8\xa9\xaa\xab\xac\xad\xae\xaf";
	char answer[] = "\x80\x00\x00\x00\x00\x08\xa8\xa9\xaa\xab\xac\xad\xae\xaf"
	                "\x08\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\x00\x00\x00\x01";
	size_t length = sizeof(answer) - 1;

	(void)state;
	ask("quic");
	assert_int_equal(asked.length, 1200);
	assert_memory_equal(asked.data, head, sizeof(head) - 1);
	assert_cut_is_not_good(answer, length, length);
	answer[4] = 1; /* not version negotiation */
	assert_int_equal(judge(answer, length), ANSWER_WRONG);
	answer[4] = 0;
	answer[6] = 0;
	assert_int_equal(judge(answer, length), ANSWER_OTHER);
}

static void icmp(void **state)
{
	uint8_t answer[64];

	(void)state;
	ask("icmp");
	assert_int_equal(asked.length, 24);
	assert_int_equal(asked.data[0], 8);
	memcpy(answer, asked.data, asked.length);
	assert_int_equal(judge(answer, asked.length), ANSWER_OTHER);
	answer[0] = 0;
	assert_cut_is_not_good(answer, asked.length, asked.length);
	answer[20] ^= 1;
	assert_int_equal(judge(answer, asked.length), ANSWER_OTHER);
	ask("icmp");
	question.to.family = 6;
	answers->ask(&question, &asked);
	assert_int_equal(asked.data[0], 128);
	memcpy(answer, asked.data, asked.length);
	answer[0] = 129;
	assert_int_equal(judge(answer, asked.length), ANSWER_GOOD);
}

static void other_kinds_have_none(void **state)
{
	(void)state;
	assert_null(answers_of(HEALTH_TCP));
	assert_null(answers_of(HEALTH_HTTPS));
	assert_null(answers_of(HEALTH_KIND_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stated_bytes),
	    cmocka_unit_test(dns),
	    cmocka_unit_test(sip),
	    cmocka_unit_test(source_engine),
	    cmocka_unit_test(quake),
	    cmocka_unit_test(quic),
	    cmocka_unit_test(icmp),
	    cmocka_unit_test(other_kinds_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
