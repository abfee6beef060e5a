/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run's packets before they were sealed, as a pcap file of link type USER0 for tools/trunkline.lua:
 * a byte for the direction, then the 12-byte header and the frames.
 */
#ifndef TESTS_SIM_CAPTURE_H
#define TESTS_SIM_CAPTURE_H

#include "tunnel/trace.h"

#include <stdint.h>
#include <stdio.h>

/* Writes the head of the file. NULL (told on stderr) when it cannot be made. */
FILE *capture_open(const char *path);

/* One lane end's; it writes what that end sends. */
struct capture_end {
	FILE *file; /* NULL: nothing is captured */
	uint32_t connection_id;
	uint8_t direction; /* enum side of the sender */
	struct tracer tracer;
};
/* For lane_set_tracer(); NULL when there is no file. */
const struct tracer *capture_tracer(
    struct capture_end *end, FILE *file, uint32_t connection_id, uint8_t direction);

#endif
