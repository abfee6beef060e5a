/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed, length-checked messages between the processes of one daemon, over SOCK_SEQPACKET pairs
 * watched by libev, with descriptors beside them (SCM_RIGHTS, unix(7)).  Each side has a table that
 * says which types it takes, how long they may be and how many descriptors they bring; anything
 * else closes the channel, since the sender may be a process that was taken over.
 * A payload above IPC_INLINE_BYTES travels as a sealed memfd and is mapped at the other side.
 * It gives no answers and no order between two channels.
 */
#ifndef NET_IPC_H
#define NET_IPC_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IPC_INLINE_BYTES = 32 * 1024,        /* a longer payload goes as a memfd */
	IPC_MESSAGE_BYTES = 8 * 1024 * 1024, /* no payload is longer */
	IPC_DESCRIPTORS = 8,                 /* most descriptors of one message */
	IPC_QUEUE_BYTES = 16 * 1024 * 1024,  /* ipc_send() refuses above this */
	IPC_QUEUE_MESSAGES = 4096,
};

struct ipc;

/*
 * A message as its handler sees it: data is aligned to 8 bytes and valid until the handler
 * returns.  A handler keeps a descriptor by setting its place to -1; the others are closed after.
 */
struct ipc_message {
	uint16_t type;
	uint32_t length_bytes;
	const uint8_t *data;
	int descriptors[IPC_DESCRIPTORS];
	unsigned descriptor_count;
};

/*
 * 0, or a negative error that closes the channel (on_closed gets it).  It may send, and it may
 * free the channel itself.
 */
typedef int ipc_handler_fn(struct ipc *ipc, void *context, struct ipc_message *message);

/* One line of the table: the lengths and the count of descriptors are checked before the call. */
struct ipc_rule {
	uint16_t type;
	uint32_t min_bytes, max_bytes;
	unsigned min_descriptors, max_descriptors;
	ipc_handler_fn *handle;
};

struct ipc_callbacks {
	/*
	 * The peer is gone (ERR_CLOSED), or it or a handler broke the rules.  Called once, from the
	 * loop, after the last message; the channel is dead then, ipc_free() may follow here.
	 */
	void (*on_closed)(struct ipc *ipc, void *context, int reason);
	/* The queue is empty again after an ipc_send() that gave ERR_AGAIN.  May be NULL. */
	void (*on_drained)(struct ipc *ipc, void *context);
};

/* A connected pair, non-blocking and close-on-exec.  0 or ERR_IO. */
int ipc_pair(int descriptors[2]);

/*
 * Takes over the descriptor (closed by ipc_free(), also on failure).  rules and callbacks must
 * outlive it.  0, ERR_NOMEM or ERR_IO.
 */
int ipc_new(struct ipc **ipc, struct ev_loop *loop, int descriptor, const struct ipc_rule *rules,
    size_t rule_count, const struct ipc_callbacks *callbacks, void *context);

/* Closes the channel; queued messages are lost.  No callback follows.  Takes NULL. */
void ipc_free(struct ipc *ipc);

/*
 * Sends or queues one message.  The descriptors stay the caller's (queued ones are duplicated).
 * 0; ERR_AGAIN when the queue is full (on_drained will tell); ERR_TOO_LARGE; ERR_CLOSED when the
 * peer is gone (on_closed comes from the loop); ERR_IO or ERR_NOMEM.
 */
int ipc_send(struct ipc *ipc, uint16_t type, const void *data, size_t length_bytes);
int ipc_send_descriptors(struct ipc *ipc, uint16_t type, const void *data, size_t length_bytes,
    const int *descriptors, unsigned count);

/* Bytes that wait in the queue. */
size_t ipc_queued_bytes(const struct ipc *ipc);

/*
 * Tries for at most timeout_ms to send what is queued, for a process that is about to exit.
 * 0, or ERR_TIMEOUT or ERR_CLOSED.
 */
int ipc_flush(struct ipc *ipc, int timeout_ms);

void *ipc_context(const struct ipc *ipc);

#endif
