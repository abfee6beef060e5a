/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/backup_file.c: a whole file is known as such, and each cut or changed one is not. */
#include "config.h"

#include "model/backup_file.h"

#include "base/err.h"
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DATABASE_BYTES = 200000 }; /* more than is read at once */

static char reason[REASON_BYTES];

/* A sealed file in memory. */
static int make(size_t database_bytes, struct backup_mark *mark)
{
	static uint8_t database[DATABASE_BYTES];
	int descriptor = memfd_create("backup", MFD_CLOEXEC);

	memset(database, 7, sizeof(database));
	assert_int_equal(write(descriptor, database, database_bytes), database_bytes);
	assert_int_equal(backup_file_seal(descriptor, mark), 0);
	return descriptor;
}

static void change_byte(int descriptor, off_t at)
{
	uint8_t byte;

	assert_int_equal(pread(descriptor, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(descriptor, &byte, 1, at), 1);
}

static void test_what_was_sealed_is_whole(void **state)
{
	const size_t sizes[] = {0, 1, 65536, DATABASE_BYTES};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct backup_mark mark = {.revision = UINT64_MAX, .made_ms = 1700000000123}, got;
		int descriptor = make(sizes[i], &mark);

		assert_int_equal(mark.bytes, sizes[i]);
		assert_int_equal(backup_file_check(descriptor, &got, reason), 0);
		assert_memory_equal(&got, &mark, sizeof(mark));
		close(descriptor);
	}
}

static void test_a_changed_byte_is_seen_wherever_it_is(void **state)
{
	struct backup_mark mark = {.revision = 5, .made_ms = 6};
	int descriptor = make(300, &mark);
	off_t end = lseek(descriptor, 0, SEEK_END);

	(void)state;
	for (off_t at = 0; at < end; at++) {
		change_byte(descriptor, at);
		assert_int_equal(backup_file_check(descriptor, &mark, reason), ERR_MALFORMED);
		change_byte(descriptor, at);
	}
	assert_int_equal(backup_file_check(descriptor, &mark, reason), 0);
	close(descriptor);
}

static void test_a_part_is_no_backup(void **state)
{
	struct backup_mark mark = {.revision = 5}, got;
	int descriptor = make(500, &mark);
	off_t end = lseek(descriptor, 0, SEEK_END);

	(void)state;
	assert_int_equal(ftruncate(descriptor, end + 1), 0);
	assert_int_equal(backup_file_check(descriptor, &got, reason), ERR_MALFORMED);
	for (off_t length = end - 1; length >= 0; length--) {
		assert_int_equal(ftruncate(descriptor, length), 0);
		assert_int_equal(backup_file_check(descriptor, &got, reason), ERR_MALFORMED);
		assert_true(reason[0] != 0);
	}
	close(descriptor);
	assert_int_equal(backup_file_check(-1, &got, reason), ERR_IO);
	assert_string_equal(reason, strerror(EBADF));
	assert_int_equal(backup_file_seal(-1, &mark), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_was_sealed_is_whole),
	    cmocka_unit_test(test_a_changed_byte_is_seen_wherever_it_is),
	    cmocka_unit_test(test_a_part_is_no_backup),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
