/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flow_limits.h. */
#include "net/flow_limits.h"

#include "base/log.h"
#include "net/page.h"

#include <string.h>

enum { SUBJECT_SOURCE, SUBJECT_ACCELERATOR, SUBJECT_BACKEND };

/* What of a subject is counted by rates, beside the two ways of its bytes. */
enum { RATE_NEW_FLOWS = 3 };

/* Fewer bytes than one of so many parts of a second's limit, or than a page, are not worth a call. */
enum { WORTH_PART = 64, WORTH_MOST_BYTES = 4096 };

static const struct {
	const char *name;
	enum page_value flows, new_flows, bytes;
} reasons[] = {
    [SUBJECT_SOURCE] = {"source", PAGE_limit_source_flows, PAGE_limit_source_new_flows,
        PAGE_limit_source_bytes},
    [SUBJECT_ACCELERATOR] = {"accelerator", PAGE_limit_accelerator_flows,
        PAGE_limit_accelerator_new_flows, PAGE_limit_accelerator_bytes},
    [SUBJECT_BACKEND] = {"backend", PAGE_limit_backend_flows, PAGE_limit_backend_flows,
        PAGE_limit_backend_bytes},
};

/* A hash key without padding. */
struct limit_key {
	uint32_t subject, accelerator;
	struct addr source;
	uint64_t backend;
};
_Static_assert(sizeof(struct limit_key) == 40, "struct limit_key has no padding");

static struct limit_key key_of_source(
    const struct config_accelerator *config, const struct addr *user)
{
	return (struct limit_key){SUBJECT_SOURCE, config->id, addr_source(user), 0};
}

static struct limit_key key_of_accelerator(const struct config_accelerator *config)
{
	return (struct limit_key){SUBJECT_ACCELERATOR, config->id, {0}, 0};
}

static struct limit_key key_of_backend(const struct node_limits *node,
    const struct config_accelerator *config, const struct backend *backend)
{
	uint64_t hash = keyed_hash_with(node->flows.key, backend->host, strlen(backend->host));

	return (struct limit_key){SUBJECT_BACKEND, config->id, {0}, hash ^ backend->port};
}

/* Away from the other rates of the same subject in every row, by the golden ratio. */
static uint64_t rate_place(const struct flow_subject *subject, unsigned rate)
{
	return subject->place + rate * UINT64_C(0x9e3779b97f4a7c15);
}

static bool refuse(struct node_limits *node, const struct config_accelerator *config,
    const struct flow_subject *subject, enum page_value reason, const char *limit)
{
	page_count(node->page, reason);
	log_limited(LOG_LEVEL_WARN, 1, "limit_reached", "accelerator=%s limit=%s.%s", config->name,
	    reasons[subject->kind].name, limit);
	return false;
}

/* ---- flows ---- */

static bool fits(const struct flow_counts *counts, uint64_t place, uint32_t limit)
{
	return limit == 0
	       || flow_counts_fit(counts, flow_counts_own(counts, place),
	           flow_counts_others(counts, place), limit);
}

/* One more flow of the key; false, and not counted, above the limit. */
static bool enter(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct limit_key *key, uint32_t limit)
{
	struct flow_subject *subject = &flow->subjects[flow->count];

	subject->kind = key->subject;
	subject->place = flow_counts_place(&node->flows, key, sizeof *key);
	flow_counts_add(&node->flows, subject->place);
	if (!fits(&node->flows, subject->place, limit)) {
		flow_counts_drop(&node->flows, subject->place);
		return refuse(node, config, subject, reasons[subject->kind].flows, "flows");
	}
	flow->count++;
	return true;
}

static const struct user_limits *limits_of(
    const struct config_accelerator *config, const struct flow_subject *subject)
{
	return subject->kind == SUBJECT_SOURCE ? &config->limits.source
	                                       : &config->limits.accelerator;
}

static bool may_begin(const struct node_limits *node, const struct flow_subject *subject,
    const struct config_accelerator *config, uint64_t now_us)
{
	uint32_t limit = limits_of(config, subject)->new_flows_per_s;

	return !limit
	       || rate_counts_left(&node->rates, rate_place(subject, RATE_NEW_FLOWS), limit, now_us)
	              > 0;
}

/* Both are asked before either is charged. */
static bool begin(struct node_limits *node, const struct flow_limits *flow,
    const struct config_accelerator *config, uint64_t now_us)
{
	for (unsigned i = 0; i < flow->count; i++) {
		const struct flow_subject *subject = &flow->subjects[i];

		if (!may_begin(node, subject, config, now_us))
			return refuse(node, config, subject, reasons[subject->kind].new_flows,
			    "new_flows_per_s");
	}
	for (unsigned i = 0; i < flow->count; i++) {
		const struct flow_subject *subject = &flow->subjects[i];
		uint32_t limit = limits_of(config, subject)->new_flows_per_s;

		if (limit)
			rate_counts_use(
			    &node->rates, rate_place(subject, RATE_NEW_FLOWS), limit, 1, now_us);
	}
	return true;
}

static void set_bytes(struct flow_limits *flow, const struct config_accelerator *config)
{
	flow->is_metered = false;
	for (unsigned i = 0; i < flow->count; i++) {
		struct flow_subject *subject = &flow->subjects[i];

		subject->bytes_per_s = subject->kind == SUBJECT_BACKEND
		                           ? config->limits.backend.bytes_per_s
		                           : limits_of(config, subject)->bytes_per_s;
		flow->is_metered = flow->is_metered || subject->bytes_per_s > 0;
	}
}

bool flow_limits_enter(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct addr *user, uint64_t now_us)
{
	struct limit_key source = key_of_source(config, user),
	                 accelerator = key_of_accelerator(config);

	if (enter(node, flow, config, &source, config->limits.source.flows)
	    && enter(node, flow, config, &accelerator, config->limits.accelerator.flows)
	    && begin(node, flow, config, now_us)) {
		set_bytes(flow, config);
		return true;
	}
	flow_limits_leave(node, flow);
	return false;
}

bool flow_limits_enter_backend(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct backend *backend)
{
	struct limit_key key = key_of_backend(node, config, backend);

	if (!enter(node, flow, config, &key, config->limits.backend.flows))
		return false;
	set_bytes(flow, config);
	return true;
}

static struct flow_subject subject_of(const struct node_limits *node, const struct limit_key *key)
{
	return (struct flow_subject){
	    .kind = key->subject, .place = flow_counts_place(&node->flows, key, sizeof *key)};
}

static bool has_room(
    const struct node_limits *node, const struct flow_subject *subject, uint32_t limit)
{
	const struct flow_counts *counts = &node->flows;

	return !limit
	       || flow_counts_fit(counts, flow_counts_own(counts, subject->place) + 1,
	           flow_counts_others(counts, subject->place), limit);
}

bool flow_limits_have_room(const struct node_limits *node, const struct config_accelerator *config,
    const struct addr *user, uint64_t now_us)
{
	struct limit_key source_key = key_of_source(config, user),
	                 accelerator_key = key_of_accelerator(config);
	struct flow_subject source = subject_of(node, &source_key),
	                    accelerator = subject_of(node, &accelerator_key);

	return has_room(node, &source, config->limits.source.flows)
	       && has_room(node, &accelerator, config->limits.accelerator.flows)
	       && may_begin(node, &source, config, now_us)
	       && may_begin(node, &accelerator, config, now_us);
}

bool flow_limits_have_room_backend(const struct node_limits *node,
    const struct config_accelerator *config, const struct backend *backend)
{
	struct limit_key key = key_of_backend(node, config, backend);
	struct flow_subject subject = subject_of(node, &key);

	return has_room(node, &subject, config->limits.backend.flows);
}

void flow_limits_renew(struct flow_limits *flow, const struct config_accelerator *config)
{
	set_bytes(flow, config);
}

void flow_limits_leave(struct node_limits *node, struct flow_limits *flow)
{
	while (flow->count > 0)
		flow_counts_drop(&node->flows, flow->subjects[--flow->count].place);
	flow->is_metered = false;
}

/* ---- bytes ---- */

static uint64_t left_of(const struct node_limits *node, const struct flow_subject *subject,
    enum flow_way way, uint64_t now_us)
{
	if (subject->bytes_per_s == 0)
		return UINT64_MAX;
	return rate_counts_left(
	    &node->rates, rate_place(subject, way), subject->bytes_per_s, now_us);
}

static bool is_worth_a_call(const struct flow_subject *subject, uint64_t left)
{
	return left >= WORTH_MOST_BYTES || left >= subject->bytes_per_s / WORTH_PART;
}

uint64_t flow_limits_left(const struct node_limits *node, const struct flow_limits *flow,
    enum flow_way way, uint64_t now_us)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < flow->count; i++) {
		const struct flow_subject *subject = &flow->subjects[i];
		uint64_t left = left_of(node, subject, way, now_us);

		if (!is_worth_a_call(subject, left)) {
			page_count(node->page, reasons[subject->kind].bytes);
			return 0;
		}
		least = left < least ? left : least;
	}
	return least;
}

void flow_limits_use(struct node_limits *node, const struct flow_limits *flow, enum flow_way way,
    uint64_t bytes, uint64_t now_us)
{
	for (unsigned i = 0; i < flow->count; i++) {
		const struct flow_subject *subject = &flow->subjects[i];

		if (subject->bytes_per_s > 0)
			rate_counts_use(&node->rates, rate_place(subject, way),
			    subject->bytes_per_s, bytes, now_us);
	}
}

bool flow_limits_pass_metered(struct node_limits *node, const struct flow_limits *flow,
    enum flow_way way, uint64_t bytes, uint64_t now_us)
{
	for (unsigned i = 0; i < flow->count; i++) {
		const struct flow_subject *subject = &flow->subjects[i];

		if (left_of(node, subject, way, now_us) < bytes) {
			page_count(node->page, reasons[subject->kind].bytes);
			return false;
		}
	}
	flow_limits_use(node, flow, way, bytes, now_us);
	return true;
}
