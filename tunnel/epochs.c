/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Key epochs of a lane, RFC 9001 section 6 with a one-way ratchet of the secrets.
 */
#include "config.h"

#include "tunnel/epochs.h"

#include "base/err.h"
#include "tunnel/limits.h"

#include <sodium.h>
#include <string.h>

/* A key that is not in use is that of this secret, so that nothing of another stays. */
static const uint8_t nothing[AEAD_SECRET_BYTES];

int epochs_init(struct epochs *epochs, enum aead_kind kind,
    const uint8_t send_secret[AEAD_SECRET_BYTES], const uint8_t receive_secret[AEAD_SECRET_BYTES],
    uint64_t now_us)
{
	memset(epochs, 0, sizeof(*epochs));
	epochs->send_began_us = now_us;
	epochs->most_pkts = EPOCH_MAX_PKTS;
	memcpy(epochs->send_secret, send_secret, AEAD_SECRET_BYTES);
	memcpy(epochs->next_secret, receive_secret, AEAD_SECRET_BYTES);
	if (aead_key_init(&epochs->send, kind, send_secret)
	    || aead_key_init(&epochs->receive, kind, receive_secret))
		return ERR_NOMEM;
	aead_secret_ratchet(epochs->next_secret);
	if (aead_key_init(&epochs->next, kind, epochs->next_secret)
	    || aead_key_init(&epochs->old, kind, nothing))
		return ERR_NOMEM;
	return 0;
}

void epochs_clear(struct epochs *epochs)
{
	aead_key_clear(&epochs->send);
	aead_key_clear(&epochs->receive);
	aead_key_clear(&epochs->next);
	aead_key_clear(&epochs->old);
	sodium_memzero(epochs->send_secret, sizeof(epochs->send_secret));
	sodium_memzero(epochs->next_secret, sizeof(epochs->next_secret));
}

static void drop_old(struct epochs *epochs, uint64_t now_us)
{
	if (!epochs->has_old || now_us < epochs->old_until_us)
		return;
	aead_key_replace(&epochs->old, nothing);
	epochs->has_old = false;
}

static void advance_send(struct epochs *epochs, uint64_t number, uint64_t now_us)
{
	aead_secret_ratchet(epochs->send_secret);
	aead_key_replace(&epochs->send, epochs->send_secret);
	epochs->send_epoch++;
	epochs->send_first = number;
	epochs->send_pkts = 0;
	epochs->send_began_us = now_us;
	epochs->is_confirmed = false;
	epochs->changes++;
}

void epochs_prepare_send(struct epochs *epochs, uint64_t number, uint64_t now_us)
{
	if (epochs->send_epoch < epochs->receive_epoch) {
		advance_send(epochs, number, now_us);
		return;
	}
	if (epochs->send_pkts < epochs->most_pkts && now_us - epochs->send_began_us < EPOCH_MAX_US)
		return;
	drop_old(epochs, now_us);
	/* RFC 9001 section 6.1 and 6.5: no second change before the first is through. */
	if (epochs->is_confirmed && epochs->receive_epoch == epochs->send_epoch && !epochs->has_old)
		advance_send(epochs, number, now_us);
}

bool epochs_phase(const struct epochs *epochs)
{
	return epochs->send_epoch & 1;
}

void epochs_seal(
    struct epochs *epochs, uint8_t *packet, uint32_t connection_id, uint64_t number, size_t length)
{
	struct packet_header header = {epochs_phase(epochs), connection_id, number};

	packet_header_write(packet, &header);
	aead_seal(&epochs->send, number, packet, PACKET_HEADER_BYTES, packet + PACKET_HEADER_BYTES,
	    length);
	epochs->send_pkts++;
}

/* A packet of the next epoch opened: it is the current one now. */
static void advance_receive(
    struct epochs *epochs, uint64_t number, uint64_t pto_us, uint64_t now_us)
{
	struct aead_key spare = epochs->old;

	epochs->old = epochs->receive;
	epochs->has_old = true;
	epochs->old_until_us = now_us + EPOCH_OLD_KEYS_PTOS * pto_us;
	epochs->receive = epochs->next;
	epochs->next = spare;
	epochs->receive_epoch++;
	epochs->receive_first = number;
	aead_secret_ratchet(epochs->next_secret);
	aead_key_replace(&epochs->next, epochs->next_secret);
	epochs->changes++;
}

int epochs_open(struct epochs *epochs, const struct packet_header *header, uint8_t *packet,
    size_t length, uint64_t pto_us, uint64_t now_us)
{
	struct aead_key *key = &epochs->receive;
	bool is_next = false;
	int rc;

	drop_old(epochs, now_us);
	if (header->phase != (epochs->receive_epoch & 1)) {
		/* A packet from before the change that was late, or the first of a new epoch. */
		is_next = !epochs->has_old || header->number > epochs->receive_first;
		key = is_next ? &epochs->next : &epochs->old;
	}
	rc = aead_open(key, header->number, packet, PACKET_HEADER_BYTES,
	    packet + PACKET_HEADER_BYTES, length - PACKET_OVERHEAD_BYTES);
	if (rc)
		return rc;
	if (is_next)
		advance_receive(epochs, header->number, pto_us, now_us);
	else if (key == &epochs->receive && header->number < epochs->receive_first)
		epochs->receive_first = header->number;
	return 0;
}

void epochs_on_ack(struct epochs *epochs, uint64_t largest)
{
	if (largest >= epochs->send_first)
		epochs->is_confirmed = true;
}
