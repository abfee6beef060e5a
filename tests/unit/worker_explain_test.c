/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/worker_explain.c: the role is asked, and main is told what it said. */
#include "config.h"

#include "net/worker_private.h"

static void keep_told(struct worker *worker, uint16_t type, const void *data, size_t length);

#define worker_tell_main keep_told
#include "net/worker_explain.c"
#undef worker_tell_main

#include "base/err.h"
#include "tests/unit/cmocka_all.h"

static struct explain_answer told;
static unsigned told_count;
static int role_error;
static size_t backend_count;

static void keep_told(struct worker *worker, uint16_t type, const void *data, size_t length)
{
	(void)worker;
	assert_int_equal(type, WORKER_MESSAGE_EXPLAINED);
	schema_clear(&explain_answer_schema, &told);
	assert_int_equal(
	    schema_from_json_text(&explain_answer_schema, data, length, 0, &told, NULL), 0);
	told_count++;
}

static int role_explain(
    void *state, const struct explain_question *question, struct explain_answer *answer)
{
	assert_ptr_equal(state, &told_count);
	assert_string_equal(question->user, "192.0.2.1:4000");
	answer->backends = calloc(backend_count + 1, sizeof(*answer->backends));
	answer->backend_count = backend_count;
	answer->verdict = EXPLAIN_DRAINING;
	return role_error;
}

static void ask(bool has_config)
{
	static const struct worker_role role = {.explain = role_explain};
	static struct node_config config;
	static struct worker worker;
	struct explain_question question = {.id = 9, .user = "192.0.2.1:4000"};
	struct ipc_message message = {
	    .data = (const uint8_t *)&question, .length_bytes = sizeof question};

	worker.role = &role;
	worker.state = &told_count;
	worker.settings.index = 3;
	worker.config = has_config ? &config : NULL;
	told_count = 0;
	assert_int_equal(worker_explain(NULL, &worker, &message), 0);
}

static void main_is_told_what_the_role_said(void **state)
{
	(void)state;
	role_error = 0;
	backend_count = 2;
	ask(true);
	assert_int_equal(told_count, 1);
	assert_int_equal(told.id, 9);
	assert_int_equal(told.worker, 3);
	assert_int_equal(told.verdict, EXPLAIN_DRAINING);
	assert_int_equal(told.backend_count, 2);
	schema_clear(&explain_answer_schema, &told);
}

static void without_an_answer_nothing_is_told(void **state)
{
	(void)state;
	role_error = ERR_NOMEM;
	ask(true);
	assert_int_equal(told_count, 0);
	role_error = 0;
	ask(false);
	assert_int_equal(told_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(main_is_told_what_the_role_said),
	    cmocka_unit_test(without_an_answer_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
