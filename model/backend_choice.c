/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backend_choice.h. */
#include "model/backend_choice.h"

#include "base/err.h"

static uint32_t weight_left(const struct backend *backends, size_t i, uint64_t excluded)
{
	return excluded >> i & 1 ? 0 : backends[i].weight;
}

/* draw scaled to [0, total): the high half of the product, without division and without bias. */
static uint64_t scale(uint64_t draw, uint64_t total)
{
	return (uint64_t)((unsigned __int128)draw * total >> 64);
}

int backend_choose(const struct backend *backends, size_t count, uint64_t excluded, uint64_t draw)
{
	uint64_t total = 0, at;

	if (count > GROUP_BACKENDS_MAX)
		count = GROUP_BACKENDS_MAX;
	for (size_t i = 0; i < count; i++)
		total += weight_left(backends, i, excluded);
	if (total == 0)
		return ERR_NOT_FOUND;
	at = scale(draw, total);
	for (size_t i = 0; i < count; i++) {
		uint32_t weight = weight_left(backends, i, excluded);

		if (at < weight)
			return (int)i;
		at -= weight;
	}
	return ERR_NOT_FOUND;
}
