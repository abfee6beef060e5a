/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report of backends within a node's report, there and back, and what is refused. */
#include "tests/unit/cmocka_all.h"

#include "model/messages.h"

#include <string.h>

static void there_and_back(void **state)
{
	struct backend_report backends[] = {
	    {7, "a.test", 80, "192.0.2.1", HEALTH_UNHEALTHY, HEALTH_CAUSE_SILENT, 1700000000000},
	    {7, "b.test", 0, "", HEALTH_UNHEALTHY, HEALTH_CAUSE_NO_NAME, 1700000000001},
	};
	struct message message = {.type = MESSAGE_REPORT}, again;
	struct model_error error;
	char *text;
	size_t length;

	(void)state;
	message.body.report.backends = backends;
	message.body.report.backend_count = 2;
	assert_int_equal(message_encode(&message, &text, &length), 0);
	if (message_decode(text, length, &again, &error) < 0)
		fail_msg("%s", error.reason);
	assert_int_equal(again.body.report.backend_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(
		    &again.body.report.backends[i], &backends[i], sizeof(backends[i]));
	message_clear(&again);
	free(text);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
	    "{\"type\":\"report\",\"backends\":[{\"accelerator\":1,\"host\":\"a\",\"state\":"
	    "\"ill\","
	    "\"since_ms\":1}]}",
	    "{\"type\":\"report\",\"backends\":[{\"accelerator\":1,\"host\":\"a\",\"state\":"
	    "\"healthy\",\"since_ms\":1,\"address\":\"there\"}]}",
	    "{\"type\":\"report\",\"backends\":[{\"accelerator\":0,\"host\":\"a\",\"state\":"
	    "\"healthy\",\"since_ms\":1}]}",
	};
	struct message message;
	struct model_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(message_decode(texts[i], strlen(texts[i]), &message, &error) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
