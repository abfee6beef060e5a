/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl backup and adopt: control's state as a file, and letting nodes follow a control that was
 * restored from one.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "model/backup_file.h"
#include "model/limits.h"

enum { PATH_BYTES = 4096 };

static enum exit_code fail_file(const char *path, const char *why)
{
	return session_fail(EXIT_FAILED, "cannot write %s: %s", path, why);
}

/* The whole file, whose checksum is right, on disk. */
static enum exit_code fetch(
    struct session *session, FILE *file, const char *path, struct backup_mark *mark)
{
	char reason[REASON_BYTES];
	struct reply reply;
	enum exit_code code = client_download(session->client, "/v1/backup", file, &reply);
	if (code != EXIT_DONE)
		session_fail(code, "%s", reply.error);
	reply_free(&reply);
	if (code != EXIT_DONE)
		return code;
	if (fflush(file) != 0)
		return fail_file(path, strerror(errno));
	if (backup_file_check(fileno(file), mark, reason) < 0)
		return fail_file(path, reason);
	return fsync(fileno(file)) == 0 ? EXIT_DONE : fail_file(path, strerror(errno));
}

static FILE *open_private(const char *path)
{
	unlink(path); /* what a backup that was broken off left */
	int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = descriptor >= 0 ? fdopen(descriptor, "w+") : NULL;
	if (!file && descriptor >= 0)
		close(descriptor);
	return file;
}

static void print_backup(struct session *session, const char *path, const struct backup_mark *mark)
{
	json_t *value = json_pack("{s:s, s:I, s:I}", "file", path, "revision",
	    (json_int_t)mark->revision, "bytes", (json_int_t)mark->bytes);
	if (!session_print_value(session, value))
		fprintf(session->out, "revision %" PRIu64 " in %s\n", mark->revision, path);
	json_decref(value);
}

/* A rename would put the file in the place of a pipe, a device or a link. */
static enum exit_code check_path(const char *path)
{
	struct stat status;
	if (strcmp(path, "-") == 0)
		return session_fail(EXIT_USAGE, "a backup goes to a file, and - is none");
	if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return fail_file(path, "it is no regular file");
	return EXIT_DONE;
}

/* Written beside and renamed, so that an earlier backup stays until the new one is whole. */
int backup_make(struct session *session, const struct invocation *invocation)
{
	const char *path = invocation->arguments[0];
	char beside[PATH_BYTES];
	struct backup_mark mark;
	enum exit_code code = check_path(path);
	if (code != EXIT_DONE)
		return code;
	if (snprintf(beside, sizeof(beside), "%s.tmp", path) >= (int)sizeof(beside))
		return fail_file(path, strerror(ENAMETOOLONG));
	FILE *file = open_private(beside);
	if (!file)
		return fail_file(beside, strerror(errno));
	code = fetch(session, file, beside, &mark);
	fclose(file);
	if (code == EXIT_DONE && rename(beside, path) < 0)
		code = fail_file(path, strerror(errno));
	if (code == EXIT_DONE)
		print_backup(session, path, &mark);
	else
		unlink(beside);
	return code;
}

static void print_adopted(struct session *session, const json_t *answer)
{
	size_t i;
	json_t *node;
	json_array_foreach(json_object_get(answer, "nodes"), i, node)
	{
		if (json_is_true(json_object_get(node, "was_ahead")))
			fprintf(session->out,
			    "%s %s gives up its config of revision %" JSON_INTEGER_FORMAT "\n",
			    json_string_value(json_object_get(node, "role")),
			    json_string_value(json_object_get(node, "node")),
			    json_integer_value(json_object_get(node, "revision")));
	}
	fprintf(session->out,
	    "nodes follow this control from revision %" JSON_INTEGER_FORMAT " on\n",
	    json_integer_value(json_object_get(answer, "revision")));
}

int adopt_nodes(struct session *session, const struct invocation *invocation)
{
	json_t *answer;
	(void)invocation;
	enum exit_code code = session_request(session, "POST", "/v1/adopt", NULL, &answer);
	if (code == EXIT_DONE && !session_print_value(session, answer))
		print_adopted(session, answer);
	json_decref(answer);
	return code;
}
