/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane against a peer that holds the keys: the input is a little program of packets with any
 * frames, time that passes, packets sent, and what the lane's own side does with its flows.
 * Memory must stay within the lane's budget, whatever comes.
 */
#include "config.h"

#include "base/bytes.h"
#include "tests/fuzz/lane_subject.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBER_JUMPS = 0x80 };

static void receive(struct lane_subject *s, struct reader *r, uint8_t op)
{
	size_t length = reader_u8(r) * 4u;
	const uint8_t *frames;

	if (length > reader_left(r))
		length = reader_left(r);
	frames = reader_bytes(r, length);
	if (!frames || length == 0)
		return;
	if (op & NUMBER_JUMPS)
		s->number += UINT64_C(1) << (op / 4 % 32);
	subject_receive(s, frames, length, op / 4 % SUBJECT_ROUTES);
}

static void step(struct lane_subject *s, struct reader *r)
{
	uint8_t op = reader_u8(r), which;

	switch (op % 4) {
	case 0:
		receive(s, r, op);
		break;
	case 1:
		which = reader_u8(r);
		subject_wait(s, (uint64_t)which * reader_u8(r) * 100);
		break;
	case 2:
		subject_send(s, NULL);
		break;
	default:
		which = reader_u8(r);
		subject_act(s, which, reader_u8(r));
	}
	subject_check(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lane_subject s;
	struct reader r;

	if (size < 2 || aead_init())
		return 0;
	subject_start(&s, data[0] & 1 ? LANE_LISTENER : LANE_ENDPOINT);
	reader_init(&r, data + 1, size - 1);
	for (int i = 0; i < SUBJECT_STEPS && reader_left(&r) > 0; i++)
		step(&s, &r);
	subject_end(&s);
	return 0;
}
