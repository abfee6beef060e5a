/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a tunnel's handshake needs of TLS 1.3, as a table of functions: bytes in, bytes out, who the
 * peer is, and keys exported (RFC 8446 section 7.5).  net/tls_wolfssl.c implements it; the peer is
 * known by its pin alone, so an implementation accepts any certificate and proves its key.
 */
#ifndef TUNNEL_TLS_H
#define TUNNEL_TLS_H

#include "base/pin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_role { TLS_CLIENT, TLS_SERVER };

struct tls_connection; /* one TLS session; opaque here */
struct tls_identity;   /* a private key and its certificate; opaque here */

struct tls_ops {
	/* The identity outlives the connection. 0, ERR_NOMEM. */
	int (*open)(struct tls_connection **tls, struct tls_identity *identity, enum tls_role role);
	/* Frees and erases it; takes NULL. */
	void (*close)(struct tls_connection *tls);
	/*
	 * Takes ciphertext (copied) and runs the handshake as far as it goes; a client starts with
	 * length 0.  0, ERR_LIMIT (more than it buffers) or ERR_AUTH (the handshake failed, for good).
	 */
	int (*feed)(struct tls_connection *tls, const uint8_t *data, size_t length);
	/* Moves up to `size` bytes of ciphertext for the peer to `out`; returns how many. */
	size_t (*drain)(struct tls_connection *tls, uint8_t *out, size_t size);
	/* True once the handshake is complete on this side and the peer proved its private key. */
	bool (*is_established)(const struct tls_connection *tls);
	/* The peer's pin; ERR_STATE before it is established. */
	int (*peer_pin)(const struct tls_connection *tls, uint8_t pin[PIN_BYTES]);
	/* Keying material bound to label and context; 0, ERR_STATE or ERR_INVALID. */
	int (*export_key)(struct tls_connection *tls, const char *label, const uint8_t *context,
	    size_t context_length, uint8_t *out, size_t length);
};

#endif
