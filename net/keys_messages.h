/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the keys process says to main and to workers, and they to it (net/ipc.h).  Layouts are this
 * machine's: all sides are one binary.  Messages with bytes at their end have them right behind the
 * struct, as many as the message's length leaves.
 *
 * Order from main: SETTINGS once (READY answers it), then PEERS at each change, and channels.
 * A worker's channel comes by PROCESS_MESSAGE_PEER; keys sends it COOKIES and the rest.
 */
#ifndef NET_KEYS_MESSAGES_H
#define NET_KEYS_MESSAGES_H

#include "base/addr.h"
#include "base/pin.h"
#include "net/process.h"
#include "tunnel/keyring.h"

#include <stdint.h>

enum {
	KEYS_CHANNELS_MAX = 1024,           /* TLS connections of the control channel at once */
	KEYS_CHANNEL_BYTES_MAX = 64 * 1024, /* of one FEED, WRITE, CIPHERTEXT or PLAINTEXT */
	KEYS_TEXT_BYTES = 80,
};

enum keys_message {
	/* Main to keys. */
	KEYS_MESSAGE_SETTINGS = PROCESS_MESSAGE_OWN + 64, /* struct keys_settings */
	KEYS_MESSAGE_PEERS,            /* n struct keyring_peer: all peers from now on */
	KEYS_MESSAGE_CHANNEL_OPEN,     /* struct keys_channel_open */
	KEYS_MESSAGE_CHANNEL_FEED,     /* struct keys_channel, ciphertext from the network */
	KEYS_MESSAGE_CHANNEL_WRITE,    /* struct keys_channel, plaintext to send */
	KEYS_MESSAGE_CHANNEL_SHUTDOWN, /* struct keys_channel: close_notify; CLOSE still follows */
	KEYS_MESSAGE_CHANNEL_CLOSE,    /* struct keys_channel: forget it; nothing answers */
	/* Keys to main. */
	KEYS_MESSAGE_IDENTITY, /* struct keys_identity, after SETTINGS */
	KEYS_MESSAGE_EVENT,    /* struct keyring_event, for the log */
	KEYS_MESSAGE_COUNTERS, /* struct handshake_counters, each second that they changed */
	KEYS_MESSAGE_CHANNEL_ESTABLISHED, /* struct keys_channel_established */
	KEYS_MESSAGE_CHANNEL_CIPHERTEXT,  /* struct keys_channel, ciphertext for the network */
	KEYS_MESSAGE_CHANNEL_PLAINTEXT,   /* struct keys_channel, plaintext that arrived */
	KEYS_MESSAGE_CHANNEL_CLOSED,      /* struct keys_channel_closed; the id is free after it */
	/* Worker to keys. */
	KEYS_MESSAGE_PACKET,         /* struct keys_packet, the handshake packet that came */
	KEYS_MESSAGE_REQUEST_LANE,   /* struct lane_request; LANE or REFUSED follows */
	KEYS_MESSAGE_TUNNEL_UNKNOWN, /* struct keys_tunnel: an UNKNOWN came for it */
	/* Keys to worker. */
	KEYS_MESSAGE_SEND,    /* struct keys_packet, the handshake packet to send to that address */
	KEYS_MESSAGE_LANE,    /* struct lane_grant; erase it when used */
	KEYS_MESSAGE_REFUSED, /* struct keys_refused */
	KEYS_MESSAGE_COOKIES, /* struct keys_cookies */
	KEYS_MESSAGE_TUNNEL, /* struct keyring_event: established; at a restart old lanes are over */
};

struct keys_settings {
	uint32_t tunnel_role; /* enum tunnel_role, or KEYS_NO_TUNNELS for control */
	uint32_t zero;
	struct tunnel_parameters parameters;
};
enum { KEYS_NO_TUNNELS = 2 };

struct keys_identity {
	uint8_t pin[PIN_BYTES];
};

struct keys_channel {
	uint32_t id; /* main chooses it */
	uint32_t zero;
};

/* The client of a node knows control's pin; control's server side takes any and tells it. */
struct keys_channel_open {
	uint32_t id;
	uint32_t tls_role;    /* enum tls_role */
	uint32_t expects_pin; /* 1: any other peer closes it with ERR_AUTH */
	uint8_t pin[PIN_BYTES];
};

struct keys_channel_established {
	uint32_t id;
	uint8_t peer_pin[PIN_BYTES];
};

struct keys_channel_closed {
	uint32_t id;
	int32_t
	    reason; /* ERR_CLOSED after the peer's close_notify, ERR_AUTH, ERR_LIMIT, ERR_NOMEM */
	char text[KEYS_TEXT_BYTES]; /* for the log */
};

struct keys_packet {
	struct addr address;
};

struct keys_tunnel {
	uint64_t door_id, tunnel_id;
};

struct keys_refused {
	uint64_t door_id;
	uint32_t cause; /* enum handshake_cause */
	uint32_t zero;
};

struct keys_cookies {
	uint32_t are_demanded;
};

#endif
