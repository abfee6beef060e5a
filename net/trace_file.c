/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and names of our own only go into a line, so that nothing needs escaping.  A failed write
 * (a full disk) ends the trace, not the worker.
 */
#include "config.h"

#include "net/trace_file.h"

#include "base/bytes.h"
#include "base/err.h"
#include "tunnel/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BUFFER_BYTES = 64 * 1024,
	FRAMES_SHOWN_MAX = 64, /* of one packet */
	US_PER_MS = 1000,
};

struct trace_file {
	FILE *out;
	uint64_t began_us, written_bytes;
	bool is_full;
};

static void count(struct trace_file *file, int length)
{
	if (length < 0)
		file->is_full = true;
	else
		file->written_bytes += (uint64_t)length;
}

#define PRINT(file, ...) count(file, fprintf((file)->out, __VA_ARGS__))

static double since_began_ms(const struct trace_file *file, uint64_t now_us)
{
	return (double)(now_us - file->began_us) / US_PER_MS;
}

static void begin(struct trace_lane *traced, const struct trace_event *event, const char *name)
{
	PRINT(traced->file,
	    "{\"time\":%.3f,\"name\":\"%s\",\"group_id\":\"%08" PRIx32 "\",\"data\":{",
	    since_began_ms(traced->file, event->now_us), name, traced->id);
}

static void put_header(struct trace_file *file, const struct trace_event *event)
{
	PRINT(file, "\"header\":{\"packet_type\":\"1RTT\",\"packet_number\":%" PRIu64 "}",
	    event->number);
	if (event->udp_bytes)
		PRINT(file, ",\"raw\":{\"length\":%zu}", event->udp_bytes);
}

static void put_ranges(struct trace_file *file, const struct ack_frame *ack)
{
	PRINT(file, ",\"acked_ranges\":[");
	for (unsigned i = 0; i < ack->range_count; i++)
		PRINT(file, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", ack->ranges[i].first,
		    ack->ranges[i].last);
	PRINT(file, "]");
}

static void put_ack(struct trace_file *file, const struct ack_frame *ack)
{
	PRINT(file, ",\"ack_delay\":%.3f", (double)ack->delay_us / US_PER_MS);
	put_ranges(file, ack);
}

static void put_fields(struct trace_file *file, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_ACK:
	case FRAME_ACK_ECN:
		put_ack(file, &frame->ack);
		break;
	case FRAME_OPEN:
		PRINT(file, ",\"stream_id\":%" PRIu64, frame->open.flow);
		break;
	case FRAME_STREAM:
	case FRAME_STREAM_FIN:
		PRINT(file,
		    ",\"stream_id\":%" PRIu64 ",\"offset\":%" PRIu64 ",\"length\":%zu,\"fin\":%s",
		    frame->stream.flow, frame->stream.offset, frame->stream.length,
		    frame->type == FRAME_STREAM_FIN ? "true" : "false");
		break;
	case FRAME_DATAGRAM:
	case FRAME_DATAGRAM_FRAGMENT:
		PRINT(file, ",\"stream_id\":%" PRIu64 ",\"length\":%zu", frame->datagram.flow,
		    frame->datagram.length);
		break;
	case FRAME_RESET:
		PRINT(file, ",\"stream_id\":%" PRIu64 ",\"error\":\"%s\"", frame->reset.flow,
		    reason_name(frame->reset.reason));
		break;
	case FRAME_REPAIR:
		PRINT(file, ",\"back\":%" PRIu64 ",\"span\":%u,\"length\":%zu", frame->repair.back,
		    frame->repair.span, frame->repair.length);
		break;
	case FRAME_CLOSE:
		PRINT(file, ",\"error\":\"%s\"", reason_name(frame->close.reason));
		break;
	case FRAME_RECOVERED:
		put_ranges(file, &frame->recovered);
		break;
	default:
		break;
	}
}

static void put_frames(struct trace_file *file, const struct trace_event *event)
{
	struct reader reader;
	struct frame frame;
	unsigned shown = 0;

	reader_init(&reader, event->frames, event->frames_bytes);
	PRINT(file, ",\"frames\":[");
	while (reader_left(&reader) && shown < FRAMES_SHOWN_MAX
	       && frame_decode(&reader, &frame) == 0) {
		PRINT(file, "%s{\"frame_type\":\"%s\"", shown++ ? "," : "", frame_name(frame.type));
		put_fields(file, &frame);
		PRINT(file, "}");
	}
	PRINT(file, "]");
}

static void put_metrics(struct trace_file *file, const struct lane *lane)
{
	struct lane_stats stats;

	lane_get_stats(lane, &stats);
	PRINT(file,
	    "\"min_rtt\":%.3f,\"smoothed_rtt\":%.3f,\"latest_rtt\":%.3f,\"rtt_variance\":%.3f,"
	    "\"congestion_window\":%" PRIu64 ",\"bytes_in_flight\":%" PRIu64
	    ",\"pacing_rate\":%" PRIu64,
	    (double)stats.rtt_min_us / US_PER_MS, (double)stats.rtt_smoothed_us / US_PER_MS,
	    (double)stats.rtt_latest_us / US_PER_MS, (double)stats.rtt_variation_us / US_PER_MS,
	    stats.congestion_window_bytes, stats.bytes_in_flight, stats.pacing_rate_bps);
}

static const char *const names[] = {
    [TRACE_PACKET_SENT] = "transport:packet_sent",
    [TRACE_PACKET_RECEIVED] = "transport:packet_received",
    [TRACE_PACKET_LOST] = "recovery:packet_lost",
    [TRACE_PACKET_RECOVERED] = "trunkline:packet_recovered",
    [TRACE_ACKED] = "recovery:metrics_updated",
};

static void on_event(void *context, const struct trace_event *event)
{
	struct trace_lane *traced = context;
	struct trace_file *file = traced->file;

	if (file->is_full)
		return;
	begin(traced, event, names[event->kind]);
	if (event->kind == TRACE_ACKED)
		put_metrics(file, traced->lane);
	else
		put_header(file, event);
	if (event->frames)
		put_frames(file, event);
	PRINT(file, "}}\n");
	if (file->written_bytes < TRACE_FILE_BYTES)
		return;
	PRINT(file, "{\"time\":%.3f,\"name\":\"trunkline:trace_full\",\"data\":{}}\n",
	    since_began_ms(file, event->now_us));
	file->is_full = true;
}

static uint64_t bytes_before(int descriptor)
{
	struct stat status;

	return fstat(descriptor, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static void put_head(
    struct trace_file *file, const char *title, enum lane_role role, uint64_t unix_us)
{
	PRINT(file,
	    "{\"qlog_version\":\"0.3\",\"qlog_format\":\"NDJSON\",\"title\":\"%s\",\"trace\":{"
	    "\"vantage_point\":{\"name\":\"trunkline\",\"type\":\"%s\"},\"common_fields\":{"
	    "\"time_format\":\"relative\",\"reference_time\":%.3f}}}\n",
	    title, role == LANE_LISTENER ? "client" : "server", (double)unix_us / US_PER_MS);
}

int trace_file_new(struct trace_file **out, int descriptor, const char *title, enum lane_role role,
    uint64_t unix_us, uint64_t now_us)
{
	struct trace_file *file = calloc(1, sizeof(*file));

	if (file)
		file->out = fdopen(descriptor, "a");
	if (!file || !file->out) {
		close(descriptor);
		free(file);
		return ERR_NOMEM;
	}
	setvbuf(file->out, NULL, _IOFBF, BUFFER_BYTES);
	file->began_us = now_us;
	file->written_bytes = bytes_before(descriptor);
	file->is_full = file->written_bytes >= TRACE_FILE_BYTES;
	if (!file->is_full)
		put_head(file, title, role, unix_us);
	*out = file;
	return 0;
}

void trace_file_free(struct trace_file *file)
{
	if (!file)
		return;
	fclose(file->out);
	free(file);
}

void trace_lane_init(
    struct trace_lane *traced, struct trace_file *file, const struct lane *lane, uint32_t id)
{
	*traced =
	    (struct trace_lane){.tracer = {on_event, traced}, .file = file, .lane = lane, .id = id};
}

void trace_file_flush(struct trace_file *file)
{
	if (fflush(file->out) != 0)
		file->is_full = true;
}
