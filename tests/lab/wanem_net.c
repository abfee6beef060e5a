/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes: a network namespace each, made here and removed here, with one TUN interface that gets
 * everything that is not loopback; and the table from address to node. It uses iproute2 for
 * what needs netlink. A namespace that exists already is somebody else's and is refused.
 */
#define _GNU_SOURCE 1

#include "tests/lab/wanem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TABLE_SLOTS = 1024, /* a power of two, four times what all nodes' addresses can be */
	SPACE_NAME = 2 * MAX_NAME,
};

_Static_assert(TABLE_SLOTS >= 4 * MAX_NODES * MAX_ADDRESSES, "the table must stay sparse");

struct node nodes[MAX_NODES];
int node_count;

static struct {
	bool is_used;
	int node;
	struct address address;
} table[TABLE_SLOTS];

/* Namespaces made so far, also of a node whose making failed half way. */
static char spaces[MAX_NODES][SPACE_NAME];
static int space_count;

static uint32_t address_slot(const struct address *address)
{
	uint64_t word[2];

	memcpy(word, address->bytes, sizeof word);
	uint64_t hash = (word[0] ^ word[1] * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(hash >> 40) & (TABLE_SLOTS - 1);
}

/* The slot that holds the address, or the free one where it would go. */
static uint32_t table_find(const struct address *address)
{
	uint32_t slot = address_slot(address);

	while (table[slot].is_used && memcmp(&table[slot].address, address, sizeof *address))
		slot = (slot + 1) & (TABLE_SLOTS - 1);
	return slot;
}

static struct address address_of_v4(const uint8_t *bytes)
{
	struct address address = {.bytes = {[10] = 0xff, [11] = 0xff}};

	memcpy(address.bytes + 12, bytes, 4);
	return address;
}

int net_find_destination(const struct packet *packet)
{
	struct address address;

	if (packet->length_bytes >= 20 && packet->data[0] >> 4 == 4)
		address = address_of_v4(packet->data + 16);
	else if (packet->length_bytes >= 40 && packet->data[0] >> 4 == 6)
		memcpy(address.bytes, packet->data + 24, sizeof address.bytes);
	else
		return -1;
	uint32_t slot = table_find(&address);
	return table[slot].is_used ? table[slot].node : -1;
}

int net_find_node(const char *name)
{
	for (int i = 0; i < node_count; i++)
		if (!strcmp(nodes[i].name, name))
			return i;
	return -1;
}

/* Names reach a shell, so only plain ones are taken. */
bool net_is_plain_name(const char *name)
{
	return *name && strlen(name) < MAX_NAME
	       && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static void __attribute__((format(printf, 1, 2))) run_ip(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	if (system(command))
		die("failed (is this root?): %s", command);
}

static void make_namespace(const char *space)
{
	char file[SPACE_NAME + 16];
	struct stat status;

	snprintf(file, sizeof file, "/run/netns/%s", space);
	if (!lstat(file, &status))
		die("the namespace %s exists and is not ours; if a killed wanem left it: "
		    "ip netns del %s",
		    space, space);
	run_ip("ip netns add %s", space);
	snprintf(spaces[space_count++], SPACE_NAME, "%s", space);
}

static int open_tun(const char *space)
{
	char file[SPACE_NAME + 16];
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "wan0"};

	snprintf(file, sizeof file, "/run/netns/%s", space);
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(file, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET))
		die("can't enter the namespace %s: %s", space, strerror(errno));
	int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	bool is_made = tun >= 0 && !ioctl(tun, TUNSETIFF, &request);
	int why = errno;
	if (setns(home, CLONE_NEWNET))
		die("can't come back from %s: %s", space, strerror(errno));
	if (!is_made)
		die("can't make wan0 in %s: %s", space, strerror(why));
	close(there);
	close(home);
	return tun;
}

static bool parse_address(const char *text, struct address *address)
{
	uint8_t v4[4];

	if (strchr(text, ':'))
		return inet_pton(AF_INET6, text, address->bytes) == 1;
	if (inet_pton(AF_INET, text, v4) != 1)
		return false;
	*address = address_of_v4(v4);
	return true;
}

static const char *add_address(struct node *node, const char *space, const char *text)
{
	struct address address;

	if (node->address_count == MAX_ADDRESSES)
		return "too many addresses";
	if (!parse_address(text, &address))
		return "bad address";
	uint32_t slot = table_find(&address);
	if (table[slot].is_used)
		return "the address is another node's";
	table[slot].is_used = true;
	table[slot].node = (int)(node - nodes);
	table[slot].address = address;
	node->addresses[node->address_count++] = address;
	run_ip("ip -n %s addr add %s dev wan0 %s", space, text, strchr(text, ':') ? "nodad" : "");
	return NULL;
}

const char *net_add_node(const char *prefix, const char *name, char *address_list)
{
	struct node *node = &nodes[node_count];
	char *save = NULL, space[SPACE_NAME];
	const char *why = NULL;

	if (!net_is_plain_name(name) || node_count == MAX_NODES || net_find_node(name) >= 0)
		return "bad, repeated or one too many node name";
	snprintf(node->name, sizeof node->name, "%s", name);
	snprintf(space, sizeof space, "%s%s", prefix, name);
	make_namespace(space);
	node->tun = open_tun(space);
	node_count++;
	run_ip("ip -n %s link set lo up", space);
	run_ip("ip -n %s link set wan0 mtu 1500 txqueuelen 10000 up", space);
	for (char *text = strtok_r(address_list, ",", &save); text && !why;
	     text = strtok_r(NULL, ",", &save))
		why = add_address(node, space, text);
	if (!why) {
		run_ip("ip -n %s route add default dev wan0 2>/dev/null || true", space);
		run_ip("ip -n %s -6 route add default dev wan0 2>/dev/null || true", space);
	}
	return why;
}

void net_remove_nodes(void)
{
	char command[SPACE_NAME + 16];

	while (space_count > 0) {
		snprintf(command, sizeof command, "ip netns del %s", spaces[--space_count]);
		if (system(command))
			fprintf(stderr, "wanem: failed: %s\n", command);
	}
}
