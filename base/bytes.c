/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer's variable-length integers, RFC 9000 section 16; the rest is inline in bytes.h.
 */
#include "base/bytes.h"

/* The two top bits hold log2 of the width. */
void writer_varint_wide(struct writer *w, uint64_t value, size_t width_bytes)
{
	size_t needed = varint_length(value);

	if (needed == 0 || needed > width_bytes)
		w->failed = true;
	else if (width_bytes == 1)
		writer_u8(w, (uint8_t)value);
	else if (width_bytes == 2)
		writer_u16(w, (uint16_t)(value | 1u << 14));
	else if (width_bytes == 4)
		writer_u32(w, (uint32_t)(value | 2u << 30));
	else
		writer_u64(w, value | UINT64_C(3) << 62);
}
