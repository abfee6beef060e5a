/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main process of a node, which listener and endpoint share: it joins, keeps the connection to
 * control, holds the config in force and its file, opens and lends the sockets, starts workers and
 * keys again, reports once a second, and ends in good order.  It carries no packet.
 */
#ifndef NET_NODE_H
#define NET_NODE_H

#include "base/addr.h"
#include "model/node_config.h"
#include "net/ipc.h"
#include "net/node_admin.h"
#include "net/options.h"
#include "net/user_congestion.h"
#include "net/worker.h"

#include <stddef.h>
#include <stdint.h>

/* What the command line and the config file may say; a role's table has the members it knows. */
struct node_options {
	char *state;
	char *join; /* a token, or @FILE */
	char *name;
	char *tunnel;    /* ADDR:PORT */
	char *advertise; /* endpoint: ADDR[:PORT] */
	char **binds;    /* listener: ADDR */
	size_t bind_count;
	char **sources; /* endpoint: ADDR */
	size_t source_count;
	char *user_cc;    /* NULL: as user_congestion_default() says */
	char *admin;      /* [ADDR:]PORT, NULL for none */
	char *memory;     /* a size, of all workers' buffers together; NULL: by the machine's */
	uint32_t workers; /* 0: one a core */
	uint32_t drain_s;
	bool admin_remote; /* admin may be on any address */
};

enum {
	NODE_BINDS_MAX = 64,
	NODE_WORKERS_MAX = SLOTS_MAX,
	NODE_WORKER_MEMORY_MIN_BYTES = 16 << 20,
};

/* Of every node's table; the struct is struct node_options. */
#define NODE_OPTION_FIELDS                                                                         \
	{SCHEMA_MEMBER("state", struct node_options, state), .type = SCHEMA_STRING, .min = 1},     \
	    {SCHEMA_MEMBER("join", struct node_options, join), .type = SCHEMA_STRING, .min = 1},   \
	    {SCHEMA_MEMBER("name", struct node_options, name), .type = SCHEMA_STRING,              \
	        .check = node_option_check_name},                                                  \
	    {SCHEMA_MEMBER("tunnel", struct node_options, tunnel), .type = SCHEMA_STRING,          \
	        .check = options_check_address_port},                                              \
	    {SCHEMA_MEMBER("user-cc", struct node_options, user_cc), .type = SCHEMA_STRING,        \
	        .check = user_congestion_check},                                                   \
	    {SCHEMA_MEMBER("memory", struct node_options, memory), .type = SCHEMA_STRING,          \
	        .check = options_check_size},                                                      \
	    {SCHEMA_MEMBER("admin", struct node_options, admin), .type = SCHEMA_STRING,            \
	        .check = node_admin_check},                                                        \
	    {SCHEMA_MEMBER("admin-remote", struct node_options, admin_remote),                     \
	        .type = SCHEMA_BOOL},                                                              \
	    {SCHEMA_MEMBER("workers", struct node_options, workers), .type = SCHEMA_U32,           \
	        .max = NODE_WORKERS_MAX},                                                          \
	{                                                                                          \
		SCHEMA_MEMBER("drain", struct node_options, drain_s),                              \
		    .type = SCHEMA_U32, .max = DRAIN_MAX_S, .default_number = DRAIN_DEFAULT_S      \
	}

#define NODE_OPTION_HELP_STATE                                                                     \
	{                                                                                          \
		.key = "state", .argument = "DIR", .is_required = true,                            \
		.text = "where the identity and the last config are kept"                          \
	}
#define NODE_OPTION_HELP_JOIN                                                                      \
	{                                                                                          \
		.key = "join", .argument = "TOKEN|@FILE",                                          \
		.text = "join by a token of `trunkctl node token`; needed once"                    \
	}
#define NODE_OPTION_HELP_NAME                                                                      \
	{                                                                                          \
		.key = "name", .argument = "NAME",                                                 \
		.text = "the node's name (the host's name and the role)"                           \
	}
#define NODE_OPTION_HELP_WORKERS                                                                   \
	{                                                                                          \
		.key = "workers", .argument = "N",                                                 \
		.text = "worker processes that carry flows (one a core)"                           \
	}
#define NODE_OPTION_HELP_USER_CC                                                                   \
	{                                                                                          \
		.key = "user-cc", .argument = "NAME",                                              \
		.text =                                                                            \
		    "the kernel's congestion control outside of the tunnel (bbr if it is there)"   \
	}
#define NODE_OPTION_HELP_MEMORY                                                                    \
	{                                                                                          \
		.key = "memory", .argument = "SIZE",                                               \
		.text = "buffers of all workers together, as 512M (an eighth of the machine's)"    \
	}
#define NODE_OPTION_HELP_ADMIN                                                                     \
	{                                                                                          \
		.key = "admin", .argument = "[ADDR:]PORT",                                         \
		.text = "serve /metrics, /healthz and /readyz there (127.0.0.1)"                   \
	}
#define NODE_OPTION_HELP_ADMIN_REMOTE                                                              \
	{                                                                                          \
		.key = "admin-remote",                                                             \
		.text = "let --admin be on an address that other machines reach"                   \
	}
#define NODE_OPTION_HELP_DRAIN                                                                     \
	{                                                                                          \
		.key = "drain", .argument = "SECONDS",                                             \
		.text = "how long flows may go on after SIGTERM (30)"                              \
	}

/* For the table as a whole: what does not go together. NULL, or what is wrong. */
const char *node_options_check(const void *options);
/* NULL, or what is wrong with a node's name. */
const char *node_option_check_name(const void *text);

/*
 * What a role adds to main: the sockets that its config asks for.  All are NULL where it has none.
 * The state is what open_role made.
 */
struct node_role_main {
	/* NULL without memory. */
	void *(*open)(const struct node_options *options, unsigned workers);
	void (*close)(void *state);
	/* 0, then commit or abandon follows; or a negative error with the reason, nothing changed. */
	int (*prepare)(void *state, const struct node_config *config, char reason[REASON_BYTES]);
	void (*commit)(void *state);
	void (*abandon)(void *state);
	/* Sends a worker what it does not have yet; ERR_AGAIN: call again when it has drained. */
	int (*lend)(void *state, unsigned worker, struct ipc *channel);
	void (*worker_started)(void *state, unsigned worker);
	/* SIGTERM: nobody new is taken. */
	void (*stop)(void *state);
};

struct node_program {
	enum node_role role;
	struct options_usage usage;
	uint16_t tunnel_port; /* without --tunnel; 0 for any */
	const struct worker_role *worker;
	int (*health_main)(void); /* of the health process, its exit status; NULL: there is none */
	struct node_role_main main;
};

/* The program's main(): any of its processes; the exit status. */
int node_main(const struct node_program *program, int argc, char **argv);

#endif
