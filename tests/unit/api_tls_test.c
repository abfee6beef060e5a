/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_tls.c: the API's own key pair, an operator's, and what is wrong with one. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/file.h"
#include "control/api_tls.h"
#include "net/tls_wolfssl.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/trunkline-apitls-XXXXXX", reason[REASON_BYTES];
static char key_path[64], certificate_path[64], other_path[64];

static int setup(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(key_path, sizeof(key_path), "%s/api.key", directory);
	snprintf(certificate_path, sizeof(certificate_path), "%s/api.crt", directory);
	snprintf(other_path, sizeof(other_path), "%s/other", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(key_path);
	unlink(certificate_path);
	unlink(other_path);
	rmdir(directory);
	return 0;
}

static void our_own_stays(void **state)
{
	struct api_tls first, again;
	struct stat status;
	uint8_t pin[PIN_BYTES];

	(void)state;
	assert_int_equal(api_tls_open_own(&first, directory, reason), 0);
	assert_int_equal(stat(key_path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(tls_certificate_pin(first.pem.certificate, pin), 0);
	assert_memory_equal(first.pin, pin, PIN_BYTES);
	assert_int_equal(api_tls_open_own(&again, directory, reason), 0);
	assert_memory_equal(first.pin, again.pin, PIN_BYTES);
	api_tls_clear(&first);
	api_tls_clear(&again);
	api_tls_clear(&again);
}

static void an_operators_own(void **state)
{
	struct api_tls own, files;

	(void)state;
	assert_int_equal(api_tls_open_own(&own, directory, reason), 0);
	assert_int_equal(api_tls_open_files(&files, certificate_path, key_path, reason), 0);
	assert_memory_equal(own.pin, files.pin, PIN_BYTES);
	api_tls_clear(&own);
	api_tls_clear(&files);
}

static void expect_refused(const char *certificate, const char *key, int result, const char *words)
{
	struct api_tls tls;

	assert_int_equal(api_tls_open_files(&tls, certificate, key, reason), result);
	if (!strstr(reason, words))
		fail_msg("\"%s\" does not say \"%s\"", reason, words);
	assert_null(tls.pem.key);
	assert_null(tls.pem.certificate);
}

static void what_is_wrong_is_said(void **state)
{
	char key[TLS_PEM_BYTES], certificate[TLS_PEM_BYTES];
	struct api_tls tls;

	(void)state;
	expect_refused(certificate_path, key_path, ERR_NOT_FOUND, key_path);
	assert_int_equal(api_tls_open_own(&tls, directory, reason), 0);
	api_tls_clear(&tls);
	assert_int_equal(tls_identity_generate(key, certificate, TLS_SYSTEM_DEVICE), 0);
	assert_int_equal(file_write_atomic(other_path, key, strlen(key), 0600), 0);
	expect_refused(certificate_path, other_path, ERR_MALFORMED, "cannot be used");
	assert_int_equal(file_write_atomic(other_path, "hello\n", 6, 0600), 0);
	expect_refused(certificate_path, other_path, ERR_MALFORMED, "cannot be used");
	expect_refused(other_path, key_path, ERR_MALFORMED, "cannot be used");
	assert_int_equal(chmod(key_path, 0640), 0);
	expect_refused(certificate_path, key_path, ERR_AUTH, "chmod 600");
	assert_int_equal(api_tls_open_own(&tls, directory, reason), ERR_AUTH);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(our_own_stays),
	    TEST(an_operators_own),
	    TEST(what_is_wrong_is_said),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
