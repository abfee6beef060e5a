/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See explain.h.  The choice is made by what chooses for flows that come over a lane. */
#include "endpoint/explain.h"

#include "base/err.h"
#include "endpoint/endpoint.h"
#include "endpoint/tcp_flows.h"
#include "endpoint/udp_flows.h"
#include "net/flow_limits.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- backends ---- */

static enum explain_backend_verdict verdict_of(const struct endpoint *endpoint,
    const struct config_accelerator *config, size_t i, int chosen, uint64_t excluded)
{
	if ((int)i == chosen)
		return EXPLAIN_BACKEND_TAKES;
	if (config->backends[i].weight == 0)
		return EXPLAIN_BACKEND_WEIGHT_0;
	if (endpoint_unusable(endpoint, config) >> i & 1)
		return EXPLAIN_BACKEND_UNHEALTHY;
	if (!flow_limits_have_room_backend(
	        worker_limits(endpoint->worker), config, &config->backends[i]))
		return EXPLAIN_BACKEND_FULL;
	return excluded >> i & 1 ? EXPLAIN_BACKEND_RETURNING : EXPLAIN_BACKEND_OTHER;
}

/* The address that the flow has, or would try first. */
static void tell_address(struct endpoint *endpoint, const struct config_accelerator *config,
    const struct backend *backend, const struct explain_answer *answer, uint64_t hash,
    const struct addr *actual, struct explain_backend *told)
{
	struct addr addresses[NAMES_ADDRESSES_MAX];
	size_t count = 0;

	if (actual && actual->family) {
		addresses[0] = *actual;
		count = 1;
	} else if (endpoint_addresses(
	               endpoint, config, backend, answer->port, hash, addresses, &count, NULL)
	           < 0) {
		count = 0;
	}
	if (count > 0)
		addr_format(&addresses[0], told->address, sizeof(told->address));
}

static int tell_backends(struct endpoint *endpoint, const struct config_accelerator *config,
    uint64_t hash, int chosen, const struct addr *actual, struct explain_answer *answer)
{
	uint64_t excluded = endpoint_excluded(endpoint, config, hash);

	answer->backends = calloc(config->backend_count + 1, sizeof(*answer->backends));
	if (!answer->backends)
		return ERR_NOMEM;
	for (size_t i = 0; i < config->backend_count && i < GROUP_BACKENDS_MAX; i++) {
		const struct backend *backend = &config->backends[i];
		struct backend_key key = backend_key(config->id, backend);
		struct explain_backend *told = &answer->backends[answer->backend_count++];

		snprintf(told->host, sizeof(told->host), "%s", backend->host);
		told->port =
		    backend_port(config->ports, config->port_count, backend->port, answer->port);
		told->weight = backend->weight;
		told->health = backend_states_sum(endpoint->backends, &key);
		told->verdict = verdict_of(endpoint, config, i, chosen, excluded);
		tell_address(endpoint, config, backend, answer, hash,
		    (int)i == chosen ? actual : NULL, told);
	}
	return 0;
}

/* ---- the flow ---- */

static int index_of(const struct config_accelerator *config, uint64_t backend_id)
{
	for (size_t i = 0; i < config->backend_count; i++)
		if (endpoint_backend_id(&config->backends[i]) == backend_id)
			return (int)i;
	return -1;
}

static bool find_live(const struct endpoint *endpoint, const struct explain_question *question,
    const struct addr *user, struct served_flow *found)
{
	if (question->protocol == PROTOCOL_TCP)
		return tcp_flows_find(endpoint, user, question->accelerator, question->port, found);
	return udp_flows_find(endpoint, user, question->accelerator, question->port, found);
}

static enum explain_verdict refusal(const struct endpoint *endpoint, const char *listener,
    const struct flow_open *open, const struct config_accelerator *config)
{
	switch (endpoint_refusal(endpoint, listener, open, config)) {
	case REASON_NONE:
		return EXPLAIN_TAKEN;
	case REASON_DRAINED:
		return EXPLAIN_DRAINING;
	default:
		return EXPLAIN_UNKNOWN;
	}
}

/* As flows try them: one that is full is passed over. */
static int choose(struct endpoint *endpoint, const struct config_accelerator *config, uint64_t hash,
    uint64_t *full)
{
	uint64_t excluded = endpoint_excluded(endpoint, config, hash);
	int chosen;

	*full = 0;
	while ((chosen = backends_choose(&endpoint->tables, config, hash, excluded | *full)) >= 0
	       && !flow_limits_have_room_backend(
	           worker_limits(endpoint->worker), config, &config->backends[chosen]))
		*full |= UINT64_C(1) << chosen;
	return chosen;
}

static int explain(struct endpoint *endpoint, const struct explain_question *question,
    const struct flow_open *open, struct explain_answer *answer)
{
	const struct config_accelerator *config =
	    endpoint_accelerator(endpoint, question->accelerator);
	struct served_flow live = {0};
	uint64_t hash, full;
	int chosen;

	answer->is_live = find_live(endpoint, question, &open->user, &live);
	answer->verdict = refusal(endpoint, question->listener, open, config);
	if (!config || (answer->verdict == EXPLAIN_UNKNOWN && !answer->is_live))
		return 0;
	answer->affinity = config->client_affinity;
	hash = backends_flow_hash(&endpoint->tables, config, open);
	chosen = choose(endpoint, config, hash, &full);
	if (answer->is_live && live.backend_id) {
		chosen = index_of(config, live.backend_id);
		answer->verdict = EXPLAIN_TAKEN;
	} else if (chosen < 0 && answer->verdict == EXPLAIN_TAKEN) {
		answer->verdict = full ? EXPLAIN_LIMIT : EXPLAIN_NO_BACKEND;
		answer->limit = full ? EXPLAIN_LIMIT_BACKEND_FLOWS : EXPLAIN_LIMIT_NONE;
	}
	return tell_backends(endpoint, config, hash, chosen, &live.address, answer);
}

int endpoint_explain(
    void *state, const struct explain_question *question, struct explain_answer *answer)
{
	struct flow_open open = {
	    .kind = question->protocol == PROTOCOL_TCP ? FLOW_TCP : FLOW_UDP,
	    .accelerator = question->accelerator,
	};

	if (addr_parse(question->user, 0, &open.user) < 0)
		return ERR_INVALID;
	/* The listener's address does not count: model/flow_hash.h. */
	open.local = addr_any(open.user.family, question->port);
	answer->accelerator = question->accelerator;
	answer->protocol = question->protocol;
	answer->port = question->port;
	return explain(state, question, &open, answer);
}
