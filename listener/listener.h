/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listener worker's state: the sockets that users reach, the choice of an endpoint, and the
 * flows.  Open to the files of this folder.
 */
#ifndef LISTENER_LISTENER_H
#define LISTENER_LISTENER_H

#include "base/list.h"
#include "listener/access.h"
#include "listener/choice.h"
#include "listener/health_view.h"
#include "listener/udp_users.h"
#include "net/tcp.h"
#include "net/tcp_relay.h"
#include "net/worker.h"

struct listener {
	struct worker *worker;
	struct choice *choice; /* of the config in force */
	struct health_view *health;
	struct access *access; /* of the config in force */
	bool is_failing_open;  /* within listener_decide(): health is not asked */
	struct tcp_relays relays;
	struct tcp_reserve reserve;
	struct list_node acceptors; /* listening TCP sockets */
	struct list_node tcp_users; /* live TCP flows */
	size_t tcp_user_count;
	struct udp_users udp;
};

/*
 * The lane for a new flow, or NULL; *verdict says which, and *story (NULL: not wanted) how it came about.  Counts nothing.
 */
struct worker_lane *listener_decide(struct listener *listener, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    struct choice_story *story, enum explain_verdict *verdict);

/*
 * The lane for a new flow of this accelerator; NULL, counted, when no endpoint can be reached or none is healthy.
 * *fails_open: none is, and it goes there all the same, which the caller counts once the flow is opened.
 */
struct worker_lane *listener_choose(struct listener *listener, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    bool *fails_open);
/* A flow was opened. */
void listener_count_opened(struct listener *listener, enum flow_kind kind, bool fails_open);

/* Is there a healthy endpoint with a lane for such a flow?  Counts nothing. */
bool listener_has_another(struct listener *listener, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port);

/* Does the config in force still have this port of the accelerator? */
bool listener_serves(const struct listener *listener, uint32_t accelerator,
    enum accelerator_protocol protocol, uint16_t port);

#endif
