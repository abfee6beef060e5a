/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backup_file.h: "trunkline-backup 1 REVISION MADE BYTES BLAKE2B-256", numbers of 20 digits. */
#include "config.h"

#include "model/backup_file.h"

#include "base/encoding.h"
#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "trunkline-backup 1 "

enum {
	HASH_BYTES = crypto_generichash_BYTES,
	SAID_BYTES = sizeof(MAGIC) - 1 + 3 * 21,
	LINE_BYTES = SAID_BYTES + 2 * HASH_BYTES + 1,
	BLOCK_BYTES = 64 * 1024,
};

/* The line up to the checksum, which is of it, too. */
static void say(const struct backup_mark *mark, char text[SAID_BYTES + 1])
{
	snprintf(text, SAID_BYTES + 1, "%s%020" PRIu64 " %020" PRIu64 " %020" PRIu64 " ", MAGIC,
	    mark->revision, mark->made_ms, mark->bytes);
}

static int make_line(
    const struct backup_mark *mark, crypto_generichash_state *state, char line[LINE_BYTES + 1])
{
	uint8_t hash[HASH_BYTES];
	char hex[HEX_TEXT_BYTES(HASH_BYTES)], said[SAID_BYTES + 1];

	say(mark, said);
	crypto_generichash_update(state, (const uint8_t *)said, SAID_BYTES);
	crypto_generichash_final(state, hash, sizeof(hash));
	return snprintf(line, LINE_BYTES + 1, "%s%s\n", said, hex_encode(hash, sizeof(hash), hex));
}

/* ERR_MALFORMED when the file ends before. */
static int read_at(int descriptor, void *data, size_t length, uint64_t at)
{
	uint8_t *to = data;
	ssize_t n;

	while (length > 0) {
		n = pread(descriptor, to, length, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? ERR_IO : ERR_MALFORMED;
		to += n;
		at += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

static int hash_database(int descriptor, uint64_t bytes, crypto_generichash_state *state)
{
	uint8_t block[BLOCK_BYTES];
	int result = 0;

	crypto_generichash_init(state, NULL, 0, HASH_BYTES);
	for (uint64_t at = 0; result == 0 && at < bytes;) {
		size_t length = bytes - at < sizeof(block) ? bytes - at : sizeof(block);

		result = read_at(descriptor, block, length, at);
		crypto_generichash_update(state, block, length);
		at += length;
	}
	return result;
}

static int append(int descriptor, const char *text, size_t length)
{
	if (lseek(descriptor, 0, SEEK_END) < 0)
		return ERR_IO;
	while (length > 0) {
		ssize_t n = write(descriptor, text, length);

		if (n < 0 && errno != EINTR)
			return ERR_IO;
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int backup_file_seal(int descriptor, struct backup_mark *mark)
{
	off_t end = lseek(descriptor, 0, SEEK_END);
	crypto_generichash_state state;
	char line[LINE_BYTES + 1];
	int result;

	if (end < 0)
		return ERR_IO;
	mark->bytes = (uint64_t)end;
	result = hash_database(descriptor, mark->bytes, &state);
	if (result < 0)
		return ERR_IO;
	return append(descriptor, line, (size_t)make_line(mark, &state, line));
}

static int malformed(char *reason, const char *why)
{
	snprintf(reason, REASON_BYTES, "%s", why);
	return ERR_MALFORMED;
}

static int failed(char *reason)
{
	snprintf(reason, REASON_BYTES, "%s", strerror(errno));
	return ERR_IO;
}

/* Its last line, without trusting any of it. */
static int read_line(int descriptor, char line[LINE_BYTES + 1], uint64_t *bytes, char *reason)
{
	off_t end = lseek(descriptor, 0, SEEK_END);

	if (end < 0)
		return failed(reason);
	if (end < LINE_BYTES)
		return malformed(reason, "it is too short for a backup");
	*bytes = (uint64_t)end - LINE_BYTES;
	if (read_at(descriptor, line, LINE_BYTES, *bytes) < 0)
		return failed(reason);
	line[LINE_BYTES] = '\0';
	return 0;
}

int backup_file_check(int descriptor, struct backup_mark *mark, char *reason)
{
	char line[LINE_BYTES + 1], wanted[LINE_BYTES + 1];
	crypto_generichash_state state;
	uint64_t bytes = 0;
	int result = read_line(descriptor, line, &bytes, reason);

	memset(mark, 0, sizeof(*mark));
	if (result < 0)
		return result;
	if (sscanf(line, MAGIC "%20" SCNu64 " %20" SCNu64 " %20" SCNu64, &mark->revision,
	        &mark->made_ms, &mark->bytes)
	        != 3
	    || mark->bytes != bytes)
		return malformed(reason, "it is no backup, or only a part of one");
	if (hash_database(descriptor, bytes, &state) < 0)
		return failed(reason);
	make_line(mark, &state, wanted);
	return memcmp(line, wanted, LINE_BYTES) == 0
	           ? 0
	           : malformed(reason, "its checksum is wrong: it was cut or changed");
}
