/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identity files in a directory of the test's own.
 */
#include "config.h"

#include "base/err.h"
#include "net/identity.h"
#include "net/tls_wolfssl.h"
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/identity-test-XXXXXX";
static char key_path[128], certificate_path[128];

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(key_path, sizeof(key_path), "%s/" IDENTITY_KEY_FILE, directory);
	snprintf(
	    certificate_path, sizeof(certificate_path), "%s/" IDENTITY_CERTIFICATE_FILE, directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(key_path);
	unlink(certificate_path);
	return rmdir(directory);
}

static int start_empty(void **state)
{
	(void)state;
	unlink(key_path);
	unlink(certificate_path);
	return 0;
}

static void makes_it_once_and_keeps_it(void **state)
{
	struct tls_identity *first, *second;
	uint8_t pin[PIN_BYTES];
	struct stat status;

	(void)state;
	assert_int_equal(identity_open(&first, directory), 0);
	assert_int_equal(identity_open(&second, directory), 0);
	assert_memory_equal(tls_identity_pin(first), tls_identity_pin(second), PIN_BYTES);
	assert_int_equal(identity_read_pin(pin, directory), 0);
	assert_memory_equal(pin, tls_identity_pin(first), PIN_BYTES);
	assert_int_equal(stat(key_path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	tls_identity_free(first);
	tls_identity_free(second);
}

static void refuses_what_is_broken(void **state)
{
	struct tls_identity *identity;

	(void)state;
	assert_int_equal(identity_open(&identity, "/nonexistent"), ERR_IO);
	assert_int_equal(identity_open(&identity, directory), 0);
	tls_identity_free(identity);
	assert_int_equal(chmod(key_path, 0640), 0);
	assert_int_equal(identity_open(&identity, directory), ERR_AUTH);
	assert_int_equal(chmod(key_path, 0600), 0);
	assert_int_equal(truncate(key_path, 60), 0);
	assert_int_equal(identity_open(&identity, directory), ERR_MALFORMED);
	unlink(certificate_path);
	assert_int_equal(identity_open(&identity, directory), ERR_STATE);
}

static void a_certificate_alone_is_made_anew(void **state)
{
	struct tls_identity *identity;
	uint8_t before[PIN_BYTES];

	(void)state;
	assert_int_equal(identity_open(&identity, directory), 0);
	memcpy(before, tls_identity_pin(identity), sizeof(before));
	tls_identity_free(identity);
	unlink(key_path);
	assert_int_equal(identity_open(&identity, directory), 0);
	assert_memory_not_equal(before, tls_identity_pin(identity), sizeof(before));
	tls_identity_free(identity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(makes_it_once_and_keeps_it, start_empty),
	    cmocka_unit_test_setup(refuses_what_is_broken, start_empty),
	    cmocka_unit_test_setup(a_certificate_alone_is_made_anew, start_empty),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
