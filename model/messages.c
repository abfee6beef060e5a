/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See messages.h. */
#include "model/messages.h"

#include "base/err.h"
#include "model/json_guard.h"
#include "model/name.h"

#include <stdlib.h>
#include <string.h>

static const char *check_name(const void *value)
{
	return name_is_valid(value) ? NULL : "must be " NAME_RULE;
}

static const char *check_role(const void *value)
{
	return *(const enum node_role *)value ? NULL : "must be listener or endpoint";
}

#define NUMBER_FIELDS(type_name, member)                                                           \
	{SCHEMA_MEMBER("incarnation", type_name, member.incarnation), .type = SCHEMA_U64,          \
	    .is_required = true, .max = INT64_MAX},                                                \
	{                                                                                          \
		SCHEMA_MEMBER("revision", type_name, member.revision),                             \
		    .type = SCHEMA_U64, .is_required = true, .max = INT64_MAX                      \
	}

static const struct schema_field hello_fields[] = {
    {SCHEMA_MEMBER("protocol", struct message_hello, protocol), .type = SCHEMA_U32,
        .is_required = true},
    {SCHEMA_MEMBER("role", struct message_hello, role), .type = SCHEMA_ENUM, .is_required = true,
        .names = node_role_names, .check = check_role},
    {SCHEMA_MEMBER("name", struct message_hello, name), .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("secret", struct message_hello, secret), .type = SCHEMA_BASE64,
        .is_secret = true},
    {SCHEMA_MEMBER("slots", struct message_hello, slots), .type = SCHEMA_U32, .is_required = true,
        .min = 1, .max = SLOTS_MAX},
    {SCHEMA_MEMBER("tunnel", struct message_hello, tunnel), .type = SCHEMA_TEXT},
    {SCHEMA_MEMBER("advertise", struct message_hello, advertise), .type = SCHEMA_TEXT},
    {SCHEMA_ARRAY("binds", struct message_hello, binds, bind_count), .type = SCHEMA_TEXT,
        .max_items = NODE_ADDRESSES_MAX},
    {SCHEMA_MEMBER("instance", struct message_hello, instance), .type = SCHEMA_U64,
        .is_required = true, .max = INT64_MAX},
    {SCHEMA_MEMBER("version", struct message_hello, version), .type = SCHEMA_TEXT},
    NUMBER_FIELDS(struct message_hello, config),
};
static const struct schema hello_schema = SCHEMA(struct message_hello, hello_fields);

static const struct schema_field counter_fields[] = {
    {SCHEMA_MEMBER("name", struct counter, name), .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("value", struct counter, value), .type = SCHEMA_U64, .is_required = true,
        .max = INT64_MAX},
};
static const struct schema counter_schema = SCHEMA(struct counter, counter_fields);

static const struct schema_field report_fields[] = {
    {SCHEMA_ARRAY("tunnels", struct message_report, tunnels, tunnel_count), .type = SCHEMA_STRUCT,
        .schema = &tunnel_measurement_schema, .max_items = TUNNELS_MAX},
    {SCHEMA_ARRAY("counters", struct message_report, counters, counter_count),
        .type = SCHEMA_STRUCT, .schema = &counter_schema, .max_items = COUNTERS_MAX},
    {SCHEMA_ARRAY("backends", struct message_report, backends, backend_count),
        .type = SCHEMA_STRUCT, .schema = &backend_report_schema, .max_items = BACKEND_REPORTS_MAX},
    {SCHEMA_MEMBER("machine", struct message_report, machine), .type = SCHEMA_STRUCT,
        .schema = &machine_schema},
    {SCHEMA_MEMBER("made_us", struct message_report, made_us), .type = SCHEMA_U64,
        .max = INT64_MAX},
};
static const struct schema report_schema = SCHEMA(struct message_report, report_fields);

static const struct schema_field applied_fields[] = {
    NUMBER_FIELDS(struct message_applied, number),
};
static const struct schema applied_schema = SCHEMA(struct message_applied, applied_fields);

static const struct schema_field refused_fields[] = {
    NUMBER_FIELDS(struct message_refused, number),
    {SCHEMA_MEMBER("reason", struct message_refused, reason), .type = SCHEMA_TEXT,
        .is_required = true},
};
static const struct schema refused_schema = SCHEMA(struct message_refused, refused_fields);

static const struct schema_field welcome_fields[] = {
    {SCHEMA_MEMBER("node_id", struct message_welcome, node_id), .type = SCHEMA_U32,
        .is_required = true},
    {SCHEMA_MEMBER("name", struct message_welcome, name), .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("region", struct message_welcome, region), .type = SCHEMA_TEXT,
        .is_required = true, .check = check_name},
};
static const struct schema welcome_schema = SCHEMA(struct message_welcome, welcome_fields);

static const struct schema_field reason_fields[] = {
    {SCHEMA_MEMBER("reason", struct message_reason, reason), .type = SCHEMA_TEXT,
        .is_required = true},
};
static const struct schema reason_schema = SCHEMA(struct message_reason, reason_fields);

static const struct schema_field gone_fields[] = {
    {SCHEMA_MEMBER("report_us", struct message_gone, report_us), .type = SCHEMA_U64,
        .is_required = true, .max = INT64_MAX},
    {SCHEMA_ARRAY("nodes", struct message_gone, nodes, node_count), .type = SCHEMA_TEXT,
        .is_required = true, .max_items = NODES_MAX},
};
static const struct schema gone_schema = SCHEMA(struct message_gone, gone_fields);

static const struct kind {
	const char *text;
	const struct schema *schema;
} kinds[] = {
    [MESSAGE_HELLO] = {"hello", &hello_schema},
    [MESSAGE_REPORT] = {"report", &report_schema},
    [MESSAGE_APPLIED] = {"applied", &applied_schema},
    [MESSAGE_REFUSED] = {"refused", &refused_schema},
    [MESSAGE_WELCOME] = {"welcome", &welcome_schema},
    [MESSAGE_DENIED] = {"denied", &reason_schema},
    [MESSAGE_CONFIG] = {"config", &node_config_schema},
    [MESSAGE_REMOVED] = {"removed", &reason_schema},
    [MESSAGE_EXPLAIN] = {"explain", &explain_question_schema},
    [MESSAGE_EXPLAINED] = {"explained", &explain_answer_schema},
    [MESSAGE_GONE] = {"gone", &gone_schema},
};

static const struct kind *kind_of(enum message_type type)
{
	return type >= MESSAGE_HELLO && type <= MESSAGE_GONE ? &kinds[type] : NULL;
}

const char *message_type_text(enum message_type type)
{
	const struct kind *kind = kind_of(type);

	return kind ? kind->text : "?";
}

static enum message_type type_from_text(const char *text)
{
	for (int i = MESSAGE_HELLO; text && i <= MESSAGE_GONE; i++) {
		if (strcmp(kinds[i].text, text) == 0)
			return (enum message_type)i;
	}
	return 0;
}

void message_clear(struct message *message)
{
	const struct kind *kind = kind_of(message->type);

	if (kind)
		schema_clear(kind->schema, &message->body);
	message->type = 0;
}

int message_encode(const struct message *message, char **text, size_t *length)
{
	const struct kind *kind = kind_of(message->type);
	json_t *json = kind ? schema_to_json(kind->schema, &message->body, 0) : NULL;

	*text = NULL;
	if (json && json_object_set_new(json, "type", json_string(kind->text)) == 0)
		*text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (!*text)
		return ERR_NOMEM;
	*length = strlen(*text);
	/* What the other side would not take is not sent: it would come again and again. */
	if (*length <= CONTROL_MESSAGE_BYTES_MAX
	    && json_guard(*text, *length, JSON_DEPTH_MAX, JSON_VALUES_MAX) == 0)
		return 0;
	free(*text);
	*text = NULL;
	return ERR_TOO_LARGE;
}

static int malformed(struct model_error *error, const char *reason)
{
	model_error_set(error, "", "", "%s", reason);
	return ERR_MALFORMED;
}

static int decode_body(json_t *json, struct message *message, struct model_error *error)
{
	enum message_type type = type_from_text(json_string_value(json_object_get(json, "type")));
	struct schema_errors errors;
	int result;

	if (!type) {
		model_error_set(error, "type", "", "no such message");
		return ERR_UNSUPPORTED;
	}
	json_object_del(json, "type");
	result = schema_from_json(kinds[type].schema, json, 0, &message->body, &errors);
	if (result < 0) {
		model_error_from_schema(error, &errors);
		return result == ERR_NOMEM ? ERR_NOMEM : ERR_MALFORMED;
	}
	message->type = type;
	if (type == MESSAGE_CONFIG && node_config_validate(&message->body.config, error) < 0) {
		message_clear(message);
		return ERR_MALFORMED;
	}
	return 0;
}

int message_decode(
    const char *text, size_t length, struct message *message, struct model_error *error)
{
	json_t *json;
	int result;

	memset(message, 0, sizeof(*message));
	if (length > CONTROL_MESSAGE_BYTES_MAX)
		return malformed(error, "the message is too long");
	if (json_guard(text, length, JSON_DEPTH_MAX, JSON_VALUES_MAX) < 0)
		return malformed(error, "the message nests too deep or has too many values");
	json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		return malformed(error, "the message is no JSON");
	result = decode_body(json, message, error);
	json_decref(json);
	return result;
}
