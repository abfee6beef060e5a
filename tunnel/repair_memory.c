/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of loss repair, see repair_memory.h. */
#include "config.h"

#include "tunnel/repair_memory.h"

#include "tunnel/gf256.h"

#include <stdlib.h>

bool repair_memory_take(struct repair_memory *memory, size_t bytes)
{
	if (budget_pressure(memory->budget) >= BUDGET_SCARCE
	    || !budget_take(memory->budget, bytes)) {
		memory->refusals++;
		return false;
	}
	memory->used_bytes += bytes;
	return true;
}

void repair_memory_give(struct repair_memory *memory, size_t bytes)
{
	memory->used_bytes -= bytes;
	budget_give(memory->budget, bytes);
}

uint8_t *repair_memory_new(struct repair_memory *memory, size_t capacity)
{
	uint8_t *data;

	if (!repair_memory_take(memory, capacity))
		return NULL;
	data = aligned_alloc(GF256_RUN_BYTES, capacity);
	if (!data)
		repair_memory_give(memory, capacity);
	return data;
}

void repair_memory_free(struct repair_memory *memory, uint8_t *data, size_t capacity)
{
	free(data);
	repair_memory_give(memory, capacity);
}
