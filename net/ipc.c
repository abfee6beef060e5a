/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed messages between processes; see net/ipc.h.  On the wire each packet of the socket pair is
 * an 8-byte header in host order and the payload, or no payload and one more, first descriptor,
 * which is a memfd sealed against every change.
 */
#include "config.h"

#include "net/ipc.h"

#include "base/err.h"
#include "base/list.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	MESSAGES_PER_WAKE = 64, /* so that one busy channel does not starve the loop */
	SOCKET_BUFFER_BYTES = 1024 * 1024,
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

struct header {
	uint16_t type;
	uint16_t is_blob;
	uint32_t length_bytes;
};

/* A message that waits for room in the socket.  It owns its descriptors. */
struct queued {
	struct list_node node;
	struct header header;
	uint32_t inline_bytes;
	unsigned descriptor_count;
	int descriptors[IPC_DESCRIPTORS + 1];
	uint8_t payload[];
};

/* queued_bytes is the sum of header.length_bytes over the queue; dead means no more I/O. */
struct ipc {
	struct ev_loop *loop;
	int descriptor;
	const struct ipc_rule *rules;
	size_t rule_count;
	const struct ipc_callbacks *callbacks;
	void *context;
	ev_io readable, writable;
	struct list_node queue;
	size_t queued_bytes, queued_messages;
	bool dead;
	bool refused; /* an ipc_send() gave ERR_AGAIN since the queue was empty */
	bool *freed;  /* set when a callback frees us */
	/* the header is 8 bytes long, so the payload is aligned to 8 */
	_Alignas(8) uint8_t buffer[sizeof(struct header) + IPC_INLINE_BYTES];
};

static void close_all(int *descriptors, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
}

int ipc_pair(int descriptors[2])
{
	int size = SOCKET_BUFFER_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, descriptors) < 0)
		return ERR_IO;
	for (int i = 0; i < 2; i++)
		if (setsockopt(descriptors[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
			setsockopt(descriptors[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

/* ---- sending ---- */

/* ERR_AGAIN when the socket is full, ERR_CLOSED when the peer is gone. */
static int transmit(int descriptor, const struct header *header, const void *payload,
    size_t payload_bytes, const int *descriptors, unsigned count)
{
	struct iovec parts[2] = {
	    {.iov_base = (void *)header, .iov_len = sizeof(*header)},
	    {.iov_base = (void *)payload, .iov_len = payload_bytes},
	};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE((IPC_DESCRIPTORS + 1) * sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = payload_bytes ? 2 : 1};
	ssize_t sent;

	if (count) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&message);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), descriptors, count * sizeof(int));
	}
	do
		sent = sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	/* ETOOMANYREFS: too many descriptors are under way; the peer has to read first. */
	if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
		return ERR_AGAIN;
	return errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED : ERR_IO;
}

/* A memfd that holds the payload and can never change again; a negative error otherwise. */
static int make_blob(const void *data, size_t length_bytes)
{
	int blob = memfd_create("trunkline-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;

	if (blob < 0)
		return ERR_IO;
	while (done < length_bytes) {
		ssize_t n = write(blob, (const char *)data + done, length_bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			goto failed;
		done += (size_t)n;
	}
	if (fcntl(blob, F_ADD_SEALS, SEALS) == 0)
		return blob;
failed:
	close(blob);
	return ERR_IO;
}

static void queued_free(struct queued *item)
{
	close_all(item->descriptors, item->descriptor_count);
	free(item);
}

static int enqueue(struct ipc *ipc, const struct header *header, const void *payload,
    size_t payload_bytes, const int *descriptors, unsigned count)
{
	struct queued *item = malloc(sizeof(*item) + payload_bytes);

	if (!item)
		return ERR_NOMEM;
	list_init(&item->node);
	item->header = *header;
	item->inline_bytes = (uint32_t)payload_bytes;
	item->descriptor_count = 0;
	if (payload_bytes)
		memcpy(item->payload, payload, payload_bytes);
	for (; item->descriptor_count < count; item->descriptor_count++) {
		int copy = fcntl(descriptors[item->descriptor_count], F_DUPFD_CLOEXEC, 0);

		if (copy < 0) {
			queued_free(item);
			return ERR_IO;
		}
		item->descriptors[item->descriptor_count] = copy;
	}
	list_add_tail(&ipc->queue, &item->node);
	ipc->queued_bytes += header->length_bytes;
	ipc->queued_messages++;
	ev_io_start(ipc->loop, &ipc->writable);
	return 0;
}

static int send_or_queue(struct ipc *ipc, const struct header *header, const void *payload,
    size_t payload_bytes, const int *descriptors, unsigned count)
{
	if (list_is_empty(&ipc->queue)) {
		int result =
		    transmit(ipc->descriptor, header, payload, payload_bytes, descriptors, count);

		if (result != ERR_AGAIN)
			return result;
	}
	return enqueue(ipc, header, payload, payload_bytes, descriptors, count);
}

static int send_blob(struct ipc *ipc, struct header *header, const void *data,
    const int *descriptors, unsigned count)
{
	int all[IPC_DESCRIPTORS + 1];
	int result;

	all[0] = make_blob(data, header->length_bytes);
	if (all[0] < 0)
		return all[0];
	if (count)
		memcpy(all + 1, descriptors, count * sizeof(int));
	header->is_blob = 1;
	result = send_or_queue(ipc, header, NULL, 0, all, count + 1);
	close(all[0]);
	return result;
}

int ipc_send_descriptors(struct ipc *ipc, uint16_t type, const void *data, size_t length_bytes,
    const int *descriptors, unsigned count)
{
	struct header header = {.type = type, .length_bytes = (uint32_t)length_bytes};

	if (ipc->dead)
		return ERR_CLOSED;
	if (length_bytes > IPC_MESSAGE_BYTES || count > IPC_DESCRIPTORS)
		return ERR_TOO_LARGE;
	if (ipc->queued_bytes + length_bytes > IPC_QUEUE_BYTES
	    || ipc->queued_messages >= IPC_QUEUE_MESSAGES) {
		ipc->refused = true;
		return ERR_AGAIN;
	}
	if (length_bytes > IPC_INLINE_BYTES)
		return send_blob(ipc, &header, data, descriptors, count);
	return send_or_queue(ipc, &header, data, length_bytes, descriptors, count);
}

int ipc_send(struct ipc *ipc, uint16_t type, const void *data, size_t length_bytes)
{
	return ipc_send_descriptors(ipc, type, data, length_bytes, NULL, 0);
}

/* Sends from the queue's head: 0 when it is empty, ERR_AGAIN, or an error of the socket. */
static int drain(struct ipc *ipc)
{
	while (!list_is_empty(&ipc->queue)) {
		struct queued *item = LIST_ENTRY(list_first(&ipc->queue), struct queued, node);
		int result = transmit(ipc->descriptor, &item->header, item->payload,
		    item->inline_bytes, item->descriptors, item->descriptor_count);

		if (result < 0)
			return result;
		list_del(&item->node);
		ipc->queued_bytes -= item->header.length_bytes;
		ipc->queued_messages--;
		queued_free(item);
	}
	return 0;
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct ipc *ipc = watcher->data;
	int result = drain(ipc);

	(void)events;
	if (result == ERR_AGAIN)
		return;
	ev_io_stop(loop, watcher);
	/* A broken socket is reported by the reading side, after the last message. */
	if (result == 0 && ipc->refused) {
		ipc->refused = false;
		if (ipc->callbacks->on_drained)
			ipc->callbacks->on_drained(ipc, ipc->context);
	}
}

int ipc_flush(struct ipc *ipc, int timeout_ms)
{
	struct pollfd wait = {.fd = ipc->descriptor, .events = POLLOUT};
	int result = ipc->dead ? ERR_CLOSED : drain(ipc);

	if (result != ERR_AGAIN)
		return result;
	if (poll(&wait, 1, timeout_ms) < 1)
		return ERR_TIMEOUT;
	result = drain(ipc);
	return result == ERR_AGAIN ? ERR_TIMEOUT : result;
}

/* ---- receiving ---- */

static const struct ipc_rule *find_rule(const struct ipc *ipc, uint16_t type)
{
	for (size_t i = 0; i < ipc->rule_count; i++)
		if (ipc->rules[i].type == type)
			return &ipc->rules[i];
	return NULL;
}

/* Collects what the kernel installed for us, at most IPC_DESCRIPTORS + 1 by the buffer's size. */
static unsigned take_descriptors(struct msghdr *header, int *descriptors)
{
	unsigned count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(descriptors, CMSG_DATA(c), count * sizeof(int));
	}
	return count;
}

/* Only a memfd that nobody can change or cut may be mapped: else reading it could fault. */
static void *map_blob(int blob, uint32_t length_bytes)
{
	struct stat state;
	int seals = fcntl(blob, F_GET_SEALS);
	void *data;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(blob, &state) < 0)
		return NULL;
	if (length_bytes == 0 || state.st_size != (off_t)length_bytes)
		return NULL;
	data = mmap(NULL, length_bytes, PROT_READ, MAP_PRIVATE, blob, 0);
	return data == MAP_FAILED ? NULL : data;
}

static int handle_blob(
    struct ipc *ipc, const struct ipc_rule *rule, struct ipc_message *message, int blob)
{
	uint32_t length_bytes = message->length_bytes;
	void *data = map_blob(blob, length_bytes);
	int result;

	if (!data)
		return ERR_MALFORMED;
	message->data = data;
	result = rule->handle(ipc, ipc->context, message);
	munmap(data, length_bytes);
	return result;
}

/*
 * Checks the header against what came and against the table, then calls the handler.
 * descriptors has count of them, the blob's first; they are closed by the caller.
 */
static int dispatch(struct ipc *ipc, size_t length, int *descriptors, unsigned count)
{
	struct header header;
	struct ipc_message message;
	const struct ipc_rule *rule;
	unsigned blobs;
	int result;

	if (length < sizeof(header))
		return ERR_MALFORMED;
	memcpy(&header, ipc->buffer, sizeof(header));
	blobs = header.is_blob != 0;
	rule = find_rule(ipc, header.type);
	if (!rule)
		return ERR_UNSUPPORTED;
	if (header.length_bytes < rule->min_bytes || header.length_bytes > rule->max_bytes)
		return ERR_MALFORMED;
	if (count < blobs || count - blobs < rule->min_descriptors
	    || count - blobs > rule->max_descriptors || count - blobs > IPC_DESCRIPTORS)
		return ERR_MALFORMED;
	if (length - sizeof(header) != (blobs ? 0 : header.length_bytes))
		return ERR_MALFORMED;

	message.type = header.type;
	message.length_bytes = header.length_bytes;
	message.descriptor_count = count - blobs;
	memcpy(message.descriptors, descriptors + blobs, message.descriptor_count * sizeof(int));
	/* From here on the message owns them. */
	for (unsigned i = blobs; i < count; i++)
		descriptors[i] = -1;
	if (blobs) {
		result = handle_blob(ipc, rule, &message, descriptors[0]);
	} else {
		message.data = ipc->buffer + sizeof(header);
		result = rule->handle(ipc, ipc->context, &message);
	}
	close_all(message.descriptors, message.descriptor_count);
	return result;
}

/* Reads and handles one message: 0, ERR_AGAIN when there is none, else why the channel ends. */
static int receive_one(struct ipc *ipc)
{
	struct iovec part = {.iov_base = ipc->buffer, .iov_len = sizeof(ipc->buffer)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE((IPC_DESCRIPTORS + 1) * sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	int descriptors[IPC_DESCRIPTORS + 2];
	unsigned count;
	ssize_t length;
	int result;

	do
		length = recvmsg(ipc->descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
	/* Even a packet without bytes, which looks like the end, may bring descriptors. */
	count = take_descriptors(&message, descriptors);
	if (length == 0)
		result = ERR_CLOSED;
	else if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		result = ERR_TOO_LARGE;
	else
		result = dispatch(ipc, (size_t)length, descriptors, count);
	close_all(descriptors, count);
	return result == ERR_AGAIN ? ERR_INVALID : result;
}

static void fail(struct ipc *ipc, int reason)
{
	ipc->dead = true;
	ev_io_stop(ipc->loop, &ipc->readable);
	ev_io_stop(ipc->loop, &ipc->writable);
	ipc->callbacks->on_closed(ipc, ipc->context, reason);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct ipc *ipc = watcher->data;
	bool freed = false;

	(void)loop;
	(void)events;
	ipc->freed = &freed;
	for (int i = 0; i < MESSAGES_PER_WAKE; i++) {
		int result = receive_one(ipc);

		if (freed)
			return;
		if (result == ERR_AGAIN)
			break;
		if (result < 0) {
			ipc->freed = NULL;
			fail(ipc, result);
			return;
		}
	}
	ipc->freed = NULL;
}

/* ---- life ---- */

int ipc_new(struct ipc **out, struct ev_loop *loop, int descriptor, const struct ipc_rule *rules,
    size_t rule_count, const struct ipc_callbacks *callbacks, void *context)
{
	struct ipc *ipc = calloc(1, sizeof(*ipc));
	int flags = fcntl(descriptor, F_GETFL);

	*out = NULL;
	if (!ipc || flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) {
		close(descriptor);
		free(ipc);
		return ipc ? ERR_IO : ERR_NOMEM;
	}
	ipc->loop = loop;
	ipc->descriptor = descriptor;
	ipc->rules = rules;
	ipc->rule_count = rule_count;
	ipc->callbacks = callbacks;
	ipc->context = context;
	list_init(&ipc->queue);
	ev_io_init(&ipc->readable, on_readable, descriptor, EV_READ);
	ev_io_init(&ipc->writable, on_writable, descriptor, EV_WRITE);
	ipc->readable.data = ipc;
	ipc->writable.data = ipc;
	ev_io_start(loop, &ipc->readable);
	*out = ipc;
	return 0;
}

void ipc_free(struct ipc *ipc)
{
	if (!ipc)
		return;
	if (ipc->freed)
		*ipc->freed = true;
	ev_io_stop(ipc->loop, &ipc->readable);
	ev_io_stop(ipc->loop, &ipc->writable);
	for (struct list_node *node; (node = list_pop(&ipc->queue));)
		queued_free(LIST_ENTRY(node, struct queued, node));
	close(ipc->descriptor);
	free(ipc);
}

size_t ipc_queued_bytes(const struct ipc *ipc)
{
	return ipc->queued_bytes;
}

void *ipc_context(const struct ipc *ipc)
{
	return ipc->context;
}
