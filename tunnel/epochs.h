/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a lane and their renewal, as RFC 9001 section 6: a phase bit in the header says which
 * epoch sealed a packet; either side may begin the next one; the other follows when a packet of it
 * opened.  The next keys are ready before they are needed, so a forged phase bit costs no derivation.
 */
#ifndef TUNNEL_EPOCHS_H
#define TUNNEL_EPOCHS_H

#include "tunnel/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Invariant: receive_epoch <= send_epoch <= receive_epoch + 1.  next_secret is that of epoch
 * receive_epoch + 1; `receive` holds the key of receive_epoch, `next` that of the one after, and, while
 * has_old, `old` that of the one before.
 */
struct epochs {
	uint64_t send_epoch, receive_epoch;
	uint8_t send_secret[AEAD_SECRET_BYTES];
	uint8_t next_secret[AEAD_SECRET_BYTES];
	struct aead_key send, receive, next, old;
	uint64_t send_first, send_pkts, send_began_us;
	uint64_t most_pkts;     /* under one key: EPOCH_MAX_PKTS, or what the owner sets */
	bool is_confirmed;      /* a packet of send_epoch was acknowledged */
	uint64_t receive_first; /* the lowest number that opened with `receive` */
	bool has_old;
	uint64_t old_until_us;
	uint64_t changes; /* of either side's keys */
};

/* 0 or ERR_NOMEM; to be cleared in both cases.  What comes later needs no memory. */
int epochs_init(struct epochs *epochs, enum aead_kind kind,
    const uint8_t send_secret[AEAD_SECRET_BYTES], const uint8_t receive_secret[AEAD_SECRET_BYTES],
    uint64_t now_us);
/* Erases the keys; takes a zeroed one. */
void epochs_clear(struct epochs *epochs);
/* Before sealing packet `number`: goes to the next epoch when it is time and the last one was confirmed. */
void epochs_prepare_send(struct epochs *epochs, uint64_t number, uint64_t now_us);
/* The header's phase bit. */
bool epochs_phase(const struct epochs *epochs);
/* Writes the header and seals `length` bytes behind it; the tag goes behind those. */
void epochs_seal(
    struct epochs *epochs, uint8_t *packet, uint32_t connection_id, uint64_t number, size_t length);
/* Opens the packet in place, old keys living 3 `pto_us`. 0 or ERR_AUTH. */
int epochs_open(struct epochs *epochs, const struct packet_header *header, uint8_t *packet,
    size_t length, uint64_t pto_us, uint64_t now_us);
/* The peer acknowledged packet `largest` of ours. */
void epochs_on_ack(struct epochs *epochs, uint64_t largest);

#endif
