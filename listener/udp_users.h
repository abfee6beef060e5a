/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users' UDP: a flow for each user address and port and listener address and port.  Answers leave
 * from the address that the user sent to.  A flow that was idle for the accelerator's timeout ends.
 * A source (an address, or IPv6 /64), and all together, may have only so many at the whole node
 * (net/flow_counts.h): at the cap the flow idle longest at this worker gives way, and when this
 * worker has none of that source the new one is refused.  So it is at an accelerator's own limit of flows,
 * where a UDP flow of it that was idle for UDP_USERS_GIVE_WAY_US makes room for a new one, TCP too (listener/udp_queues.h).
 */
#ifndef LISTENER_UDP_USERS_H
#define LISTENER_UDP_USERS_H

#include "base/list.h"
#include "listener/udp_queues.h"
#include "net/udp.h"
#include "net/worker.h"

#include <stddef.h>
#include <stdint.h>

struct listener;
struct udp_user;
struct udp_source;

enum {
	UDP_USERS_MAX = 200000, /* of a node */
	/*
	 * Below that a flow is in use: games and calls say something ten times a second and more, and one that is cut
	 * would come back at once and cut another.
	 */
	UDP_USERS_GIVE_WAY_US = 1000000,
};

struct udp_users {
	struct listener *listener;
	struct udp_user *table;     /* by user and local address */
	struct udp_user *recent;    /* of the last datagram; NULL once it was freed */
	struct udp_source *sources; /* by user address */
	struct list_node by_age;    /* the longest idle first */
	struct udp_queues queues;   /* the same flows by accelerator */
	struct list_node sockets;
	size_t count;
};

/* A flow that is alive, of either kind. */
struct live_flow {
	struct flow *flow;
	uint32_t accelerator;
	uint16_t port; /* of the listener */
};

/* The user's flow, of that accelerator and port unless they are 0; false when there is none. */
bool udp_users_find(const struct udp_users *users, const struct addr *from, uint32_t accelerator,
    uint16_t port, struct live_flow *found);

/*
 * Which cap on UDP would a new flow of that source meet now, and would another one give way to it?  It is refused where
 * none can.  Counts nothing.
 */
enum explain_limit udp_users_foretell(const struct udp_users *users,
    const struct config_accelerator *config, const struct addr *user, bool *makes_room);

/*
 * A flow is to begin: is nothing but the accelerator's limit of flows against it, and has this worker one of UDP, idle for
 * UDP_USERS_GIVE_WAY_US, in whose place it may come?
 */
bool udp_users_may_give_way(const struct udp_users *users, const struct config_accelerator *config,
    enum flow_kind kind, const struct addr *user);
/* If so, that one ends. */
void udp_users_give_way(struct udp_users *users, const struct config_accelerator *config,
    enum flow_kind kind, const struct addr *user);

void udp_users_init(struct udp_users *users, struct listener *listener);
/* Ends the flows and gives up the sockets; lanes are gone already, or take resets. */
void udp_users_clear(struct udp_users *users);

int udp_users_add_socket(
    struct udp_users *users, const struct worker_socket *socket, int descriptor);
void udp_users_remove_socket(struct udp_users *users, const struct worker_socket *socket);
/*
 * Flows whose accelerator or port is gone end when the config's drain time is over; those of a source
 * that is denied now end at once.
 */
void udp_users_on_config(struct udp_users *users);
/*
 * The lane is down: its flows end here where their accelerator wants that and another endpoint can be
 * reached, so that their next datagrams go there.
 */
void udp_users_leave(struct udp_users *users, const struct lane *lane);

#endif
