/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages between control and a node: JSON objects with a "type", each sent in a frame with
 * a 32-bit length by net.  Decoding checks size, depth, caps and content, since the sender may be
 * anybody; an unknown key or type is refused.
 */
#ifndef MODEL_MESSAGES_H
#define MODEL_MESSAGES_H

#include "model/backend_report.h"
#include "model/explain.h"
#include "model/machine.h"
#include "model/measurement.h"
#include "model/node_config.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Raised whenever a message changes, be it by one key: the other end would refuse it as no message.
 * Control denies another one in words; so hello and denied stay as they are.
 */
enum { CONTROL_PROTOCOL = 4 };

enum message_type {
	MESSAGE_HELLO = 1, /* node: first on each connection, CONTROL_HELLO_BYTES_MAX at most */
	MESSAGE_REPORT,    /* node: once a second; also the heartbeat */
	MESSAGE_APPLIED,   /* node: the config of that number is in force */
	MESSAGE_REFUSED,   /* node: it is not, because; the one before stays */
	MESSAGE_WELCOME,   /* control: answers hello */
	MESSAGE_DENIED,    /* control: answers hello, then closes */
	MESSAGE_CONFIG,    /* control: after welcome, and when it changed */
	MESSAGE_REMOVED, /* control: the node was removed; it forgets its config, ends its tunnels */
	MESSAGE_EXPLAIN,   /* control: where would that flow go? */
	MESSAGE_EXPLAINED, /* node: answers explain, in time or not at all */
	MESSAGE_GONE, /* control: no sign of life from these; again each second while it holds */
};

struct message_hello {
	uint32_t protocol;
	enum node_role role;
	char name[NAME_BYTES];             /* wanted; control's answer in welcome counts */
	uint8_t secret[JOIN_SECRET_BYTES]; /* the token's, when joining; else zero */
	uint32_t slots;                    /* workers */
	char tunnel[NAME_BYTES];    /* endpoint: "ADDR:PORT" that its tunnel socket is bound to */
	char advertise[NAME_BYTES]; /* endpoint: "ADDR[:PORT]" that others are to use, or "" */
	struct name *binds;         /* listener: the addresses where it takes users' connections */
	size_t bind_count;
	uint64_t instance; /* random for each start of the daemon, below 2^63 */
	char version[VERSION_BYTES];
	struct config_number config; /* what it has, 0 and 0 for none */
};

struct counter {
	char name[NAME_BYTES];
	uint64_t value; /* below 2^63 */
};

struct message_report {
	struct tunnel_measurement *tunnels;
	size_t tunnel_count;
	struct counter *counters;
	size_t counter_count;
	struct backend_report *backends; /* of an endpoint */
	size_t backend_count;
	struct machine machine;
	uint64_t made_us; /* by a clock of the node that nobody sets; below 2^63 */
};

struct message_applied {
	struct config_number number;
};

struct message_refused {
	struct config_number number;
	char reason[REASON_BYTES];
};

struct message_welcome {
	uint32_t node_id;
	char name[NAME_BYTES];
	char region[NAME_BYTES];
};

/* Also for MESSAGE_REMOVED. */
struct message_reason {
	char reason[REASON_BYTES]; /* with the way out */
};

/* What holds when it is read: nobody keeps it, so it is never taken back. */
struct message_gone {
	uint64_t report_us; /* made_us of the node's last report: how old control's knowledge is */
	struct name *nodes; /* peers of the node */
	size_t node_count;
};

/* body's member is named by type. */
struct message {
	enum message_type type;
	union {
		struct message_hello hello;
		struct message_report report;
		struct message_applied applied;
		struct message_refused refused;
		struct message_welcome welcome;
		struct message_reason denied;
		struct node_config config;
		struct message_reason removed;
		struct explain_question explain;
		struct explain_answer explained;
		struct message_gone gone;
	} body;
};

/*
 * *text is NUL-terminated JSON, the caller's to free().  ERR_NOMEM, or ERR_TOO_LARGE above
 * CONTROL_MESSAGE_BYTES_MAX.
 */
int message_encode(const struct message *message, char **text, size_t *length);

/*
 * ERR_MALFORMED or ERR_UNSUPPORTED (unknown type) with *error filled; *message is then empty.
 * On success message_clear() frees it.
 */
int message_decode(
    const char *text, size_t length, struct message *message, struct model_error *error);

void message_clear(struct message *message);

/* "hello" and so on; "?" for what is none. */
const char *message_type_text(enum message_type type);

#endif
