/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files: reading with a cap, and replacing so that a crash or a full disk leaves either the
 * old contents or the new, never a part.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a file into *data (allocated, the caller frees; one NUL follows the contents) and *length.
 * ERR_NOT_FOUND, ERR_TOO_LARGE above max_bytes, ERR_NOMEM, or ERR_IO with errno.
 */
int file_read(const char *path, size_t max_bytes, char **data, size_t *length);

/* The same from an open descriptor up to its end; it stays open. */
int file_read_fd(int fd, size_t max_bytes, char **data, size_t *length);

/*
 * Writes path.tmp beside the file, syncs it, renames it over the file and syncs the directory.
 * One writer a path at a time.  ERR_IO with errno; then the old contents stand.
 */
int file_write_atomic(const char *path, const void *data, size_t length, mode_t mode);

/* Makes a directory, and its parents with mode 0755, unless they are there.  ERR_IO with errno. */
int file_make_directory(const char *path, mode_t mode);

#endif
