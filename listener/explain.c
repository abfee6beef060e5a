/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See explain.h.  It decides nothing: listener_decide() does, and tells how. */
#include "listener/explain.h"

#include "base/err.h"
#include "listener/listener.h"
#include "listener/tcp_users.h"
#include "net/flow_limits.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what there is to choose from ---- */

static void tell_endpoint(struct listener *listener, uint32_t accelerator, const char *name,
    struct explain_endpoint *told)
{
	struct worker_lane *lane = worker_lane_to(listener->worker, name);
	struct lane_stats stats;

	snprintf(told->name, sizeof(told->name), "%s", name);
	told->has_lane = lane != NULL;
	told->health = health_view_of(listener->health, name, accelerator);
	if (!lane)
		return;
	lane_get_stats(lane->lane, &stats);
	told->rtt_us = stats.rtt_smoothed_us;
}

/* The flow's own first, then as many others as are shown. */
static int tell_endpoints(struct listener *listener, uint32_t accelerator,
    const struct choice_step *step, struct explain_group *told)
{
	const struct config_group *group = step->group;

	told->endpoint_total = (uint32_t)group->endpoint_count;
	told->endpoints = calloc(EXPLAIN_ENDPOINTS_MAX, sizeof(*told->endpoints));
	if (!told->endpoints)
		return ERR_NOMEM;
	if (step->endpoint)
		tell_endpoint(listener, accelerator, step->endpoint,
		    &told->endpoints[told->endpoint_count++]);
	for (size_t i = 0; i < group->endpoint_count; i++) {
		const char *name = group->endpoints[i].text;

		if (told->endpoint_count < EXPLAIN_ENDPOINTS_MAX && name != step->endpoint)
			tell_endpoint(
			    listener, accelerator, name, &told->endpoints[told->endpoint_count++]);
	}
	return 0;
}

static int tell_groups(struct listener *listener, uint32_t accelerator,
    const struct choice_story *story, struct explain_answer *answer)
{
	int error = 0;

	answer->groups = calloc(story->count + 1, sizeof(*answer->groups));
	if (!answer->groups)
		return ERR_NOMEM;
	for (size_t i = 0; !error && i < story->count; i++) {
		const struct choice_step *step = &story->steps[i];
		struct explain_group *told = &answer->groups[answer->group_count++];

		snprintf(told->region, sizeof(told->region), "%s", step->group->region);
		told->verdict = step->verdict;
		told->is_ranked = step->is_ranked;
		told->rtt_us = step->rtt_us;
		told->dial = step->group->traffic_dial_percent;
		told->share = (uint8_t)step->share;
		if (step->endpoint)
			snprintf(told->endpoint, sizeof(told->endpoint), "%s", step->endpoint);
		error = tell_endpoints(listener, accelerator, step, told);
	}
	return error;
}

static void tell_lane(const struct worker_lane *lane, struct explain_answer *answer)
{
	const struct lane_route *route = lane_route(lane->lane);
	struct explain_lane *told = &answer->lane;
	struct lane_stats stats;

	lane_get_stats(lane->lane, &stats);
	answer->has_lane = true;
	told->lane = worker_index(lane->worker);
	told->is_up = stats.state == LANE_UP;
	if (route->local.family)
		addr_format(&route->local, told->local, sizeof(told->local));
	if (route->remote.family)
		addr_format(&route->remote, told->remote, sizeof(told->remote));
	told->rtt_us = stats.rtt_smoothed_us;
	told->rtt_min_us = stats.rtt_min_us;
	told->packet_bytes = stats.packet_bytes;
}

/* ---- the flow ---- */

static bool find_live(const struct listener *listener, const struct explain_question *question,
    const struct addr *user, struct explain_answer *answer, struct live_flow *found)
{
	bool may_be_tcp = question->protocol != PROTOCOL_UDP;
	bool may_be_udp = question->protocol != PROTOCOL_TCP;

	if (may_be_tcp
	    && tcp_users_find(listener, user, question->accelerator, question->port, found))
		answer->protocol = PROTOCOL_TCP;
	else if (may_be_udp
	         && udp_users_find(
	             &listener->udp, user, question->accelerator, question->port, found))
		answer->protocol = PROTOCOL_UDP;
	else
		return false;
	answer->is_live = true;
	answer->accelerator = found->accelerator;
	answer->port = found->port;
	return true;
}

/* What is asked of a new flow before an endpoint is chosen: the first that refuses it. */
static enum explain_verdict refusal(
    const struct listener *listener, const struct addr *user, const struct explain_answer *answer)
{
	if (!listener_serves(listener, answer->accelerator, answer->protocol, answer->port))
		return EXPLAIN_UNKNOWN;
	if (worker_config(listener->worker)->is_draining || worker_is_draining(listener->worker))
		return EXPLAIN_DRAINING;
	if (!access_allows(listener->access, answer->accelerator, user))
		return EXPLAIN_DENIED;
	return EXPLAIN_TAKEN;
}

/* What is asked once an endpoint is chosen. */
static void tell_limit(
    const struct listener *listener, const struct addr *user, struct explain_answer *answer)
{
	const struct config_accelerator *config =
	    choice_accelerator(listener->choice, answer->accelerator);
	enum flow_kind kind = answer->protocol == PROTOCOL_UDP ? FLOW_UDP : FLOW_TCP;
	bool makes_room = false;

	if (!config)
		return;
	answer->limit = flow_limits_foretell(
	    worker_limits(listener->worker), config, kind, user, worker_now_us(listener->worker));
	if (answer->limit == EXPLAIN_LIMIT_ACCELERATOR_FLOWS)
		makes_room = udp_users_may_give_way(&listener->udp, config, kind, user);
	else if (!answer->limit && kind == FLOW_UDP)
		answer->limit = udp_users_foretell(&listener->udp, config, user, &makes_room);
	if (answer->limit && !makes_room)
		answer->verdict = EXPLAIN_LIMIT;
}

/* What a new flow like it would meet now. */
static int tell_choice(
    struct listener *listener, const struct addr *user, struct explain_answer *answer)
{
	enum explain_verdict refused = refusal(listener, user, answer);
	struct choice_story *story = calloc(1, sizeof(*story));
	struct worker_lane *lane;
	int error;

	if (!story)
		return ERR_NOMEM;
	lane = listener_decide(listener, answer->accelerator, answer->protocol, user, answer->port,
	    story, &answer->verdict);
	error = tell_groups(listener, answer->accelerator, story, answer);
	free(story);
	if (refused != EXPLAIN_TAKEN)
		answer->verdict = refused;
	else if (lane)
		tell_limit(listener, user, answer);
	if (!lane || !explain_is_taken(answer))
		return error;
	snprintf(answer->endpoint_now, sizeof(answer->endpoint_now), "%s", lane->peer_name);
	snprintf(answer->endpoint, sizeof(answer->endpoint), "%s", lane->peer_name);
	tell_lane(lane, answer);
	return error;
}

int listener_explain(
    void *state, const struct explain_question *question, struct explain_answer *answer)
{
	struct listener *listener = state;
	const struct config_accelerator *config;
	struct live_flow found = {0};
	struct addr user;
	int error;

	if (addr_parse(question->user, 0, &user) < 0)
		return ERR_INVALID;
	answer->verdict = EXPLAIN_NOT_LIVE;
	answer->accelerator = question->accelerator;
	answer->protocol = question->protocol;
	answer->port = question->port;
	if (!listener->choice
	    || (!find_live(listener, question, &user, answer, &found) && !question->accelerator))
		return 0;
	config = choice_accelerator(listener->choice, answer->accelerator);
	if (config)
		answer->affinity = config->client_affinity;
	if (config && !answer->port)
		answer->port = config->ports[0].first;
	error = tell_choice(listener, &user, answer);
	if (error || !answer->is_live)
		return error;
	/* Where it is was chosen when it began. */
	const struct worker_lane *lane = lane_context(flow_lane(found.flow));
	answer->verdict = EXPLAIN_TAKEN;
	answer->limit = EXPLAIN_LIMIT_NONE;
	snprintf(answer->endpoint, sizeof(answer->endpoint), "%s", lane->peer_name);
	tell_lane(lane, answer);
	return 0;
}
