/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer's variable-length integers, RFC 9000 section 16; the rest is inline in bytes.h.
 */
#include "base/bytes.h"

void writer_varint_wide(struct writer *w, uint64_t value, size_t width_bytes)
{
	size_t needed = varint_length(value);
	uint8_t *place;

	if (needed == 0 || needed > width_bytes) {
		w->failed = true;
		return;
	}
	place = writer_skip(w, width_bytes);
	if (!place)
		return;
	for (size_t i = width_bytes; i-- > 0; value >>= 8)
		place[i] = (uint8_t)value;
	/* The two top bits hold log2 of the width. */
	place[0] |= (uint8_t)(__builtin_ctzl(width_bytes) << 6);
}

void writer_varint(struct writer *w, uint64_t value)
{
	writer_varint_wide(w, value, varint_length(value));
}
