/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node's or control's identity: a P-256 key pair and a self-signed certificate, made at the first
 * start and kept as identity.key and identity.crt, mode 0600, in the state directory.  Who a peer
 * is says its pin: SHA-256 of the public key's DER SubjectPublicKeyInfo (text: base/pin.h).
 */
#ifndef NET_IDENTITY_H
#define NET_IDENTITY_H

#include "tunnel/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDENTITY_NAME             "identity"
#define IDENTITY_KEY_FILE         IDENTITY_NAME ".key"
#define IDENTITY_CERTIFICATE_FILE IDENTITY_NAME ".crt"

/*
 * Loads the identity from `state_directory`, which exists; makes it when there is no key.
 * ERR_IO (see errno), ERR_MALFORMED (a file is broken, or the two do not belong together),
 * ERR_STATE (a key without certificate), ERR_AUTH (others may read the key file), ERR_NOMEM.
 */
int identity_open(struct tls_identity **identity, const char *state_directory);

/* A key and its certificate as PEM, NUL-terminated, allocated. */
struct identity_pem {
	char *key, *certificate;
};

/*
 * The same for NAME.key and NAME.crt, for another use than being known by nodes; what is in the
 * files is not looked at.  The caller clears *pem, which is empty on error.
 */
int identity_open_pem(struct identity_pem *pem, const char *state_directory, const char *name);

/* Wipes the key.  Takes an empty one. */
void identity_pem_clear(struct identity_pem *pem);

/* Reads the pin from the certificate file alone, for a process that must not see the key. */
int identity_read_pin(uint8_t pin[PIN_BYTES], const char *state_directory);

#endif
