/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace of a tunnel's lanes at one worker as JSON lines in qlog's shape
 * (draft-ietf-quic-qlog-main-schema-03, NDJSON): a head, then an event a line, with the lane's
 * connection id as group_id.  Times are milliseconds since the head's reference time.  No user's
 * address or bytes are in it.
 */
#ifndef NET_TRACE_FILE_H
#define NET_TRACE_FILE_H

#include "tunnel/lane.h"

/* A file that grew to this gets no more; its last line says so. */
#define TRACE_FILE_BYTES (UINT64_C(256) << 20)

struct trace_file;

/* One lane's way into the file; it must outlive the lane's use of its tracer. */
struct trace_lane {
	struct tracer tracer; /* for lane_set_tracer() */
	struct trace_file *file;
	const struct lane *lane;
	uint32_t id; /* the connection id that it receives with */
};

/*
 * Takes the descriptor over (also on failure) and writes the head behind what the file has; `title`
 * is plain ASCII without quotes; `unix_us` is the wall clock at `now_us`. 0 or ERR_NOMEM.
 */
int trace_file_new(struct trace_file **file, int descriptor, const char *title, enum lane_role role,
    uint64_t unix_us, uint64_t now_us);
/* Writes what is buffered and closes. Takes NULL. */
void trace_file_free(struct trace_file *file);
void trace_lane_init(
    struct trace_lane *traced, struct trace_file *file, const struct lane *lane, uint32_t id);
/* Writes out what is buffered, now and then. */
void trace_file_flush(struct trace_file *file);

#endif
