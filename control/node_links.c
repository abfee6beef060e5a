/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See node_link.h: who connects, how many strangers there may be, and what the keys process says
 * of each connection's TLS.
 */
#include "config.h"

#include "base/err.h"
#include "base/log.h"
#include "control/node_link_private.h"
#include "tunnel/tls.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ipc *links_keys_channel(const struct node_links *links)
{
	struct process *keys = supervisor_process(links->supervisor, PROCESS_KEYS, 0);

	return keys ? process_channel(keys) : NULL;
}

/* ---- new connections ---- */

static struct node_link *oldest_stranger(const struct node_links *links)
{
	struct node_link *oldest = NULL;

	for (size_t i = 0; i < KEYS_CHANNELS_MAX; i++) {
		struct node_link *link = links->table[i];

		if (link && !link->is_trusted && (!oldest || link->age < oldest->age))
			oldest = link;
	}
	return oldest;
}

/* A free place, or -1: there are fewer nodes than places, and strangers give way. */
static int free_place(struct node_links *links)
{
	if (links->strangers >= LINK_STRANGERS_MAX)
		link_drop(oldest_stranger(links));
	for (int i = 0; i < KEYS_CHANNELS_MAX; i++) {
		if (!links->table[i])
			return i;
	}
	return -1;
}

static void on_accept(struct tcp_acceptor *acceptor, int descriptor, const struct addr *user,
    const struct addr *local)
{
	struct node_links *links = acceptor->context;
	struct ipc *ipc = links_keys_channel(links);
	int place = ipc ? free_place(links) : -1;
	struct node_link *link = place >= 0 ? link_new(links, place, descriptor, user) : NULL;
	struct keys_channel_open open = {.tls_role = TLS_SERVER};

	(void)local;
	if (!link) {
		links->dropped++;
		close(descriptor);
		return;
	}
	tcp_allow_fin(descriptor);
	open.id = link->id;
	if (ipc_send(ipc, KEYS_MESSAGE_CHANNEL_OPEN, &open, sizeof(open)) < 0)
		link_drop(link);
}

static void on_shortage(struct tcp_acceptor *acceptor)
{
	(void)acceptor;
	log_limited(LOG_LEVEL_WARN, 1, "node_connections_short", "reason=descriptors");
}

/* ---- from the keys process ---- */

static struct node_links *links_of(struct process *keys)
{
	return process_context(keys);
}

static struct node_link *find(struct process *keys, uint32_t id)
{
	struct node_link *link = links_of(keys)->table[id % KEYS_CHANNELS_MAX];

	return link && link->id == id ? link : NULL;
}

static int on_identity(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct node_links *links = links_of(context);
	struct keys_identity identity;

	(void)ipc;
	memcpy(&identity, message->data, sizeof(identity));
	links->callbacks->on_identity(links->context, identity.pin);
	return 0;
}

static int on_established(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys_channel_established said;
	struct node_link *link;

	(void)ipc;
	memcpy(&said, message->data, sizeof(said));
	link = find(context, said.id);
	if (link && link->state == LINK_TLS) {
		memcpy(link->pin, said.peer_pin, sizeof(link->pin));
		link->state = LINK_OPEN;
	}
	return 0;
}

static int on_bytes(struct process *keys, const struct ipc_message *message,
    void (*take)(struct node_link *link, const uint8_t *data, size_t length))
{
	struct keys_channel head;
	struct node_link *link;

	memcpy(&head, message->data, sizeof(head));
	link = find(keys, head.id);
	if (link)
		take(link, message->data + sizeof(head), message->length_bytes - sizeof(head));
	return 0;
}

static int on_ciphertext(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	return on_bytes(context, message, link_take_ciphertext);
}

static int on_plaintext(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	return on_bytes(context, message, link_take_plaintext);
}

static int on_channel_closed(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys_channel_closed said;
	struct node_link *link;
	char peer[ADDR_TEXT_BYTES], text[2 * KEYS_TEXT_BYTES];

	(void)ipc;
	memcpy(&said, message->data, sizeof(said));
	said.text[sizeof(said.text) - 1] = '\0';
	link = find(context, said.id);
	if (!link)
		return 0;
	if (link->state == LINK_TLS)
		log_limited(LOG_LEVEL_WARN, 5, "node_tls_failed", "peer=%s reason=%s",
		    addr_format(&link->peer, peer, sizeof(peer)),
		    log_quote(text, sizeof(text), said.text));
	link_drop(link);
	return 0;
}

/* Of tunnels, which control has none of. */
static int on_nothing(struct ipc *ipc, void *context, struct ipc_message *message)
{
	(void)ipc;
	(void)context;
	(void)message;
	return 0;
}

static const struct ipc_rule keys_rules[] = {
    {KEYS_MESSAGE_IDENTITY, sizeof(struct keys_identity), sizeof(struct keys_identity), 0, 0,
        on_identity},
    {KEYS_MESSAGE_COUNTERS, 0, 4096, 0, 0, on_nothing},
    {KEYS_MESSAGE_CHANNEL_ESTABLISHED, sizeof(struct keys_channel_established),
        sizeof(struct keys_channel_established), 0, 0, on_established},
    {KEYS_MESSAGE_CHANNEL_CIPHERTEXT, sizeof(struct keys_channel),
        sizeof(struct keys_channel) + KEYS_CHANNEL_BYTES_MAX, 0, 0, on_ciphertext},
    {KEYS_MESSAGE_CHANNEL_PLAINTEXT, sizeof(struct keys_channel),
        sizeof(struct keys_channel) + KEYS_CHANNEL_BYTES_MAX, 0, 0, on_plaintext},
    {KEYS_MESSAGE_CHANNEL_CLOSED, sizeof(struct keys_channel_closed),
        sizeof(struct keys_channel_closed), 0, 0, on_channel_closed},
};

static void on_started(void *context, struct process *process)
{
	struct keys_settings settings = {.tunnel_role = KEYS_NO_TUNNELS};

	(void)context;
	ipc_send(process_channel(process), KEYS_MESSAGE_SETTINGS, &settings, sizeof(settings));
}

static void drop_all(struct node_links *links)
{
	for (size_t i = 0; i < KEYS_CHANNELS_MAX; i++) {
		if (links->table[i])
			link_drop(links->table[i]);
	}
}

static void on_died(void *context, struct process *process, int status)
{
	(void)process;
	(void)status;
	drop_all(context);
}

static void on_stopped(void *context)
{
	(void)context;
}

static const struct supervisor_callbacks supervisor_callbacks = {
    .on_started = on_started,
    .on_died = on_died,
    .on_stopped = on_stopped,
};

static int start_keys(struct node_links *links, const char *state_directory)
{
	links->arguments[0] = state_directory;
	return supervisor_new(
	    &links->supervisor, &(struct supervisor_config){
	                            .loop = links->loop,
	                            .program = "trunkline-control",
	                            .arguments = links->arguments,
	                            .keys_rules = keys_rules,
	                            .keys_rule_count = sizeof(keys_rules) / sizeof(keys_rules[0]),
	                            .callbacks = &supervisor_callbacks,
	                            .context = links,
	                        });
}

static int start_listening(struct node_links *links, const struct addr *local)
{
	static const struct tcp_acceptor_callbacks callbacks = {on_accept, on_shortage};
	int descriptor, result = tcp_reserve_init(&links->reserve);

	if (result < 0)
		return result;
	result = tcp_listen(local, false, &descriptor);
	if (result < 0)
		return result;
	result = tcp_acceptor_init(
	    &links->acceptor, links->loop, descriptor, &links->reserve, &callbacks, links);
	if (result < 0)
		close(descriptor);
	return result;
}

int node_links_new(struct node_links **out, struct ev_loop *loop, const struct addr *local,
    const char *state_directory, const struct node_link_callbacks *callbacks, void *context)
{
	struct node_links *links = calloc(1, sizeof(*links));
	int result;

	*out = NULL;
	if (!links)
		return ERR_NOMEM;
	links->loop = loop;
	links->callbacks = callbacks;
	links->context = context;
	links->reserve.descriptor = -1;
	result = start_listening(links, local);
	if (result == 0)
		result = start_keys(links, state_directory);
	if (result < 0) {
		node_links_free(links);
		return result;
	}
	*out = links;
	return 0;
}

void node_links_free(struct node_links *links)
{
	static const struct node_link_callbacks silent;

	if (!links)
		return;
	links->callbacks = &silent;
	drop_all(links);
	tcp_acceptor_close(&links->acceptor);
	tcp_reserve_close(&links->reserve);
	supervisor_free(links->supervisor);
	free(links);
}

struct process *node_links_keys(const struct node_links *links)
{
	return supervisor_process(links->supervisor, PROCESS_KEYS, 0);
}

uint64_t node_links_dropped(const struct node_links *links)
{
	return links->dropped;
}
