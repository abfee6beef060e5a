/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Caps of everything that control, nodes and trunkctl say to each other.
 * They bound memory; a message or file that exceeds one is refused with the cap's name.
 */
#ifndef MODEL_LIMITS_H
#define MODEL_LIMITS_H

enum {
	NAME_BYTES = 64,        /* names of nodes, accelerators and regions, with the NUL */
	DOOR_KEY_BYTES = 32,    /* keyed BLAKE2b key of a tunnel's handshake packets */
	JOIN_SECRET_BYTES = 32, /* of a join token */
	REASON_BYTES = 512,     /* a sentence for a person, with the NUL */
	VERSION_BYTES = 32,

	ACCELERATORS_MAX = 1024,
	ACCELERATOR_RANGES_MAX = 64,
	ACCELERATOR_REGIONS_MAX = 64,
	GROUPS_MAX = 64,         /* endpoint groups of an accelerator */
	GROUP_BACKENDS_MAX = 64, /* backends of a group: a choice keeps its exclusions in 64 bits */
	NODES_MAX = 512,
	NODE_ADDRESSES_MAX = 8,
	TUNNELS_MAX = 1024, /* tunnels of a report, of which one node has one a peer */
	COUNTERS_MAX = 256,
	SLOTS_MAX = 64, /* worker slots of a node, as in connection ids */

	CONTROL_MESSAGE_BYTES_MAX = 4 * 1024 * 1024,
	CONTROL_MESSAGE_DEPTH_MAX = 12, /* of nested JSON */
};

#endif
