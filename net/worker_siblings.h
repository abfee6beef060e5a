/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lanes of a tunnel tell one another across the workers: each writes its record to its worker's page, and
 * reads those in all pages.  Where they are is looked up at the lane's start and each tick, not for each ACK.
 */
#ifndef NET_WORKER_SIBLINGS_H
#define NET_WORKER_SIBLINGS_H

#include "net/page_paths.h"
#include "tunnel/lane.h"

#include <stdint.h>

struct carried;

/* Of one lane. */
struct worker_siblings {
	uint64_t tunnel;
	struct page_path *own; /* NULL: the page was full */
	const struct page_path *others[PATH_SIBLINGS_MAX];
	unsigned count;
};

/* A lane is about to be made: fills the config's `siblings`. */
void worker_siblings_begin(struct carried *carried, struct lane_config *config);
/* Every WORKER_TICK_US: who is there. */
void worker_siblings_tick(struct carried *carried);
void worker_siblings_end(struct carried *carried);

#endif
