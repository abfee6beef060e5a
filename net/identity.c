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

static int paths_make(struct identity_paths *paths, const char *directory)
{
	int a = snprintf(paths->key, sizeof(paths->key), "%s/" IDENTITY_KEY_FILE, directory);
	int b = snprintf(paths->certificate, sizeof(paths->certificate),
	    "%s/" IDENTITY_CERTIFICATE_FILE, directory);

	return a >= PATH_MAX || b >= PATH_MAX ? ERR_INVALID : 0;
}

static void secret_free(char *text, size_t length)
{
	if (text)
		sodium_memzero(text, length);
	free(text);
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

static int identity_load(struct tls_identity **identity, const struct identity_paths *paths)
{
	char *key = NULL, *certificate = NULL;
	size_t key_length = 0, certificate_length = 0;
	struct stat status;
	int result;

	if (stat(paths->key, &status) < 0)
		return ERR_IO;
	if (status.st_mode & 077)
		return ERR_AUTH;
	result = file_read(paths->key, TLS_PEM_BYTES, &key, &key_length);
	if (result == 0)
		result =
		    file_read(paths->certificate, TLS_PEM_BYTES, &certificate, &certificate_length);
	if (result == 0)
		result = tls_identity_new(identity, key, certificate, TLS_SYSTEM_DEVICE);
	else if (result == ERR_NOT_FOUND)
		result = ERR_STATE;
	else if (result == ERR_TOO_LARGE)
		result = ERR_MALFORMED;
	secret_free(key, key_length);
	free(certificate);
	return result;
}

int identity_open(struct tls_identity **identity, const char *state_directory)
{
	struct identity_paths paths;
	struct stat status;
	int result = paths_make(&paths, state_directory);

	if (result == 0 && stat(paths.key, &status) < 0)
		result = errno == ENOENT ? identity_make(&paths) : ERR_IO;
	return result < 0 ? result : identity_load(identity, &paths);
}

int identity_read_pin(uint8_t pin[PIN_BYTES], const char *state_directory)
{
	struct identity_paths paths;
	char *certificate;
	size_t length;
	int result = paths_make(&paths, state_directory);

	if (result == 0)
		result = file_read(paths.certificate, TLS_PEM_BYTES, &certificate, &length);
	if (result < 0)
		return result;
	result = tls_certificate_pin(certificate, pin);
	free(certificate);
	return result;
}
