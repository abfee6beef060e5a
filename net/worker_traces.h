/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tunnels that this worker writes traces of: main opened a file for each peer whose tunnel the
 * config says is traced, and every lane to that peer tells it what it does.
 */
#ifndef NET_WORKER_TRACES_H
#define NET_WORKER_TRACES_H

#include "base/pin.h"
#include "net/trace_file.h"

#include <stddef.h>
#include <stdint.h>

enum { WORKER_TRACES_MAX = 16 }; /* peers at once; more are not traced, the log says so */

struct carried;
struct worker;

struct worker_trace {
	uint8_t pin[PIN_BYTES]; /* the peer's */
	struct trace_file *file;
};

struct worker_traces {
	struct worker *worker;
	struct worker_trace list[WORKER_TRACES_MAX];
	size_t count;
};

/* Takes the file that main opened for the peer; closes it when the peer has one already, or is not traced. */
void worker_traces_add(struct worker_traces *traces, const uint8_t pin[PIN_BYTES], int descriptor);
/* A lane was made. */
void worker_traces_lane(struct worker_traces *traces, struct carried *carried);
/* Ends the traces of peers that the config does not name any more, or not as traced. */
void worker_traces_on_config(struct worker_traces *traces);
void worker_traces_flush(struct worker_traces *traces);
/* After the lanes were freed. */
void worker_traces_clear(struct worker_traces *traces);

#endif
