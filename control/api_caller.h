/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks the API, and what he may do.  On a UNIX socket the kernel says it (unix(7),
 * SO_PEERCRED): root and control's own user are admins, others have the role of a group that they
 * were in when they connected.  Over TCP, and where a request bears a token, the token says it.
 */
#ifndef CONTROL_API_CALLER_H
#define CONTROL_API_CALLER_H

#include "base/addr.h"

#include <stddef.h>

#include <sys/types.h>

/* Each may what the one before may. */
enum api_role {
	API_ROLE_NONE,
	API_ROLE_VIEWER,   /* looks */
	API_ROLE_OPERATOR, /* changes accelerators and tunnels, drains nodes */
	API_ROLE_ADMIN,    /* decides who takes part: nodes, tokens */
};

/* By number, "none" first; NULL at the end. */
extern const char *const api_role_names[];

/* "viewer", "operator" or "admin"; ERR_INVALID for another. */
int api_role_parse(const char *text, enum api_role *role);

enum { WHO_BYTES = 128 };

struct api_caller {
	enum api_role role;
	char who[WHO_BYTES];        /* "uid 0 (root)", "token ci"; "nobody" when it is not known */
	char from[ADDR_TEXT_BYTES]; /* "unix", "192.0.2.1:4711" */
	struct addr addr;           /* family 0 over a UNIX socket */
	uid_t uid;                  /* over a UNIX socket */
	uint32_t token;             /* id, 0 for none */
};

enum { API_GROUPS_MAX = 16 };

/* What a system group's members may do. */
struct api_group {
	gid_t gid;
	enum api_role role;
};

/* "GROUP=ROLE", GROUP by name or number; ERR_MALFORMED, ERR_NOT_FOUND (no such group). */
int api_group_parse(const char *text, struct api_group *group);

/* Somebody over TCP, who has shown no token yet. */
void api_caller_from_addr(struct api_caller *caller, const struct addr *addr);

/* The user at the other end of a connected UNIX socket; the highest role of his groups. */
void api_caller_from_socket(
    struct api_caller *caller, int descriptor, const struct api_group *groups, size_t group_count);

#endif
