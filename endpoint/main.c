/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trunkline-endpoint: what an endpoint adds to a node, its options. */
#include "config.h"

#include "endpoint/health_process.h"
#include "endpoint/role.h"
#include "net/node.h"
#include "net/worker_messages.h"

enum { TUNNEL_PORT = 7401 };

static const struct schema_field fields[] = {
    NODE_OPTION_FIELDS,
    {SCHEMA_MEMBER("advertise", struct node_options, advertise), .type = SCHEMA_STRING,
        .check = options_check_address},
    {SCHEMA_ARRAY("source", struct node_options, sources, source_count), .type = SCHEMA_STRING,
        .max_items = WORKER_SOURCES_MAX, .check = options_check_address_only},
};
static const struct schema schema = SCHEMA_CHECKED(struct node_options, fields, node_options_check);

static const struct option_help options[] = {
    NODE_OPTION_HELP_STATE,
    NODE_OPTION_HELP_JOIN,
    NODE_OPTION_HELP_NAME,
    {.key = "tunnel",
        .argument = "ADDR:PORT",
        .text = "address and UDP port that tunnels come to (all addresses, 7401)"},
    {.key = "advertise",
        .argument = "ADDR[:PORT]",
        .text = "what listeners are told instead, as behind NAT"},
    {.key = "source",
        .argument = "ADDR",
        .text = "connect to backends from this address, given once for each"},
    NODE_OPTION_HELP_WORKERS,
    NODE_OPTION_HELP_MEMORY,
    NODE_OPTION_HELP_USER_CC,
    NODE_OPTION_HELP_DRAIN,
    NODE_OPTION_HELP_ADMIN,
    NODE_OPTION_HELP_ADMIN_REMOTE,
};

static const struct node_program program = {
    .role = NODE_ENDPOINT,
    .usage =
        {
            .program = "trunkline-endpoint",
            .summary = "Ends tunnels beside the backends and connects to these.",
            .schema = &schema,
            .options = options,
            .option_count = sizeof(options) / sizeof(options[0]),
        },
    .tunnel_port = TUNNEL_PORT,
    .worker = &endpoint_role,
    .health_main = health_process_main,
};

int main(int argc, char **argv)
{
	return node_main(&program, argc, argv);
}
