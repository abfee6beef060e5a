/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that was taken over speaks to another of its daemon: the input is a run of packets for the socket pair, with
 * any header, payload and descriptors, memfds among them that are sealed or not, of the right size or not.  A handler
 * sees only what its table allows; every descriptor is closed in the end; the channel ends once.
 */
#include "config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "net/ipc.h"
#include "tests/fuzz/require.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT, FILES, LARGE, LAST, REFUSED, PACKETS_MAX = 40, PAYLOAD_MAX = 40000 };
enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, DESCRIPTORS_SEEN = 256 };

/* As net/ipc.c writes it. */
struct header {
	uint16_t type;
	uint16_t is_blob;
	uint32_t length_bytes;
};

struct state {
	struct ev_loop *loop;
	struct ipc *ipc;
	int raw, kept;
	unsigned closed, handled;
	bool is_bad_blob; /* of the packet that goes: its memfd may change, or is of another size */
};

static const struct ipc_rule *rule_of(uint16_t type);

static int take(struct ipc *ipc, void *context, struct ipc_message *message)
{
	const struct ipc_rule *rule = rule_of(message->type);
	struct state *s = context;
	volatile uint8_t sum = 0;

	require(
	    !s->is_bad_blob && ipc == s->ipc && !s->closed && ((uintptr_t)message->data & 7) == 0);
	require(
	    message->length_bytes >= rule->min_bytes && message->length_bytes <= rule->max_bytes);
	require(message->descriptor_count >= rule->min_descriptors
	        && message->descriptor_count <= rule->max_descriptors);
	for (uint32_t i = 0; i < message->length_bytes; i++)
		sum = (uint8_t)(sum + message->data[i]);
	for (unsigned i = 0; i < message->descriptor_count; i++)
		require(fcntl(message->descriptors[i], F_GETFD) == FD_CLOEXEC);
	s->handled++;
	if (message->type == FILES && s->kept < 0) {
		s->kept = message->descriptors[0];
		message->descriptors[0] = -1;
	}
	/* Answers go the other way, where nobody reads. */
	ipc_send(ipc, TEXT, message->data, message->length_bytes);
	return message->type == REFUSED ? ERR_AUTH : 0;
}

static int take_last(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct state *s = context;
	int error = take(ipc, context, message);

	s->ipc = NULL;
	ipc_free(ipc);
	return error;
}

static const struct ipc_rule rules[] = {
    {TEXT, 1, 1000, 0, 0, take},
    {FILES, 0, 4, 1, 3, take},
    {LARGE, 0, IPC_MESSAGE_BYTES, 0, IPC_DESCRIPTORS, take},
    {LAST, 2, 2, 0, 0, take_last},
    {REFUSED, 0, 8, 0, 0, take},
};

static const struct ipc_rule *rule_of(uint16_t type)
{
	require(type < sizeof(rules) / sizeof(*rules));
	return &rules[type];
}

static void on_closed(struct ipc *ipc, void *context, int reason)
{
	struct state *s = context;

	require(ipc == s->ipc && reason < 0 && ++s->closed == 1);
}

static const struct ipc_callbacks callbacks = {.on_closed = on_closed};

/* A file to send along: a memfd of that size with some of the seals, or one end of nothing much. */
static int make_file(uint8_t how, size_t length)
{
	int file = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int seals = how & 4 ? SEALS & ~F_SEAL_WRITE : how & 8 ? SEALS & ~F_SEAL_SHRINK : SEALS;

	require(file >= 0);
	if (how & 1)
		length++;
	require(ftruncate(file, (off_t)length) == 0);
	if (how & 2 || how & 12)
		require(fcntl(file, F_ADD_SEALS, how & 2 ? 0 : seals) == 0);
	else
		require(fcntl(file, F_ADD_SEALS, SEALS) == 0);
	return file;
}

static void send_packet(const struct state *s, const struct header *header, const uint8_t *payload,
    size_t length, const int *files, unsigned count)
{
	struct iovec parts[2] = {
	    {(void *)header, length < sizeof(*header) ? length : sizeof(*header)},
	    {(void *)payload, length < sizeof(*header) ? 0 : length - sizeof(*header)}};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (count) {
		struct cmsghdr *head = (struct cmsghdr *)control;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(head), files, count * sizeof(int));
	}
	sendmsg(s->raw, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void packet(struct state *s, struct reader *r)
{
	static uint8_t payload[PAYLOAD_MAX];
	uint8_t what = reader_u8(r), how = reader_u8(r), count = reader_u8(r) % 12;
	struct header header = {
	    .type = what % 8, .is_blob = how >> 6 & 1, .length_bytes = reader_u16(r)};
	size_t length = header.is_blob ? 0 : header.length_bytes;
	int files[12];

	if (what & 8)
		header.length_bytes = reader_u32(r); /* a lie, unless it happens to be true */
	if (what & 16)
		length = reader_u16(r);
	if (length > sizeof(payload) - sizeof(header))
		length = sizeof(payload) - sizeof(header);
	memset(payload, how, length);
	for (unsigned i = 0; i < count; i++)
		files[i] = make_file(i ? 0 : how, header.length_bytes % (1 << 20));
	s->is_bad_blob = header.is_blob && how & 15;
	length += sizeof(header);
	send_packet(
	    s, &header, payload, what & 32 ? length % sizeof(header) : length, files, count);
	for (unsigned i = 0; i < count; i++)
		close(files[i]);
}

static unsigned open_descriptors(void)
{
	unsigned count = 0;

	for (int i = 0; i < DESCRIPTORS_SEEN; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state s = {.kept = -1};
	unsigned before;
	struct reader r;
	int pair[2];

	s.loop = ev_default_loop(0);
	ev_run(s.loop, EVRUN_NOWAIT); /* which opens what it wants for itself */
	before = open_descriptors();
	require(ipc_pair(pair) == 0);
	s.raw = pair[1];
	require(
	    ipc_new(&s.ipc, s.loop, pair[0], rules, sizeof(rules) / sizeof(*rules), &callbacks, &s)
	    == 0);
	reader_init(&r, data, size);
	for (int i = 0; i < PACKETS_MAX && reader_left(&r) > 0; i++) {
		packet(&s, &r);
		ev_run(s.loop, EVRUN_NOWAIT);
	}
	close(s.raw);
	for (int i = 0; i < 4 && s.ipc && !s.closed; i++)
		ev_run(s.loop, EVRUN_NOWAIT);
	require(!s.ipc || s.closed);
	ipc_free(s.ipc);
	if (s.kept >= 0)
		close(s.kept);
	require(open_descriptors() == before);
	return 0;
}
