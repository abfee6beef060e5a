/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following the peer to another address, see migration.h. */
#include "config.h"

#include "tunnel/migration.h"

#include "tunnel/path_limits.h"

#include <sodium.h>
#include <string.h>

_Static_assert(CHALLENGE_BYTES == crypto_shorthash_BYTES, "a challenge is one SipHash");
_Static_assert(CHALLENGE_KEY_BYTES == crypto_shorthash_KEYBYTES, "of the key");

void migration_init(struct migration *migration, const struct lane_route *route,
    const uint8_t key[CHALLENGE_KEY_BYTES])
{
	*migration = (struct migration){.route = *route};
	memcpy(migration->key, key, CHALLENGE_KEY_BYTES);
}

/* RFC 9000 section 8.2.4. */
static uint64_t patience_us(uint64_t pto_us)
{
	uint64_t us = CHALLENGE_EXPIRE_PTOS * pto_us;

	return us > CHALLENGE_EXPIRE_MIN_US ? us : CHALLENGE_EXPIRE_MIN_US;
}

static void begin(struct migration *migration, const struct lane_route *candidate, uint64_t pto_us,
    uint64_t now_us)
{
	migration->refusals += migration->is_challenging;
	migration->is_challenging = true;
	migration->is_wanted = false;
	migration->candidate = *candidate;
	migration->received_bytes = migration->sent_bytes = 0;
	migration->next_us = now_us;
	migration->expires_us = now_us + patience_us(pto_us);
	migration->challenges++;
	crypto_shorthash(migration->challenge, (const uint8_t *)&migration->challenges,
	    sizeof(migration->challenges), migration->key);
}

static void refuse(struct migration *migration)
{
	migration->is_challenging = false;
	migration->refusals++;
}

/* The peer sent that from where it always was, after the first packet of the candidate. */
static bool contradicts(
    const struct migration *migration, const struct lane_route *from, uint64_t number)
{
	return migration->is_challenging && !migration->is_wanted
	       && number >= migration->since_number && route_equal(from, &migration->route);
}

static bool is_late(
    const struct migration *migration, const struct lane_route *from, uint64_t now_us)
{
	return now_us < migration->left_until_us && route_equal(from, &migration->left);
}

void migration_on_packet(struct migration *migration, const struct migration_packet *packet,
    uint64_t pto_us, uint64_t now_us)
{
	bool is_candidates =
	    migration->is_challenging && route_equal(packet->from, &migration->candidate);

	if (contradicts(migration, packet->from, packet->number))
		refuse(migration);
	if (!is_candidates && packet->is_newest && !packet->is_probing
	    && !(migration->is_challenging && migration->is_wanted)
	    && !route_equal(packet->from, &migration->route)
	    && !is_late(migration, packet->from, now_us)) {
		begin(migration, packet->from, pto_us, now_us);
		migration->since_number = packet->number;
		is_candidates = true;
	}
	if (is_candidates)
		migration->received_bytes += packet->bytes;
}

bool migration_asks_for_copy(
    const struct migration *migration, const struct lane_route *from, uint64_t number)
{
	return contradicts(migration, from, number);
}

void migration_on_copy(struct migration *migration)
{
	refuse(migration);
}

void migration_on_challenge(
    struct migration *migration, const struct lane_route *from, const uint8_t data[CHALLENGE_BYTES])
{
	migration->has_answer = true;
	migration->answer_route = *from;
	memcpy(migration->answer, data, CHALLENGE_BYTES);
}

enum migration_result migration_set(struct migration *migration, const struct lane_route *route)
{
	bool is_same_ip = route_equal_ip(route, &migration->route);

	migration->is_challenging = false;
	if (route_equal(route, &migration->route))
		return MIGRATION_NONE;
	migration->route = *route;
	migration->moves++;
	return is_same_ip ? MIGRATION_PORT : MIGRATION_ADDRESS;
}

enum migration_result migration_on_response(struct migration *migration,
    const uint8_t data[CHALLENGE_BYTES], uint64_t pto_us, uint64_t now_us)
{
	if (!migration->is_challenging || memcmp(data, migration->challenge, CHALLENGE_BYTES) != 0)
		return MIGRATION_NONE;
	if (migration->is_wanted) {
		migration->left = migration->route;
		migration->left_until_us = now_us + patience_us(pto_us);
	}
	return migration_set(migration, &migration->candidate);
}

void migration_want(
    struct migration *migration, const struct lane_route *route, uint64_t pto_us, uint64_t now_us)
{
	if (route_equal(route, &migration->route))
		return;
	begin(migration, route, pto_us, now_us);
	migration->is_wanted = true;
}

/* Nobody makes us send more to an address than came from there. */
static bool has_credit(const struct migration *migration, size_t bytes)
{
	return migration->is_wanted || migration->sent_bytes + bytes <= migration->received_bytes;
}

uint64_t migration_timer_us(const struct migration *migration, size_t bytes)
{
	if (migration->has_answer)
		return 0;
	if (!migration->is_challenging)
		return UINT64_MAX;
	if (has_credit(migration, bytes) && migration->next_us < migration->expires_us)
		return migration->next_us;
	return migration->expires_us;
}

bool migration_next(struct migration *migration, size_t bytes, uint64_t pto_us, uint64_t now_us,
    struct migration_frame *frame)
{
	if (migration->has_answer) {
		migration->has_answer = false;
		if (migration->is_challenging
		    && route_equal(&migration->answer_route, &migration->candidate))
			migration->sent_bytes += bytes;
		*frame = (struct migration_frame){
		    &migration->answer_route, migration->answer, .is_response = true};
		return true;
	}
	if (migration->is_challenging && now_us >= migration->expires_us)
		refuse(migration);
	if (!migration->is_challenging || now_us < migration->next_us
	    || !has_credit(migration, bytes))
		return false;
	migration->sent_bytes += bytes;
	migration->next_us = now_us + pto_us;
	*frame = (struct migration_frame){&migration->candidate, migration->challenge, false};
	return true;
}
