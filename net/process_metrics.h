/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every daemon tells of itself to Prometheus: its build, and its processes as proc(5) has them.
 * Main has the usual process_* names; the others, which main started, have a label.
 */
#ifndef NET_PROCESS_METRICS_H
#define NET_PROCESS_METRICS_H

#include "base/exposition.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A child: "keys", "worker 0"; one whose pid is 0 is down. */
struct process_metrics_child {
	char name[24];
	pid_t pid;
	unsigned restarts;
};

/* Descriptors that this process has open, 0 when it is not known. */
uint64_t process_open_descriptors(void);

/* trunkline_build_info, process_* and trunkline_child_*; `program` is "control", "listener", ... */
void process_metrics_write(struct exposition *exposition, const char *program,
    const struct process_metrics_child *children, size_t count);

#endif
