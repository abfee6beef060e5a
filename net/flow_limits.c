/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flow_limits.h. */
#include "net/flow_limits.h"

#include "base/log.h"

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
	uint16_t subject, table;
	uint32_t accelerator;
	struct addr source;
	uint64_t backend;
};
_Static_assert(sizeof(struct limit_key) == 40, "struct limit_key has no padding");

void node_limits_init(
    struct node_limits *node, struct page *page, const uint8_t key[KEYED_HASH_KEY_BYTES])
{
	*node = (struct node_limits){.page = page};
	for (unsigned i = 0; i < LIMIT_TABLES; i++) {
		struct limit_counts *counts = &node->tables[i];

		memcpy(counts->flows.key, key, KEYED_HASH_KEY_BYTES);
		counts->flows.own = &page->limits[i].flows;
		counts->rates.own = &page->limits[i].rates;
	}
}

void node_limits_add(struct node_limits *node, const struct page *page)
{
	for (unsigned i = 0; i < LIMIT_TABLES; i++) {
		struct flow_counts *flows = &node->tables[i].flows;
		struct rate_counts *rates = &node->tables[i].rates;

		flows->others[flows->other_count++] = &page->limits[i].flows;
		rates->others[rates->other_count++] = &page->limits[i].rates;
	}
}

/* ---- subjects ---- */

static struct flow_subject subject_of(const struct node_limits *node, struct limit_key key)
{
	return (struct flow_subject){.kind = key.subject,
	    .table = key.table,
	    .place = flow_counts_place(&node->tables[key.table].flows, &key, sizeof key)};
}

static struct flow_subject source_of(const struct node_limits *node,
    const struct config_accelerator *config, enum flow_kind flow_kind, const struct addr *user)
{
	uint16_t table = flow_kind == FLOW_UDP ? LIMIT_TABLE_CLAIMED : LIMIT_TABLE_KNOWN;

	return subject_of(
	    node, (struct limit_key){SUBJECT_SOURCE, table, config->id, addr_source(user), 0});
}

static struct flow_subject accelerator_of(
    const struct node_limits *node, const struct config_accelerator *config)
{
	return subject_of(
	    node, (struct limit_key){SUBJECT_ACCELERATOR, LIMIT_TABLE_KNOWN, config->id, {0}, 0});
}

static struct flow_subject backend_of(const struct node_limits *node,
    const struct config_accelerator *config, const struct backend *backend)
{
	uint64_t hash = keyed_hash_with(
	    node->tables[LIMIT_TABLE_KNOWN].flows.key, backend->host, strlen(backend->host));

	return subject_of(node, (struct limit_key){SUBJECT_BACKEND, LIMIT_TABLE_KNOWN, config->id,
	                            {0}, hash ^ backend->port});
}

static struct flow_counts *flows_of(struct node_limits *node, const struct flow_subject *subject)
{
	return &node->tables[subject->table].flows;
}

static struct rate_counts *rates_of(struct node_limits *node, const struct flow_subject *subject)
{
	return &node->tables[subject->table].rates;
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

/* One more flow of the subject; false, and not counted, above the limit. */
static bool enter(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct flow_subject *subject, uint32_t limit)
{
	struct flow_counts *counts = flows_of(node, subject);

	flow_counts_add(counts, subject->place);
	if (!fits(counts, subject->place, limit)) {
		flow_counts_drop(counts, subject->place);
		return refuse(node, config, subject, reasons[subject->kind].flows, "flows");
	}
	flow->subjects[flow->count++] = *subject;
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
	       || rate_counts_left(&node->tables[subject->table].rates,
	              rate_place(subject, RATE_NEW_FLOWS), limit, now_us)
	              > 0;
}

static bool keeps_rate(struct node_limits *node, const struct flow_subject *subject,
    const struct config_accelerator *config, uint64_t now_us)
{
	return may_begin(node, subject, config, now_us)
	       || refuse(
	           node, config, subject, reasons[subject->kind].new_flows, "new_flows_per_s");
}

void flow_limits_begun(struct node_limits *node, const struct flow_limits *flow,
    const struct config_accelerator *config, uint64_t now_us)
{
	for (unsigned i = 0; i < flow->count; i++) {
		const struct flow_subject *subject = &flow->subjects[i];
		uint32_t limit = limits_of(config, subject)->new_flows_per_s;

		if (limit)
			rate_counts_use(rates_of(node, subject),
			    rate_place(subject, RATE_NEW_FLOWS), limit, 1, now_us);
	}
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
    const struct config_accelerator *config, enum flow_kind flow_kind, const struct addr *user,
    uint64_t now_us)
{
	struct flow_subject source = source_of(node, config, flow_kind, user),
	                    accelerator = accelerator_of(node, config);

	if (enter(node, flow, config, &source, config->limits.source.flows)
	    && keeps_rate(node, &source, config, now_us)
	    && keeps_rate(node, &accelerator, config, now_us)
	    && enter(node, flow, config, &accelerator, config->limits.accelerator.flows)) {
		set_bytes(flow, config);
		return true;
	}
	flow_limits_leave(node, flow);
	return false;
}

bool flow_limits_enter_backend(struct node_limits *node, struct flow_limits *flow,
    const struct config_accelerator *config, const struct backend *backend)
{
	struct flow_subject subject = backend_of(node, config, backend);

	if (!enter(node, flow, config, &subject, config->limits.backend.flows))
		return false;
	set_bytes(flow, config);
	return true;
}

static bool has_room(
    const struct node_limits *node, const struct flow_subject *subject, uint32_t limit)
{
	const struct flow_counts *counts = &node->tables[subject->table].flows;

	return !limit
	       || flow_counts_fit(counts, flow_counts_own(counts, subject->place) + 1,
	           flow_counts_others(counts, subject->place), limit);
}

enum explain_limit flow_limits_foretell(const struct node_limits *node,
    const struct config_accelerator *config, enum flow_kind flow_kind, const struct addr *user,
    uint64_t now_us)
{
	struct flow_subject source = source_of(node, config, flow_kind, user),
	                    accelerator = accelerator_of(node, config);

	if (!has_room(node, &source, config->limits.source.flows))
		return EXPLAIN_LIMIT_SOURCE_FLOWS;
	if (!may_begin(node, &source, config, now_us))
		return EXPLAIN_LIMIT_SOURCE_NEW_FLOWS;
	if (!may_begin(node, &accelerator, config, now_us))
		return EXPLAIN_LIMIT_ACCELERATOR_NEW_FLOWS;
	return has_room(node, &accelerator, config->limits.accelerator.flows)
	           ? EXPLAIN_LIMIT_NONE
	           : EXPLAIN_LIMIT_ACCELERATOR_FLOWS;
}

bool flow_limits_may_replace(
    const struct node_limits *node, const struct config_accelerator *config)
{
	struct flow_subject subject = accelerator_of(node, config);

	return fits(
	    &node->tables[subject.table].flows, subject.place, config->limits.accelerator.flows);
}

bool flow_limits_have_room_backend(const struct node_limits *node,
    const struct config_accelerator *config, const struct backend *backend)
{
	struct flow_subject subject = backend_of(node, config, backend);

	return has_room(node, &subject, config->limits.backend.flows);
}

void flow_limits_renew(struct flow_limits *flow, const struct config_accelerator *config)
{
	set_bytes(flow, config);
}

void flow_limits_leave(struct node_limits *node, struct flow_limits *flow)
{
	while (flow->count > 0) {
		const struct flow_subject *subject = &flow->subjects[--flow->count];

		flow_counts_drop(flows_of(node, subject), subject->place);
	}
	flow->is_metered = false;
}

/* ---- bytes ---- */

static uint64_t left_of(const struct node_limits *node, const struct flow_subject *subject,
    enum flow_way way, uint64_t now_us)
{
	if (subject->bytes_per_s == 0)
		return UINT64_MAX;
	return rate_counts_left(&node->tables[subject->table].rates, rate_place(subject, way),
	    subject->bytes_per_s, now_us);
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
			rate_counts_use(rates_of(node, subject), rate_place(subject, way),
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
