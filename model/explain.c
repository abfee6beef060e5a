/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See explain.h. */
#include "model/explain.h"

#include "model/name.h"

static const char *const verdict_names[] = {
    [EXPLAIN_TAKEN] = "taken",
    [EXPLAIN_FAILED_OPEN] = "failed-open",
    [EXPLAIN_NOT_LIVE] = "not-live",
    [EXPLAIN_UNKNOWN] = "unknown",
    [EXPLAIN_DRAINING] = "draining",
    [EXPLAIN_DENIED] = "denied",
    [EXPLAIN_NO_LANE] = "no-lane",
    [EXPLAIN_UNHEALTHY] = "unhealthy",
    [EXPLAIN_NO_BACKEND] = "no-backend",
    [EXPLAIN_LIMIT] = "limit",
    NULL,
};

static const char *const limit_names[] = {
    [EXPLAIN_LIMIT_NONE] = "none",
    [EXPLAIN_LIMIT_SOURCE_FLOWS] = "source.flows",
    [EXPLAIN_LIMIT_SOURCE_NEW_FLOWS] = "source.new-flows",
    [EXPLAIN_LIMIT_ACCELERATOR_FLOWS] = "accelerator.flows",
    [EXPLAIN_LIMIT_ACCELERATOR_NEW_FLOWS] = "accelerator.new-flows",
    [EXPLAIN_LIMIT_BACKEND_FLOWS] = "backend.flows",
    [EXPLAIN_LIMIT_UDP_SOURCE] = "udp-flows-per-source",
    [EXPLAIN_LIMIT_UDP_NODE] = "udp-flows",
    NULL,
};

static const char *const group_verdict_names[] = {
    [EXPLAIN_GROUP_NOT_ASKED] = "not-asked",
    [EXPLAIN_GROUP_TAKES] = "takes",
    [EXPLAIN_GROUP_TAKES_REST] = "takes-rest",
    [EXPLAIN_GROUP_PASSES] = "passes",
    [EXPLAIN_GROUP_DIAL_0] = "dial-0",
    [EXPLAIN_GROUP_NO_ENDPOINT] = "no-endpoint",
    NULL,
};

static const char *const backend_verdict_names[] = {
    [EXPLAIN_BACKEND_OTHER] = "other",
    [EXPLAIN_BACKEND_TAKES] = "takes",
    [EXPLAIN_BACKEND_WEIGHT_0] = "weight-0",
    [EXPLAIN_BACKEND_UNHEALTHY] = "unhealthy",
    [EXPLAIN_BACKEND_RETURNING] = "returning",
    [EXPLAIN_BACKEND_FULL] = "full",
    NULL,
};

const char *explain_verdict_text(enum explain_verdict verdict)
{
	return verdict <= EXPLAIN_LIMIT ? verdict_names[verdict] : "?";
}

bool explain_is_taken(const struct explain_answer *answer)
{
	return answer->verdict == EXPLAIN_TAKEN || answer->verdict == EXPLAIN_FAILED_OPEN;
}

const char *explain_check_user(const void *text)
{
	struct addr user;

	return addr_parse(text, 0, &user) == 0 && user.port > 0 ? NULL : "must be ADDR:PORT";
}

static const char *check_address(const void *value)
{
	const char *text = value;
	struct addr addr;

	return !text[0] || addr_parse(text, 0, &addr) == 0 ? NULL : "must be an address";
}

const char *explain_check_name(const void *text)
{
	const char *name = text;

	return !name[0] || name_is_valid(name) ? NULL : "must be " NAME_RULE;
}

static const struct schema_field question_fields[] = {
    {SCHEMA_MEMBER("id", struct explain_question, id), .type = SCHEMA_U64, .is_required = true,
        .max = INT64_MAX},
    {SCHEMA_MEMBER("accelerator", struct explain_question, accelerator), .type = SCHEMA_U32},
    {SCHEMA_MEMBER("protocol", struct explain_question, protocol), .type = SCHEMA_ENUM,
        .names = protocol_names},
    {SCHEMA_MEMBER("user", struct explain_question, user), .type = SCHEMA_TEXT, .is_required = true,
        .check = explain_check_user},
    {SCHEMA_MEMBER("port", struct explain_question, port), .type = SCHEMA_U16},
    {SCHEMA_MEMBER("listener", struct explain_question, listener), .type = SCHEMA_TEXT,
        .check = explain_check_name},
};
const struct schema explain_question_schema = SCHEMA(struct explain_question, question_fields);

#define NAME_FIELD(key, type_name, member)                                                         \
	{                                                                                          \
		SCHEMA_MEMBER(key, type_name, member), .type = SCHEMA_TEXT,                        \
		                                       .check = explain_check_name                 \
	}
#define ADDRESS_FIELD(key, type_name, member)                                                      \
	{                                                                                          \
		SCHEMA_MEMBER(key, type_name, member), .type = SCHEMA_TEXT, .check = check_address \
	}
#define FIGURE_FIELD(key, type_name, member)                                                       \
	{                                                                                          \
		SCHEMA_MEMBER(key, type_name, member), .type = SCHEMA_U64, .max = INT64_MAX        \
	}

static const struct schema_field endpoint_fields[] = {
    NAME_FIELD("name", struct explain_endpoint, name),
    {SCHEMA_MEMBER("has_lane", struct explain_endpoint, has_lane), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("health", struct explain_endpoint, health), .type = SCHEMA_ENUM,
        .names = health_state_names},
    FIGURE_FIELD("rtt_us", struct explain_endpoint, rtt_us),
};
static const struct schema endpoint_schema = SCHEMA(struct explain_endpoint, endpoint_fields);

static const struct schema_field group_fields[] = {
    NAME_FIELD("region", struct explain_group, region),
    {SCHEMA_MEMBER("verdict", struct explain_group, verdict), .type = SCHEMA_ENUM,
        .names = group_verdict_names},
    {SCHEMA_MEMBER("ranked", struct explain_group, is_ranked), .type = SCHEMA_BOOL},
    FIGURE_FIELD("rtt_us", struct explain_group, rtt_us),
    {SCHEMA_MEMBER("dial", struct explain_group, dial), .type = SCHEMA_U8, .max = 100},
    {SCHEMA_MEMBER("share", struct explain_group, share), .type = SCHEMA_U8, .max = 99},
    NAME_FIELD("endpoint", struct explain_group, endpoint),
    {SCHEMA_ARRAY("endpoints", struct explain_group, endpoints, endpoint_count),
        .type = SCHEMA_STRUCT, .schema = &endpoint_schema, .max_items = EXPLAIN_ENDPOINTS_MAX},
    {SCHEMA_MEMBER("endpoint_total", struct explain_group, endpoint_total), .type = SCHEMA_U32,
        .max = NODES_MAX},
};
static const struct schema group_schema = SCHEMA(struct explain_group, group_fields);

static const struct schema_field backend_fields[] = {
    {SCHEMA_MEMBER("host", struct explain_backend, host), .type = SCHEMA_TEXT},
    {SCHEMA_MEMBER("port", struct explain_backend, port), .type = SCHEMA_U16},
    {SCHEMA_MEMBER("weight", struct explain_backend, weight), .type = SCHEMA_U32},
    {SCHEMA_MEMBER("health", struct explain_backend, health), .type = SCHEMA_ENUM,
        .names = health_state_names},
    {SCHEMA_MEMBER("verdict", struct explain_backend, verdict), .type = SCHEMA_ENUM,
        .names = backend_verdict_names},
    ADDRESS_FIELD("address", struct explain_backend, address),
};
static const struct schema backend_schema = SCHEMA(struct explain_backend, backend_fields);

static const struct schema_field lane_fields[] = {
    {SCHEMA_MEMBER("lane", struct explain_lane, lane), .type = SCHEMA_U32, .max = SLOTS_MAX},
    {SCHEMA_MEMBER("up", struct explain_lane, is_up), .type = SCHEMA_BOOL},
    ADDRESS_FIELD("local", struct explain_lane, local),
    ADDRESS_FIELD("remote", struct explain_lane, remote),
    FIGURE_FIELD("rtt_us", struct explain_lane, rtt_us),
    FIGURE_FIELD("rtt_min_us", struct explain_lane, rtt_min_us),
    {SCHEMA_MEMBER("packet_bytes", struct explain_lane, packet_bytes), .type = SCHEMA_U16},
};
static const struct schema lane_schema = SCHEMA(struct explain_lane, lane_fields);

static const struct schema_field answer_fields[] = {
    {SCHEMA_MEMBER("id", struct explain_answer, id), .type = SCHEMA_U64, .is_required = true,
        .max = INT64_MAX},
    {SCHEMA_MEMBER("verdict", struct explain_answer, verdict), .type = SCHEMA_ENUM,
        .is_required = true, .names = verdict_names},
    {SCHEMA_MEMBER("limit", struct explain_answer, limit), .type = SCHEMA_ENUM,
        .names = limit_names},
    {SCHEMA_MEMBER("live", struct explain_answer, is_live), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("worker", struct explain_answer, worker), .type = SCHEMA_U32, .max = SLOTS_MAX},
    {SCHEMA_MEMBER("workers", struct explain_answer, workers), .type = SCHEMA_U32,
        .max = SLOTS_MAX},
    {SCHEMA_MEMBER("alike", struct explain_answer, alike), .type = SCHEMA_U32, .max = SLOTS_MAX},
    {SCHEMA_MEMBER("accelerator", struct explain_answer, accelerator), .type = SCHEMA_U32},
    {SCHEMA_MEMBER("protocol", struct explain_answer, protocol), .type = SCHEMA_ENUM,
        .names = protocol_names},
    {SCHEMA_MEMBER("port", struct explain_answer, port), .type = SCHEMA_U16},
    {SCHEMA_MEMBER("affinity", struct explain_answer, affinity), .type = SCHEMA_ENUM,
        .names = client_affinity_names},
    NAME_FIELD("endpoint", struct explain_answer, endpoint),
    NAME_FIELD("endpoint_now", struct explain_answer, endpoint_now),
    {SCHEMA_MEMBER("has_lane", struct explain_answer, has_lane), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("lane", struct explain_answer, lane), .type = SCHEMA_STRUCT,
        .schema = &lane_schema},
    {SCHEMA_ARRAY("groups", struct explain_answer, groups, group_count), .type = SCHEMA_STRUCT,
        .schema = &group_schema, .max_items = GROUPS_MAX},
    {SCHEMA_ARRAY("backends", struct explain_answer, backends, backend_count),
        .type = SCHEMA_STRUCT, .schema = &backend_schema, .max_items = GROUP_BACKENDS_MAX},
};
const struct schema explain_answer_schema = SCHEMA(struct explain_answer, answer_fields);
