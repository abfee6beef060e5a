/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lanes of one tunnel tell one another of the path that they share (the idea of RFC 8699): each
 * publishes a record of plain data and reads those of its siblings, which may have died, or lie.  From the
 * records each lane comes to the same view: what the tunnel carries, who sends, whose turn it is to probe.
 */
#ifndef TUNNEL_PATH_SHARE_H
#define TUNNEL_PATH_SHARE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PATH_SIBLINGS_MAX = 63,
	PATH_SHARE_FRESH_US =
	    250000, /* and two round trips: who told nothing since then does not send */
};

/* Times by the clock that the lanes share. */
struct path_share_record {
	uint64_t told_us;
	uint64_t order;           /* unique in the tunnel: who is first when nothing else tells */
	uint64_t rate_Bps;        /* that the tunnel is believed to carry; 0: not known yet */
	uint64_t delivered_Bps;   /* of this lane, in its last round trip */
	uint64_t delivered_bytes; /* since it began */
	uint64_t found_Bps;       /* by all lanes, while this one is_raising */
	uint64_t min_rtt_us, min_rtt_at_us; /* and when that was seen last; 0: never */
	uint64_t probed_us;                 /* end of its last probe for rate; 0: none */
	uint64_t rtt_probe_us; /* start of its last probe for the shortest round trip */
	uint64_t confirmed_us; /* when so much came through that rate_Bps is no mere memory */
	double loss_floor;
	uint8_t is_rtt_proved; /* min_rtt_us was seen when nobody of the tunnel sent much */
	uint8_t is_hungry;     /* it would send more */
	uint8_t is_raising;    /* it sends more than its part, to find what the path carries */
	uint8_t is_probing;    /* that, or it drains what that left, or its samples are not in */
	uint8_t is_drained;    /* what is lost now is the line's own */
	uint8_t is_taken;      /* a flow is open on it, so it does not warm up */
};

/* How the records of siblings come, and the own one goes; calls are cheap and do not call back. */
struct path_siblings {
	unsigned (*read)(void *context, struct path_share_record *records, unsigned most);
	void (*tell)(void *context, const struct path_share_record *record);
	void *context;
	uint64_t order;
};

/* What the siblings on the same path told, as seen by one lane; rates are bounded, times are not in the future. */
struct path_share_view {
	unsigned senders;     /* that sent lately */
	unsigned hungry;      /* of these */
	double delivered_Bps; /* by all of them */
	uint64_t delivered_bytes;
	double limited_Bps; /* by those that are not hungry */
	bool is_raising, is_probing;
	bool is_probing_before; /* one whose turn comes before ours */
	bool is_drained;
	bool is_new_before; /* one that may learn the rate, and is first where nothing else tells */
	double probing_Bps; /* that it finds */
	double found_Bps;   /* and all lanes deliver meanwhile; 0: no one is raising */
	uint64_t probed_us; /* the latest of theirs; 0: none */
	double probed_Bps;  /* that it found */
	unsigned before;    /* hungry ones whose turn to probe comes before ours */
	uint64_t rtt_probe_us; /* the latest of theirs; 0: none */
	uint64_t min_rtt_us,
	    min_rtt_at_us;     /* the shortest round trip, and when that was seen last */
	double rate_Bps;       /* the least that a hungry one believes in; 0: none does */
	double known_Bps;      /* the same of all, hungry or not */
	uint64_t confirmed_us; /* the latest */
	double loss_floor;     /* the least; 0 without siblings */
};

/* `own` is the record that this lane told last, or would tell. */
void path_share_look(struct path_share_view *view, const struct path_share_record *siblings,
    unsigned count, const struct path_share_record *own, uint64_t now_us);

/* So near to one another are the shortest round trips of lanes on the same path. */
bool path_share_is_near(uint64_t rtt_us, uint64_t own_rtt_us);

/* This lane's part of the tunnel's rate, as long as it is hungry: what the others leave, in equal parts. */
double path_share_part(const struct path_share_view *view, double rate_Bps);

#endif
