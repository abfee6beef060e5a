/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See measurement.h. */
#include "model/measurement.h"

#include "model/name.h"

const char *const tunnel_state_names[] = {"down", "partial", "up", NULL};

const char *tunnel_state_text(enum tunnel_state state)
{
	return state <= TUNNEL_UP ? tunnel_state_names[state] : "?";
}

static const char *check_name(const void *value)
{
	return name_is_valid(value) ? NULL : "must be " NAME_RULE;
}

static const char *check_congestion(const void *value)
{
	return *(const char *)value ? congestion_check(value) : NULL;
}

#define RTT_FIELD(key, member)                                                                     \
	{                                                                                          \
		SCHEMA_MEMBER(key, struct rtt_measurement, member), .type = SCHEMA_U64,            \
		                                                    .max = INT64_MAX               \
	}
static const struct schema_field rtt_fields[] = {
    RTT_FIELD("now_us", now_us),
    RTT_FIELD("min_us", min_us),
    RTT_FIELD("p50_us", p50_us),
    RTT_FIELD("p99_us", p99_us),
    RTT_FIELD("jitter_us", jitter_us),
};
static const struct schema rtt_schema = SCHEMA(struct rtt_measurement, rtt_fields);

#define TRAFFIC_FIELD(key, member)                                                                 \
	{                                                                                          \
		SCHEMA_MEMBER(key, struct traffic_measurement, member), .type = SCHEMA_U64,        \
		                                                        .max = INT64_MAX           \
	}
static const struct schema_field traffic_fields[] = {
    TRAFFIC_FIELD("packets_sent", packets_sent),
    TRAFFIC_FIELD("packets_lost", packets_lost),
    TRAFFIC_FIELD("sent_bps", sent_bps),
    TRAFFIC_FIELD("received_bps", received_bps),
    TRAFFIC_FIELD("flows", flows),
};
static const struct schema traffic_schema = SCHEMA(struct traffic_measurement, traffic_fields);

static const struct schema_field lane_fields[] = {
    {SCHEMA_MEMBER("lane", struct lane_measurement, lane), .type = SCHEMA_U32, .is_required = true},
    {SCHEMA_MEMBER("slot", struct lane_measurement, slot), .type = SCHEMA_U32, .is_required = true},
    {SCHEMA_MEMBER("is_up", struct lane_measurement, is_up), .type = SCHEMA_BOOL,
        .is_required = true},
    {SCHEMA_MEMBER("since_ms", struct lane_measurement, since_ms), .type = SCHEMA_U64,
        .max = TIME_MAX_MS},
    {SCHEMA_MEMBER("packet_bytes", struct lane_measurement, packet_bytes), .type = SCHEMA_U64,
        .max = UINT16_MAX},
    {SCHEMA_MEMBER("rtt", struct lane_measurement, rtt), .type = SCHEMA_STRUCT,
        .schema = &rtt_schema},
    {SCHEMA_MEMBER("traffic", struct lane_measurement, traffic), .type = SCHEMA_STRUCT,
        .schema = &traffic_schema},
};
static const struct schema lane_schema = SCHEMA(struct lane_measurement, lane_fields);

static const struct schema_field tunnel_fields[] = {
    {SCHEMA_MEMBER("listener", struct tunnel_measurement, listener), .type = SCHEMA_TEXT,
        .is_required = true, .check = check_name},
    {SCHEMA_MEMBER("endpoint", struct tunnel_measurement, endpoint), .type = SCHEMA_TEXT,
        .is_required = true, .check = check_name},
    {SCHEMA_MEMBER("state", struct tunnel_measurement, state), .type = SCHEMA_ENUM,
        .is_required = true, .names = tunnel_state_names},
    {SCHEMA_MEMBER("since_ms", struct tunnel_measurement, since_ms), .type = SCHEMA_U64,
        .max = TIME_MAX_MS},
    {SCHEMA_MEMBER("lane_total", struct tunnel_measurement, lane_total), .type = SCHEMA_U32,
        .max = SLOTS_MAX},
    {SCHEMA_MEMBER("rtt_last_second_us", struct tunnel_measurement, rtt_last_second_us),
        .type = SCHEMA_U64, .max = INT64_MAX},
    {SCHEMA_MEMBER("rtt", struct tunnel_measurement, rtt), .type = SCHEMA_STRUCT,
        .schema = &rtt_schema},
    {SCHEMA_MEMBER("traffic", struct tunnel_measurement, traffic), .type = SCHEMA_STRUCT,
        .schema = &traffic_schema},
    {SCHEMA_MEMBER("figures", struct tunnel_measurement, figures), .type = SCHEMA_STRUCT,
        .schema = &lane_figures_schema},
    {SCHEMA_MEMBER("congestion", struct tunnel_measurement, congestion), .type = SCHEMA_TEXT,
        .check = check_congestion},
    {SCHEMA_ARRAY("lanes", struct tunnel_measurement, lanes, lane_count), .type = SCHEMA_STRUCT,
        .schema = &lane_schema, .max_items = SLOTS_MAX},
};
const struct schema tunnel_measurement_schema = SCHEMA(struct tunnel_measurement, tunnel_fields);
