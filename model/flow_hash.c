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

uint64_t flow_hash(const struct flow_hash_key *key, uint32_t accelerator_id,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port)
{
	uint8_t input[4 + 1 + 1 + 16 + 2 + 2], digest[crypto_shorthash_BYTES];
	struct writer w;
	struct reader r;

	writer_init(&w, input, sizeof(input));
	writer_u32(&w, accelerator_id);
	writer_u8(&w, (uint8_t)protocol);
	writer_u8(&w, user->family);
	writer_bytes(&w, user->ip, sizeof(user->ip));
	writer_u16(&w, user->port);
	writer_u16(&w, local_port);
	crypto_shorthash(digest, input, writer_length(&w), key->bytes);
	reader_init(&r, digest, sizeof(digest));
	return reader_u64(&r);
}
