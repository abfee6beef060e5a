/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See api_caller.h. */
#include "config.h"

#include "control/api_caller.h"

#include "base/err.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GROUP_NAME_BYTES = 64, PEER_GROUPS_MAX = 1024 };

const char *const api_role_names[] = {"none", "viewer", "operator", "admin", NULL};

int api_role_parse(const char *text, enum api_role *role)
{
	for (int i = API_ROLE_VIEWER; i <= API_ROLE_ADMIN; i++) {
		if (strcmp(text, api_role_names[i]) == 0) {
			*role = (enum api_role)i;
			return 0;
		}
	}
	return ERR_INVALID;
}

static int find_group(const char *name, gid_t *gid)
{
	const struct group *group = getgrnam(name);
	unsigned long number;
	char *end;

	if (group) {
		*gid = group->gr_gid;
		return 0;
	}
	errno = 0;
	number = strtoul(name, &end, 10);
	if (name[0] < '0' || name[0] > '9' || *end || errno || number >= (gid_t)-1)
		return ERR_NOT_FOUND;
	*gid = (gid_t)number;
	return 0;
}

int api_group_parse(const char *text, struct api_group *group)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : 0;
	char name[GROUP_NAME_BYTES];

	if (length == 0 || length >= sizeof(name) || api_role_parse(equals + 1, &group->role) < 0)
		return ERR_MALFORMED;
	memcpy(name, text, length);
	name[length] = '\0';
	return find_group(name, &group->gid);
}

static void raise_role(
    struct api_caller *caller, gid_t gid, const struct api_group *groups, size_t group_count)
{
	for (size_t i = 0; i < group_count; i++) {
		if (groups[i].gid == gid && groups[i].role > caller->role)
			caller->role = groups[i].role;
	}
}

/* Of somebody in more than PEER_GROUPS_MAX groups only the primary one counts. */
static void raise_by_groups(struct api_caller *caller, int descriptor, gid_t primary,
    const struct api_group *groups, size_t group_count)
{
	gid_t list[PEER_GROUPS_MAX];
	socklen_t size = sizeof(list);

	raise_role(caller, primary, groups, group_count);
	if (getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, list, &size) < 0)
		return;
	for (size_t i = 0; i < size / sizeof(list[0]); i++)
		raise_role(caller, list[i], groups, group_count);
}

void api_caller_from_addr(struct api_caller *caller, const struct addr *addr)
{
	*caller = (struct api_caller){.who = "nobody", .addr = *addr, .uid = (uid_t)-1};
	addr_format(addr, caller->from, sizeof(caller->from));
}

void api_caller_from_socket(
    struct api_caller *caller, int descriptor, const struct api_group *groups, size_t group_count)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	const struct passwd *user;

	*caller = (struct api_caller){.who = "nobody", .from = "unix", .uid = (uid_t)-1};
	if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return;
	caller->uid = peer.uid;
	user = getpwuid(peer.uid);
	snprintf(caller->who, sizeof(caller->who), "uid %u (%s)", (unsigned)peer.uid,
	    user ? user->pw_name : "?");
	if (peer.uid == 0 || peer.uid == geteuid())
		caller->role = API_ROLE_ADMIN;
	else if (group_count > 0)
		raise_by_groups(caller, descriptor, peer.gid, groups, group_count);
}
