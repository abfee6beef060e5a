/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/flow_handler.c: each flow's callbacks reach its own object, by that object's table. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "net/flow_handler.h"
#include "tests/support/far_end.h"

#include <string.h>

/* What a daemon keeps of a flow, with all that was said to it. */
struct object {
	const struct flow_handler *handler;
	char said[256];
};

static void say(void *object, const char *what, const char *text, size_t length)
{
	struct object *to = object;
	size_t at = strlen(to->said);

	snprintf(to->said + at, sizeof to->said - at, "%s(%.*s) ", what, (int)length, text);
}

static size_t on_data(void *object, const struct iovec *pieces, int count)
{
	assert_int_equal(count, 1);
	say(object, "data", pieces[0].iov_base, pieces[0].iov_len);
	return pieces[0].iov_len;
}

static void on_finish(void *object)
{
	say(object, "finish", "", 0);
}

static void on_reset(void *object, enum reason reason)
{
	say(object, "reset", reason_name(reason), strlen(reason_name(reason)));
}

static void on_datagram(void *object, const uint8_t *data, size_t length)
{
	say(object, "datagram", (const char *)data, length);
}

static void on_closed(void *object, enum reason reason)
{
	(void)reason;
	say(object, "closed", "", 0);
}

static const struct flow_handler stream_handler = {
    .on_data = on_data, .on_finish = on_finish, .on_reset = on_reset, .on_closed = on_closed};
static const struct flow_handler datagram_handler = {.on_datagram = on_datagram};

static struct worker worker;
static struct far_end end;
static struct object stream = {.handler = &stream_handler};
static struct object datagrams = {.handler = &datagram_handler};
static bool has_object;

static enum reason on_open(void *context, struct flow *flow, const struct flow_open *open)
{
	(void)context;
	if (has_object)
		flow_set_user(flow, open->kind == FLOW_TCP ? &stream : &datagrams);
	return REASON_NONE;
}

static struct far_flow *open_flow(enum flow_kind kind)
{
	struct flow_open open = {.kind = kind, .accelerator = 1};

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("192.0.2.2:80", 0, &open.local);
	return far_flow_open(&end, &open);
}

static int setup(void **state)
{
	static struct lane_callbacks callbacks;

	(void)state;
	callbacks = flow_handler_callbacks;
	callbacks.on_open = on_open;
	has_object = true;
	stream.said[0] = datagrams.said[0] = '\0';
	double_start(&worker);
	far_end_open(&end, &worker,
	    (struct joint_options){.peer_name = "peer", .role = LANE_ENDPOINT, .near = &callbacks});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	far_end_close(&end);
	double_stop(&worker);
	return 0;
}

static void test_each_object_has_its_own_table(void **state)
{
	struct far_flow *tcp = open_flow(FLOW_TCP), *udp = open_flow(FLOW_UDP);

	(void)state;
	far_flow_write(tcp, "bytes");
	far_flow_send(udp, "whole", 5);
	double_run(&worker, 3);
	flow_finish(tcp->flow);
	double_run(&worker, 3);
	assert_string_equal(stream.said, "data(bytes) finish() ");
	assert_string_equal(datagrams.said, "datagram(whole) ");
}

/* A reset comes as RESET and STOP_SENDING: to an object both are one and the same. */
static void test_a_reset_names_its_reason(void **state)
{
	struct far_flow *tcp = open_flow(FLOW_TCP);

	(void)state;
	double_run(&worker, 3);
	flow_reset(tcp->flow, REASON_TCP_RESET);
	double_run(&worker, 500);
	assert_non_null(strstr(stream.said, "reset(tcp-reset) "));
	assert_null(strstr(stream.said, "finish"));
}

/* A table without an entry ignores; so does a flow without an object, until it ends. */
static void test_what_nobody_wants_is_ignored(void **state)
{
	struct far_flow *udp = open_flow(FLOW_UDP), *bare;

	(void)state;
	double_run(&worker, 3);
	flow_reset(udp->flow, REASON_IDLE);
	double_run(&worker, 500);
	assert_string_equal(datagrams.said, "");
	has_object = false;
	bare = open_flow(FLOW_TCP);
	far_flow_write(bare, "to nobody");
	double_run(&worker, 3);
	assert_int_equal(flow_unacknowledged_bytes(bare->flow), 0);
	flow_reset(bare->flow, REASON_TCP_RESET);
	double_run(&worker, 500);
	assert_string_equal(stream.said, "");
}

static void test_the_last_word_comes_once(void **state)
{
	const char *closed;

	(void)state;
	open_flow(FLOW_TCP);
	double_run(&worker, 3);
	joint_lose_near(&end.joint);
	closed = strstr(stream.said, "closed() ");
	assert_non_null(closed);
	assert_null(strstr(closed + 1, "closed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_each_object_has_its_own_table, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_reset_names_its_reason, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_nobody_wants_is_ignored, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_the_last_word_comes_once, setup, teardown),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
