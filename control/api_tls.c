/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See api_tls.h. */
#include "config.h"

#include "control/api_tls.h"

#include "base/err.h"
#include "base/file.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PEM_BYTES_MAX = 256 * 1024 };

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

static int fail(char reason[REASON_BYTES], const char *what, int gnutls_error)
{
	snprintf(reason, REASON_BYTES, "%s: %s", what, gnutls_strerror(gnutls_error));
	return ERR_MALFORMED;
}

/* Do the two belong together, and are they what GnuTLS takes? */
static int check_pair(const struct identity_pem *pem, char reason[REASON_BYTES])
{
	gnutls_datum_t key = datum(pem->key), certificate = datum(pem->certificate);
	gnutls_certificate_credentials_t credentials;
	int result = gnutls_certificate_allocate_credentials(&credentials);

	if (result < 0)
		return fail(reason, "no credentials", result);
	result = gnutls_certificate_set_x509_key_mem(
	    credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(credentials);
	return result < 0 ? fail(reason, "the certificate and the key cannot be used", result) : 0;
}

static int hash_key(gnutls_x509_crt_t certificate, gnutls_pubkey_t key, uint8_t pin[PIN_BYTES])
{
	gnutls_datum_t spki;
	int result = gnutls_pubkey_import_x509(key, certificate, 0);

	if (result == 0)
		result = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &spki);
	if (result < 0)
		return result;
	crypto_hash_sha256(pin, spki.data, spki.size);
	gnutls_free(spki.data);
	return 0;
}

/* Of the first certificate, the server's own. */
static int read_pin(struct api_tls *tls, char reason[REASON_BYTES])
{
	gnutls_datum_t text = datum(tls->pem.certificate);
	gnutls_x509_crt_t certificate = NULL;
	gnutls_pubkey_t key = NULL;
	int result = gnutls_x509_crt_init(&certificate);

	if (result == 0)
		result = gnutls_pubkey_init(&key);
	if (result == 0)
		result = gnutls_x509_crt_import(certificate, &text, GNUTLS_X509_FMT_PEM);
	if (result == 0)
		result = hash_key(certificate, key, tls->pin);
	if (key)
		gnutls_pubkey_deinit(key);
	if (certificate)
		gnutls_x509_crt_deinit(certificate);
	return result < 0 ? fail(reason, "the certificate's key cannot be read", result) : 0;
}

static int check(struct api_tls *tls, char reason[REASON_BYTES])
{
	int result = check_pair(&tls->pem, reason);

	if (result == 0)
		result = read_pin(tls, reason);
	if (result < 0)
		api_tls_clear(tls);
	return result;
}

int api_tls_open_own(struct api_tls *tls, const char *state_directory, char reason[REASON_BYTES])
{
	int result = identity_open_pem(&tls->pem, state_directory, "api");

	if (result == 0)
		return check(tls, reason);
	snprintf(reason, REASON_BYTES, "api.key and api.crt in %.200s: %s", state_directory,
	    result == ERR_IO ? strerror(errno) : err_text(result));
	return result;
}

static int read_file(const char *path, char **text, char reason[REASON_BYTES])
{
	size_t length;
	int result = file_read(path, PEM_BYTES_MAX, text, &length);

	if (result < 0)
		snprintf(reason, REASON_BYTES, "%.200s: %s", path,
		    result == ERR_IO ? strerror(errno) : err_text(result));
	return result;
}

static int check_mode(const char *key_path, char reason[REASON_BYTES])
{
	struct stat status;

	if (stat(key_path, &status) < 0 || !(status.st_mode & (S_IRWXG | S_IRWXO)))
		return 0; /* reading tells what is wrong */
	snprintf(reason, REASON_BYTES,
	    "%.200s may be read by others than its owner: chmod 600 makes it secret", key_path);
	return ERR_AUTH;
}

int api_tls_open_files(struct api_tls *tls, const char *certificate_path, const char *key_path,
    char reason[REASON_BYTES])
{
	int result = check_mode(key_path, reason);

	*tls = (struct api_tls){0};
	if (result == 0)
		result = read_file(key_path, &tls->pem.key, reason);
	if (result == 0)
		result = read_file(certificate_path, &tls->pem.certificate, reason);
	if (result == 0)
		return check(tls, reason);
	api_tls_clear(tls);
	return result;
}

void api_tls_clear(struct api_tls *tls)
{
	identity_pem_clear(&tls->pem);
}

void api_tls_say(void *session, const char *text, size_t length)
{
	(void)!gnutls_record_send(session, text, length);
}
