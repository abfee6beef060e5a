/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of loss repair: charged to its lane's budget, and the first to give way.  Nothing new is taken while memory is
 * scarce, so that repair never is why a window shrinks further or a flow is refused; what is refused is counted, and only means that a
 * packet is not protected, or is of no help to others.
 */
#ifndef TUNNEL_REPAIR_MEMORY_H
#define TUNNEL_REPAIR_MEMORY_H

#include "tunnel/budget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed with its budget set is ready. */
struct repair_memory {
	struct budget *budget; /* outlives it */
	uint64_t used_bytes;   /* of it */
	uint64_t refusals;
};

/* Charges so many bytes; false when memory is scarce. */
bool repair_memory_take(struct repair_memory *memory, size_t bytes);
void repair_memory_give(struct repair_memory *memory, size_t bytes);

/* A run's bytes (tunnel/gf256.h), `capacity` a multiple of GF256_RUN_BYTES; NULL when it is not to be had. */
uint8_t *repair_memory_new(struct repair_memory *memory, size_t capacity);
/* Takes NULL with capacity 0. */
void repair_memory_free(struct repair_memory *memory, uint8_t *data, size_t capacity);

#endif
