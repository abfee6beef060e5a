/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identity files: made once, the certificate first, so that a crash between the two leaves a
 * certificate without key, which nobody ever saw and which is made anew.
 */
#include "config.h"

#include "net/identity.h"

#include "base/err.h"
#include "base/file.h"
#include "net/tls_wolfssl.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct identity_paths {
	char key[PATH_MAX], certificate[PATH_MAX];
};

static int paths_make(struct identity_paths *paths, const char *directory, const char *name)
{
	int a = snprintf(paths->key, sizeof(paths->key), "%s/%s.key", directory, name);
	int b =
	    snprintf(paths->certificate, sizeof(paths->certificate), "%s/%s.crt", directory, name);

	return a >= PATH_MAX || b >= PATH_MAX ? ERR_INVALID : 0;
}

static void secret_free(char *text)
{
	if (text)
		sodium_memzero(text, strlen(text));
	free(text);
}

void identity_pem_clear(struct identity_pem *pem)
{
	secret_free(pem->key);
	free(pem->certificate);
	*pem = (struct identity_pem){0};
}

static int identity_make(const struct identity_paths *paths)
{
	char key[TLS_PEM_BYTES], certificate[TLS_PEM_BYTES];
	int result = tls_identity_generate(key, certificate, TLS_SYSTEM_DEVICE);

	if (result == 0)
		result =
		    file_write_atomic(paths->certificate, certificate, strlen(certificate), 0600);
	if (result == 0)
		result = file_write_atomic(paths->key, key, strlen(key), 0600);
	sodium_memzero(key, sizeof(key));
	return result;
}

static int identity_load(struct identity_pem *pem, const struct identity_paths *paths)
{
	struct stat status;
	size_t length;
	int result;

	if (stat(paths->key, &status) < 0)
		return ERR_IO;
	if (status.st_mode & 077)
		return ERR_AUTH;
	result = file_read(paths->key, TLS_PEM_BYTES, &pem->key, &length);
	if (result == 0)
		result = file_read(paths->certificate, TLS_PEM_BYTES, &pem->certificate, &length);
	if (result == 0)
		return 0;
	identity_pem_clear(pem);
	if (result == ERR_NOT_FOUND)
		return ERR_STATE;
	return result == ERR_TOO_LARGE ? ERR_MALFORMED : result;
}

int identity_open_pem(struct identity_pem *pem, const char *state_directory, const char *name)
{
	struct identity_paths paths;
	struct stat status;
	int result = paths_make(&paths, state_directory, name);

	*pem = (struct identity_pem){0};
	if (result == 0 && stat(paths.key, &status) < 0)
		result = errno == ENOENT ? identity_make(&paths) : ERR_IO;
	return result < 0 ? result : identity_load(pem, &paths);
}

int identity_open(struct tls_identity **identity, const char *state_directory)
{
	struct identity_pem pem;
	int result = identity_open_pem(&pem, state_directory, IDENTITY_NAME);

	if (result < 0)
		return result;
	result = tls_identity_new(identity, pem.key, pem.certificate, TLS_SYSTEM_DEVICE);
	identity_pem_clear(&pem);
	return result;
}

int identity_read_pin(uint8_t pin[PIN_BYTES], const char *state_directory)
{
	struct identity_paths paths;
	char *certificate;
	size_t length;
	int result = paths_make(&paths, state_directory, IDENTITY_NAME);

	if (result == 0)
		result = file_read(paths.certificate, TLS_PEM_BYTES, &certificate, &length);
	if (result < 0)
		return result;
	result = tls_certificate_pin(certificate, pin);
	free(certificate);
	return result;
}
