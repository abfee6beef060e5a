/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checked cursors over bytes: a reader and a writer of big-endian integers, the variable-length
 * integers of RFC 9000 section 16, and raw bytes.
 * Failure is sticky: once a step does not fit, `failed` stays true, reads give 0 or NULL and
 * writes do nothing, so a decoder may check once at its end.  Nothing is allocated.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT_MAX       ((UINT64_C(1) << 62) - 1)
#define VARINT_MAX_BYTES 8

/* Reads [at, end).  After a failure at == end. */
struct reader {
	const uint8_t *at, *end;
	bool failed;
};

/* Writes [at, end); what is written lies in [start, at). */
struct writer {
	uint8_t *at, *end;
	uint8_t *start;
	bool failed;
};

static inline void reader_init(struct reader *r, const void *data, size_t length_bytes)
{
	r->at = data;
	r->end = r->at ? r->at + length_bytes : r->at;
	r->failed = false;
}

/* Bytes not yet read. */
static inline size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

static inline void reader_fail(struct reader *r)
{
	r->failed = true;
	r->at = r->end;
}

/* The next n bytes in place (valid as long as the input is), or NULL when fewer are left. */
static inline const uint8_t *reader_bytes(struct reader *r, size_t n)
{
	const uint8_t *bytes = r->at;

	if (r->failed || reader_left(r) < n) {
		reader_fail(r);
		return NULL;
	}
	if (n)
		r->at += n;
	return bytes;
}

/* Copies the next n bytes to dst; zeroes dst on failure.  True when they were there. */
static inline bool reader_copy(struct reader *r, void *dst, size_t n)
{
	const uint8_t *bytes = reader_bytes(r, n);

	if (n == 0)
		return !r->failed;
	if (bytes)
		memcpy(dst, bytes, n);
	else
		memset(dst, 0, n);
	return bytes != NULL;
}

static inline uint8_t reader_u8(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
	uint16_t value;

	reader_copy(r, &value, sizeof(value));
	return __builtin_bswap16(value);
}

static inline uint32_t reader_u32(struct reader *r)
{
	uint32_t value;

	reader_copy(r, &value, sizeof(value));
	return __builtin_bswap32(value);
}

static inline uint64_t reader_u64(struct reader *r)
{
	uint64_t value;

	reader_copy(r, &value, sizeof(value));
	return __builtin_bswap64(value);
}

static inline uint64_t reader_varint(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 1);
	uint64_t value;
	unsigned more;

	if (!p)
		return 0;
	value = p[0] & 0x3f;
	more = (1u << (p[0] >> 6)) - 1;
	p = reader_bytes(r, more);
	if (r->failed)
		return 0;
	for (unsigned i = 0; i < more; i++)
		value = value << 8 | p[i];
	return value;
}

static inline void writer_init(struct writer *w, void *buffer, size_t size_bytes)
{
	w->start = buffer;
	w->at = w->start;
	w->end = w->start ? w->start + size_bytes : w->start;
	w->failed = false;
}

/* Room left, in bytes. */
static inline size_t writer_left(const struct writer *w)
{
	return (size_t)(w->end - w->at);
}

/* Bytes written so far. */
static inline size_t writer_length(const struct writer *w)
{
	return (size_t)(w->at - w->start);
}

/* Takes n bytes that the caller fills in at once, or NULL when they do not fit. */
static inline uint8_t *writer_skip(struct writer *w, size_t n)
{
	uint8_t *place = w->at;

	if (w->failed || writer_left(w) < n) {
		w->failed = true;
		return NULL;
	}
	if (n)
		w->at += n;
	return place;
}

static inline void writer_bytes(struct writer *w, const void *bytes, size_t n)
{
	uint8_t *place = writer_skip(w, n);

	if (place && n)
		memcpy(place, bytes, n);
}

static inline void writer_u8(struct writer *w, uint8_t value)
{
	writer_bytes(w, &value, 1);
}

static inline void writer_u16(struct writer *w, uint16_t value)
{
	value = __builtin_bswap16(value);
	writer_bytes(w, &value, sizeof(value));
}

static inline void writer_u32(struct writer *w, uint32_t value)
{
	value = __builtin_bswap32(value);
	writer_bytes(w, &value, sizeof(value));
}

static inline void writer_u64(struct writer *w, uint64_t value)
{
	value = __builtin_bswap64(value);
	writer_bytes(w, &value, sizeof(value));
}

/* Bytes that a value takes as a varint: 1, 2, 4 or 8; 0 above VARINT_MAX. */
static inline size_t varint_length(uint64_t value)
{
	if (value < 64)
		return 1;
	if (value < 16384)
		return 2;
	if (value < (UINT64_C(1) << 30))
		return 4;
	return value <= VARINT_MAX ? 8 : 0;
}

/*
 * A varint in a stated width (1, 2, 4 or 8), for a length that is known only after what follows it.
 * Fails when the value does not fit that width.
 */
void writer_varint_wide(struct writer *w, uint64_t value, size_t width_bytes);

/* The shortest form; fails above VARINT_MAX. */
static inline void writer_varint(struct writer *w, uint64_t value)
{
	if (value < 64)
		writer_u8(w, (uint8_t)value);
	else
		writer_varint_wide(w, value, varint_length(value));
}

#endif
