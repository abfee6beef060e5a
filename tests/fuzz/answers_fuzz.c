/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What backends may answer to probes: the first byte is the kind, the second how much of the question stands before the rest. */
#include "config.h"

#include "endpoint/answers.h"
#include "endpoint/http_judge.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const specs[] = {"udp:send=ping,expect=pong", "udp:send=00", "dns:a.example",
    "sip-options", "a2s", "quake3", "quic", "icmp"};

enum { SPECS = sizeof(specs) / sizeof(specs[0]) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct health_check check;
	struct model_error error;
	struct question question = {.check = &check};
	struct question_bytes asked, again;

	if (size < 2 || health_check_parse(specs[data[0] % SPECS], &check, &error) < 0)
		return 0;
	const struct answers *answers = answers_of(check.kind);
	memset(question.token, 0x5a, sizeof(question.token));
	question.to.family = question.local.family = data[0] & 0x80 ? 6 : 4;
	answers->ask(&question, &asked);
	size_t kept = data[1] < asked.length ? data[1] : asked.length, rest = size - 2;
	uint8_t *answer = malloc(kept + rest + 1);
	if (!answer)
		return 0;
	memcpy(answer, asked.data, kept);
	memcpy(answer + kept, data + 2, rest);
	if (answers->judge(&question, answer, kept + rest, &again) == ANSWER_AGAIN
	    && again.length > QUESTION_BYTES_MAX)
		abort();
	free(answer);
	health_check_parse("http:/,body=ok", &check, &error);
	http_judge(&check, 200, data, size);
	return 0;
}
