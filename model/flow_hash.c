/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flow_hash.h. */
#include "model/flow_hash.h"

#include "base/bytes.h"

#include <sodium.h>

void flow_hash_init(struct flow_hash_key *key, uint64_t seed)
{
	uint8_t input[8];
	struct writer w;

	_Static_assert(sizeof(key->bytes) == crypto_shorthash_KEYBYTES, "a SipHash key");
	writer_init(&w, input, sizeof(input));
	writer_u64(&w, seed);
	crypto_generichash(key->bytes, sizeof(key->bytes), input, sizeof(input),
	    (const uint8_t *)"trunkline flow hash", 19);
}

static uint64_t hash_of(const struct flow_hash_key *key, const uint8_t *data, size_t length)
{
	uint8_t digest[crypto_shorthash_BYTES];
	struct reader r;

	crypto_shorthash(digest, data, length, key->bytes);
	reader_init(&r, digest, sizeof(digest));
	return reader_u64(&r);
}

uint64_t flow_hash(const struct flow_hash_key *key, enum client_affinity affinity,
    uint32_t accelerator_id, enum accelerator_protocol protocol, const struct addr *user,
    uint16_t local_port)
{
	uint8_t input[4 + 1 + 16 + 1 + 2 + 2];
	struct writer w;

	writer_init(&w, input, sizeof(input));
	writer_u32(&w, accelerator_id);
	writer_u8(&w, user->family);
	writer_bytes(&w, user->ip, sizeof(user->ip));
	if (affinity == AFFINITY_NONE) {
		writer_u8(&w, (uint8_t)protocol);
		writer_u16(&w, user->port);
		writer_u16(&w, local_port);
	}
	return hash_of(key, input, writer_length(&w));
}

uint64_t flow_hash_answer(const struct flow_hash_key *key, uint64_t flow_hash,
    enum flow_question question, const void *about, size_t about_bytes)
{
	uint8_t input[8 + 1 + NAME_BYTES];
	struct writer w;

	writer_init(&w, input, sizeof(input));
	writer_u64(&w, flow_hash);
	writer_u8(&w, (uint8_t)question);
	writer_bytes(&w, about, about_bytes < NAME_BYTES ? about_bytes : NAME_BYTES);
	return hash_of(key, input, writer_length(&w));
}
