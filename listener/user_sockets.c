/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets that users reach, as main keeps them; see listener/user_sockets.h. */
#include "config.h"

#include "listener/user_sockets.h"

#include "base/err.h"
#include "base/table.h"
#include "net/pacing_timer.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "net/worker_messages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RETRIES = 10, RETRY_US = 10000, RECENT_US = 1000000 };

/* No padding: a hash key. */
struct key {
	uint32_t kind; /* enum worker_socket_kind */
	uint32_t worker;
	struct addr local;
};

/*
 * One socket for one worker.  While the worker knows of it, `lent_as` is the accelerator it was
 * lent for; descriptor is -1 once it is closed here and only the worker is to be told.
 */
struct user_socket {
	struct key key;
	int descriptor;
	uint32_t accelerator;
	uint32_t next_accelerator; /* by the config that is being prepared */
	bool is_wanted;            /* by that config */
	bool is_new;               /* opened for it */
	bool is_lent;
	bool is_outdated; /* what was lent is closed here */
	uint32_t lent_as;
	UT_hash_handle hh;
};

struct user_sockets {
	struct addr *binds;
	size_t bind_count;
	unsigned workers;
	uint64_t closed_us; /* when a lent one was closed here last */
	struct user_socket *table;
};

struct user_sockets *user_sockets_new(const struct addr *binds, size_t bind_count, unsigned workers)
{
	struct user_sockets *sockets = calloc(1, sizeof(*sockets));

	if (!sockets)
		return NULL;
	sockets->binds = calloc(bind_count ? bind_count : 1, sizeof(*binds));
	if (!sockets->binds) {
		free(sockets);
		return NULL;
	}
	if (bind_count)
		memcpy(sockets->binds, binds, bind_count * sizeof(*binds));
	sockets->bind_count = bind_count;
	sockets->workers = workers;
	return sockets;
}

static void forget(struct user_sockets *sockets, struct user_socket *socket)
{
	if (socket->descriptor >= 0)
		close(socket->descriptor);
	HASH_DEL(sockets->table, socket);
	free(socket);
}

void user_sockets_free(struct user_sockets *sockets)
{
	struct user_socket *socket, *next;

	if (!sockets)
		return;
	HASH_ITER (hh, sockets->table, socket, next)
		forget(sockets, socket);
	free(sockets->binds);
	free(sockets);
}

/* ---- opening ---- */

static int open_one(uint32_t kind, const struct addr *local, bool is_shared, int *descriptor)
{
	struct udp_options options = {
	    .local = *local, .reuse_port = is_shared, .buffer_bytes = USER_SOCKETS_BUFFER_BYTES};

	if (kind == WORKER_SOCKET_TCP_LISTEN)
		return tcp_listen(local, is_shared, descriptor);
	return udp_open(&options, descriptor);
}

/*
 * SO_REUSEPORT alone would let a second daemon of the same user join the port and take a part of
 * the users: one socket without it shows whether the port is free.  A port that was closed just
 * now stays bound until the workers closed theirs, which takes them a millisecond.
 */
static int check_free(const struct user_sockets *sockets, uint32_t kind, const struct addr *local)
{
	int descriptor = -1, result;

	for (int attempt = 0;; attempt++) {
		result = open_one(kind, local, false, &descriptor);
		if (result == 0)
			close(descriptor);
		if (result == 0 || errno != EADDRINUSE || attempt == RETRIES
		    || pacing_timer_now_us() - sockets->closed_us > RECENT_US)
			return result;
		usleep(RETRY_US);
	}
}

static int add(struct user_sockets *sockets, const struct key *key, uint32_t accelerator)
{
	struct user_socket *socket = calloc(1, sizeof(*socket));

	if (!socket) {
		errno = ENOMEM;
		return ERR_NOMEM;
	}
	*socket = (struct user_socket){.key = *key,
	    .descriptor = -1,
	    .next_accelerator = accelerator,
	    .is_wanted = true,
	    .is_new = true};
	if (open_one(key->kind, &key->local, true, &socket->descriptor) < 0) {
		free(socket);
		return ERR_IO;
	}
	HASH_ADD(hh, sockets->table, key, sizeof(*key), socket);
	if (TABLE_HAS(socket))
		return 0;
	close(socket->descriptor);
	free(socket);
	errno = ENOMEM;
	return ERR_NOMEM;
}

/* The workers that serve a port: all, or from `first` one. */
struct owners {
	unsigned first, count;
};

static struct owners owners_of(
    const struct user_sockets *sockets, const struct port_range *range, uint16_t port)
{
	if (range->last - range->first < USER_SOCKETS_SHARED_PORTS)
		return (struct owners){0, sockets->workers};
	return (struct owners){port % sockets->workers, 1};
}

/* One address, port and protocol for each of its workers. */
static int want(struct user_sockets *sockets, uint32_t kind, const struct addr *local,
    struct owners owners, uint32_t accelerator)
{
	bool is_checked = false;

	for (unsigned i = owners.first; i < owners.first + owners.count; i++) {
		struct key key = {.kind = kind, .worker = i, .local = *local};
		struct user_socket *socket;
		int result;

		HASH_FIND(hh, sockets->table, &key, sizeof(key), socket);
		if (socket && socket->descriptor >= 0) {
			socket->is_wanted = true;
			socket->next_accelerator = accelerator;
			is_checked = true; /* the port is ours */
			continue;
		}
		if (!is_checked && check_free(sockets, kind, local) < 0)
			return ERR_IO;
		is_checked = true;
		if (socket) /* closed here, and the worker was not told yet */
			result = open_one(kind, local, true, &socket->descriptor);
		else
			result = add(sockets, &key, accelerator);
		if (result < 0)
			return result;
		if (socket) {
			socket->is_wanted = socket->is_new = true;
			socket->next_accelerator = accelerator;
		}
	}
	return 0;
}

static void tell_reason(char reason[REASON_BYTES], const struct config_accelerator *accelerator,
    uint32_t kind, const struct addr *local)
{
	char text[ADDR_TEXT_BYTES];
	int error = errno;

	snprintf(reason, REASON_BYTES, "port %u/%s of accelerator %s cannot be opened at %s: %s",
	    local->port, kind == WORKER_SOCKET_TCP_LISTEN ? "tcp" : "udp", accelerator->name,
	    addr_format_ip(local, text, sizeof(text)), strerror(error));
}

/* `protocols` are those that the config lets it open. */
static int want_port(struct user_sockets *sockets, const struct config_accelerator *accelerator,
    enum accelerator_protocol protocols, const struct port_range *range, uint16_t port,
    char reason[REASON_BYTES])
{
	static const struct {
		enum accelerator_protocol protocol;
		uint32_t kind;
	} kinds[] = {
	    {PROTOCOL_TCP, WORKER_SOCKET_TCP_LISTEN}, {PROTOCOL_UDP, WORKER_SOCKET_UDP_USERS}};

	for (size_t b = 0; b < sockets->bind_count; b++)
		for (size_t k = 0; k < 2; k++) {
			struct addr local = sockets->binds[b];
			int result;

			if (!(accelerator->protocol & protocols & kinds[k].protocol))
				continue;
			local.port = port;
			result = want(sockets, kinds[k].kind, &local,
			    owners_of(sockets, range, port), accelerator->id);
			if (result < 0) {
				tell_reason(reason, accelerator, kinds[k].kind, &local);
				return result;
			}
		}
	return 0;
}

static int want_accelerator(struct user_sockets *sockets,
    const struct config_accelerator *accelerator, enum accelerator_protocol protocols,
    char reason[REASON_BYTES])
{
	for (size_t r = 0; r < accelerator->port_count; r++) {
		const struct port_range *range = &accelerator->ports[r];

		for (unsigned port = range->first; port <= range->last; port++) {
			int result = want_port(
			    sockets, accelerator, protocols, range, (uint16_t)port, reason);

			if (result < 0)
				return result;
		}
	}
	return 0;
}

/* ---- from one config to the next ---- */

int user_sockets_prepare(
    struct user_sockets *sockets, const struct node_config *config, char reason[REASON_BYTES])
{
	/* A draining listener refuses new connections; its UDP sockets are those of old flows too. */
	enum accelerator_protocol protocols = config->is_draining ? PROTOCOL_UDP : PROTOCOL_TCP_UDP;
	struct user_socket *socket, *next;
	int result = 0;

	HASH_ITER (hh, sockets->table, socket, next) {
		socket->is_wanted = socket->is_new = false;
		socket->next_accelerator = socket->accelerator;
	}
	for (size_t i = 0; result == 0 && i < config->accelerator_count; i++)
		result = want_accelerator(sockets, &config->accelerators[i], protocols, reason);
	if (result < 0)
		user_sockets_abandon(sockets);
	return result;
}

/* Closed here; kept while the worker is to be told. */
static void drop(struct user_sockets *sockets, struct user_socket *socket)
{
	if (!socket->is_lent) {
		forget(sockets, socket);
		return;
	}
	if (socket->descriptor >= 0)
		close(socket->descriptor);
	socket->descriptor = -1;
	socket->is_outdated = true;
	sockets->closed_us = pacing_timer_now_us();
}

void user_sockets_commit(struct user_sockets *sockets)
{
	struct user_socket *socket, *next;

	HASH_ITER (hh, sockets->table, socket, next) {
		if (!socket->is_wanted)
			drop(sockets, socket);
		else
			socket->accelerator = socket->next_accelerator;
	}
}

void user_sockets_abandon(struct user_sockets *sockets)
{
	struct user_socket *socket, *next;

	HASH_ITER (hh, sockets->table, socket, next)
		if (socket->is_new)
			drop(sockets, socket);
}

void user_sockets_close(struct user_sockets *sockets)
{
	struct user_socket *socket, *next;

	HASH_ITER (hh, sockets->table, socket, next)
		drop(sockets, socket);
}

/* ---- lending ---- */

static int send_socket(const struct user_socket *socket, struct ipc *channel, bool take_back)
{
	struct worker_socket what = {.kind = socket->key.kind,
	    .accelerator = take_back ? socket->lent_as : socket->accelerator,
	    .local = socket->key.local};

	if (take_back)
		return ipc_send(channel, WORKER_MESSAGE_SOCKET, &what, sizeof(what));
	return ipc_send_descriptors(
	    channel, WORKER_MESSAGE_SOCKET, &what, sizeof(what), &socket->descriptor, 1);
}

/* Takes back what is lent and is closed or another's now, then lends what is open. */
static int lend_one(
    struct user_sockets *sockets, struct user_socket *socket, struct ipc *channel, bool take_back)
{
	bool is_stale =
	    socket->is_lent && (socket->is_outdated || socket->lent_as != socket->accelerator);
	int result;

	if (take_back ? !is_stale : socket->is_lent || socket->descriptor < 0)
		return 0;
	result = send_socket(socket, channel, take_back);
	if (result < 0)
		return result;
	socket->is_lent = !take_back;
	socket->is_outdated = false;
	socket->lent_as = socket->accelerator;
	if (socket->descriptor < 0)
		forget(sockets, socket);
	return 0;
}

int user_sockets_lend(struct user_sockets *sockets, unsigned worker, struct ipc *channel)
{
	struct user_socket *socket, *next;

	for (int take_back = 1; take_back >= 0; take_back--)
		HASH_ITER (hh, sockets->table, socket, next) {
			int result = 0;

			if (socket->key.worker == worker)
				result = lend_one(sockets, socket, channel, take_back);
			if (result < 0)
				return result;
		}
	return 0;
}

void user_sockets_worker_started(struct user_sockets *sockets, unsigned worker)
{
	struct user_socket *socket, *next;

	HASH_ITER (hh, sockets->table, socket, next) {
		if (socket->key.worker != worker)
			continue;
		socket->is_lent = socket->is_outdated = false;
		if (socket->descriptor < 0)
			forget(sockets, socket);
	}
}

size_t user_sockets_count(const struct user_sockets *sockets)
{
	struct user_socket *socket, *next;
	size_t count = 0;

	HASH_ITER (hh, sockets->table, socket, next)
		count += socket->descriptor >= 0;
	return count;
}
