/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See node_link.h.  A link goes TLS -> OPEN -> CLOSING; it is freed by link_drop() alone, which
 * runs from socket, timer and keys events, never from within a callback.
 */
#include "config.h"

#include "control/node_link.h"

#include "base/err.h"
#include "base/log.h"
#include "model/limits.h"
#include "net/channel.h"
#include "net/keys_messages.h"
#include "net/supervisor.h"
#include "net/tcp.h"
#include "tunnel/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum link_state {
	LINK_TLS,     /* the handshake runs */
	LINK_OPEN,    /* messages go both ways */
	LINK_BROKEN,  /* nothing goes any more, on_closed is due */
	LINK_CLOSING, /* what is queued goes out */
};

struct bytes_out {
	uint8_t *data;
	size_t start, end, allocated;
};

struct node_link {
	struct node_links *links;
	uint32_t id; /* of the keys process' channel */
	uint64_t age;
	enum link_state state;
	bool is_trusted;
	int descriptor;
	struct addr peer;
	uint8_t pin[PIN_BYTES];
	struct bytes_out out;
	struct channel_decoder decoder;
	ev_io readable, writable;
	ev_timer deadline;
	void *user;
};

/* Ids are index + n * KEYS_CHANNELS_MAX, so that a late message finds no later link. */
struct node_links {
	struct ev_loop *loop;
	const struct node_link_callbacks *callbacks;
	void *context;
	struct supervisor *supervisor;
	struct tcp_acceptor acceptor;
	struct tcp_reserve reserve;
	struct node_link *table[KEYS_CHANNELS_MAX];
	uint32_t generation;
	uint64_t accepted, dropped;
	size_t strangers;
	const char *arguments[3];
	bool is_keys_ready;
};

/* ---- to the keys process ---- */

static struct ipc *keys_channel(const struct node_links *links)
{
	struct process *keys = supervisor_process(links->supervisor, PROCESS_KEYS, 0);

	return keys ? process_channel(keys) : NULL;
}

/* A message about a link with up to KEYS_CHANNEL_BYTES_MAX bytes behind it. */
static int tell_keys(
    const struct node_link *link, uint16_t type, const uint8_t *data, size_t length)
{
	struct ipc *ipc = keys_channel(link->links);
	struct {
		struct keys_channel head;
		uint8_t data[KEYS_CHANNEL_BYTES_MAX];
	} message;

	if (!ipc)
		return ERR_CLOSED;
	message.head = (struct keys_channel){.id = link->id};
	if (length)
		memcpy(message.data, data, length);
	return ipc_send(ipc, type, &message, sizeof(message.head) + length);
}

/* ---- the end of a link ---- */

static void link_drop(struct node_link *link)
{
	struct node_links *links = link->links;

	if (link->state != LINK_CLOSING && links->callbacks->on_closed)
		links->callbacks->on_closed(link);
	if (!link->is_trusted) {
		links->strangers--;
		links->dropped += link->state != LINK_CLOSING;
	}
	tell_keys(link, KEYS_MESSAGE_CHANNEL_CLOSE, NULL, 0);
	ev_io_stop(links->loop, &link->readable);
	ev_io_stop(links->loop, &link->writable);
	ev_timer_stop(links->loop, &link->deadline);
	channel_decoder_clear(&link->decoder);
	free(link->out.data);
	close(link->descriptor);
	links->table[link->id % KEYS_CHANNELS_MAX] = NULL;
	free(link);
}

/* From within a callback: the drop comes from the loop. */
static void link_break(struct node_link *link)
{
	if (link->state == LINK_CLOSING)
		return;
	link->state = LINK_BROKEN;
	ev_timer_stop(link->links->loop, &link->deadline);
	ev_timer_set(&link->deadline, 0, 0);
	ev_timer_start(link->links->loop, &link->deadline);
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	link_drop(timer->data);
}

void node_link_close(struct node_link *link)
{
	ev_timer_stop(link->links->loop, &link->deadline);
	ev_timer_set(&link->deadline, link->state == LINK_BROKEN ? 0 : LINK_LINGER_S, 0);
	ev_timer_start(link->links->loop, &link->deadline);
	tell_keys(link, KEYS_MESSAGE_CHANNEL_SHUTDOWN, NULL, 0);
	link->state = LINK_CLOSING;
}

/* ---- the socket ---- */

/* Writes what it can; negative when the socket is broken. */
static int flush(struct node_link *link)
{
	struct bytes_out *out = &link->out;

	while (out->start < out->end) {
		ssize_t sent = send(link->descriptor, out->data + out->start, out->end - out->start,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
			ev_io_start(link->links->loop, &link->writable);
			return 0;
		}
		if (sent < 0)
			return ERR_IO;
		out->start += (size_t)sent;
	}
	out->start = out->end = 0;
	ev_io_stop(link->links->loop, &link->writable);
	return 0;
}

static int queue_bytes(struct bytes_out *out, const uint8_t *data, size_t length)
{
	uint8_t *grown;

	if (out->start) {
		memmove(out->data, out->data + out->start, out->end - out->start);
		out->end -= out->start;
		out->start = 0;
	}
	if (out->end + length > LINK_OUT_BYTES_MAX)
		return ERR_LIMIT;
	if (out->end + length > out->allocated) {
		grown = realloc(out->data, out->end + length);
		if (!grown)
			return ERR_NOMEM;
		out->data = grown;
		out->allocated = out->end + length;
	}
	memcpy(out->data + out->end, data, length);
	out->end += length;
	return 0;
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct node_link *link = watcher->data;

	(void)loop;
	(void)events;
	if (flush(link) < 0)
		link_drop(link);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct node_link *link = watcher->data;
	uint8_t data[KEYS_CHANNEL_BYTES_MAX];
	ssize_t length = recv(link->descriptor, data, sizeof(data), MSG_DONTWAIT);

	(void)loop;
	(void)events;
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0 || tell_keys(link, KEYS_MESSAGE_CHANNEL_FEED, data, (size_t)length) < 0)
		link_drop(link);
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

static void watch(struct node_link *link)
{
	ev_io_init(&link->readable, on_readable, link->descriptor, EV_READ);
	ev_io_init(&link->writable, on_writable, link->descriptor, EV_WRITE);
	ev_timer_init(&link->deadline, on_deadline, LINK_STRANGER_S, 0);
	link->readable.data = link->writable.data = link->deadline.data = link;
	ev_io_start(link->links->loop, &link->readable);
	ev_timer_start(link->links->loop, &link->deadline);
}

static struct node_link *link_new(
    struct node_links *links, int place, int descriptor, const struct addr *peer)
{
	struct node_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->links = links;
	link->id = (uint32_t)place + KEYS_CHANNELS_MAX * links->generation++;
	link->age = links->accepted++;
	link->descriptor = descriptor;
	link->peer = *peer;
	channel_decoder_init(&link->decoder, CONTROL_HELLO_BYTES_MAX);
	links->table[place] = link;
	links->strangers++;
	watch(link);
	return link;
}

static void on_accept(struct tcp_acceptor *acceptor, int descriptor, const struct addr *user,
    const struct addr *local)
{
	struct node_links *links = acceptor->context;
	struct ipc *ipc = keys_channel(links);
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

static int on_ciphertext(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys_channel head;
	struct node_link *link;

	(void)ipc;
	memcpy(&head, message->data, sizeof(head));
	link = find(context, head.id);
	if (link
	    && (queue_bytes(
	            &link->out, message->data + sizeof(head), message->length_bytes - sizeof(head))
	            < 0
	        || flush(link) < 0))
		link_drop(link);
	return 0;
}

static int on_frame(void *context, const char *text, size_t length)
{
	struct node_link *link = context;

	if (link->state != LINK_OPEN)
		return ERR_CLOSED;
	link->links->callbacks->on_message(link, text, length);
	return link->state == LINK_OPEN ? 0 : ERR_CLOSED;
}

static int on_plaintext(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct keys_channel head;
	struct node_link *link;

	(void)ipc;
	memcpy(&head, message->data, sizeof(head));
	link = find(context, head.id);
	if (link && link->state == LINK_OPEN
	    && channel_decode(&link->decoder, message->data + sizeof(head),
	           message->length_bytes - sizeof(head), on_frame, link)
	           < 0)
		link_break(link);
	return 0;
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

uint64_t node_links_dropped(const struct node_links *links)
{
	return links->dropped;
}

void node_link_trust(struct node_link *link)
{
	if (link->is_trusted)
		return;
	link->is_trusted = true;
	link->links->strangers--;
	link->decoder.max_bytes = CONTROL_MESSAGE_BYTES_MAX;
	ev_timer_stop(link->links->loop, &link->deadline);
}

void node_link_send(struct node_link *link, const char *text, size_t length)
{
	uint8_t piece[KEYS_CHANNEL_BYTES_MAX] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16),
	    (uint8_t)(length >> 8), (uint8_t)length};
	size_t used = CHANNEL_HEADER_BYTES, sent = 0;

	while (link->state == LINK_OPEN && (used || sent < length)) {
		size_t some =
		    length - sent < sizeof(piece) - used ? length - sent : sizeof(piece) - used;

		memcpy(piece + used, text + sent, some);
		if (tell_keys(link, KEYS_MESSAGE_CHANNEL_WRITE, piece, used + some) < 0)
			link_break(link);
		sent += some;
		used = 0;
	}
}

const uint8_t *node_link_pin(const struct node_link *link)
{
	return link->pin;
}

const struct addr *node_link_peer(const struct node_link *link)
{
	return &link->peer;
}

void *node_link_context(const struct node_link *link)
{
	return link->links->context;
}

void *node_link_user(const struct node_link *link)
{
	return link->user;
}

void node_link_set_user(struct node_link *link, void *user)
{
	link->user = user;
}
