/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each side says of itself in clear in its handshake packets.  Nobody believes it until the
 * first packet sealed under the tunnel's keys opens: its hash is in the exporter's context.
 */
#ifndef TUNNEL_PARAMETERS_H
#define TUNNEL_PARAMETERS_H

#include "tunnel/aead.h"
#include "tunnel/handshake.h"

struct reader;
struct writer;

enum {
	TUNNEL_VERSION = 4,
	TUNNEL_PARAMETERS_BYTES = 18, /* on the wire */
};

struct tunnel_parameters {
	uint16_t version;
	uint8_t aeads;      /* enum aead_kind as bits: what can be; in an answer the one chosen */
	uint8_t workers;    /* worker slots of the node, 1 .. TUNNEL_LANES_MAX */
	uint64_t instance;  /* random at each start of the daemon */
	uint32_t max_flows; /* most flows that this side lets a lane have, 1 and up */
	uint16_t packet_bytes; /* longest UDP payload that this side receives */
};

void tunnel_parameters_write(struct writer *w, const struct tunnel_parameters *parameters);
/* The reader says whether they were there; tunnel_parameters_are_good() whether they make sense. */
void tunnel_parameters_read(struct reader *r, struct tunnel_parameters *parameters);
/* Version and ranges; any set of AEADs that is not empty. */
bool tunnel_parameters_are_good(const struct tunnel_parameters *parameters);
bool tunnel_parameters_equal(const struct tunnel_parameters *a, const struct tunnel_parameters *b);
/* The best AEAD of both sets: AES-256-GCM where both have the instructions; 0 when there is none. */
uint8_t tunnel_parameters_choose(uint8_t a, uint8_t b);

#endif
