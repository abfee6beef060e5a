/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names to addresses; see net/resolve.h.  The adapter of c-ares: its sockets and its timeout are
 * watched by libev, its answers wait for the loop's next turn.
 */
#include "config.h"

#include "net/resolve.h"

#include "base/err.h"
#include "base/file.h"
#include "base/list.h"

#include <ares.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

/* The first try; each further one waits twice as long.  The test has less patience. */
#ifndef RESOLVE_TRY_MS
#define RESOLVE_TRY_MS 2000
#endif

/* libev counts from its loop's time, which may be behind: without this it would spin at the end. */
#define TIMEOUT_SLACK_S 0.005

enum {
	TRIES = 3,
	TTL_LEAST_S = 1,
	HOSTS_FILE_BYTES = 1024 * 1024,
	HOSTS = 4096, /* names of /etc/hosts that are kept */
};

struct answer {
	int error;
	uint32_t ttl_s;
	size_t count;
	struct addr addresses[RESOLVE_ADDRESSES];
};

/*
 * Either asked (c-ares has it) or answered (deliver runs), and then on its resolver's list for as
 * long.  callback is NULL once it was cancelled while c-ares had it.
 */
struct resolve_query {
	struct list_node node;
	struct resolver *resolver;
	resolve_fn *callback;
	void *context;
	bool is_asked;
	struct answer answer;
	ev_timer deliver;
};

struct host {
	struct addr address;
	char name[ADDR_HOST_BYTES];
};

/* A socket of c-ares. */
struct watch {
	struct list_node node;
	struct resolver *resolver;
	ev_io io;
};

struct resolver {
	struct ev_loop *loop;
	ares_channel channel;
	struct list_node queries, watches;
	size_t query_count;
	struct host *hosts;
	size_t host_count;
	ev_timer timeout;
	bool is_ending;
};

/* ---- the loop ---- */

static void set_timeout(struct resolver *resolver)
{
	struct timeval space, *left = ares_timeout(resolver->channel, NULL, &space);

	ev_timer_stop(resolver->loop, &resolver->timeout);
	if (!left)
		return;
	ev_timer_set(&resolver->timeout,
	    (double)left->tv_sec + (double)left->tv_usec / 1e6 + TIMEOUT_SLACK_S, 0.);
	ev_timer_start(resolver->loop, &resolver->timeout);
}

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct resolver *resolver = timer->data;

	(void)loop;
	(void)events;
	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timeout(resolver);
}

static void on_socket(struct ev_loop *loop, ev_io *io, int events)
{
	struct watch *watch = io->data;
	struct resolver *resolver = watch->resolver;
	int descriptor = io->fd;

	(void)loop;
	/* It may free the watch. */
	ares_process_fd(resolver->channel, events & EV_READ ? descriptor : ARES_SOCKET_BAD,
	    events & EV_WRITE ? descriptor : ARES_SOCKET_BAD);
	set_timeout(resolver);
}

static struct watch *find_watch(struct resolver *resolver, int descriptor)
{
	LIST_FOREACH (watch, &resolver->watches, struct watch, node) {
		if (watch->io.fd == descriptor)
			return watch;
	}
	return NULL;
}

static void drop_watch(struct watch *watch)
{
	ev_io_stop(watch->resolver->loop, &watch->io);
	list_del(&watch->node);
	free(watch);
}

/* What c-ares wants to know of a socket from now on.  Without memory the query times out. */
static void on_socket_state(void *data, ares_socket_t descriptor, int readable, int writable)
{
	struct resolver *resolver = data;
	struct watch *watch = find_watch(resolver, descriptor);
	int events = (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);

	if (watch)
		drop_watch(watch);
	if (!events)
		return;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return;
	watch->resolver = resolver;
	list_add_tail(&resolver->watches, &watch->node);
	ev_io_init(&watch->io, on_socket, descriptor, events);
	watch->io.data = watch;
	ev_io_start(resolver->loop, &watch->io);
}

/* ---- queries ---- */

static void query_free(struct resolve_query *query)
{
	ev_timer_stop(query->resolver->loop, &query->deliver);
	list_del(&query->node);
	query->resolver->query_count--;
	free(query);
}

static void on_deliver(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct resolve_query *query = timer->data;
	struct answer answer = query->answer;
	resolve_fn *callback = query->callback;
	void *context = query->context;

	(void)loop;
	(void)events;
	query_free(query);
	callback(context, answer.error, answer.addresses, answer.count, answer.ttl_s);
}

static void answer_later(struct resolve_query *query)
{
	query->is_asked = false;
	ev_timer_start(query->resolver->loop, &query->deliver);
}

static void add_address(struct answer *answer, const struct addr *address)
{
	if (answer->count == RESOLVE_ADDRESSES)
		return;
	answer->addresses[answer->count] = *address;
	answer->addresses[answer->count++].port = 0;
}

static void read_answer(struct answer *answer, const struct ares_addrinfo *info)
{
	answer->ttl_s = RESOLVE_TTL_LITERAL_S;
	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
		struct addr address;

		if (addr_from_sockaddr(&address, node->ai_addr, node->ai_addrlen) < 0)
			continue;
		add_address(answer, &address);
		if (node->ai_ttl >= 0 && (uint32_t)node->ai_ttl < answer->ttl_s)
			answer->ttl_s = (uint32_t)node->ai_ttl;
	}
	if (answer->ttl_s < TTL_LEAST_S)
		answer->ttl_s = TTL_LEAST_S;
}

static int error_of(int status, const struct answer *answer)
{
	switch (status) {
	case ARES_SUCCESS:
		return answer->count ? 0 : ERR_NOT_FOUND;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_EBADNAME:
	case ARES_ENONAME:
		return ERR_NOT_FOUND;
	case ARES_ETIMEOUT:
		return ERR_TIMEOUT;
	case ARES_ENOMEM:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
}

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	struct resolve_query *query = data;

	(void)timeouts;
	if (status == ARES_SUCCESS && info)
		read_answer(&query->answer, info);
	query->answer.error = error_of(status, &query->answer);
	ares_freeaddrinfo(info);
	if (query->callback && !query->resolver->is_ending)
		answer_later(query);
	else
		query_free(query);
}

static bool answer_from_hosts(struct resolve_query *query, const char *name)
{
	struct resolver *resolver = query->resolver;

	for (size_t i = 0; i < resolver->host_count; i++)
		if (strcasecmp(resolver->hosts[i].name, name) == 0)
			add_address(&query->answer, &resolver->hosts[i].address);
	query->answer.ttl_s = RESOLVE_TTL_LITERAL_S;
	return query->answer.count > 0;
}

static bool answer_literal(struct resolve_query *query, const char *name)
{
	struct addr address;

	if (addr_parse(name, 0, &address) < 0)
		return false;
	add_address(&query->answer, &address);
	query->answer.ttl_s = RESOLVE_TTL_LITERAL_S;
	return true;
}

static void ask(struct resolve_query *query, const char *name)
{
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

	query->is_asked = true;
	ares_getaddrinfo(query->resolver->channel, name, NULL, &hints, on_answer, query);
	set_timeout(query->resolver);
}

int resolve(struct resolver *resolver, const char *name, resolve_fn *callback, void *context,
    struct resolve_query **out)
{
	struct resolve_query *query;

	if (!name[0] || strlen(name) >= ADDR_HOST_BYTES)
		return ERR_INVALID;
	if (resolver->query_count == RESOLVE_QUERIES)
		return ERR_LIMIT;
	query = calloc(1, sizeof(*query));
	if (!query)
		return ERR_NOMEM;
	query->resolver = resolver;
	query->callback = callback;
	query->context = context;
	ev_timer_init(&query->deliver, on_deliver, 0., 0.);
	query->deliver.data = query;
	list_add_tail(&resolver->queries, &query->node);
	resolver->query_count++;
	if (out)
		*out = query;
	if (answer_literal(query, name) || answer_from_hosts(query, name))
		answer_later(query);
	else
		ask(query, name);
	return 0;
}

void resolve_cancel(struct resolve_query *query)
{
	/* c-ares cannot drop one query: its answer frees it. */
	if (query->is_asked)
		query->callback = NULL;
	else
		query_free(query);
}

/* ---- /etc/hosts ---- */

/* "ADDRESS NAME...", up to a '#'.  The line is changed. */
static void read_hosts_line(struct resolver *resolver, char *line)
{
	char *rest, *word;
	struct addr address;

	line[strcspn(line, "#\r")] = '\0';
	word = strtok_r(line, " \t", &rest);
	if (!word || addr_parse(word, 0, &address) < 0)
		return;
	while ((word = strtok_r(NULL, " \t", &rest)) && resolver->host_count < HOSTS) {
		struct host *host = &resolver->hosts[resolver->host_count];

		if (strlen(word) >= sizeof(host->name))
			continue;
		host->address = address;
		strcpy(host->name, word);
		resolver->host_count++;
	}
}

/* A file that cannot be read is as an empty one. */
static int read_hosts(struct resolver *resolver, const char *path)
{
	char *text, *rest;
	size_t length;

	resolver->host_count = 0;
	if (file_read(path, HOSTS_FILE_BYTES, &text, &length) < 0)
		return 0;
	free(resolver->hosts);
	resolver->hosts = calloc(HOSTS, sizeof(*resolver->hosts));
	if (resolver->hosts)
		for (char *line = strtok_r(text, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest))
			read_hosts_line(resolver, line);
	free(text);
	return resolver->hosts ? 0 : ERR_NOMEM;
}

/* ---- life ---- */

static int open_channel(struct resolver *resolver)
{
	/* Neither the hosts file nor HOSTALIASES: no file is opened for a query. */
	struct ares_options options = {.flags = ARES_FLAG_NOALIASES,
	    .timeout = RESOLVE_TRY_MS,
	    .tries = TRIES,
	    .lookups = (char *)"b",
	    .sock_state_cb = on_socket_state,
	    .sock_state_cb_data = resolver};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS
	           | ARES_OPT_SOCK_STATE_CB;

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return ERR_IO;
	if (ares_init_options(&resolver->channel, &options, mask) == ARES_SUCCESS)
		return 0;
	ares_library_cleanup();
	return ERR_IO;
}

int resolver_new(struct resolver **out, struct ev_loop *loop)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int result;

	*out = NULL;
	if (!resolver)
		return ERR_NOMEM;
	resolver->loop = loop;
	list_init(&resolver->queries);
	list_init(&resolver->watches);
	ev_timer_init(&resolver->timeout, on_timeout, 0., 0.);
	resolver->timeout.data = resolver;
	result = read_hosts(resolver, "/etc/hosts");
	if (result == 0)
		result = open_channel(resolver);
	if (result == 0) {
		*out = resolver;
		return 0;
	}
	free(resolver->hosts);
	free(resolver);
	return result;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	resolver->is_ending = true;
	/* Each query that it has is answered, and so freed. */
	ares_destroy(resolver->channel);
	ares_library_cleanup();
	LIST_FOREACH_SAFE (query, next, &resolver->queries, struct resolve_query, node) {
		query_free(query);
	}
	LIST_FOREACH_SAFE (watch, after, &resolver->watches, struct watch, node) {
		drop_watch(watch);
	}
	ev_timer_stop(resolver->loop, &resolver->timeout);
	free(resolver->hosts);
	free(resolver);
}
