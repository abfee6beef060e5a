/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one file that speaks to wolfSSL.  Debian's build verifies nobody unless told to and has NULL
 * and anonymous suites compiled in: version, suite, group and verify mode are therefore set here,
 * and looked at again when the handshake is over.
 */
#include "config.h"

#include "net/tls_wolfssl.h"

#include "base/err.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>

#define TLS_SUITE      "TLS13-CHACHA20-POLY1305-SHA256"
#define TLS_SUITE_IANA "TLS_CHACHA20_POLY1305_SHA256"

enum {
	KEY_BYTES = 32,             /* P-256 */
	DER_BYTES = 1024,           /* enough for our key, certificate, or public key */
	PUBLIC_KEY_DER_BYTES = 512, /* a longer SubjectPublicKeyInfo is not P-256 */
	CERTIFICATE_DAYS = 36500,   /* the dates mean nothing; far enough for tools that look */
};

struct tls_identity {
	WOLFSSL_CTX *contexts[2]; /* by enum tls_role */
	uint8_t pin[PIN_BYTES];
};

/* Bytes [start, start + length) of data wait to be taken. */
struct buffer {
	uint8_t *data;
	size_t start, length, size;
};

struct tls_connection {
	WOLFSSL *ssl;
	struct buffer in, out; /* ciphertext */
	uint8_t peer_pin[PIN_BYTES];
	bool is_established, is_shut;
	int failure; /* 0, or wolfSSL's error: nothing more is done with it */
	char failure_text[WOLFSSL_MAX_ERROR_SZ];
};

static int buffer_append(struct buffer *b, const uint8_t *data, size_t length)
{
	size_t wanted = b->length + length;

	if (wanted > TLS_BUFFER_BYTES_MAX)
		return ERR_LIMIT;
	if (b->start && b->start + wanted > b->size) {
		memmove(b->data, b->data + b->start, b->length);
		b->start = 0;
	}
	if (wanted > b->size) {
		size_t size = b->size ? b->size : 2048;
		uint8_t *grown;

		while (size < wanted)
			size *= 2;
		grown = realloc(b->data, size);
		if (!grown)
			return ERR_NOMEM;
		b->data = grown;
		b->size = size;
	}
	if (length)
		memcpy(b->data + b->start + b->length, data, length);
	b->length = wanted;
	return 0;
}

/* An empty buffer gives back what it grew to, so that an idle connection owns little. */
static size_t buffer_take(struct buffer *b, uint8_t *out, size_t size)
{
	size_t n = b->length < size ? b->length : size;

	if (n)
		memcpy(out, b->data + b->start, n);
	b->start += n;
	b->length -= n;
	if (b->length == 0) {
		b->start = 0;
		if (b->size > 64 * 1024) {
			free(b->data);
			*b = (struct buffer){0};
		}
	}
	return n;
}

static int io_receive(WOLFSSL *ssl, char *out, int size, void *context)
{
	struct tls_connection *tls = context;
	size_t n = buffer_take(&tls->in, (uint8_t *)out, (size_t)size);

	(void)ssl;
	return n ? (int)n : WOLFSSL_CBIO_ERR_WANT_READ;
}

static int io_send(WOLFSSL *ssl, char *data, int length, void *context)
{
	struct tls_connection *tls = context;

	(void)ssl;
	if (buffer_append(&tls->out, (const uint8_t *)data, (size_t)length) < 0)
		return WOLFSSL_CBIO_ERR_GENERAL;
	return length;
}

/* wolfSSL's own generator opens /dev/urandom for each connection; the keys process has no files. */
static int system_device(int device, wc_CryptoInfo *info, void *context)
{
	(void)device;
	(void)context;
	if (info->algo_type == WC_ALGO_TYPE_RNG)
		randombytes_buf(info->rng.out, info->rng.sz);
	else if (info->algo_type == WC_ALGO_TYPE_SEED)
		randombytes_buf(info->seed.seed, info->seed.sz);
	else
		return CRYPTOCB_UNAVAILABLE;
	return 0;
}

static void library_start(void)
{
	static bool is_started;

	if (is_started)
		return;
	is_started = true;
	wolfSSL_Init();
	wc_CryptoCb_RegisterDevice(TLS_SYSTEM_DEVICE, system_device, NULL);
}

/* Any certificate will do: who the peer is says its pin, after the handshake. */
static int accept_certificate(int preverified, WOLFSSL_X509_STORE_CTX *store)
{
	(void)preverified;
	(void)store;
	return 1;
}

/* SHA-256 over the DER SubjectPublicKeyInfo of a P-256 key; ERR_MALFORMED for another curve. */
static int key_pin(ecc_key *key, uint8_t pin[PIN_BYTES])
{
	uint8_t spki[PUBLIC_KEY_DER_BYTES];
	int length;

	if (!key->dp || key->dp->id != ECC_SECP256R1)
		return ERR_MALFORMED;
	length = wc_EccPublicKeyToDer(key, spki, sizeof(spki), 1);
	if (length <= 0)
		return ERR_MALFORMED;
	crypto_hash_sha256(pin, spki, (unsigned long long)length);
	return 0;
}

/*
 * The pin of the key that wolfSSL itself decoded from the certificate: it is encoded anew, so that
 * no odd DER can make the key that was proved and the key that is pinned differ.
 */
static int certificate_pin(WOLFSSL_X509 *certificate, uint8_t pin[PIN_BYTES])
{
	uint8_t source[PUBLIC_KEY_DER_BYTES];
	int length = sizeof(source), result = ERR_MALFORMED;
	word32 at = 0;
	ecc_key key;

	if (wolfSSL_X509_get_pubkey_type(certificate) != ECDSAk)
		return ERR_MALFORMED;
	if (wolfSSL_X509_get_pubkey_buffer(certificate, source, &length) != WOLFSSL_SUCCESS)
		return ERR_MALFORMED;
	if (wc_ecc_init(&key) != 0)
		return ERR_NOMEM;
	if (wc_EccPublicKeyDecode(source, &at, &key, (word32)length) == 0)
		result = key_pin(&key, pin);
	wc_ecc_free(&key);
	return result;
}

/* DER to PEM; the PEM is NUL-terminated. */
static int pem_write(const uint8_t *der, int length, char pem[TLS_PEM_BYTES], int type)
{
	int n = wc_DerToPem(der, (word32)length, (byte *)pem, TLS_PEM_BYTES - 1, type);

	if (n <= 0)
		return ERR_NOMEM;
	pem[n] = '\0';
	return 0;
}

/* Signs a certificate of the key for itself; its length or a negative wolfSSL error. */
static int certificate_make(ecc_key *key, WC_RNG *rng, uint8_t *der, word32 size)
{
	Cert *certificate = wc_CertNew(NULL);
	int length;

	if (!certificate)
		return MEMORY_E;
	certificate->sigType = CTC_SHA256wECDSA;
	certificate->daysValid = CERTIFICATE_DAYS;
	certificate->selfSigned = 1;
	memcpy(certificate->subject.commonName, "trunkline", sizeof("trunkline"));
	length = wc_MakeCert(certificate, der, size, NULL, key, rng);
	if (length > 0)
		length = wc_SignCert(
		    certificate->bodySz, certificate->sigType, der, size, NULL, key, rng);
	wc_CertFree(certificate);
	return length;
}

int tls_identity_generate(
    char key_pem[TLS_PEM_BYTES], char certificate_pem[TLS_PEM_BYTES], int device)
{
	uint8_t der[DER_BYTES];
	int result = ERR_IO, length;
	ecc_key key;
	WC_RNG rng;

	library_start();
	if (wc_InitRng_ex(&rng, NULL, device) != 0)
		return ERR_IO;
	if (wc_ecc_init_ex(&key, NULL, device) != 0)
		goto free_rng;
	if (wc_ecc_make_key_ex(&rng, KEY_BYTES, &key, ECC_SECP256R1) != 0)
		goto free_key;
	length = wc_EccKeyToDer(&key, der, sizeof(der));
	if (length <= 0)
		goto free_key;
	result = pem_write(der, length, key_pem, ECC_PRIVATEKEY_TYPE);
	sodium_memzero(der, sizeof(der));
	if (result < 0)
		goto free_key;
	length = certificate_make(&key, &rng, der, sizeof(der));
	result = length > 0 ? pem_write(der, length, certificate_pem, CERT_TYPE) : ERR_IO;
free_key:
	wc_ecc_free(&key);
free_rng:
	wc_FreeRng(&rng);
	return result;
}

/* Settings that both roles share; everything that Debian's defaults leave open is said. */
static int context_harden(WOLFSSL_CTX *context, enum tls_role role)
{
	int groups[] = {WOLFSSL_ECC_SECP256R1};

	if (wolfSSL_CTX_SetMinVersion(context, WOLFSSL_TLSV1_3) != WOLFSSL_SUCCESS
	    || wolfSSL_CTX_set_cipher_list(context, TLS_SUITE) != WOLFSSL_SUCCESS
	    || wolfSSL_CTX_set_groups(context, groups, 1) != WOLFSSL_SUCCESS
	    || (role == TLS_SERVER && wolfSSL_CTX_no_ticket_TLSv13(context) != 0))
		return ERR_UNSUPPORTED;
	wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_OFF);
	wolfSSL_CTX_set_verify(
	    context, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_certificate);
	wolfSSL_CTX_SetIORecv(context, io_receive);
	wolfSSL_CTX_SetIOSend(context, io_send);
	return 0;
}

static int context_new(WOLFSSL_CTX **out, enum tls_role role, const char *key_pem,
    const char *certificate_pem, int device)
{
	WOLFSSL_METHOD *method =
	    role == TLS_CLIENT ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method();
	WOLFSSL_CTX *context = method ? wolfSSL_CTX_new(method) : NULL;

	if (!context)
		return ERR_NOMEM;
	*out = context;
	if (context_harden(context, role) < 0
	    || wolfSSL_CTX_SetDevId(context, device) != WOLFSSL_SUCCESS)
		return ERR_UNSUPPORTED;
	if (wolfSSL_CTX_use_certificate_buffer(context, (const unsigned char *)certificate_pem,
	        (long)strlen(certificate_pem), WOLFSSL_FILETYPE_PEM)
	        != WOLFSSL_SUCCESS
	    || wolfSSL_CTX_use_PrivateKey_buffer(context, (const unsigned char *)key_pem,
	           (long)strlen(key_pem), WOLFSSL_FILETYPE_PEM)
	           != WOLFSSL_SUCCESS
	    || wolfSSL_CTX_check_private_key(context) != WOLFSSL_SUCCESS)
		return ERR_MALFORMED;
	return 0;
}

int tls_certificate_pin(const char *certificate_pem, uint8_t pin[PIN_BYTES])
{
	WOLFSSL_X509 *certificate;
	int result;

	library_start();
	certificate = wolfSSL_X509_load_certificate_buffer((const unsigned char *)certificate_pem,
	    (int)strlen(certificate_pem), WOLFSSL_FILETYPE_PEM);
	if (!certificate)
		return ERR_MALFORMED;
	result = certificate_pin(certificate, pin);
	wolfSSL_X509_free(certificate);
	return result;
}

/* The public half is computed, not read: the file might hold another one. */
static int private_key_pin(const char *key_pem, uint8_t pin[PIN_BYTES])
{
	uint8_t der[DER_BYTES];
	int length = wc_KeyPemToDer(
	    (const unsigned char *)key_pem, (int)strlen(key_pem), der, sizeof(der), NULL);
	int result = ERR_MALFORMED;
	word32 at = 0;
	ecc_key key;

	if (length <= 0)
		return ERR_MALFORMED;
	if (wc_ecc_init(&key) == 0) {
		if (wc_EccPrivateKeyDecode(der, &at, &key, (word32)length) == 0
		    && wc_ecc_make_pub(&key, NULL) == 0)
			result = key_pin(&key, pin);
		wc_ecc_free(&key);
	}
	sodium_memzero(der, sizeof(der));
	return result;
}

/* wolfSSL_CTX_check_private_key() of 5.5.4 said yes to a key of another certificate. */
static int identity_match(const char *key_pem, const char *certificate_pem, uint8_t *pin)
{
	uint8_t key_pin_bytes[PIN_BYTES];
	int result = tls_certificate_pin(certificate_pem, pin);

	if (result == 0)
		result = private_key_pin(key_pem, key_pin_bytes);
	if (result == 0 && sodium_memcmp(pin, key_pin_bytes, PIN_BYTES) != 0)
		result = ERR_MALFORMED;
	return result;
}

int tls_identity_new(
    struct tls_identity **out, const char *key_pem, const char *certificate_pem, int device)
{
	struct tls_identity *identity;
	int result;

	library_start();
	identity = calloc(1, sizeof(*identity));
	if (!identity)
		return ERR_NOMEM;
	result = identity_match(key_pem, certificate_pem, identity->pin);
	for (int role = TLS_CLIENT; result == 0 && role <= TLS_SERVER; role++)
		result = context_new(&identity->contexts[role], (enum tls_role)role, key_pem,
		    certificate_pem, device);
	if (result < 0) {
		tls_identity_free(identity);
		return result;
	}
	*out = identity;
	return 0;
}

void tls_identity_free(struct tls_identity *identity)
{
	if (!identity)
		return;
	wolfSSL_CTX_free(identity->contexts[TLS_CLIENT]);
	wolfSSL_CTX_free(identity->contexts[TLS_SERVER]);
	free(identity);
}

const uint8_t *tls_identity_pin(const struct tls_identity *identity)
{
	return identity->pin;
}

int tls_connection_new(
    struct tls_connection **out, struct tls_identity *identity, enum tls_role role)
{
	struct tls_connection *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return ERR_NOMEM;
	tls->ssl = wolfSSL_new(identity->contexts[role]);
	if (!tls->ssl) {
		free(tls);
		return ERR_NOMEM;
	}
	wolfSSL_SetIOReadCtx(tls->ssl, tls);
	wolfSSL_SetIOWriteCtx(tls->ssl, tls);
	/* Without this wolfSSL forgets what the exporter needs. */
	wolfSSL_KeepArrays(tls->ssl);
	*out = tls;
	return 0;
}

static void buffer_clear(struct buffer *b)
{
	if (b->data)
		sodium_memzero(b->data, b->size);
	free(b->data);
	*b = (struct buffer){0};
}

void tls_connection_free(struct tls_connection *tls)
{
	if (!tls)
		return;
	wolfSSL_free(tls->ssl);
	buffer_clear(&tls->in);
	buffer_clear(&tls->out);
	free(tls);
}

/* Marks the connection as failed for good. */
static int connection_fail(struct tls_connection *tls, int error)
{
	tls->is_established = false;
	tls->failure = error;
	wolfSSL_ERR_error_string_n(
	    (unsigned long)-error, tls->failure_text, sizeof(tls->failure_text));
	buffer_clear(&tls->in);
	return ERR_AUTH;
}

/* What the settings should have made sure of, looked at once more, and the peer's pin. */
static int connection_establish(struct tls_connection *tls)
{
	const char *suite = wolfSSL_get_cipher_name(tls->ssl);
	const char *version = wolfSSL_get_version(tls->ssl);
	WOLFSSL_X509 *certificate;
	int result;

	if (!suite || !version || strcmp(version, "TLSv1.3") != 0
	    || (strcmp(suite, TLS_SUITE) != 0 && strcmp(suite, TLS_SUITE_IANA) != 0))
		return connection_fail(tls, VERSION_ERROR);
	if (wolfSSL_session_reused(tls->ssl))
		return connection_fail(tls, SESSION_TICKET_EXPECT_E);
	certificate = wolfSSL_get_peer_certificate(tls->ssl);
	if (!certificate)
		return connection_fail(tls, NO_PEER_CERT);
	result = certificate_pin(certificate, tls->peer_pin);
	wolfSSL_X509_free(certificate);
	if (result < 0)
		return connection_fail(tls, PEER_KEY_ERROR);
	tls->is_established = true;
	return 0;
}

int tls_connection_feed(struct tls_connection *tls, const uint8_t *data, size_t length)
{
	int result, error;

	if (tls->failure)
		return ERR_AUTH;
	result = buffer_append(&tls->in, data, length);
	if (result < 0 || tls->is_established)
		return result;
	result = wolfSSL_negotiate(tls->ssl);
	if (result == WOLFSSL_SUCCESS)
		return connection_establish(tls);
	error = wolfSSL_get_error(tls->ssl, result);
	return error == WOLFSSL_ERROR_WANT_READ ? 0 : connection_fail(tls, error);
}

size_t tls_connection_drain(struct tls_connection *tls, uint8_t *out, size_t size)
{
	return buffer_take(&tls->out, out, size);
}

size_t tls_connection_pending_bytes(const struct tls_connection *tls)
{
	return tls->out.length;
}

bool tls_connection_is_established(const struct tls_connection *tls)
{
	return tls->is_established;
}

int tls_connection_peer_pin(const struct tls_connection *tls, uint8_t pin[PIN_BYTES])
{
	if (!tls->is_established)
		return ERR_STATE;
	memcpy(pin, tls->peer_pin, PIN_BYTES);
	return 0;
}

int tls_connection_export(struct tls_connection *tls, const char *label, const uint8_t *context,
    size_t context_length, uint8_t *out, size_t length)
{
	if (!tls->is_established)
		return ERR_STATE;
	if (wolfSSL_export_keying_material(
	        tls->ssl, out, length, label, strlen(label), context, context_length, 1)
	    != WOLFSSL_SUCCESS)
		return ERR_INVALID;
	return 0;
}

int tls_connection_write(struct tls_connection *tls, const uint8_t *data, size_t length)
{
	size_t records = length / TLS_READ_BYTES_MAX + 1;

	if (tls->failure)
		return ERR_AUTH;
	if (!tls->is_established || tls->is_shut)
		return ERR_STATE;
	/* 22 bytes is what TLS 1.3 adds to a record: header, content type and tag. */
	if (length > TLS_BUFFER_BYTES_MAX
	    || tls->out.length + length + records * 22 > TLS_BUFFER_BYTES_MAX)
		return ERR_LIMIT;
	while (length) {
		int piece = length < TLS_READ_BYTES_MAX ? (int)length : TLS_READ_BYTES_MAX;
		int n = wolfSSL_write(tls->ssl, data, piece);

		if (n <= 0)
			return connection_fail(tls, wolfSSL_get_error(tls->ssl, n));
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

int tls_connection_read(struct tls_connection *tls, uint8_t *out, size_t size)
{
	int n, error;

	if (tls->failure)
		return ERR_AUTH;
	if (!tls->is_established)
		return ERR_STATE;
	n = wolfSSL_read(tls->ssl, out, size < INT32_MAX ? (int)size : INT32_MAX);
	if (n > 0)
		return n;
	error = wolfSSL_get_error(tls->ssl, n);
	if (error == WOLFSSL_ERROR_WANT_READ)
		return ERR_AGAIN;
	if (error == WOLFSSL_ERROR_ZERO_RETURN)
		return ERR_CLOSED;
	return connection_fail(tls, error);
}

void tls_connection_shutdown(struct tls_connection *tls)
{
	if (!tls->is_established || tls->is_shut)
		return;
	tls->is_shut = true;
	wolfSSL_shutdown(tls->ssl);
}

const char *tls_connection_error(const struct tls_connection *tls)
{
	return tls->failure ? tls->failure_text : "";
}

const struct tls_ops tls_wolfssl_ops = {
    .open = tls_connection_new,
    .close = tls_connection_free,
    .feed = tls_connection_feed,
    .drain = tls_connection_drain,
    .is_established = tls_connection_is_established,
    .peer_pin = tls_connection_peer_pin,
    .export_key = tls_connection_export,
};
