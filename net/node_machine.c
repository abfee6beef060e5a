/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_machine.h. */
#include "config.h"

#include "net/node_machine.h"

#include "net/udp.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO     104
#endif

/* Up to two numbers of a file of the kernel; how many there were. */
static int read_numbers(const char *path, uint64_t *first, uint64_t *second)
{
	FILE *file = fopen(path, "re");
	int count;

	if (!file)
		return 0;
	count = fscanf(file, "%" SCNu64 " %" SCNu64, first, second);
	fclose(file);
	return count;
}

static uint64_t read_size(const char *path)
{
	uint64_t size, none;

	return read_numbers(path, &size, &none) >= 1 && size <= INT64_MAX ? size : 0;
}

static void read_ports(struct machine *machine)
{
	uint64_t first, last;

	if (read_numbers("/proc/sys/net/ipv4/ip_local_port_range", &first, &last) != 2
	    || last > UINT16_MAX || first > last)
		return;
	machine->port_first = (uint32_t)first;
	machine->port_last = (uint32_t)last;
}

static void read_sockets(const struct tunnel_sockets *tunnel, struct machine *machine)
{
	for (unsigned i = 0; i < tunnel->count; i++) {
		uint64_t granted = (uint64_t)udp_granted_bytes(tunnel->descriptors[i]);

		if (i == 0 || granted < machine->tunnel_granted_bytes)
			machine->tunnel_granted_bytes = granted;
	}
}

static bool knows_option(const struct tunnel_sockets *tunnel, int option)
{
	int value;
	socklen_t length = sizeof(value);

	return tunnel->count > 0
	       && getsockopt(tunnel->descriptors[0], SOL_UDP, option, &value, &length) == 0;
}

void node_machine_read(const struct tunnel_sockets *tunnel, struct machine *machine)
{
	struct timespec now;
	struct rlimit files;

	memset(machine, 0, sizeof(*machine));
	clock_gettime(CLOCK_REALTIME, &now);
	machine->clock_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	machine->rmem_max_bytes = read_size("/proc/sys/net/core/rmem_max");
	machine->wmem_max_bytes = read_size("/proc/sys/net/core/wmem_max");
	machine->tunnel_buffer_bytes = UDP_TUNNEL_BUFFER_BYTES;
	read_sockets(tunnel, machine);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		machine->files_max = files.rlim_cur < INT64_MAX ? files.rlim_cur : INT64_MAX;
	read_ports(machine);
	machine->has_udp_gro = knows_option(tunnel, UDP_GRO);
	machine->has_udp_segment = knows_option(tunnel, UDP_SEGMENT);
}
