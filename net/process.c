/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a child process of a daemon does first; see net/process.h.
 */
#include "config.h"

#include "net/process.h"

#include "base/err.h"
#include "net/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

const char *process_role_name(enum process_role role)
{
	static const char *const names[] = {"main", "keys", "worker", "health"};

	return names[role];
}

/* A hidden argument typed by hand has no socket pair behind it. */
static bool has_channel(void)
{
	int type = 0;
	socklen_t length = sizeof(type);

	return getsockopt(PROCESS_CHANNEL_DESCRIPTOR, SOL_SOCKET, SO_TYPE, &type, &length) == 0
	       && type == SOCK_SEQPACKET;
}

static enum process_role role_parse(const char *text)
{
	for (int role = PROCESS_KEYS; role <= PROCESS_HEALTH; role++)
		if (strcmp(text, process_role_name((enum process_role)role)) == 0)
			return (enum process_role)role;
	return PROCESS_MAIN;
}

static void set_names(const char *name)
{
	char short_name[16]; /* PR_SET_NAME takes 15 bytes */

	snprintf(short_name, sizeof(short_name), "tl-%.12s", name);
	prctl(PR_SET_NAME, short_name);
	daemon_start_log(name);
}

bool process_is_child(int argc, char **argv, struct process_start *start)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

	memset(start, 0, sizeof(*start));
	if (argc < 2 || strcmp(argv[1], "--role") != 0)
		return false;
	if (argc < 6 || strcmp(argv[3], "--index") != 0 || strcmp(argv[5], "--") != 0)
		return true;
	if (!has_channel())
		return true;
	start->role = role_parse(argv[2]);
	start->index = (unsigned)strtoul(argv[4], NULL, 10);
	start->argument_count = argc - 6;
	start->arguments = argv + 6;
	if (start->role == PROCESS_WORKER)
		snprintf(start->name, sizeof(start->name), "worker-%u", start->index);
	else
		snprintf(start->name, sizeof(start->name), "%s", process_role_name(start->role));
	set_names(start->name);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	return true;
}

int process_peer_take(struct ipc_message *message, struct process_peer *peer, int *descriptor)
{
	if (message->length_bytes != sizeof(*peer) || message->descriptor_count != 1)
		return ERR_MALFORMED;
	memcpy(peer, message->data, sizeof(*peer));
	if (peer->role != PROCESS_KEYS && peer->role != PROCESS_WORKER)
		return ERR_MALFORMED;
	*descriptor = message->descriptors[0];
	message->descriptors[0] = -1;
	return 0;
}
