/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A traced lane's file: each line is JSON of qlog's shape, and its events add up to the counters. */
#include "config.h"

#include "net/trace_file.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/lane_pair.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
	uint64_t sent, received, recovered, repairs, lost, metrics, others, stream_bytes;
	double last_ms;
};

static double number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_number(value));
	return json_number_value(value);
}

static void check_head(const char *line)
{
	json_t *head = json_loads(line, 0, NULL);
	const json_t *trace = json_object_get(head, "trace");
	const json_t *fields = json_object_get(trace, "common_fields");

	assert_non_null(head);
	assert_string_equal(json_string_value(json_object_get(head, "qlog_format")), "NDJSON");
	assert_string_equal(json_string_value(json_object_get(head, "title")), "near-1 to far-1");
	assert_float_equal(number_of(fields, "reference_time"), 1700000000000.0, 0.5);
	json_decref(head);
}

static void note_frames(struct seen *seen, const json_t *data)
{
	size_t i;
	json_t *frame;

	json_array_foreach(json_object_get(data, "frames"), i, frame)
	{
		const char *type = json_string_value(json_object_get(frame, "frame_type"));

		assert_non_null(type);
		if (strncmp(type, "STREAM", 6) == 0)
			seen->stream_bytes += (uint64_t)number_of(frame, "length");
		if (strcmp(type, "REPAIR") == 0) {
			seen->repairs++;
			assert_true(number_of(frame, "back") >= number_of(frame, "span"));
			assert_true(number_of(frame, "length") > 0);
		}
		if (strcmp(type, "ACK") == 0 || strcmp(type, "RECOVERED") == 0)
			assert_true(json_array_size(json_object_get(frame, "acked_ranges")) > 0);
	}
}

static void note_event(struct seen *seen, const char *line)
{
	json_t *event = json_loads(line, 0, NULL);
	const json_t *data = json_object_get(event, "data");
	const char *name = json_string_value(json_object_get(event, "name"));

	assert_non_null(event);
	assert_true(json_is_object(data));
	assert_string_equal(json_string_value(json_object_get(event, "group_id")), "0000abcd");
	assert_true(number_of(event, "time") >= seen->last_ms);
	seen->last_ms = number_of(event, "time");
	if (strcmp(name, "transport:packet_sent") == 0) {
		seen->sent++;
		note_frames(seen, data);
	} else if (strcmp(name, "transport:packet_received") == 0) {
		seen->received++;
	} else if (strcmp(name, "trunkline:packet_recovered") == 0) {
		seen->recovered++;
		number_of(json_object_get(data, "header"), "packet_number");
	} else if (strcmp(name, "recovery:packet_lost") == 0) {
		seen->lost++;
		number_of(json_object_get(data, "header"), "packet_number");
	} else if (strcmp(name, "recovery:metrics_updated") == 0) {
		seen->metrics++;
		assert_true(number_of(data, "congestion_window") > 0);
	} else {
		seen->others++;
	}
	json_decref(event);
}

static void read_trace(const char *path, struct seen *seen)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	*seen = (struct seen){0};
	assert_non_null(in);
	assert_true(getline(&line, &size, in) > 0);
	check_head(line);
	while (getline(&line, &size, in) > 0)
		note_event(seen, line);
	free(line);
	fclose(in);
}

static struct trace_file *open_trace(char *path, const struct pair *pair)
{
	struct trace_file *file;
	int descriptor = mkstemp(path);

	assert_true(descriptor >= 0);
	assert_int_equal(trace_file_new(&file, descriptor, "near-1 to far-1", LANE_LISTENER,
	                     UINT64_C(1700000000000000), pair->now_us),
	    0);
	return file;
}

static void a_trace_adds_up_to_the_counters(void **state)
{
	char path[] = "/tmp/trace-test-XXXXXX";
	struct pair_options options = {.seed = 5, .delay_us = 20000};
	struct lane_stats before, after;
	struct trace_file *file;
	struct trace_lane traced;
	struct pair pair;
	struct seen seen;
	struct app_flow *app;

	(void)state;
	pair_init(&pair, &options);
	file = open_trace(path, &pair);
	lane_get_stats(pair.listener.lane, &before);
	trace_lane_init(&traced, file, pair.listener.lane, 0xabcd);
	lane_set_tracer(pair.listener.lane, &traced.tracer);
	pair.endpoint.loss = pair.listener.loss = 0.05;
	pair.endpoint.echo = true;
	app = pair_open(&pair, FLOW_TCP);
	app_write(app, 300000, true);
	assert_true(pair_run_until_closed(&pair, 60000000));
	lane_get_stats(pair.listener.lane, &after);
	lane_set_tracer(pair.listener.lane, NULL);
	trace_file_free(file);
	pair_run(&pair, 2000000); /* is not traced any more */
	read_trace(path, &seen);
	assert_int_equal(seen.sent, after.packets_sent - before.packets_sent);
	assert_int_equal(seen.received, after.packets_received - before.packets_received);
	assert_int_equal(seen.lost, after.packets_lost - before.packets_lost);
	assert_true(seen.lost > 0);
	assert_int_equal(seen.recovered, after.packets_recovered - before.packets_recovered);
	assert_true(seen.recovered > 0);
	assert_int_equal(seen.repairs,
	    after.repairs_sent + after.copies_sent - before.repairs_sent - before.copies_sent);
	assert_true(seen.repairs > 0);
	assert_true(seen.metrics > 0);
	assert_true(seen.stream_bytes >= 300000);
	assert_int_equal(seen.others, 0);
	unlink(path);
	pair_free(&pair);
}

/* Traces one flow into a file that has so many bytes (of zeros) already; returns its last 100 bytes. */
static off_t trace_behind(uint64_t bytes, char tail[101])
{
	char path[] = "/tmp/trace-test-XXXXXX";
	struct pair_options options = {.seed = 7, .delay_us = 1000};
	struct trace_file *file;
	struct trace_lane traced;
	struct pair pair;
	struct stat status;
	int descriptor = mkstemp(path);

	assert_true(descriptor >= 0);
	assert_int_equal(ftruncate(descriptor, (off_t)bytes), 0);
	pair_init(&pair, &options);
	assert_int_equal(trace_file_new(&file, descriptor, "x", LANE_LISTENER, 0, pair.now_us), 0);
	trace_lane_init(&traced, file, pair.listener.lane, 1);
	lane_set_tracer(pair.listener.lane, &traced.tracer);
	pair.endpoint.echo = true;
	app_write(pair_open(&pair, FLOW_TCP), 300000, true);
	assert_true(pair_run_until_closed(&pair, 60000000));
	lane_set_tracer(pair.listener.lane, NULL);
	trace_file_free(file);
	pair_free(&pair);
	descriptor = open(path, O_RDONLY);
	assert_int_equal(fstat(descriptor, &status), 0);
	memset(tail, 0, 101);
	assert_int_equal(pread(descriptor, tail, 100, status.st_size - 100), 100);
	close(descriptor);
	unlink(path);
	return status.st_size;
}

static void a_full_file_gets_no_more(void **state)
{
	char tail[101];

	(void)state;
	assert_int_equal(trace_behind(TRACE_FILE_BYTES, tail), TRACE_FILE_BYTES);
	assert_in_range(trace_behind(TRACE_FILE_BYTES - 4000, tail), TRACE_FILE_BYTES,
	    TRACE_FILE_BYTES + 16384);
	assert_non_null(strstr(tail, "\"name\":\"trunkline:trace_full\",\"data\":{}}\n"));
}

static void a_file_that_cannot_be_written_ends_the_trace_alone(void **state)
{
	struct pair_options options = {.seed = 6, .delay_us = 1000};
	struct trace_file *file;
	struct trace_lane traced;
	struct pair pair;
	int pipe_ends[2];

	(void)state;
	pair_init(&pair, &options);
	assert_int_equal(pipe(pipe_ends), 0);
	close(pipe_ends[0]);
	assert_int_equal(
	    trace_file_new(&file, pipe_ends[1], "x", LANE_LISTENER, 0, pair.now_us), 0);
	trace_lane_init(&traced, file, pair.listener.lane, 1);
	lane_set_tracer(pair.listener.lane, &traced.tracer);
	app_write(pair_open(&pair, FLOW_TCP), 3000000, true);
	pair.endpoint.echo = true;
	assert_true(pair_run_until_closed(&pair, 60000000));
	trace_file_flush(file);
	lane_set_tracer(pair.listener.lane, NULL);
	trace_file_free(file);
	pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_trace_adds_up_to_the_counters),
	    cmocka_unit_test(a_full_file_gets_no_more),
	    cmocka_unit_test(a_file_that_cannot_be_written_ends_the_trace_alone),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
