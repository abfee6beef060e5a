/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where traces lie, see node_traces.h. */
#include "net/node_traces.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

int node_traces_open(const char *state, const char *peer, unsigned worker)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/traces", state), descriptor = -1;

	errno = ENAMETOOLONG;
	if (length > 0 && (size_t)length < sizeof(path)
	    && file_make_directory(path, FOLDER_MODE) == 0) {
		size_t left = sizeof(path) - (size_t)length;

		if (snprintf(path + length, left, "/%s-worker-%u.jsonl", peer, worker) < (int)left)
			descriptor = open(path,
			    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	}
	if (descriptor < 0)
		log_error(
		    "trace_file", "state=%s peer=%s error=\"%s\"", state, peer, strerror(errno));
	return descriptor;
}
