/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See node_link.h: one connection.  It goes TLS -> OPEN -> CLOSING, or to BROKEN; it is freed by
 * link_drop() alone, which runs from socket, timer and keys events, never from within a callback.
 */
#include "config.h"

#include "control/node_link.h"

#include "base/err.h"
#include "control/node_link_private.h"
#include "model/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A message about a link with up to KEYS_CHANNEL_BYTES_MAX bytes behind it. */
static int tell_keys(
    const struct node_link *link, uint16_t type, const uint8_t *data, size_t length)
{
	struct ipc *ipc = links_keys_channel(link->links);
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

void link_drop(struct node_link *link)
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

static void watch(struct node_link *link)
{
	ev_io_init(&link->readable, on_readable, link->descriptor, EV_READ);
	ev_io_init(&link->writable, on_writable, link->descriptor, EV_WRITE);
	ev_timer_init(&link->deadline, on_deadline, LINK_STRANGER_S, 0);
	link->readable.data = link->writable.data = link->deadline.data = link;
	ev_io_start(link->links->loop, &link->readable);
	ev_timer_start(link->links->loop, &link->deadline);
}

struct node_link *link_new(
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

/* ---- from the keys process ---- */

void link_take_ciphertext(struct node_link *link, const uint8_t *data, size_t length)
{
	if (queue_bytes(&link->out, data, length) < 0 || flush(link) < 0)
		link_drop(link);
}

static int on_frame(void *context, const char *text, size_t length)
{
	struct node_link *link = context;

	if (link->state != LINK_OPEN)
		return ERR_CLOSED;
	link->links->callbacks->on_message(link, text, length);
	return link->state == LINK_OPEN ? 0 : ERR_CLOSED;
}

void link_take_plaintext(struct node_link *link, const uint8_t *data, size_t length)
{
	if (link->state == LINK_OPEN
	    && channel_decode(&link->decoder, data, length, on_frame, link) < 0)
		link_break(link);
}

/* ---- for the owner ---- */

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
