/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a node's tunnel port; see net/tunnel_sockets.h. */
#include "config.h"

#include "net/tunnel_sockets.h"

#include "base/err.h"
#include "net/steer.h"
#include "net/udp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * SO_REUSEPORT alone would let a second daemon of the same user join the port and take a part of
 * the packets: one socket without it shows whether the port is free.
 */
static int probe(const struct udp_options *options)
{
	struct udp_options alone = *options;
	int descriptor, result;

	alone.reuse_port = false;
	alone.buffer_bytes = 0;
	result = udp_open(&alone, &descriptor);
	if (result == 0)
		close(descriptor);
	return result;
}

static int read_local(int descriptor, struct addr *local)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);

	if (getsockname(descriptor, (struct sockaddr *)&storage, &length) < 0)
		return ERR_IO;
	return addr_from_sockaddr(local, (struct sockaddr *)&storage, length);
}

static int open_group(struct tunnel_sockets *sockets, struct udp_options *options, unsigned count)
{
	int result = probe(options);

	for (; result == 0 && sockets->count < count; sockets->count++) {
		result = udp_open(options, &sockets->descriptors[sockets->count]);
		if (result < 0)
			break;
		if (sockets->count == 0)
			result = read_local(sockets->descriptors[0], &options->local);
	}
	if (result == 0)
		result = steer_attach(sockets->descriptors[0], count);
	sockets->local = options->local;
	return result;
}

int tunnel_sockets_open(struct tunnel_sockets *sockets, const struct addr *wanted, unsigned count)
{
	struct udp_options options = {
	    .local = wanted->family ? *wanted : addr_any(6, wanted->port),
	    .reuse_port = true,
	    .dont_fragment = true,
	    .buffer_bytes = UDP_TUNNEL_BUFFER_BYTES,
	};
	int result, error;

	*sockets = (struct tunnel_sockets){0};
	options.dual_stack = options.local.family == 6 && addr_is_any(&options.local);
	result = open_group(sockets, &options, count);
	if (result < 0 && !wanted->family && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		tunnel_sockets_close(sockets);
		options.local = addr_any(4, wanted->port);
		options.dual_stack = false;
		result = open_group(sockets, &options, count);
	}
	if (result < 0) {
		error = errno;
		tunnel_sockets_close(sockets);
		errno = error;
	}
	return result;
}

void tunnel_sockets_close(struct tunnel_sockets *sockets)
{
	for (unsigned i = 0; i < sockets->count; i++)
		close(sockets->descriptors[i]);
	sockets->count = 0;
}
