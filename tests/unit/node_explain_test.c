/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of net/node_explain.c: of the workers' answers the one goes out that has the flow, or else the first.
 * Processes and control's connection are the test's.
 */
#include "config.h"

#include "net/node_private.h"

static void keep_sent(struct node *node, const struct message *message);
static struct process *worker_of(struct supervisor *supervisor, enum process_role role, unsigned i);
static struct ipc *channel_of(const struct process *process);
static void *node_of(const struct process *process);
static unsigned index_of(const struct process *process);
static int keep_asked(struct ipc *ipc, uint16_t type, const void *data, size_t length);

#define node_control_send  keep_sent
#define supervisor_process worker_of
#define process_channel    channel_of
#define process_context    node_of
#define process_index      index_of
#define ipc_send           keep_asked
#include "net/node_explain.c"

#include "tests/support/rounds.h"
#include "tests/unit/cmocka_all.h"

enum { WORKERS = 3 };

static struct node node;
static char places[WORKERS]; /* whose addresses stand for processes */
static unsigned asked, sent;
static bool is_down[WORKERS];
static struct explain_answer answered;

static struct process *worker_of(struct supervisor *supervisor, enum process_role role, unsigned i)
{
	(void)supervisor;
	assert_int_equal(role, PROCESS_WORKER);
	return (struct process *)(void *)&places[i];
}

static unsigned index_of(const struct process *process)
{
	return (unsigned)((const char *)(const void *)process - places);
}

static struct ipc *channel_of(const struct process *process)
{
	return is_down[index_of(process)] ? NULL : (struct ipc *)(void *)(uintptr_t)process;
}

static void *node_of(const struct process *process)
{
	(void)process;
	return &node;
}

static int keep_asked(struct ipc *ipc, uint16_t type, const void *data, size_t length)
{
	(void)ipc;
	(void)data;
	assert_int_equal(type, WORKER_MESSAGE_EXPLAIN);
	assert_int_equal(length, sizeof(struct explain_question));
	asked++;
	return 0;
}

static void keep_sent(struct node *of, const struct message *message)
{
	assert_ptr_equal(of, &node);
	assert_int_equal(message->type, MESSAGE_EXPLAINED);
	answered = message->body.explained; /* what it owns goes now */
	answered.groups = NULL;
	answered.backends = NULL;
	sent++;
}

static int setup(void **state)
{
	(void)state;
	memset(&node, 0, sizeof node);
	memset(is_down, 0, sizeof is_down);
	node.loop = ev_default_loop(0);
	node.workers = WORKERS;
	node.supervisor = (struct supervisor *)(void *)places;
	for (unsigned i = 0; i < WORKERS; i++)
		node.places[i].has_settings = true;
	node.explain = node_explain_new(&node);
	assert_non_null(node.explain);
	asked = sent = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	node_explain_free(node.explain);
	return 0;
}

static void ask(uint64_t id)
{
	node_explain_ask(
	    node.explain, &(struct explain_question){.id = id, .user = "192.0.2.1:4000"});
}

static int tell(unsigned worker, const char *text)
{
	struct ipc_message message = {
	    .data = (const uint8_t *)text, .length_bytes = (uint32_t)strlen(text)};

	return node_explain_on_told(NULL, &places[worker], &message);
}

#define TAKEN(endpoint)                                                                            \
	"{\"id\": 5, \"verdict\": \"taken\", \"worker\": 60, \"endpoint\": \"" endpoint "\", "     \
	"\"endpoint_now\": \"" endpoint "\"}"
#define LIVE                                                                                       \
	"{\"id\": 5, \"verdict\": \"taken\", \"live\": true, \"endpoint\": \"c\", "                \
	"\"endpoint_now\": \"a\"}"

static void the_first_speaks_when_none_has_the_flow(void **state)
{
	(void)state;
	ask(5);
	assert_int_equal(asked, WORKERS);
	tell(1, TAKEN("a"));
	tell(0, TAKEN("b"));
	assert_int_equal(sent, 0);
	tell(2, TAKEN("a"));
	assert_int_equal(sent, 1);
	assert_int_equal(answered.id, 5);
	assert_string_equal(answered.endpoint, "a");
	assert_int_equal(answered.worker, 1); /* whatever it says of itself */
	assert_int_equal(answered.workers, 3);
	assert_int_equal(answered.alike, 2);
}

static void who_has_the_flow_speaks(void **state)
{
	(void)state;
	ask(5);
	tell(0, TAKEN("a"));
	tell(2, LIVE);
	tell(1, TAKEN("a"));
	assert_int_equal(sent, 1);
	assert_true(answered.is_live);
	assert_int_equal(answered.worker, 2);
	assert_string_equal(answered.endpoint, "c");
	assert_int_equal(answered.alike, 3);
}

static void a_worker_speaks_once_and_of_what_was_asked(void **state)
{
	(void)state;
	ask(5);
	tell(0, TAKEN("a"));
	tell(0, TAKEN("a"));
	tell(0, LIVE);
	assert_int_equal(tell(1, "{\"id\": 6, \"verdict\": \"taken\"}"), 0);
	assert_true(tell(1, "{\"id\": 5}") < 0);
	assert_true(tell(1, "x") < 0);
	assert_int_equal(sent, 0);
}

static void who_is_silent_or_down_is_not_waited_for(void **state)
{
	(void)state;
	is_down[0] = true;
	ask(5);
	assert_int_equal(asked, 2);
	tell(1, TAKEN("a"));
	ROUNDS_UNTIL(rounds_one(node.loop), sent == 1);
	assert_int_equal(answered.workers, 1);
	tell(2, TAKEN("a")); /* too late */
	assert_int_equal(sent, 1);
	is_down[1] = is_down[2] = true;
	ask(6);
	assert_false(ev_is_active(&node.explain->list[0].due));
	assert_false(node.explain->list[0].is_used);
}

/* Who may ask, a role that only reads, may not hold the workers' flows by it. */
static void many_questions_wait_for_their_turn(void **state)
{
	enum { WAITING = 4, TOO_MANY = 100 };
	unsigned first = NODE_EXPLAIN_BURST * WORKERS;

	(void)state;
	for (uint64_t i = 0; i < NODE_EXPLAIN_BURST + WAITING + TOO_MANY; i++)
		ask(5 + i);
	assert_in_range(asked, first, first + WORKERS);  /* a slow machine's time passes, too */
	tell(0, "{\"id\": 13, \"verdict\": \"taken\"}"); /* nobody has asked it yet */
	for (unsigned i = 0; i < 700; i++)
		rounds_one(node.loop);
	assert_in_range(asked, first + WAITING * WORKERS, first + (WAITING + 1) * WORKERS);
	assert_int_equal(sent, 0);
}

/* No question is forgotten for another one while there is a free place. */
static void a_slow_question_keeps_its_place(void **state)
{
	(void)state;
	ask(5);
	tell(0, TAKEN("a"));
	for (unsigned i = 0; i < 2 * NODE_EXPLAIN_PENDING_MAX; i++) {
		char text[64];

		node.explain->next_us = 0; /* as if time had passed */
		ask(100 + i);
		for (unsigned worker = 0; worker < WORKERS; worker++) {
			snprintf(
			    text, sizeof text, "{\"id\": %u, \"verdict\": \"taken\"}", 100 + i);
			tell(worker, text);
		}
		assert_int_equal(sent, 1 + i);
	}
	tell(1, TAKEN("a"));
	tell(2, LIVE);
	assert_int_equal(sent, 1 + 2 * NODE_EXPLAIN_PENDING_MAX);
	assert_int_equal(answered.id, 5);
	assert_true(answered.is_live);
}

#define EXPLAIN_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    EXPLAIN_TEST(the_first_speaks_when_none_has_the_flow),
	    EXPLAIN_TEST(who_has_the_flow_speaks),
	    EXPLAIN_TEST(a_worker_speaks_once_and_of_what_was_asked),
	    EXPLAIN_TEST(who_is_silent_or_down_is_not_waited_for),
	    EXPLAIN_TEST(many_questions_wait_for_their_turn),
	    EXPLAIN_TEST(a_slow_question_keeps_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
