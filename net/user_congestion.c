/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See user_congestion.h. */
#include "config.h"

#include "net/user_congestion.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALLOWED_FILE "/proc/sys/net/ipv4/tcp_allowed_congestion_control"

enum { LIST_BYTES = 96 }; /* an error of the schema has 160 */

/* Root's asking loads the kernel's module, after which everybody may have it if it is harmless. */
static bool kernel_has(const char *name)
{
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

	if (descriptor < 0)
		return false;
	result = setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));
	close(descriptor);
	return result == 0;
}

/* The names, with spaces between; false where the system does not tell. */
static bool read_allowed(char list[LIST_BYTES])
{
	FILE *file = fopen(ALLOWED_FILE, "re");
	bool is_read = file && fgets(list, LIST_BYTES, file);

	if (file)
		fclose(file);
	if (is_read)
		list[strcspn(list, "\n")] = '\0';
	return is_read;
}

static bool list_has(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (word == length && memcmp(at, name, length) == 0)
			return true;
		at += word;
	}
	return false;
}

static bool is_usable(const char *name)
{
	char list[LIST_BYTES];

	if (!name[0] || strlen(name) >= USER_CONGESTION_BYTES || !kernel_has(name))
		return false;
	return !read_allowed(list) || list_has(list, name);
}

const char *user_congestion_check(const void *name)
{
	static char why[LIST_BYTES + 64];
	char list[LIST_BYTES];

	if (is_usable(name))
		return NULL;
	snprintf(why, sizeof(why), "must be one that the kernel lets everybody use: %s",
	    read_allowed(list) ? list : "see " ALLOWED_FILE);
	return why;
}

const char *user_congestion_default(void)
{
	return is_usable("bbr") ? "bbr" : "";
}
