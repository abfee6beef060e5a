/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The jar's key turns every 120 s, which is made up for when it is next used; after 240 s both keys are
 * new.
 */
#include "config.h"

#include "tunnel/cookie.h"

#include "base/bytes.h"

#include <sodium.h>
#include <string.h>

void cookie_jar_init(
    struct cookie_jar *jar, random_fn *random, void *random_context, uint64_t now_us)
{
	jar->random = random;
	jar->random_context = random_context;
	jar->turned_us = now_us;
	random(random_context, jar->keys, sizeof(jar->keys));
}

static void jar_turn(struct cookie_jar *jar, uint64_t now_us)
{
	uint64_t age_us = now_us - jar->turned_us;

	if (age_us < COOKIE_TURN_US)
		return;
	if (age_us >= 2 * COOKIE_TURN_US) {
		jar->random(jar->random_context, jar->keys[1], sizeof(jar->keys[1]));
		jar->turned_us = now_us;
	} else {
		memcpy(jar->keys[1], jar->keys[0], sizeof(jar->keys[1]));
		jar->turned_us += COOKIE_TURN_US;
	}
	jar->random(jar->random_context, jar->keys[0], sizeof(jar->keys[0]));
}

static void compute(const uint8_t key[32], uint8_t cookie[HANDSHAKE_COOKIE_BYTES],
    const struct addr *source, const struct handshake_header *header)
{
	uint8_t input[64];
	struct writer w;

	writer_init(&w, input, sizeof(input));
	writer_u8(&w, source->family);
	writer_u16(&w, source->port);
	writer_bytes(&w, source->ip, sizeof(source->ip));
	writer_u32(&w, source->scope);
	writer_u64(&w, header->door_id);
	writer_u64(&w, header->tunnel_id);
	crypto_generichash(cookie, HANDSHAKE_COOKIE_BYTES, input, writer_length(&w), key, 32);
}

void cookie_make(struct cookie_jar *jar, uint8_t cookie[HANDSHAKE_COOKIE_BYTES],
    const struct addr *source, const struct handshake_header *header, uint64_t now_us)
{
	jar_turn(jar, now_us);
	compute(jar->keys[0], cookie, source, header);
}

bool cookie_check(struct cookie_jar *jar, const uint8_t cookie[HANDSHAKE_COOKIE_BYTES],
    const struct addr *source, const struct handshake_header *header, uint64_t now_us)
{
	uint8_t expected[HANDSHAKE_COOKIE_BYTES];
	bool is_good = false;

	jar_turn(jar, now_us);
	for (int i = 0; i < 2; i++) {
		compute(jar->keys[i], expected, source, header);
		is_good |= sodium_memcmp(expected, cookie, sizeof(expected)) == 0;
	}
	return is_good;
}
