/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batched UDP; see net/udp.h.  Sending cuts batches into pieces of one sendmsg each: as many
 * segments as the kernel takes, or one datagram where segmentation is off.
 */
#include "config.h"

#include "net/udp.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO     104
#endif

enum {
	RECEIVE_BUFFERS = 8,
	RECEIVE_BYTES = 65536,
	SEND_PIECES = 32,
	ECN_MASK = 3,
};

/* Room for every control message that comes: local address, ECN, segment size. */
union receive_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int))];
};

union send_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))
	           + CMSG_SPACE(sizeof(uint16_t))];
};

/* ---- opening ---- */

static bool set_int(int descriptor, int level, int option, int value)
{
	return setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

/* The forced forms pass net.core.rmem_max and wmem_max but need CAP_NET_ADMIN. */
static void set_buffers(int descriptor, int bytes)
{
	if (!set_int(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, bytes))
		set_int(descriptor, SOL_SOCKET, SO_RCVBUF, bytes);
	if (!set_int(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, bytes))
		set_int(descriptor, SOL_SOCKET, SO_SNDBUF, bytes);
}

static bool set_options_v4(int descriptor, const struct udp_options *options)
{
	return set_int(descriptor, IPPROTO_IP, IP_MTU_DISCOVER,
	    options->dont_fragment ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
}

static bool set_options_v6(int descriptor, const struct udp_options *options)
{
	return set_int(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, options->dual_stack ? 0 : 1)
	       && set_int(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
	           options->dont_fragment ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
}

/* What is told of each datagram: the address that it came to, and its ECN field. */
static bool set_reports(int descriptor, const struct udp_options *options)
{
	bool is_v6 = options->local.family == 6;

	if (is_v6
	    && !(set_int(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
	         && set_int(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS, 1)))
		return false;
	if (!is_v6 && !set_int(descriptor, IPPROTO_IP, IP_PKTINFO, 1))
		return false;
	return (is_v6 && !options->dual_stack) || set_int(descriptor, IPPROTO_IP, IP_RECVTOS, 1);
}

static bool set_options(int descriptor, const struct udp_options *options)
{
	bool is_v6 = options->local.family == 6;

	if (is_v6 && !set_options_v6(descriptor, options))
		return false;
	if ((!is_v6 || options->dual_stack) && !set_options_v4(descriptor, options))
		return false;
	if (!options->remote.family && !set_reports(descriptor, options))
		return false;
	if (options->reuse_port && !set_int(descriptor, SOL_SOCKET, SO_REUSEPORT, 1))
		return false;
	if (options->buffer_bytes)
		set_buffers(descriptor, options->buffer_bytes);
	return true;
}

static bool bind_and_connect(int descriptor, const struct udp_options *options)
{
	struct sockaddr_storage storage;
	socklen_t length = addr_to_sockaddr(&options->local, &storage);

	if (bind(descriptor, (struct sockaddr *)&storage, length) < 0)
		return false;
	if (!options->remote.family)
		return true;
	length = addr_to_sockaddr(&options->remote, &storage);
	return connect(descriptor, (struct sockaddr *)&storage, length) == 0;
}

static int open_error(const struct udp_options *options, int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EAGAIN:
	case EADDRNOTAVAIL:
		return ERR_LIMIT;
	case EADDRINUSE: /* every port, or the one that was asked for */
		return options->local.port == 0 ? ERR_LIMIT : ERR_IO;
	default:
		return ERR_IO;
	}
}

int udp_open(const struct udp_options *options, int *descriptor)
{
	int family = options->local.family == 6 ? AF_INET6 : AF_INET;
	int error;

	*descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	if (*descriptor < 0)
		return open_error(options, errno);
	if (set_options(*descriptor, options) && bind_and_connect(*descriptor, options))
		return 0;
	error = errno;
	close(*descriptor);
	*descriptor = -1;
	errno = error;
	return open_error(options, error);
}

int udp_granted_bytes(int descriptor)
{
	int receive = 0, send = 0;
	socklen_t length = sizeof(receive);

	getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive, &length);
	length = sizeof(send);
	getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &send, &length);
	/* The kernel doubles what was asked for, for its own overhead: socket(7). */
	return (receive < send ? receive : send) / 2;
}

static bool plain_by_environment(void)
{
	const char *value = getenv("TRUNKLINE_PLAIN_UDP");

	return value && strcmp(value, "1") == 0;
}

int udp_init(struct udp *udp, int descriptor, bool plain)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);
	struct addr local;

	memset(udp, 0, sizeof(*udp));
	if (getsockname(descriptor, (struct sockaddr *)&storage, &length) < 0)
		return ERR_IO;
	udp->family = storage.ss_family == AF_INET6 ? 6 : 4;
	if (addr_from_sockaddr(&local, (struct sockaddr *)&storage, length) < 0)
		return ERR_IO;
	udp->descriptor = descriptor;
	udp->local_port = local.port;
	length = sizeof(storage);
	udp->is_connected = getpeername(descriptor, (struct sockaddr *)&storage, &length) == 0;
	plain = plain || plain_by_environment();
	/* The descriptor may come from a process that had it on. */
	udp->has_segmentation = set_int(descriptor, SOL_UDP, UDP_GRO, plain ? 0 : 1) && !plain;
	return 0;
}

/* ---- receiving ---- */

struct udp_receiver {
	struct mmsghdr messages[RECEIVE_BUFFERS];
	struct iovec parts[RECEIVE_BUFFERS];
	struct sockaddr_storage from[RECEIVE_BUFFERS];
	union receive_control control[RECEIVE_BUFFERS];
	uint8_t *buffers;
	size_t used; /* the first ones, that the kernel wrote to */
};

/* The kernel wrote lengths into those that it used. */
static void prepare(struct udp_receiver *receiver)
{
	for (size_t i = 0; i < receiver->used; i++) {
		receiver->parts[i] =
		    (struct iovec){receiver->buffers + i * RECEIVE_BYTES, RECEIVE_BYTES};
		receiver->messages[i].msg_hdr = (struct msghdr){.msg_name = &receiver->from[i],
		    .msg_namelen = sizeof(receiver->from[i]),
		    .msg_iov = &receiver->parts[i],
		    .msg_iovlen = 1,
		    .msg_control = receiver->control[i].bytes,
		    .msg_controllen = sizeof(receiver->control[i].bytes)};
	}
	receiver->used = 0;
}

struct udp_receiver *udp_receiver_new(void)
{
	struct udp_receiver *receiver = calloc(1, sizeof(*receiver));

	if (!receiver)
		return NULL;
	receiver->buffers = aligned_alloc(64, (size_t)RECEIVE_BUFFERS * RECEIVE_BYTES);
	if (!receiver->buffers) {
		free(receiver);
		return NULL;
	}
	receiver->used = RECEIVE_BUFFERS;
	return receiver;
}

void udp_receiver_free(struct udp_receiver *receiver)
{
	if (!receiver)
		return;
	free(receiver->buffers);
	free(receiver);
}

static void read_local_v4(const struct cmsghdr *cmsg, struct addr *local)
{
	struct in_pktinfo info;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	/* spec_dst is an address of ours even when the datagram was a broadcast: ip(7). */
	memcpy(local->ip, &info.ipi_spec_dst, 4);
}

static void read_local_v6(const struct cmsghdr *cmsg, struct addr *local)
{
	struct in6_pktinfo info;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	if (IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr)) { /* IPv4 at a dual-stack socket */
		local->family = 4;
		memcpy(local->ip, info.ipi6_addr.s6_addr + 12, 4);
		return;
	}
	memcpy(local->ip, &info.ipi6_addr, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
		local->scope = (uint32_t)info.ipi6_ifindex;
}

/* Takes what the kernel tells beside the data.  *segment_bytes stays when it was not coalesced. */
static void read_control(
    const struct msghdr *header, struct udp_datagram *datagram, size_t *segment_bytes)
{
	struct msghdr *h = (struct msghdr *)header;
	int value;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			read_local_v4(c, &datagram->local);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			read_local_v6(c, &datagram->local);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			datagram->ecn = *CMSG_DATA(c) & ECN_MASK;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			datagram->ecn = (uint8_t)(value & ECN_MASK);
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			if (value > 0)
				*segment_bytes = (size_t)value;
		}
	}
}

/* Cuts one buffer into the datagrams that the kernel joined; how many there were. */
static int deliver(struct udp_receiver *receiver, size_t i, struct udp_datagram *datagram,
    udp_receive_fn *receive, void *context)
{
	const struct mmsghdr *message = &receiver->messages[i];
	size_t left = message->msg_len, segment_bytes = RECEIVE_BYTES;
	int count = 0;

	if (addr_from_sockaddr(&datagram->from, (struct sockaddr *)&receiver->from[i],
	        message->msg_hdr.msg_namelen)
	    < 0)
		return 0;
	read_control(&message->msg_hdr, datagram, &segment_bytes);
	datagram->data = receiver->parts[i].iov_base;
	do {
		/* A callback gets a struct of its own to change. */
		struct udp_datagram own = *datagram;

		own.length_bytes = left < segment_bytes ? left : segment_bytes;
		left -= own.length_bytes;
		datagram->data += own.length_bytes;
		receive(context, &own);
		count++;
	} while (left);
	return count;
}

static int receive_error(int error)
{
	if (error == EAGAIN || error == EINTR)
		return ERR_AGAIN;
	if (error == ECONNREFUSED)
		return ERR_REFUSED;
	if (error == EHOSTUNREACH || error == ENETUNREACH)
		return ERR_UNREACHABLE;
	return ERR_IO;
}

/* Datagrams in the messages that came, by their lengths and segment sizes. */
static unsigned count_datagrams(struct udp_receiver *receiver, int messages)
{
	unsigned count = 0;

	for (int i = 0; i < messages; i++) {
		struct udp_datagram unused;
		size_t segment_bytes = RECEIVE_BYTES, length = receiver->messages[i].msg_len;

		read_control(&receiver->messages[i].msg_hdr, &unused, &segment_bytes);
		count += length ? (unsigned)((length + segment_bytes - 1) / segment_bytes) : 1;
	}
	return count;
}

int udp_receive(
    struct udp *udp, struct udp_receiver *receiver, udp_receive_fn *receive, void *context)
{
	struct addr local = {.family = udp->family, .port = udp->local_port};
	int messages, count = 0;

	prepare(receiver);
	messages =
	    recvmmsg(udp->descriptor, receiver->messages, RECEIVE_BUFFERS, MSG_DONTWAIT, NULL);
	if (messages < 0)
		return receive_error(errno);
	receiver->used = (size_t)messages;
	udp->is_drained = messages < RECEIVE_BUFFERS;
	udp->stats.receive_calls++;
	udp->stats.datagrams_received += count_datagrams(receiver, messages);
	for (int i = 0; i < messages; i++) {
		struct udp_datagram datagram = {.local = local};

		count += deliver(receiver, (size_t)i, &datagram, receive, context);
	}
	return count;
}

/* ---- sending ---- */

/* What goes by one sendmsg. */
struct piece {
	struct iovec part;
	struct sockaddr_storage to;
	union send_control control;
	bool ends_batch;
};

static void *add_control(struct msghdr *header, size_t *used, int level, int type, size_t size)
{
	struct cmsghdr *cmsg = (struct cmsghdr *)(void *)((char *)header->msg_control + *used);

	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(size);
	*used += CMSG_SPACE(size);
	return CMSG_DATA(cmsg);
}

static void add_from(struct msghdr *header, size_t *used, const struct addr *from)
{
	if (from->family == 4) {
		struct in_pktinfo info = {.ipi_ifindex = 0};

		memcpy(&info.ipi_spec_dst, from->ip, 4);
		memcpy(add_control(header, used, IPPROTO_IP, IP_PKTINFO, sizeof(info)), &info,
		    sizeof(info));
	} else {
		struct in6_pktinfo info = {.ipi6_ifindex = from->scope};

		memcpy(&info.ipi6_addr, from->ip, 16);
		memcpy(add_control(header, used, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info)), &info,
		    sizeof(info));
	}
}

static void fill_control(struct msghdr *header, struct piece *piece, const struct udp *udp,
    const struct udp_batch *batch)
{
	size_t used = 0;
	int ecn = batch->ecn;

	memset(&piece->control, 0, sizeof(piece->control));
	header->msg_control = piece->control.bytes;
	if (batch->from.family && !addr_is_any(&batch->from))
		add_from(header, &used, &batch->from);
	if (ecn && (udp->family == 4 || batch->to.family == 4))
		memcpy(
		    add_control(header, &used, IPPROTO_IP, IP_TOS, sizeof(ecn)), &ecn, sizeof(ecn));
	else if (ecn)
		memcpy(add_control(header, &used, IPPROTO_IPV6, IPV6_TCLASS, sizeof(ecn)), &ecn,
		    sizeof(ecn));
	if (piece->part.iov_len > batch->segment_bytes && batch->segment_bytes)
		memcpy(add_control(header, &used, SOL_UDP, UDP_SEGMENT, sizeof(uint16_t)),
		    &batch->segment_bytes, sizeof(uint16_t));
	header->msg_controllen = used;
	if (!used)
		header->msg_control = NULL;
}

/* What refusals have led to, within one udp_send(). */
struct attempt {
	bool is_retried; /* an ICMP answer was taken for ours once */
	bool is_doubted; /* a joined piece was refused: its first datagram goes alone, to see why */
};

/* The most bytes of a batch that one sendmsg may take. */
static size_t piece_bytes(
    const struct udp *udp, const struct udp_batch *batch, const struct attempt *attempt)
{
	size_t segments = UDP_BATCH_SEGMENTS;

	if (batch->segment_bytes == 0)
		return batch->length_bytes;
	if (segments > UDP_BATCH_BYTES / batch->segment_bytes)
		segments = UDP_BATCH_BYTES / batch->segment_bytes;
	if (segments < 1 || !udp->has_segmentation || attempt->is_doubted)
		segments = 1;
	return segments * batch->segment_bytes;
}

/* Fills up to SEND_PIECES from the batches on; how many it filled. */
static unsigned fill_pieces(const struct udp *udp, const struct udp_batch *batches, size_t count,
    const struct attempt *attempt, struct piece *pieces, struct mmsghdr *messages)
{
	unsigned n = 0, room = attempt->is_doubted ? 1 : SEND_PIECES;

	for (size_t i = 0; i < count && n < room; i++) {
		size_t most = piece_bytes(udp, &batches[i], attempt), offset = 0;

		do {
			size_t left = batches[i].length_bytes - offset;
			struct piece *piece = &pieces[n];
			struct msghdr *header = &messages[n++].msg_hdr;

			piece->part.iov_base = (void *)(batches[i].data + offset);
			piece->part.iov_len = left < most ? left : most;
			offset += piece->part.iov_len;
			piece->ends_batch = offset == batches[i].length_bytes;
			*header = (struct msghdr){.msg_iov = &piece->part, .msg_iovlen = 1};
			if (batches[i].to.family && !udp->is_connected) {
				header->msg_namelen =
				    udp->family == 6
				        ? addr_to_sockaddr_mapped(&batches[i].to, &piece->to)
				        : addr_to_sockaddr(&batches[i].to, &piece->to);
				header->msg_name = &piece->to;
			}
			fill_control(header, piece, udp, &batches[i]);
		} while (offset < batches[i].length_bytes && n < room);
	}
	return n;
}

static unsigned piece_datagrams(const struct piece *piece, const struct udp_batch *batch)
{
	if (batch->segment_bytes == 0 || piece->part.iov_len == 0)
		return 1;
	return (unsigned)((piece->part.iov_len + batch->segment_bytes - 1) / batch->segment_bytes);
}

/* Moves past one piece, which adds to the counter. */
static void pass(
    struct udp_batch *batches, size_t *done, const struct piece *piece, uint64_t *counter)
{
	struct udp_batch *batch = &batches[*done];

	*counter += piece_datagrams(piece, batch);
	batch->data += piece->part.iov_len;
	batch->length_bytes -= piece->part.iov_len;
	if (piece->ends_batch)
		(*done)++;
}

/*
 * A joined piece was refused, so its first datagram went alone.  It arrived in the kernel: segmentation
 * does not work here.
 */
static void give_up_segmentation(struct udp *udp, struct attempt *attempt)
{
	attempt->is_doubted = false;
	udp->has_segmentation = false;
	udp->stats.fallbacks++;
}

/* A datagram of a batch is too large, and so are all others of its size. */
static void pass_too_large(struct udp *udp, struct udp_batch *batches, size_t *done)
{
	struct udp_batch *batch = &batches[*done];
	size_t full = batch->length_bytes / batch->segment_bytes;

	udp->refused_bytes = batch->segment_bytes;
	udp->stats.send_too_large += full;
	batch->data += full * batch->segment_bytes;
	batch->length_bytes -= full * batch->segment_bytes;
	if (batch->length_bytes == 0)
		(*done)++;
}

/*
 * Decides about the piece that sendmsg refused.  0 when it is to be tried again or was passed
 * over, else ERR_AGAIN.
 */
static int refused(struct udp *udp, struct udp_batch *batches, size_t *done,
    const struct piece *piece, int error, struct attempt *attempt)
{
	uint16_t segment_bytes = batches[*done].segment_bytes;
	bool is_joined = segment_bytes && piece->part.iov_len > segment_bytes;

	if (error == EAGAIN || error == EWOULDBLOCK)
		return ERR_AGAIN;
	if (error == EINTR)
		return 0;
	if (is_joined && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
		attempt->is_doubted = true;
		return 0;
	}
	/* A connected socket tells of an earlier datagram's ICMP answer here; ours was not tried. */
	if (error == ECONNREFUSED && !attempt->is_retried) {
		attempt->is_retried = true;
		return 0;
	}
	attempt->is_retried = attempt->is_doubted = false;
	if (error != EMSGSIZE) {
		pass(batches, done, piece, &udp->stats.send_failed);
	} else if (segment_bytes && piece->part.iov_len == segment_bytes) {
		pass_too_large(udp, batches, done);
	} else {
		udp->refused_bytes = piece->part.iov_len;
		pass(batches, done, piece, &udp->stats.send_too_large);
	}
	return 0;
}

int udp_send(struct udp *udp, struct udp_batch *batches, size_t count, size_t *done)
{
	struct piece pieces[SEND_PIECES];
	struct mmsghdr messages[SEND_PIECES];
	struct attempt attempt = {0};

	*done = 0;
	while (*done < count) {
		unsigned n =
		    fill_pieces(udp, batches + *done, count - *done, &attempt, pieces, messages);
		int sent = sendmmsg(udp->descriptor, messages, n, MSG_DONTWAIT);

		udp->stats.send_calls++;
		for (int i = 0; i < sent; i++)
			pass(batches, done, &pieces[i], &udp->stats.datagrams_sent);
		if (sent < 0 && refused(udp, batches, done, &pieces[0], errno, &attempt) < 0)
			return ERR_AGAIN;
		if (sent > 0)
			attempt.is_retried = false;
		if (sent > 0 && attempt.is_doubted)
			give_up_segmentation(udp, &attempt);
	}
	return 0;
}
