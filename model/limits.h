/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Caps of everything that control, nodes and trunkctl say to each other.
 * They bound memory; a message or file that exceeds one is refused with the cap's name.
 */
#ifndef MODEL_LIMITS_H
#define MODEL_LIMITS_H

#include <stdint.h>

enum {
	NAME_BYTES = 64,        /* names of nodes, accelerators and regions, with the NUL */
	DOOR_KEY_BYTES = 32,    /* keyed BLAKE2b key of a tunnel's handshake packets */
	JOIN_SECRET_BYTES = 32, /* of a join token */
	REASON_BYTES = 512,     /* a sentence for a person, with the NUL */
	VERSION_BYTES = 32,

	DRAIN_DEFAULT_S = 30, /* that flows have to end when their accelerator or backend goes */
	DRAIN_MAX_S = 86400,

	ACCELERATORS_MAX = 1024,
	ACCELERATOR_RANGES_MAX = 64,
	ACCELERATOR_REGIONS_MAX = 64,
	ACCESS_ENTRIES_MAX = 512, /* blocks of addresses that an accelerator allows, and denies */
	LABELS_MAX = 32,          /* of an accelerator */
	GROUPS_MAX = 64,          /* endpoint groups of an accelerator */
	GROUP_BACKENDS_MAX = 64, /* backends of a group: a choice keeps its exclusions in 64 bits */
	NODES_MAX = 512,
	NODE_ADDRESSES_MAX = 8,
	TUNNELS_MAX = 1024, /* tunnels of a report, of which one node has one a peer */
	COUNTERS_MAX = 256,
	SLOTS_MAX = 64, /* worker slots of a node, as in connection ids */

	CONTROL_MESSAGE_BYTES_MAX = 4 * 1024 * 1024,
	CONTROL_HELLO_BYTES_MAX = 16 * 1024, /* of the first message, before the sender is known */
	JSON_DEPTH_MAX = 12,                 /* of nested JSON, here and in the API */
	JSON_VALUES_MAX = 200 * 1000,        /* values in one JSON text */
};

/* UNIX time in milliseconds up to the year 9999, which is what RFC 3339 can write. */
#define TIME_MAX_MS UINT64_C(253402300799999)

#endif
