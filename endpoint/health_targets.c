/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health_targets.h. */
#include "endpoint/health_targets.h"

#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "endpoint/names.h"
#include "model/health_track.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SOURCES_MAX = WORKER_SOURCES_MAX,
	CHANGES_MAX = 1024, /* told at once */
	JITTER_PERCENT = 10,
};
#define FIRST_ROUND_MAX_S 1.0
#define PUT_OFF_S         0.05 /* with PROBES_MAX under way */
#define UNASKED_S         1.0  /* how often one that is not asked is looked at */
#define NAMELESS_S        0.5  /* while the name has no address */

/* One address. Invariant: probe is set while one is under way. */
struct target {
	struct list_node node;
	struct asked *asked;
	struct addr address; /* port 0 */
	struct health_track track;
	struct probe *probe;
	bool is_denied, is_current;
	bool has_answered; /* a flow, once: it is no service that never does */
};

/* A backend of an accelerator whose group has a check. */
struct asked {
	struct list_node node;
	struct health_targets *targets;
	struct backend_key key;
	struct health_check check;
	enum health_kind kind;
	uint16_t port; /* that is asked */
	bool is_wanted;
	bool is_nameless; /* told: the name has no address */
	struct list_node addresses;
	ev_timer round;
};

struct health_targets {
	struct ev_loop *loop;
	struct names *names;
	struct probes *probes;
	struct node_config config;
	struct backend_health *remembered; /* of a predecessor, until the first config */
	size_t remembered_count;
	struct backend_states *known; /* of it, as far as the config has them */
	struct list_node asked;
	size_t count; /* addresses */
	struct addr sources[SOURCES_MAX];
	size_t source_count, next_source;
	targets_told_fn *told;
	void *context;
	struct backend_health changes[CHANGES_MAX];
	size_t change_count;
	ev_prepare prepare;
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Uniform in [0, 1). */
static double draw(void)
{
	return randombytes_uniform(1 << 20) / (double)(1 << 20);
}

/* ---- telling ---- */

static void flush(struct health_targets *targets)
{
	if (targets->change_count)
		targets->told(targets->context, targets->changes, targets->change_count);
	targets->change_count = 0;
}

static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	(void)loop;
	(void)events;
	flush(prepare->data);
}

static void tell(struct health_targets *targets, const struct backend_health *change)
{
	if (targets->change_count == CHANGES_MAX)
		flush(targets);
	targets->changes[targets->change_count++] = *change;
}

static void tell_target(const struct target *target, bool is_gone)
{
	const struct health_track *track = &target->track;
	bool is_denied = target->is_denied && track->state != HEALTH_UNHEALTHY;

	tell(target->asked->targets,
	    &(struct backend_health){
	        .backend = target->asked->key,
	        .address = target->address,
	        .state = track->state,
	        .cause = is_denied ? HEALTH_CAUSE_NOT_PERMITTED : track->cause,
	        .is_gone = is_gone,
	        .has_returned = track->has_returned,
	        .since_us = track->changed_us,
	    });
}

/* A backend whose name has no address, or has one again. */
static void tell_nameless(struct asked *asked, bool is_nameless)
{
	if (asked->is_nameless == is_nameless)
		return;
	asked->is_nameless = is_nameless;
	tell(asked->targets, &(struct backend_health){
	                         .backend = asked->key,
	                         .state = HEALTH_UNHEALTHY,
	                         .cause = HEALTH_CAUSE_NO_NAME,
	                         .is_gone = !is_nameless,
	                         .since_us = now_us(),
	                     });
}

/* ---- asking ---- */

static void on_answer(void *context, enum health_cause cause)
{
	struct target *target = context;
	bool is_denied = cause == HEALTH_CAUSE_NOT_PERMITTED;
	bool has_changed = is_denied != target->is_denied;

	target->probe = NULL;
	target->is_denied = is_denied;
	if (!is_denied)
		has_changed |=
		    health_track_on_check(&target->track, &target->asked->check, cause, now_us());
	if (has_changed)
		tell_target(target, false);
}

static struct addr next_source(struct health_targets *targets, uint8_t family)
{
	for (size_t i = 0; i < targets->source_count; i++) {
		struct addr *source =
		    &targets->sources[targets->next_source++ % targets->source_count];
		if (source->family == family)
			return *source;
	}
	return (struct addr){0};
}

/* False when it has to wait for others to end. */
static bool ask(struct target *target)
{
	struct asked *asked = target->asked;
	struct probe_request request = {
	    .check = &asked->check,
	    .kind = asked->kind,
	    .to = target->address,
	    .source = next_source(asked->targets, target->address.family),
	    .host = asked->key.host,
	};

	if (target->probe || asked->kind == HEALTH_NONE)
		return true;
	request.to.port = asked->port;
	return probe_start(asked->targets->probes, &request, on_answer, target, &target->probe)
	       == 0;
}

/* ---- addresses ---- */

static void target_free(struct target *target)
{
	probe_cancel(target->probe);
	list_del(&target->node);
	target->asked->targets->count--;
	free(target);
}

/* Where a predecessor was, with what the config said then or not: an answer corrects it soon. */
static void resume(struct target *target)
{
	const struct backend_health *known = backend_states_find(
	    target->asked->targets->known, &target->asked->key, &target->address);

	if (!known || known->state == HEALTH_UNKNOWN)
		return;
	target->track.state = (enum health_state)known->state;
	target->track.cause = (enum health_cause)known->cause;
	target->track.changed_us = target->track.forgot_us = known->since_us;
	target->track.has_returned = known->has_returned;
}

static void add_target(struct asked *asked, const struct addr *address)
{
	struct target *target;

	if (asked->targets->count >= TARGETS_MAX) {
		log_limited(LOG_LEVEL_WARN, 1, "health_targets_full", "max=%d backend=%s",
		    TARGETS_MAX, asked->key.host);
		return;
	}
	target = calloc(1, sizeof(*target));
	if (!target)
		return;
	target->asked = asked;
	target->address = *address;
	target->is_current = true;
	list_add_tail(&asked->addresses, &target->node);
	asked->targets->count++;
	resume(target);
}

static struct target *target_of(struct asked *asked, const struct addr *address)
{
	LIST_FOREACH (target, &asked->addresses, struct target, node)
		if (addr_equal_ip(&target->address, address))
			return target;
	return NULL;
}

/* What a predecessor knew is used once: of addresses that went meanwhile nobody else would ever tell. */
static void leave_known(struct asked *asked)
{
	struct health_targets *targets = asked->targets;
	size_t count;
	const struct backend_health *known = backend_states_of(targets->known, &asked->key, &count);

	for (size_t i = 0; i < count; i++) {
		struct backend_health gone = known[i];

		gone.is_gone = 1;
		if (!target_of(asked, &gone.address))
			tell(targets, &gone);
	}
	backend_states_forget(targets->known, &asked->key);
}

/* Old addresses stay while the name cannot be resolved. */
static void renew_addresses(struct asked *asked)
{
	struct addr addresses[NAMES_ADDRESSES_MAX];
	size_t count;
	int error = names_get(asked->targets->names, asked->key.host, addresses, &count, NULL);

	if (error) {
		if (error == ERR_NOT_FOUND && asked->kind != HEALTH_NONE
		    && list_is_empty(&asked->addresses))
			tell_nameless(asked, true);
		return;
	}
	tell_nameless(asked, false);
	LIST_FOREACH (target, &asked->addresses, struct target, node)
		target->is_current = false;
	for (size_t i = 0; i < count; i++) {
		struct target *target = target_of(asked, &addresses[i]);

		if (target)
			target->is_current = true;
		else
			add_target(asked, &addresses[i]);
	}
	leave_known(asked);
	LIST_FOREACH_SAFE (target, next, &asked->addresses, struct target, node) {
		if (target->is_current)
			continue;
		tell_target(target, true);
		target_free(target);
	}
}

/* No answer can bring it back. */
static bool is_timed(const struct target *target)
{
	return target->asked->kind == HEALTH_NONE
	       || (target->is_denied && target->track.cause == HEALTH_CAUSE_FLOWS);
}

static void on_round(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct asked *asked = timer->data;
	double interval_s = asked->check.interval_ms / 1000.;
	bool is_whole = true;

	(void)events;
	renew_addresses(asked);
	LIST_FOREACH (target, &asked->addresses, struct target, node) {
		is_whole = ask(target) && is_whole;
		if (is_timed(target) && health_track_on_time(&target->track, now_us()))
			tell_target(target, false);
	}
	if (asked->kind == HEALTH_NONE && interval_s > UNASKED_S)
		interval_s = UNASKED_S;
	interval_s *= 1 + (2 * draw() - 1) * JITTER_PERCENT / 100.;
	if (!is_whole)
		interval_s = PUT_OFF_S;
	else if (list_is_empty(&asked->addresses) && interval_s > NAMELESS_S)
		interval_s = NAMELESS_S;
	ev_timer_set(timer, interval_s, 0.);
	ev_timer_start(loop, timer);
}

/* ---- from one config to the next ---- */

static void asked_free(struct asked *asked)
{
	LIST_FOREACH_SAFE (target, next, &asked->addresses, struct target, node)
		target_free(target);
	ev_timer_stop(asked->targets->loop, &asked->round);
	list_del(&asked->node);
	free(asked);
}

static struct asked *find_asked(struct health_targets *targets, const struct backend_key *key)
{
	LIST_FOREACH (asked, &targets->asked, struct asked, node)
		if (memcmp(&asked->key, key, sizeof(*key)) == 0)
			return asked;
	return NULL;
}

static struct asked *asked_new(struct health_targets *targets, const struct backend_key *key)
{
	struct asked *asked = calloc(1, sizeof(*asked));

	if (!asked)
		return NULL;
	asked->targets = targets;
	asked->key = *key;
	list_init(&asked->addresses);
	ev_init(&asked->round, on_round);
	asked->round.data = asked;
	list_add_tail(&targets->asked, &asked->node);
	return asked;
}

/* A name is asked for at once, so that the first round has its addresses. */
static void begin(struct asked *asked)
{
	double interval_s = asked->check.interval_ms / 1000.;
	double first_s = draw() * (interval_s < FIRST_ROUND_MAX_S ? interval_s : FIRST_ROUND_MAX_S);

	renew_addresses(asked);
	ev_timer_stop(asked->targets->loop, &asked->round);
	ev_timer_set(&asked->round, first_s, 0.);
	ev_timer_start(asked->targets->loop, &asked->round);
}

/* Answers of old count no more where nothing is asked. */
static void forget_answers(struct target *target)
{
	if (target->track.state != HEALTH_UNKNOWN || target->is_denied)
		tell_target(target, true);
	target->track = (struct health_track){0};
	target->is_denied = false;
}

/* Probes under way have the old check, which is overwritten. */
static void set_check(
    struct asked *asked, const struct health_check *check, enum health_kind kind, uint16_t port)
{
	if (asked->kind == kind && asked->port == port
	    && memcmp(&asked->check, check, sizeof(*check)) == 0)
		return;
	LIST_FOREACH (target, &asked->addresses, struct target, node) {
		probe_cancel(target->probe);
		target->probe = NULL;
		if (kind == HEALTH_NONE)
			forget_answers(target);
	}
	if (kind == HEALTH_NONE)
		tell_nameless(asked, false);
	asked->check = *check;
	asked->kind = kind;
	asked->port = port;
	begin(asked);
}

static void take_backend(struct health_targets *targets,
    const struct config_accelerator *accelerator, const struct backend *backend)
{
	struct backend_key key = backend_key(accelerator->id, backend);
	struct asked *asked = find_asked(targets, &key);
	enum health_kind kind =
	    health_check_kind(&accelerator->health, accelerator->protocol & PROTOCOL_TCP);
	uint16_t port = accelerator->health.port;

	if (!port)
		port = backend_port(accelerator->ports, accelerator->port_count, backend->port,
		    accelerator->ports[0].first);
	if (!asked && !(asked = asked_new(targets, &key)))
		return;
	set_check(asked, &accelerator->health, kind, port);
	asked->is_wanted = true;
}

static bool is_used(void *context, const char *host)
{
	struct health_targets *targets = context;

	LIST_FOREACH (asked, &targets->asked, struct asked, node)
		if (strcmp(asked->key.host, host) == 0)
			return true;
	return false;
}

/* What the config has no more, main and workers forget by themselves; what it has, but unchecked, is told. */
static void drop_unwanted(struct health_targets *targets)
{
	LIST_FOREACH_SAFE (asked, next, &targets->asked, struct asked, node) {
		if (asked->is_wanted)
			continue;
		LIST_FOREACH (target, &asked->addresses, struct target, node)
			tell_target(target, true);
		tell_nameless(asked, false);
		asked_free(asked);
	}
}

void health_targets_config(struct health_targets *targets, struct node_config *config)
{
	LIST_FOREACH (asked, &targets->asked, struct asked, node)
		asked->is_wanted = false;
	node_config_clear(&targets->config);
	targets->config = *config;
	backend_states_take(
	    targets->known, &targets->config, targets->remembered, targets->remembered_count);
	health_targets_remember(targets, NULL, 0);
	backend_states_keep(targets->known, &targets->config);
	for (size_t i = 0; i < targets->config.accelerator_count; i++) {
		const struct config_accelerator *accelerator = &targets->config.accelerators[i];

		for (size_t k = 0; k < accelerator->backend_count && accelerator->port_count; k++)
			take_backend(targets, accelerator, &accelerator->backends[k]);
	}
	drop_unwanted(targets);
	names_keep(targets->names, is_used, targets);
}

static void take_outcomes(struct target *target, const struct flow_outcomes *outcomes)
{
	uint64_t failed = outcomes->failed;

	target->has_answered |= outcomes->served > 0;
	if (target->has_answered)
		failed += outcomes->unanswered;
	if (health_track_on_flows(&target->track, outcomes->served + failed, failed, now_us()))
		tell_target(target, false);
}

void health_targets_flows(
    struct health_targets *targets, const struct flow_outcomes *outcomes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct asked *asked = find_asked(targets, &outcomes[i].backend);
		struct target *target = asked ? target_of(asked, &outcomes[i].address) : NULL;

		if (target)
			take_outcomes(target, &outcomes[i]);
	}
}

void health_targets_remember(
    struct health_targets *targets, const struct backend_health *known, size_t count)
{
	free(targets->remembered);
	targets->remembered = calloc(count + 1, sizeof(*known));
	targets->remembered_count = targets->remembered ? count : 0;
	if (targets->remembered && count)
		memcpy(targets->remembered, known, count * sizeof(*known));
}

void health_targets_sources(
    struct health_targets *targets, const struct addr *sources, size_t count)
{
	targets->source_count = count < SOURCES_MAX ? count : SOURCES_MAX;
	memcpy(targets->sources, sources, targets->source_count * sizeof(*sources));
}

/* ---- life ---- */

int health_targets_new(
    struct health_targets **out, struct ev_loop *loop, targets_told_fn *told, void *context)
{
	struct health_targets *targets = calloc(1, sizeof(*targets));
	int error = targets ? names_new(&targets->names, loop) : ERR_NOMEM;

	if (!error)
		error = probes_new(&targets->probes, loop);
	if (!error && !(targets->known = backend_states_new()))
		error = ERR_NOMEM;
	if (error) {
		if (targets) {
			probes_free(targets->probes);
			names_free(targets->names);
		}
		free(targets);
		return error;
	}
	targets->loop = loop;
	targets->told = told;
	targets->context = context;
	list_init(&targets->asked);
	ev_prepare_init(&targets->prepare, on_prepare);
	targets->prepare.data = targets;
	ev_prepare_start(loop, &targets->prepare);
	*out = targets;
	return 0;
}

void health_targets_free(struct health_targets *targets)
{
	if (!targets)
		return;
	LIST_FOREACH_SAFE (asked, next, &targets->asked, struct asked, node)
		asked_free(asked);
	ev_prepare_stop(targets->loop, &targets->prepare);
	probes_free(targets->probes);
	names_free(targets->names);
	backend_states_free(targets->known);
	free(targets->remembered);
	node_config_clear(&targets->config);
	free(targets);
}
