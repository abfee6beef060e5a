/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key and certificate of the API over TCP; the one place that knows GnuTLS, which libmicrohttpd
 * brings.  The key is another than control's identity: that one stays in the keys process.
 */
#ifndef CONTROL_API_TLS_H
#define CONTROL_API_TLS_H

#include "base/pin.h"
#include "model/limits.h"
#include "net/identity.h"

#include <stddef.h>

/* TLS 1.3 alone, in GnuTLS's words. */
#define API_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3"

struct api_tls {
	struct identity_pem pem;
	uint8_t pin[PIN_BYTES]; /* of the certificate's key, of whatever kind */
};

/*
 * Control's own pair, api.key and api.crt in the state directory, made when it is not there; or
 * those of an operator, the key readable by nobody else.  A negative error with *reason filled and
 * *tls empty.
 */
int api_tls_open_own(struct api_tls *tls, const char *state_directory, char reason[REASON_BYTES]);
int api_tls_open_files(struct api_tls *tls, const char *certificate_path, const char *key_path,
    char reason[REASON_BYTES]);

/* Wipes the key.  Takes an empty one. */
void api_tls_clear(struct api_tls *tls);

/* Sends a few bytes through a connection's TLS, a gnutls_session_t, if they can go at once. */
void api_tls_say(void *session, const char *text, size_t length);

#endif
