/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS 1.3 by wolfSSL over memory: ciphertext in and out by feed and drain, plaintext by write and
 * read.  Both sides must show a certificate; any certificate is accepted, its key is proved, and
 * the caller compares peer_pin() with the pins it expects.  The same adapter carries a tunnel's
 * handshake (as a struct tls_ops) and the TCP channel between node and control.
 * No sockets here, no files, no session tickets, no resumption, one cipher suite.
 */
#ifndef NET_TLS_WOLFSSL_H
#define NET_TLS_WOLFSSL_H

#include "tunnel/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TLS_SYSTEM_DEVICE = 7400,           /* random numbers by libsodium: no file is opened */
	TLS_PEM_BYTES = 2048,               /* enough for a P-256 key or certificate in PEM */
	TLS_BUFFER_BYTES_MAX = 1024 * 1024, /* ciphertext held in one direction */
	TLS_READ_BYTES_MAX = 16 * 1024,     /* plaintext of one TLS record, RFC 8446 section 5.1 */
};

/*
 * Makes a P-256 key pair and a self-signed certificate around it, both PEM and NUL-terminated.
 * `device` is a wc_CryptoCb device that gives the random numbers, or TLS_SYSTEM_DEVICE.
 * 0 or ERR_NOMEM, ERR_IO (no random numbers).
 */
int tls_identity_generate(
    char key_pem[TLS_PEM_BYTES], char certificate_pem[TLS_PEM_BYTES], int device);

/* Takes copies. 0, ERR_MALFORMED (not PEM, not P-256, or they do not match), ERR_NOMEM. */
int tls_identity_new(
    struct tls_identity **identity, const char *key_pem, const char *certificate_pem, int device);
/* After the last connection of it. Takes NULL. */
void tls_identity_free(struct tls_identity *identity);
/* The identity's own pin. */
const uint8_t *tls_identity_pin(const struct tls_identity *identity);

/* The pin of a certificate in PEM; ERR_MALFORMED when it is not one of a P-256 key. */
int tls_certificate_pin(const char *certificate_pem, uint8_t pin[PIN_BYTES]);

/* For tunnel/session.h; the identity argument is a struct tls_identity. */
extern const struct tls_ops tls_wolfssl_ops;

/* As in struct tls_ops. */
int tls_connection_new(
    struct tls_connection **tls, struct tls_identity *identity, enum tls_role role);
void tls_connection_free(struct tls_connection *tls);
int tls_connection_feed(struct tls_connection *tls, const uint8_t *data, size_t length);
size_t tls_connection_drain(struct tls_connection *tls, uint8_t *out, size_t size);
bool tls_connection_is_established(const struct tls_connection *tls);
int tls_connection_peer_pin(const struct tls_connection *tls, uint8_t pin[PIN_BYTES]);
int tls_connection_export(struct tls_connection *tls, const char *label, const uint8_t *context,
    size_t context_length, uint8_t *out, size_t length);

/* Ciphertext waiting for drain. */
size_t tls_connection_pending_bytes(const struct tls_connection *tls);
/*
 * Encrypts all of it.  0, ERR_STATE (not established, or closed by us), ERR_LIMIT (would hold more
 * than TLS_BUFFER_BYTES_MAX: drain first; nothing was taken) or ERR_AUTH (the connection failed).
 */
int tls_connection_write(struct tls_connection *tls, const uint8_t *data, size_t length);
/*
 * Decrypts up to `size` bytes: their number; ERR_AGAIN when more ciphertext is needed; ERR_CLOSED
 * after the peer's close_notify; ERR_STATE before it is established; ERR_AUTH when it failed.
 */
int tls_connection_read(struct tls_connection *tls, uint8_t *out, size_t size);
/* Queues close_notify for drain; no more writes after it. */
void tls_connection_shutdown(struct tls_connection *tls);
/* wolfSSL's words for why it failed, in static storage; "" when it did not. */
const char *tls_connection_error(const struct tls_connection *tls);

#endif
