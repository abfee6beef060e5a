/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of control/explain.c: which listener speaks, whom control asks then, and when it stops to wait.
 * What it sends to nodes is kept here.
 */
#include "config.h"

#include "control/node_server.h"

static void keep_sent(
    const struct node_server *server, uint32_t node_id, const struct message *message);

#define node_server_send keep_sent
#include "control/explain.c"
#undef node_server_send

#include "tests/support/rounds.h"
#include "tests/unit/control_fixture.h"

enum { SENT_MAX = 8 };

static char directory[] = "/tmp/trunkline-explain-XXXXXX";
static struct {
	const char *node;
	struct explain_question question;
} sent[SENT_MAX];
static unsigned sent_count, done;
static struct inquiry *inquiry;
static json_t *result;

static void keep_sent(
    const struct node_server *server, uint32_t node_id, const struct message *message)
{
	(void)server;
	assert_int_equal(message->type, MESSAGE_EXPLAIN);
	assert_true(sent_count < SENT_MAX);
	sent[sent_count].node = installation_node_by_id(&control.installation, node_id)->name;
	sent[sent_count++].question = message->body.explain;
}

static void on_inquiry_done(void *context)
{
	(void)context;
	done++;
	result = explain_result(inquiry);
}

static int setup(void **state)
{
	(void)state;
	control_begin(directory);
	control_add_node("tyo-1", NODE_LISTENER, "tokyo", 1);
	control_add_node("tyo-2", NODE_LISTENER, "tokyo", 2);
	control_add_node("osl-1", NODE_ENDPOINT, "oslo", 3);
	control_add_accelerator("web", 80, "tokyo", "oslo");
	control.explains = explains_new(&control);
	assert_non_null(control.explains);
	done = sent_count = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(result);
	result = NULL;
	if (inquiry)
		explain_end(inquiry);
	inquiry = NULL;
	explains_free(control.explains);
	control_end();
	return 0;
}

static struct explain_question question(void)
{
	return (struct explain_question){.user = "192.0.2.1:4000",
	    .accelerator = control.installation.accelerators[0].accelerator.id,
	    .protocol = PROTOCOL_TCP,
	    .port = 80};
}

static void begin(size_t listeners)
{
	static const struct name names[] = {{"tyo-1"}, {"tyo-2"}};
	struct explain_question asked = question();

	inquiry = explain_begin(control.explains, &asked, names, listeners, on_inquiry_done, NULL);
	assert_non_null(inquiry);
	assert_int_equal(sent_count, listeners);
	assert_int_equal(done, 0);
}

/* What that node says of the question that was sent at last. */
static void say(const char *name, enum explain_verdict verdict, bool is_live)
{
	const struct explain_question *last = &sent[sent_count - 1].question;
	struct explain_answer answer = {.id = last->id,
	    .verdict = verdict,
	    .is_live = is_live,
	    .workers = 1,
	    .alike = 1,
	    .accelerator = last->accelerator,
	    .protocol = last->protocol,
	    .port = last->port};

	if (verdict == EXPLAIN_TAKEN && name[0] == 't')
		strcpy(answer.endpoint, "osl-1");
	explain_take(control.explains, installation_node(&control.installation, name), &answer);
}

static const char *text(const char *path)
{
	const char *dot = strchr(path, '.');
	char first[32];

	if (!dot)
		return json_string_value(json_object_get(result, path));
	snprintf(first, sizeof first, "%.*s", (int)(dot - path), path);
	return json_string_value(json_object_get(json_object_get(result, first), dot + 1));
}

static size_t count(const char *list)
{
	return json_array_size(json_object_get(result, list));
}

static void the_endpoint_is_asked_when_all_listeners_answered(void **state)
{
	(void)state;
	begin(2);
	say("tyo-2", EXPLAIN_TAKEN, false);
	assert_int_equal(sent_count, 2);
	say("tyo-1", EXPLAIN_TAKEN, false);
	assert_int_equal(sent_count, 3);
	assert_string_equal(sent[2].node, "osl-1");
	assert_string_equal(sent[2].question.listener, "tyo-1"); /* in the order of names */
	say("osl-1", EXPLAIN_TAKEN, false);
	assert_int_equal(done, 1);
	assert_string_equal(text("verdict"), "taken");
	assert_string_equal(text("accelerator"), "web");
	assert_string_equal(text("listener.node"), "tyo-1");
	assert_string_equal(text("endpoint.node"), "osl-1");
	assert_int_equal(count("other_listeners"), 1);
	assert_null(json_object_get(json_object_get(result, "listener"), "backends"));
	assert_null(json_object_get(json_object_get(result, "endpoint"), "groups"));
}

static void who_has_the_flow_speaks_at_once(void **state)
{
	(void)state;
	begin(2);
	say("tyo-2", EXPLAIN_TAKEN, true);
	assert_int_equal(sent_count, 3);
	assert_string_equal(sent[2].question.listener, "tyo-2");
	say("tyo-1", EXPLAIN_TAKEN, false);
	assert_int_equal(sent_count, 3);
	say("osl-1", EXPLAIN_TAKEN, true);
	assert_int_equal(done, 1);
	assert_true(json_is_true(json_object_get(result, "live")));
	assert_string_equal(text("listener.node"), "tyo-2");
	assert_int_equal(count("other_listeners"), 1);
	assert_int_equal(count("silent"), 0);
}

/* Farther away than the one that has the flow, it is given no time. */
static void who_is_not_waited_for_is_not_silent(void **state)
{
	(void)state;
	begin(2);
	say("tyo-1", EXPLAIN_TAKEN, true);
	say("osl-1", EXPLAIN_TAKEN, true);
	assert_int_equal(done, 1);
	say("tyo-2", EXPLAIN_TAKEN, false);
	assert_int_equal(count("other_listeners"), 0);
	assert_int_equal(count("silent"), 0);
}

static void who_would_not_take_it_is_no_other(void **state)
{
	(void)state;
	begin(2);
	say("tyo-2", EXPLAIN_DENIED, false);
	say("tyo-1", EXPLAIN_TAKEN, false);
	say("osl-1", EXPLAIN_TAKEN, false);
	assert_int_equal(done, 1);
	assert_int_equal(count("other_listeners"), 0);
	assert_int_equal(count("silent"), 0);
}

static void a_refusal_needs_no_endpoint(void **state)
{
	(void)state;
	begin(1);
	say("tyo-1", EXPLAIN_DENIED, false);
	assert_int_equal(sent_count, 1);
	assert_int_equal(done, 1);
	assert_string_equal(text("verdict"), "denied");
	assert_true(json_is_null(json_object_get(result, "endpoint")));
	assert_true(json_is_null(json_object_get(json_object_get(result, "listener"), "lane")));
}

static void a_disabled_accelerator_is_known_to_control_alone(void **state)
{
	(void)state;
	control.installation.accelerators[0].accelerator.is_enabled = false;
	begin(1);
	say("tyo-1", EXPLAIN_UNKNOWN, false);
	assert_string_equal(text("verdict"), "disabled");
}

static void the_endpoint_may_refuse(void **state)
{
	(void)state;
	begin(1);
	say("tyo-1", EXPLAIN_TAKEN, false);
	say("osl-1", EXPLAIN_NO_BACKEND, false);
	assert_int_equal(done, 1);
	assert_string_equal(text("verdict"), "no-backend");
}

static void answers_of_others_are_left_out(void **state)
{
	struct explain_answer stranger = {.verdict = EXPLAIN_TAKEN};

	(void)state;
	begin(1);
	say("tyo-2", EXPLAIN_TAKEN, true); /* was not asked */
	say("osl-1", EXPLAIN_TAKEN, true);
	stranger.id = sent[0].question.id + 1;
	explain_take(
	    control.explains, installation_node(&control.installation, "tyo-1"), &stranger);
	assert_int_equal(done, 0);
	assert_int_equal(sent_count, 1);
}

static void who_is_silent_is_not_waited_for(void **state)
{
	(void)state;
	begin(2);
	say("tyo-2", EXPLAIN_TAKEN, false);
	ROUNDS_UNTIL(rounds_one(control.loop), sent_count == 3);
	ROUNDS_UNTIL(rounds_one(control.loop), done == 1);
	assert_string_equal(text("verdict"), "no-answer");
	assert_int_equal(count("silent"), 2);
	assert_string_equal(text("listener.node"), "tyo-2");
}

static void without_a_listener_it_is_soon_over(void **state)
{
	(void)state;
	begin(0);
	ROUNDS_UNTIL(rounds_one(control.loop), done == 1);
	assert_string_equal(text("verdict"), "no-listener");
}

static void so_many_and_no_more(void **state)
{
	static const struct name names[] = {{"tyo-1"}};
	struct inquiry *list[EXPLAIN_INQUIRIES_MAX];
	struct explain_question asked = question();

	(void)state;
	for (int i = 0; i < EXPLAIN_INQUIRIES_MAX; i++) {
		sent_count = 0;
		list[i] = explain_begin(control.explains, &asked, names, 1, on_inquiry_done, NULL);
		assert_non_null(list[i]);
	}
	assert_null(explain_begin(control.explains, &asked, names, 1, on_inquiry_done, NULL));
	for (int i = 0; i < EXPLAIN_INQUIRIES_MAX; i++)
		explain_end(list[i]);
	sent_count = 0;
	begin(1);
}

#define EXPLAIN_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    EXPLAIN_TEST(the_endpoint_is_asked_when_all_listeners_answered),
	    EXPLAIN_TEST(who_has_the_flow_speaks_at_once),
	    EXPLAIN_TEST(who_is_not_waited_for_is_not_silent),
	    EXPLAIN_TEST(who_would_not_take_it_is_no_other),
	    EXPLAIN_TEST(a_refusal_needs_no_endpoint),
	    EXPLAIN_TEST(a_disabled_accelerator_is_known_to_control_alone),
	    EXPLAIN_TEST(the_endpoint_may_refuse),
	    EXPLAIN_TEST(answers_of_others_are_left_out),
	    EXPLAIN_TEST(who_is_silent_is_not_waited_for),
	    EXPLAIN_TEST(without_a_listener_it_is_soon_over),
	    EXPLAIN_TEST(so_many_and_no_more),
	};

	if (sodium_init() < 0 || !mkdtemp(directory))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(directory);
	return failed;
}
