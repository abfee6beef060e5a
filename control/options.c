/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See options.h. */
#include "config.h"

#include "control/options.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/file.h"
#include "control/api_access.h"
#include "net/options.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_DIRECTORY "/run/trunkline"
#define UNIX_PREFIX   "unix:"

const char *control_options_unix_path(const char *text)
{
	size_t length = strlen(UNIX_PREFIX);

	return strncmp(text, UNIX_PREFIX, length) == 0 ? text + length : NULL;
}

static const char *check_api(const void *value)
{
	const char *path = control_options_unix_path(value);

	if (path ? path[0] != '\0' : options_check_address_port(value) == NULL)
		return NULL;
	return "must be unix:PATH or ADDR:PORT";
}

/* One without the other is a mistake, and none of our own is used beside it. */
static const char *check_files(const void *object)
{
	const struct control_options *options = object;

	return !options->api_cert == !options->api_key
	           ? NULL
	           : "must have api-cert and api-key, or neither";
}

static const char *check_api_group(const void *value)
{
	struct api_group group;
	int result = api_group_parse(value, &group);

	if (result == ERR_NOT_FOUND)
		return "there is no such group";
	return result < 0 ? "must be GROUP=ROLE, ROLE being viewer, operator or admin" : NULL;
}

static const struct schema_field fields[] = {
    {SCHEMA_MEMBER("state", struct control_options, state), .type = SCHEMA_STRING, .min = 1},
    {SCHEMA_MEMBER("restore", struct control_options, restore), .type = SCHEMA_STRING, .min = 1},
    {SCHEMA_ARRAY("api", struct control_options, api, api_count), .type = SCHEMA_STRING,
        .max_items = API_SOCKETS_MAX, .check = check_api},
    {SCHEMA_ARRAY("api-group", struct control_options, api_group, api_group_count),
        .type = SCHEMA_STRING, .max_items = API_GROUPS_MAX, .check = check_api_group},
    {SCHEMA_MEMBER("api-cert", struct control_options, api_cert), .type = SCHEMA_STRING, .min = 1},
    {SCHEMA_MEMBER("api-key", struct control_options, api_key), .type = SCHEMA_STRING, .min = 1},
    {SCHEMA_MEMBER("api-rate", struct control_options, api_rate), .type = SCHEMA_U32, .min = 1,
        .max = API_RATE_MAX, .default_number = API_RATE_DEFAULT},
    {SCHEMA_MEMBER("nodes", struct control_options, nodes), .type = SCHEMA_TEXT,
        .check = options_check_address_port, .default_text = "0.0.0.0:7400"},
    {SCHEMA_MEMBER("advertise", struct control_options, advertise), .type = SCHEMA_TEXT,
        .check = options_check_address},
};
static const struct schema schema = SCHEMA_CHECKED(struct control_options, fields, check_files);

static const struct option_help help[] = {
    {"state", "DIR", "directory of the database and the identity", true},
    {"restore", "FILE", "put a backup in the place of the database there, and end", false},
    {"api", "unix:PATH|ADDR:PORT",
        "where the API listens, TCP with TLS; may be given more than once", false},
    {"api-group", "GROUP=ROLE", "what a group's members may do on unix: viewer, operator or admin",
        false},
    {"api-cert", "FILE", "certificate of the API over TCP, PEM; by default control's own", false},
    {"api-key", "FILE", "its private key, PEM", false},
    {"api-rate", "N", "requests a second of a token and of an address, by default 200", false},
    {"nodes", "ADDR:PORT", "where nodes connect, by default 0.0.0.0:7400", false},
    {"advertise", "ADDR[:PORT]", "what join tokens tell instead", false},
};

static const struct options_usage usage = {
    .program = "trunkline-control",
    .summary = "Knows the nodes of a Trunkline installation and gives them their configs.",
    .schema = &schema,
    .options = help,
    .option_count = sizeof(help) / sizeof(help[0]),
};

int control_options_parse(int argc, char **argv, struct control_options *options)
{
	return options_parse(&usage, argc, argv, options);
}

void control_options_clear(struct control_options *options)
{
	schema_clear(&schema, options);
}

static char *default_path(const struct control_options *options)
{
	char *path;

	if (geteuid() == 0) {
		file_make_directory(RUN_DIRECTORY, 0755);
		return strdup(UNIX_PREFIX RUN_DIRECTORY "/control.sock");
	}
	return asprintf(&path, UNIX_PREFIX "%s/control.sock", options->state) < 0 ? NULL : path;
}

char *control_options_api(const struct control_options *options, size_t i)
{
	if (options->api_count == 0)
		return i == 0 ? default_path(options) : NULL;
	return i < options->api_count ? strdup(options->api[i]) : NULL;
}

size_t control_options_groups(
    const struct control_options *options, struct api_group groups[API_GROUPS_MAX])
{
	for (size_t i = 0; i < options->api_group_count; i++)
		api_group_parse(options->api_group[i], &groups[i]); /* checked before */
	return options->api_group_count;
}

/* An address of an interface that is up, and that another machine could use. */
static bool usable(const struct ifaddrs *interface, struct addr *addr)
{
	const struct sockaddr *address = interface->ifa_addr;

	if (!(interface->ifa_flags & IFF_UP) || !address
	    || (address->sa_family != AF_INET && address->sa_family != AF_INET6)
	    || addr_from_sockaddr(addr, address,
	           address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
	                                         : sizeof(struct sockaddr_in6))
	           < 0)
		return false;
	/* Link-local addresses need an interface's name, which is another on another machine. */
	return !addr_is_loopback(addr) && addr->scope == 0;
}

static size_t own_addresses(
    const struct addr *bound, char addresses[JOIN_ADDRESSES_MAX][NAME_BYTES])
{
	struct ifaddrs *interfaces = NULL, *at;
	struct addr addr;
	size_t count = 0;

	if (getifaddrs(&interfaces) < 0)
		interfaces = NULL;
	for (at = interfaces; at && count < JOIN_ADDRESSES_MAX - 1; at = at->ifa_next) {
		if (!usable(at, &addr) || (bound->family == 4 && addr.family != 4))
			continue;
		addr.port = bound->port;
		addr_format(&addr, addresses[count++], NAME_BYTES);
	}
	if (interfaces)
		freeifaddrs(interfaces);
	addr_parse(bound->family == 4 ? "127.0.0.1" : "::1", bound->port, &addr);
	addr_format(&addr, addresses[count++], NAME_BYTES);
	return count;
}

size_t control_options_join_addresses(
    const struct control_options *options, char addresses[JOIN_ADDRESSES_MAX][NAME_BYTES])
{
	struct addr bound, told;

	memset(addresses, 0, sizeof(*addresses) * JOIN_ADDRESSES_MAX);
	addr_parse(options->nodes, NODES_PORT_DEFAULT, &bound);
	if (options->advertise[0])
		addr_parse(options->advertise, bound.port, &told);
	else if (addr_is_any(&bound))
		return own_addresses(&bound, addresses);
	else
		told = bound;
	addr_format(&told, addresses[0], NAME_BYTES);
	return 1;
}
