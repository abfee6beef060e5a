/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and atomically replacing whole files.
 */
#include "config.h"

#include "base/file.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* close() for the way out of an error: keeps the errno that tells the cause. */
static void close_quietly(int fd)
{
	int saved_errno = errno;

	close(fd);
	errno = saved_errno;
}

/* Reads until the end or until `size` bytes are there. */
static ssize_t read_full(int fd, char *buffer, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = read(fd, buffer + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	return (ssize_t)at;
}

/* The size to try first: one more than the file has, so that its end is seen at once. */
static size_t first_size(int fd, size_t max_bytes)
{
	struct stat stat_buf;

	if (fstat(fd, &stat_buf) < 0 || !S_ISREG(stat_buf.st_mode) || stat_buf.st_size < 0)
		return max_bytes < 4096 ? max_bytes + 1 : 4096;
	return (size_t)stat_buf.st_size < max_bytes ? (size_t)stat_buf.st_size + 1 : max_bytes + 1;
}

int file_read_fd(int fd, size_t max_bytes, char **data, size_t *length)
{
	size_t size = first_size(fd, max_bytes), at = 0;
	char *buffer = NULL, *bigger;
	int rc = ERR_NOMEM;

	*data = NULL;
	*length = 0;
	for (;;) {
		ssize_t n;

		bigger = realloc(buffer, size + 1);
		if (!bigger)
			goto fail;
		buffer = bigger;
		n = read_full(fd, buffer + at, size - at);
		rc = n < 0 ? ERR_IO : ERR_TOO_LARGE;
		if (n < 0)
			goto fail;
		at += (size_t)n;
		if (at > max_bytes)
			goto fail;
		if (at < size)
			break;
		size = size > max_bytes / 2 ? max_bytes + 1 : size * 2;
		rc = ERR_NOMEM;
	}
	buffer[at] = 0;
	*data = buffer;
	*length = at;
	return 0;
fail:
	free(buffer);
	return rc;
}

int file_read(const char *path, size_t max_bytes, char **data, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	*data = NULL;
	*length = 0;
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	rc = file_read_fd(fd, max_bytes, data, length);
	close_quietly(fd);
	return rc;
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

/* The rename is on the disk only when its directory is. */
static int sync_directory_of(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, rc;

	if (!slash)
		snprintf(directory, sizeof(directory), ".");
	else
		snprintf(directory, sizeof(directory), "%.*s",
		    (int)(slash == path ? 1 : slash - path), path);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	rc = fsync(fd) < 0 ? ERR_IO : 0;
	close_quietly(fd);
	return rc;
}

static int write_new(const char *path, const void *data, size_t length, mode_t mode)
{
	int fd, rc;

	/* What a crash left here may have another mode. */
	if (unlink(path) < 0 && errno != ENOENT)
		return ERR_IO;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return ERR_IO;
	rc = write_all(fd, data, length);
	if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = ERR_IO;
	close_quietly(fd);
	return rc;
}

int file_write_atomic(const char *path, const void *data, size_t length, mode_t mode)
{
	char temporary[PATH_MAX];
	int n = snprintf(temporary, sizeof(temporary), "%s.tmp", path), saved_errno;

	if (n < 0 || (size_t)n >= sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return ERR_IO;
	}
	if (write_new(temporary, data, length, mode) < 0 || rename(temporary, path) < 0) {
		saved_errno = errno;
		unlink(temporary);
		errno = saved_errno;
		return ERR_IO;
	}
	return sync_directory_of(path);
}

/* What fails here fails at the directory itself too, and that tells why. */
static void make_parents(const char *path)
{
	char parent[PATH_MAX];

	if (snprintf(parent, sizeof(parent), "%s", path) >= (int)sizeof(parent))
		return;
	for (char *slash = parent; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(parent, 0755);
		*slash = '/';
	}
}

int file_make_directory(const char *path, mode_t mode)
{
	struct stat stat_buf;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno == ENOENT && path[0]) {
		make_parents(path);
		if (mkdir(path, mode) == 0)
			return 0;
	}
	if (errno != EEXIST || stat(path, &stat_buf) < 0)
		return ERR_IO;
	if (S_ISDIR(stat_buf.st_mode))
		return 0;
	errno = ENOTDIR;
	return ERR_IO;
}
