/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of control/node_server.c: nodes join, serve, misbehave and leave.  Store and keys process are
 * real, the nodes are real TLS over TCP.
 */
#include "config.h"

#include "control/node_server.h"

#include "control/api_routes.h"
#include "control/audit.h"
#include "control/change.h"
#include "tests/support/control_peer.h"
#include "tests/support/loopback.h"
#include "tests/support/rounds.h"
#include "tests/unit/control_fixture.h"
#include "tests/unit/keys_child.h"

enum { SECRET = 7, PEERS = 2 };

static struct addr address;
static struct control_peer peers[PEERS], *const node = &peers[0], *const other = &peers[1];
static bool is_ready;

static void on_ready(struct control *ready)
{
	assert_ptr_equal(ready, &control);
	is_ready = true;
}

static void run_round(void)
{
	rounds_one(control.loop);
	for (int i = 0; i < PEERS; i++)
		control_peer_round(&peers[i]);
}

#define UNTIL(condition) ROUNDS_UNTIL(run_round(), condition)

static int setup(void **state)
{
	(void)state;
	is_ready = false;
	memset(peers, 0, sizeof peers);
	control_begin(state_directory);
	control_add_token(NODE_ENDPOINT, "oslo", SECRET);
	close(loopback_listen("127.0.0.1", &address)); /* a port that is free */
	assert_int_equal(node_server_new(&control, &address, state_directory, on_ready), 0);
	UNTIL(is_ready);
	control_peer_connect(node, &address);
	UNTIL(control_peer_is_open(node));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	node_server_free(control.nodes);
	control_peer_close(other);
	control_peer_end(node);
	control_end();
	return 0;
}

static void say_hello(struct control_peer *peer, uint8_t secret, uint64_t has_revision)
{
	struct message message = {.type = MESSAGE_HELLO,
	    .body.hello = {.protocol = CONTROL_PROTOCOL,
	        .role = NODE_ENDPOINT,
	        .name = "osl-1",
	        .slots = 2,
	        .tunnel = "0.0.0.0:7401",
	        .instance = 5,
	        .version = "0.1",
	        .config = {1, has_revision}}};

	memset(message.body.hello.secret, secret, sizeof message.body.hello.secret);
	control_peer_send(peer, &message);
}

/* The next frame, which must be of that type; its parts are cleared. */
static struct message expect(struct control_peer *peer, enum message_type type)
{
	unsigned before = peer->frames;
	struct message heard;

	ROUNDS_UNTIL(
	    {
		    rounds_one(control.loop);
		    control_peer_round(peer);
	    },
	    peer->frames > before);
	heard = control_peer_heard(peer);
	assert_int_equal(heard.type, type);
	return heard;
}

/* Welcome and config may come in one piece: the last one is what is held. */
static uint32_t join(void)
{
	struct message heard;

	say_hello(node, SECRET, 0);
	UNTIL(node->frames == 2);
	heard = control_peer_heard(node);
	assert_int_equal(heard.type, MESSAGE_CONFIG);
	assert_string_equal(heard.body.config.node_name, "osl-1");
	uint32_t id = heard.body.config.node_id;
	message_clear(&heard);
	return id;
}

static const struct node_live *live(uint32_t id)
{
	return node_server_live(control.nodes, id);
}

static void test_a_token_makes_a_node(void **state)
{
	uint32_t id = join();
	const struct node *made = installation_node(&control.installation, "osl-1");

	(void)state;
	assert_non_null(made);
	assert_int_equal(made->id, id);
	assert_string_equal(made->region, "oslo");
	assert_memory_equal(made->pin, tls_identity_pin(node->identity), PIN_BYTES);
	assert_true(live(id)->is_up);
	assert_false(live(id)->has_applied && live(id)->applied_revision);
	assert_int_equal(live(id)->wanted_revision, control.installation.revision);
}

static void test_a_wrong_token_is_denied_in_words(void **state)
{
	struct message heard;

	(void)state;
	say_hello(node, SECRET + 1, 0);
	heard = expect(node, MESSAGE_DENIED);
	assert_non_null(strstr(heard.body.denied.reason, "not one of this control's"));
	message_clear(&heard);
	UNTIL(node->is_closed);
	assert_int_equal(control.installation.node_count, 0);
}

static void test_the_first_message_must_be_hello(void **state)
{
	struct message message = {.type = MESSAGE_REPORT}, heard;

	(void)state;
	control_peer_send(node, &message);
	heard = expect(node, MESSAGE_DENIED);
	assert_string_equal(heard.body.denied.reason, "the first message must be hello");
	message_clear(&heard);
	UNTIL(node->is_closed);
}

static void test_what_is_no_message_is_denied(void **state)
{
	struct message heard;

	(void)state;
	control_peer_say(node, "{\"type\": 1}", 11);
	heard = expect(node, MESSAGE_DENIED);
	message_clear(&heard);
	UNTIL(node->is_closed);
}

/* A node that was known and then talks nonsense is let go; it may come back. */
static void test_a_node_that_talks_nonsense_is_down(void **state)
{
	uint32_t id = join();

	(void)state;
	control_peer_say(node, "nonsense", 8);
	UNTIL(node->is_closed);
	assert_false(live(id)->is_up);
	control_peer_connect_again(other, node, &address);
	UNTIL(control_peer_is_open(other));
	say_hello(other, 0, 0);
	UNTIL(live(id)->is_up);
}

static void test_a_message_out_of_order_ends_it(void **state)
{
	uint32_t id = join();
	struct message welcome = {
	    .type = MESSAGE_WELCOME, .body.welcome = {.node_id = 1, .name = "a", .region = "b"}};

	(void)state;
	control_peer_send(node, &welcome);
	UNTIL(node->is_closed);
	assert_false(live(id)->is_up);
}

static void test_what_a_node_says_of_its_config_is_kept(void **state)
{
	uint32_t id = join();
	uint64_t wanted = live(id)->wanted_revision;
	struct message applied = {.type = MESSAGE_APPLIED,
	    .body.applied.number = {control.installation.incarnation, wanted}};
	struct message refused = {.type = MESSAGE_REFUSED,
	    .body.refused = {{control.installation.incarnation, wanted}, "port 80 is taken"}};

	(void)state;
	control_peer_send(node, &refused);
	UNTIL(live(id)->refused_revision == wanted);
	assert_string_equal(live(id)->refused_reason, "port 80 is taken");
	control_peer_send(node, &applied);
	UNTIL(live(id)->has_applied && live(id)->applied_revision == wanted);
	assert_int_equal(live(id)->refused_revision, 0);
}

/* What api_rollout() says of the one node. */
static void expect_rollout(const char *state, bool is_done)
{
	const struct api_request request = {0};
	struct api_answer answer = {0};
	const json_t *nodes;

	assert_int_equal(api_rollout(&control, &request, &answer), 0);
	nodes = json_object_get(answer.body, "nodes");
	assert_int_equal(json_array_size(nodes), 1);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(nodes, 0), "state")), state);
	assert_int_equal(json_is_true(json_object_get(answer.body, "done")), is_done);
	json_decref(answer.body);
}

static void come_again(uint64_t has_revision)
{
	control_peer_connect_again(other, node, &address);
	UNTIL(control_peer_is_open(other));
	say_hello(other, 0, has_revision);
}

/* It has the config in its directory, but cannot open what it says. */
static void test_what_a_node_has_but_refused_is_not_applied(void **state)
{
	uint32_t id = join();
	uint64_t wanted = live(id)->wanted_revision;
	struct message refused = {.type = MESSAGE_REFUSED,
	    .body.refused = {{control.installation.incarnation, wanted}, "port 80 is taken"}};
	struct message applied = {.type = MESSAGE_APPLIED,
	    .body.applied.number = {control.installation.incarnation, wanted}};

	(void)state;
	come_again(wanted);
	UNTIL(live(id)->applied_revision == wanted);
	control_peer_send(other, &refused);
	UNTIL(live(id)->refused_revision == wanted);
	expect_rollout("refused", false);
	control_peer_send(other, &applied);
	UNTIL(live(id)->refused_revision == 0);
	expect_rollout("applied", true);
}

/* It may be another one of the number that a control which was set back gave before. */
static void test_what_a_node_has_is_not_applied_before_it_says_so(void **state)
{
	uint32_t id = join();
	uint64_t wanted = live(id)->wanted_revision;
	struct message applied = {.type = MESSAGE_APPLIED,
	    .body.applied.number = {control.installation.incarnation, wanted - 1}};

	(void)state;
	come_again(wanted);
	UNTIL(live(id)->applied_revision == wanted);
	expect_rollout("pending", false);
	control_peer_send(other, &applied); /* of an earlier one */
	UNTIL(live(id)->applied_revision == wanted - 1);
	assert_true(live(id)->is_asked);
	applied.body.applied.number.revision = wanted;
	control_peer_send(other, &applied);
	UNTIL(!live(id)->is_asked);
	expect_rollout("applied", true);
}

/* Control was restored from a backup: the node's config is of a time that is no more. */
static void test_what_is_newer_than_wanted_is_not_applied(void **state)
{
	uint32_t id = join();
	uint64_t wanted = live(id)->wanted_revision;

	(void)state;
	come_again(wanted + 30);
	UNTIL(live(id)->applied_revision == wanted + 30);
	expect_rollout("pending", false);
}

static void test_a_report_brings_counters(void **state)
{
	uint32_t id = join();
	struct counter counters[] = {{"tcp_flows", 12}, {"udp_flows", 3}};
	struct message report = {
	    .type = MESSAGE_REPORT, .body.report = {.counters = counters, .counter_count = 2}};
	struct backend_report backend = {
	    .accelerator = 1, .host = "::1", .state = HEALTH_HEALTHY, .since_ms = 1};

	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	report.body.report.backends = &backend;
	report.body.report.backend_count = 1;
	report.body.report.machine.clock_ms = control_now_ms() - 3600000;
	assert_int_equal(live(id)->reported_ms, 0);
	control_peer_send(node, &report);
	UNTIL(live(id)->counter_count == 2);
	assert_true(live(id)->reported_ms > 0);
	assert_int_equal(live(id)->reported_ms, live(id)->last_seen_ms);
	assert_string_equal(live(id)->counters[0].name, "tcp_flows");
	assert_int_equal(live(id)->counters[0].value, 12);
	assert_int_equal(live(id)->backend_count, 1);
	assert_string_equal(live(id)->backends[0].host, "::1");
	assert_true(live(id)->clock_ahead_ms <= -3600000);
	assert_true(live(id)->clock_ahead_ms > -3660000);
	report.body.report.counter_count = 1;
	control_peer_send(node, &report);
	UNTIL(live(id)->counter_count == 1);
	assert_true(live(id)->is_up);
}

static void on_told(struct event_reader *reader)
{
	(void)reader;
}

/* Once for each change; a backend of an accelerator that is gone is believed of nobody. */
static void test_a_backends_new_state_is_told(void **state)
{
	struct event_reader reader = {
	    .kinds = EVENT_BIT(EVENT_HEALTH), .on_event = on_told, .on_heartbeat = on_told};
	struct backend_report backends[] = {
	    {.accelerator = 1, .host = "::1", .state = HEALTH_HEALTHY, .since_ms = 1},
	    {.accelerator = 99, .host = "::1", .state = HEALTH_HEALTHY, .since_ms = 1}};
	struct message report = {
	    .type = MESSAGE_REPORT, .body.report = {.backends = backends, .backend_count = 2}};
	uint32_t id = join();
	const char *text;
	uint64_t lost;

	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	events_join(control.events, &reader);
	control_peer_send(node, &report);
	UNTIL((text = events_read(control.events, &reader, &lost)));
	assert_non_null(strstr(text, "event: health\n"));
	assert_non_null(strstr(text, "\"accelerator\":\"web\""));
	assert_non_null(strstr(text, "\"state\":\"healthy\""));
	control_peer_send(node, &report);
	backends[0].state = HEALTH_UNHEALTHY;
	control_peer_send(node, &report);
	UNTIL(live(id)->backend_count == 1 && live(id)->backends[0].state == HEALTH_UNHEALTHY);
	text = events_read(control.events, &reader, &lost);
	assert_non_null(strstr(text, "\"state\":\"unhealthy\""));
	assert_null(events_read(control.events, &reader, &lost));
	events_leave(control.events, &reader);
}

/* What a node that drains has: once for each other figure, and nothing when it drains no more. */
static void test_a_drain_is_told(void **state)
{
	struct event_reader reader = {
	    .kinds = EVENT_BIT(EVENT_DRAIN), .on_event = on_told, .on_heartbeat = on_told};
	struct counter counters[] = {{"tcp_flows", 2}, {"udp_flows", 0}};
	struct message report = {
	    .type = MESSAGE_REPORT, .body.report = {.counters = counters, .counter_count = 2}};
	uint32_t id = join();
	const char *text;
	uint64_t lost;

	(void)state;
	events_join(control.events, &reader);
	control_peer_send(node, &report);
	UNTIL(live(id)->counter_count == 2);
	assert_null(events_read(control.events, &reader, &lost));
	control.installation.nodes[0].is_draining = true;
	control_peer_send(node, &report);
	UNTIL((text = events_read(control.events, &reader, &lost)));
	assert_non_null(strstr(text, "event: drain\n"));
	assert_non_null(strstr(text, "\"drain\":\"draining\",\"flows\":{\"tcp\":2,\"udp\":0}"));
	control_peer_send(node, &report);
	counters[0].value = 1;
	control_peer_send(node, &report);
	UNTIL(live(id)->counters[0].value == 1);
	text = events_read(control.events, &reader, &lost);
	assert_non_null(strstr(text, "\"tcp\":1"));
	assert_null(events_read(control.events, &reader, &lost));
	control.installation.nodes[0].is_draining = false;
	counters[0].value = 0;
	control_peer_send(node, &report);
	UNTIL(live(id)->counters[0].value == 0);
	assert_null(events_read(control.events, &reader, &lost));
	events_leave(control.events, &reader);
}

/* The node's process was started again before the old connection was seen to end. */
static void test_a_newer_connection_takes_the_place(void **state)
{
	uint32_t id = join();

	(void)state;
	control_peer_connect_again(other, node, &address);
	UNTIL(control_peer_is_open(other));
	say_hello(other, 0, 1);
	UNTIL(node->is_closed);
	UNTIL(other->frames == 2);
	assert_true(live(id)->is_up);
	assert_int_equal(live(id)->applied_revision, 1);
	assert_false(other->is_closed);
}

static void change(uint32_t delete_id)
{
	struct problem problem;
	struct change made;

	change_init(&made, "test", "something");
	made.drain_s = 0;
	assert_int_equal(change_begin(&control, &made, &problem), 0);
	assert_int_equal(change_end(&control, &made,
	                     delete_id ? store_delete_node(control.store, delete_id) : 0, &problem),
	    0);
}

static void test_a_removed_node_is_told_and_let_go(void **state)
{
	uint32_t id = join();
	struct message heard;

	(void)state;
	change(id);
	heard = expect(node, MESSAGE_REMOVED);
	assert_non_null(strstr(heard.body.removed.reason, "--join"));
	message_clear(&heard);
	UNTIL(node->is_closed);
	assert_int_equal(live(id)->last_seen_ms, 0);
}

/* A change is pushed to those that it concerns, and to nobody else. */
static void test_only_what_concerns_a_node_is_pushed(void **state)
{
	uint32_t id = join();
	uint64_t wanted = live(id)->wanted_revision;
	unsigned frames = node->frames;
	struct message heard;

	(void)state;
	change(0);
	for (int i = 0; i < 20; i++)
		run_round();
	assert_int_equal(node->frames, frames);
	assert_int_equal(live(id)->wanted_revision, wanted);
	control_add_node("tyo-1", NODE_LISTENER, "tokyo", 9);
	control_add_accelerator("web", 80, "tokyo", "oslo");
	node_server_push(control.nodes, 30);
	heard = expect(node, MESSAGE_CONFIG);
	assert_int_equal(heard.body.config.number.revision, control.installation.revision);
	assert_int_equal(heard.body.config.drain_s, 30);
	assert_int_equal(heard.body.config.peer_count, 1);
	assert_int_equal(heard.body.config.accelerator_count, 1);
	message_clear(&heard);
	control_add_accelerator("far", 81, "tokyo", "rome");
	node_server_push(control.nodes, 30);
	for (int i = 0; i < 20; i++)
		run_round();
	assert_int_equal(node->frames, frames + 1);
}

/* Flows that were to end at once do so also where the node was away meanwhile. */
static void test_the_drain_time_is_the_changes(void **state)
{
	struct message heard;

	(void)state;
	join();
	control_add_node("tyo-1", NODE_LISTENER, "tokyo", 9);
	control_add_accelerator("web", 80, "tokyo", "oslo");
	node_server_push(control.nodes, 0);
	come_again(1);
	UNTIL(other->frames == 2);
	heard = control_peer_heard(other);
	assert_int_equal(heard.type, MESSAGE_CONFIG);
	assert_int_equal(heard.body.config.drain_s, 0);
	message_clear(&heard);
}

static void expect_audited(size_t entries, const char *what)
{
	json_t *list = audit_read(control.audit, 10);

	assert_int_equal(json_array_size(list), entries);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(list, 0), "what")), what);
	json_decref(list);
}

static void test_what_changed_with_a_node_is_audited(void **state)
{
	char name[sizeof state_directory + 16];
	struct node known;
	uint32_t id;

	(void)state;
	assert_int_equal(audit_open(&control.audit, state_directory), 0);
	id = join();
	expect_audited(1, "join");
	/* It comes back as it was, */
	come_again(1);
	UNTIL(other->frames > 0);
	expect_audited(1, "join");
	/* and then with what it said another time. */
	known = *installation_node_by_id(&control.installation, id);
	strcpy(known.version, "0.0");
	assert_int_equal(store_put_node(control.store, &known), 0);
	assert_int_equal(store_load(control.store, &control.installation), 0);
	control_peer_close(other);
	come_again(1);
	UNTIL(other->frames > 0);
	expect_audited(2, "reconnect");
	audit_close(control.audit);
	control.audit = NULL;
	snprintf(name, sizeof name, "%s/audit.log", state_directory);
	unlink(name);
}

static void test_a_node_that_goes_is_down(void **state)
{
	uint32_t id = join();
	const struct node *stored;

	(void)state;
	control_peer_close(node);
	UNTIL(!live(id)->is_up);
	assert_true(live(id)->last_seen_ms > 0);
	assert_int_equal(store_load(control.store, &control.installation), 0);
	stored = installation_node_by_id(&control.installation, id);
	assert_int_equal(stored->last_seen_ms, live(id)->last_seen_ms);
}

static void join_listener(void)
{
	struct message hello = {.type = MESSAGE_HELLO,
	    .body.hello = {.protocol = CONTROL_PROTOCOL,
	        .role = NODE_LISTENER,
	        .name = "tyo-1",
	        .slots = 1,
	        .instance = 6}};

	control_add_token(NODE_LISTENER, "tokyo", SECRET + 1);
	control_peer_connect(other, &address);
	UNTIL(control_peer_is_open(other));
	memset(hello.body.hello.secret, SECRET + 1, sizeof hello.body.hello.secret);
	control_peer_send(other, &hello);
	UNTIL(other->frames == 2);
	control_add_accelerator("web", 80, "tokyo", "oslo");
}

/* As nodes do, not as fast as it goes: what control cannot read in time ends the connections. */
static void report_now_and_then(struct control_peer *peer, struct message *report)
{
	uint64_t begin_ms = control_steady_ms();

	report->body.report.made_us++;
	control_peer_send(peer, report);
	while (control_steady_ms() - begin_ms < 50)
		run_round();
}

/* Its connection stays, and nothing comes: its listener is told, by the listener's own clock, until it is heard. */
static void test_whose_reports_stop_is_gone(void **state)
{
	struct message report = {.type = MESSAGE_REPORT, .body.report.made_us = 1000}, heard;
	uint32_t id = join();
	unsigned frames;

	(void)state;
	join_listener();
	control_peer_send(node, &report);
	frames = other->frames;
	for (uint64_t since_ms = control_steady_ms(); other->frames == frames;) {
		report_now_and_then(other, &report);
		assert_true(control_steady_ms() - since_ms < 5 * NODE_SILENT_MS);
	}
	assert_false(live(id)->is_up);
	heard = control_peer_heard(other);
	assert_int_equal(heard.type, MESSAGE_GONE);
	assert_int_equal(heard.body.gone.node_count, 1);
	assert_string_equal(heard.body.gone.nodes[0].text, "osl-1");
	assert_in_range(heard.body.gone.report_us, 1001, report.body.report.made_us);
	message_clear(&heard);
	control_peer_send(node, &report);
	UNTIL(live(id)->is_up);
	frames = other->frames;
	for (uint64_t since_ms = control_steady_ms(); control_steady_ms() - since_ms < 1500;) {
		report_now_and_then(other, &report);
		report_now_and_then(node, &report);
	}
	assert_int_equal(other->frames, frames);
	control_peer_end(other);
}

static void test_a_node_that_was_never_here_is_all_zero(void **state)
{
	(void)state;
	assert_false(live(12345)->is_up);
	assert_int_equal(live(12345)->last_seen_ms, 0);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_token_makes_a_node),
	    TEST(test_a_wrong_token_is_denied_in_words),
	    TEST(test_the_first_message_must_be_hello),
	    TEST(test_what_is_no_message_is_denied),
	    TEST(test_a_node_that_talks_nonsense_is_down),
	    TEST(test_a_message_out_of_order_ends_it),
	    TEST(test_what_a_node_says_of_its_config_is_kept),
	    TEST(test_what_a_node_has_but_refused_is_not_applied),
	    TEST(test_what_a_node_has_is_not_applied_before_it_says_so),
	    TEST(test_what_is_newer_than_wanted_is_not_applied),
	    TEST(test_a_report_brings_counters),
	    TEST(test_a_backends_new_state_is_told),
	    TEST(test_a_drain_is_told),
	    TEST(test_a_newer_connection_takes_the_place),
	    TEST(test_a_removed_node_is_told_and_let_go),
	    TEST(test_only_what_concerns_a_node_is_pushed),
	    TEST(test_the_drain_time_is_the_changes),
	    TEST(test_what_changed_with_a_node_is_audited),
	    TEST(test_a_node_that_goes_is_down),
	    TEST(test_whose_reports_stop_is_gone),
	    TEST(test_a_node_that_was_never_here_is_all_zero),
	};
	int failed;

	keys_child_begin(argc, argv);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	keys_child_end();
	return failed;
}
