/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trunkline-listener: what a listener adds to a node, its options and users' sockets. */
#include "config.h"

#include "listener/role.h"
#include "listener/user_sockets.h"
#include "net/node.h"

#include <sys/socket.h>
#include <unistd.h>

static const struct schema_field fields[] = {
    NODE_OPTION_FIELDS,
    {SCHEMA_ARRAY("bind", struct node_options, binds, bind_count), .type = SCHEMA_STRING,
        .max_items = NODE_BINDS_MAX, .check = options_check_address_only},
};
static const struct schema schema = SCHEMA_CHECKED(struct node_options, fields, node_options_check);

static const struct option_help options[] = {
    NODE_OPTION_HELP_STATE,
    NODE_OPTION_HELP_JOIN,
    NODE_OPTION_HELP_NAME,
    {.key = "bind",
        .argument = "ADDR",
        .text = "take users on this address, given once for each (all addresses)"},
    {.key = "tunnel",
        .argument = "ADDR:PORT",
        .text = "address and UDP port that tunnels leave from (any)"},
    NODE_OPTION_HELP_WORKERS,
    NODE_OPTION_HELP_MEMORY,
    NODE_OPTION_HELP_USER_CC,
    NODE_OPTION_HELP_DRAIN,
    NODE_OPTION_HELP_ADMIN,
    NODE_OPTION_HELP_ADMIN_REMOTE,
};

static bool has_ipv6(void)
{
	int descriptor = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (descriptor < 0)
		return false;
	close(descriptor);
	return true;
}

static void *open_sockets(const struct node_options *node_options, unsigned workers)
{
	struct addr binds[NODE_BINDS_MAX] = {addr_any(4, 0), addr_any(6, 0)};
	size_t count = has_ipv6() ? 2 : 1;

	if (node_options->bind_count) {
		count = node_options->bind_count;
		for (size_t i = 0; i < count; i++)
			addr_parse(node_options->binds[i], 0, &binds[i]);
	}
	return user_sockets_new(binds, count, workers);
}

static void close_sockets(void *state)
{
	user_sockets_free(state);
}

static int prepare(void *state, const struct node_config *config, char reason[REASON_BYTES])
{
	return user_sockets_prepare(state, config, reason);
}

static void commit(void *state)
{
	user_sockets_commit(state);
}

static void abandon(void *state)
{
	user_sockets_abandon(state);
}

static int lend(void *state, unsigned worker, struct ipc *channel)
{
	return user_sockets_lend(state, worker, channel);
}

static void worker_started(void *state, unsigned worker)
{
	user_sockets_worker_started(state, worker);
}

static void stop(void *state)
{
	user_sockets_close(state);
}

static const struct node_program program = {
    .role = NODE_LISTENER,
    .usage =
        {
            .program = "trunkline-listener",
            .summary = "Takes users' connections and carries them through tunnels to endpoints.",
            .schema = &schema,
            .options = options,
            .option_count = sizeof(options) / sizeof(options[0]),
        },
    .worker = &listener_role,
    .main =
        {
            .open = open_sockets,
            .close = close_sockets,
            .prepare = prepare,
            .commit = commit,
            .abandon = abandon,
            .lend = lend,
            .worker_started = worker_started,
            .stop = stop,
        },
};

int main(int argc, char **argv)
{
	return node_main(&program, argc, argv);
}
