/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See accelerator.h. */
#include "model/accelerator.h"

#include "base/err.h"
#include "model/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const protocol_names[] = {"", "tcp", "udp", "tcp+udp", NULL};
const char *const client_affinity_names[] = {"none", "source", NULL};

static const char *check_name(const void *value)
{
	return name_is_valid(value) ? NULL : "must be " NAME_RULE;
}

static const char *check_protocol(const void *value)
{
	return *(const enum accelerator_protocol *)value ? NULL : "must be tcp, udp or tcp+udp";
}

static const char *check_port_text(const void *value)
{
	struct port_range range;
	size_t count;

	return port_ranges_parse(value, &range, 1, &count) == 0
	           ? NULL
	           : "must be a port or a range of ports, as 443 or 8000-8010";
}

static const char *check_host(const void *value)
{
	const char *text = value;
	char host[ADDR_HOST_BYTES];
	uint16_t port;

	if (text[0] == '[' || host_port_split(text, host, sizeof(host), &port) < 0)
		return "must be an IPv4 or IPv6 address without brackets, or a DNS name";
	return port ? "must be without the port, which has a field of its own" : NULL;
}

static const struct schema_field backend_fields[] = {
    {SCHEMA_MEMBER("host", struct backend, host),
        .help = "a DNS name, or an IPv4 or IPv6 address without brackets", .type = SCHEMA_TEXT,
        .is_required = true, .min = 1, .check = check_host},
    {SCHEMA_MEMBER("port", struct backend, port),
        .help = "its port; left out: the same as the user's. It stands for the lowest of ports, "
                "the others shift alike",
        .type = SCHEMA_U16, .min = 1, .max = 65535},
    {SCHEMA_MEMBER("weight", struct backend, weight),
        .help = "its share of new flows among the backends of its group; 0 for none",
        .type = SCHEMA_U32, .max = BACKEND_WEIGHT_MAX, .default_number = BACKEND_WEIGHT_DEFAULT},
};
static const struct schema backend_schema = SCHEMA(struct backend, backend_fields);

static const struct schema_field group_fields[] = {
    {SCHEMA_MEMBER("region", struct endpoint_group, region),
        .help = "the region of the endpoints that reach the backends", .type = SCHEMA_TEXT,
        .is_required = true, .check = check_name},
    {SCHEMA_MEMBER("traffic_dial_percent", struct endpoint_group, traffic_dial_percent),
        .help = "the share of new flows that this group takes of those that come to it",
        .type = SCHEMA_U8, .max = 100, .default_number = TRAFFIC_DIAL_DEFAULT_PERCENT},
    {SCHEMA_ARRAY("backends", struct endpoint_group, backends, backend_count),
        .help = "the servers behind the accelerator in that region", .type = SCHEMA_STRUCT,
        .schema = &backend_schema, .is_required = true, .min_items = 1,
        .max_items = GROUP_BACKENDS_MAX},
    {SCHEMA_MEMBER("health", struct endpoint_group, health),
        .help = "how the endpoints ask each backend whether it serves", .type = SCHEMA_STRUCT,
        .schema = &health_check_schema},
};
static const struct schema group_schema = SCHEMA(struct endpoint_group, group_fields);

static const struct schema_field accelerator_fields[] = {
    {SCHEMA_MEMBER("name", struct accelerator, name),
        .help = "what it is called; it cannot be changed", .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("enabled", struct accelerator, is_enabled),
        .help = "false: its ports are closed, though nobody else may have them",
        .type = SCHEMA_BOOL, .default_number = true},
    {SCHEMA_MEMBER("protocol", struct accelerator, protocol), .help = "what users speak to it",
        .type = SCHEMA_ENUM, .is_required = true, .names = protocol_names, .check = check_protocol},
    {SCHEMA_ARRAY_IN_PLACE("ports", struct accelerator, port_texts, port_text_count),
        .help = "ports that users connect to, and ranges, as 443 or 8000-8010", .type = SCHEMA_TEXT,
        .is_required = true, .min_items = 1, .check = check_port_text},
    {SCHEMA_ARRAY("listen", struct accelerator, listen, listen_count),
        .help = "the regions whose listeners serve it", .type = SCHEMA_TEXT, .is_required = true,
        .min_items = 1, .max_items = ACCELERATOR_REGIONS_MAX, .check = check_name},
    {SCHEMA_ARRAY("endpoint_groups", struct accelerator, endpoint_groups, endpoint_group_count),
        .help = "its backends by region", .type = SCHEMA_STRUCT, .schema = &group_schema,
        .is_required = true, .min_items = 1, .max_items = GROUPS_MAX},
    {SCHEMA_ARRAY("failover_order", struct accelerator, failover_order, failover_order_count),
        .help = "regions of endpoint_groups that are tried first, in this order; left out: the "
                "nearest by measured round trip",
        .type = SCHEMA_TEXT, .max_items = GROUPS_MAX, .check = check_name},
    {SCHEMA_MEMBER("client_affinity", struct accelerator, client_affinity),
        .help = "what keeps to one backend: each flow by itself (none), or all of a user's address",
        .type = SCHEMA_ENUM, .names = client_affinity_names},
    {SCHEMA_MEMBER("tcp_idle_timeout_s", struct accelerator, tcp_idle_timeout_s),
        .help = "seconds after which a silent TCP flow ends", .type = SCHEMA_U32, .min = 1,
        .max = TCP_IDLE_TIMEOUT_MAX_S, .default_number = TCP_IDLE_TIMEOUT_DEFAULT_S},
    {SCHEMA_MEMBER("udp_idle_timeout_s", struct accelerator, udp_idle_timeout_s),
        .help = "seconds after which a silent UDP flow ends", .type = SCHEMA_U32, .min = 1,
        .max = UDP_IDLE_TIMEOUT_MAX_S, .default_number = UDP_IDLE_TIMEOUT_DEFAULT_S},
    {SCHEMA_MEMBER("udp_flows_per_source", struct accelerator, udp_flows_per_source),
        .help = "UDP flows that one user address may have at a listener", .type = SCHEMA_U32,
        .min = 1, .max = UDP_FLOWS_PER_SOURCE_MAX, .default_number = UDP_FLOWS_PER_SOURCE_DEFAULT},
    FLOW_SETTINGS_FIELDS(struct accelerator),
    FAILOVER_FIELDS(struct accelerator),
    ACCESS_FIELDS(struct accelerator),
    ACCELERATOR_LIMITS_FIELD(struct accelerator),
    NOTES_FIELDS(struct accelerator),
};
const struct schema accelerator_schema = SCHEMA(struct accelerator, accelerator_fields);

void accelerator_clear(struct accelerator *accelerator)
{
	schema_clear(&accelerator_schema, accelerator);
}

const char *protocol_text(enum accelerator_protocol protocol)
{
	return protocol >= PROTOCOL_TCP && protocol <= PROTOCOL_TCP_UDP ? protocol_names[protocol]
	                                                                : "?";
}

static void drop_zero_port(json_t *object)
{
	if (json_integer_value(json_object_get(object, "port")) == 0)
		json_object_del(object, "port");
}

/* Backends and checks without a port have none in the API, where the struct has 0. */
static void drop_zero_ports(json_t *json)
{
	json_t *group, *backend;
	size_t i, j;

	json_array_foreach(json_object_get(json, "endpoint_groups"), i, group)
	{
		drop_zero_port(json_object_get(group, "health"));
		json_array_foreach(json_object_get(group, "backends"), j, backend)
		    drop_zero_port(backend);
	}
}

json_t *accelerator_to_json(const struct accelerator *accelerator)
{
	json_t *json = schema_to_json(&accelerator_schema, accelerator, 0);

	if (json)
		drop_zero_ports(json);
	return json;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct port_range *left = a, *right = b;

	return (int)left->first - (int)right->first;
}

/* Sorted ranges in place, neighbours joined; the new count. */
static size_t join_neighbours(struct port_range *ranges, size_t count)
{
	size_t kept = 0;

	for (size_t i = 1; i < count; i++) {
		if (ranges[i].first == ranges[kept].last + 1)
			ranges[kept].last = ranges[i].last;
		else
			ranges[++kept] = ranges[i];
	}
	return kept + 1;
}

static int overlap(struct accelerator *accelerator, uint16_t port, struct model_error *error)
{
	return model_error_set(error, "ports", "name each port once", "port %u of %s stands twice",
	    port, accelerator->name);
}

static int derive_ports(struct accelerator *accelerator, struct model_error *error)
{
	struct port_range *ports = accelerator->ports;
	size_t count;

	for (size_t i = 0; i < accelerator->port_text_count; i++) {
		if (port_ranges_parse(accelerator->port_texts[i].text, &ports[i], 1, &count) < 0)
			return model_error_set(error, "ports", "write it as 443 or 8000-8010",
			    "\"%s\" is no port", accelerator->port_texts[i].text);
	}
	count = accelerator->port_text_count;
	if (count == 0)
		return model_error_set(error, "ports", "name at least one", "there is no port");
	qsort(ports, count, sizeof(*ports), compare_ranges);
	for (size_t i = 1; i < count; i++) {
		if (ports[i].first <= ports[i - 1].last)
			return overlap(accelerator, ports[i].first, error);
	}
	accelerator->port_count = join_neighbours(ports, count);
	accelerator->port_text_count = accelerator->port_count;
	for (size_t i = 0; i < accelerator->port_count; i++)
		port_ranges_format(&ports[i], 1, accelerator->port_texts[i].text,
		    sizeof(accelerator->port_texts[i].text));
	return 0;
}

static int check_regions_once(const struct accelerator *accelerator, struct model_error *error)
{
	char field[SCHEMA_PATH_BYTES];

	for (size_t i = 0; i < accelerator->listen_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(accelerator->listen[i].text, accelerator->listen[j].text))
				continue;
			snprintf(field, sizeof(field), "listen[%zu]", i);
			return model_error_set(error, field, "name each region once",
			    "region \"%s\" stands twice", accelerator->listen[i].text);
		}
	}
	for (size_t i = 0; i < accelerator->endpoint_group_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(accelerator->endpoint_groups[i].region,
			        accelerator->endpoint_groups[j].region))
				continue;
			snprintf(field, sizeof(field), "endpoint_groups[%zu].region", i);
			return model_error_set(error, field, "put its backends into one group",
			    "region \"%s\" has two endpoint groups",
			    accelerator->endpoint_groups[i].region);
		}
	}
	return 0;
}

static bool has_group(const struct accelerator *accelerator, const char *region)
{
	for (size_t i = 0; i < accelerator->endpoint_group_count; i++) {
		if (strcmp(accelerator->endpoint_groups[i].region, region) == 0)
			return true;
	}
	return false;
}

static int check_failover_order(const struct accelerator *accelerator, struct model_error *error)
{
	char field[SCHEMA_PATH_BYTES];

	for (size_t i = 0; i < accelerator->failover_order_count; i++) {
		const char *region = accelerator->failover_order[i].text;

		snprintf(field, sizeof(field), "failover_order[%zu]", i);
		if (!has_group(accelerator, region))
			return model_error_set(error, field,
			    "name regions that have backends, or leave the order empty for "
			    "nearest first",
			    "there is no endpoint group in region \"%s\"", region);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(region, accelerator->failover_order[j].text) == 0)
				return model_error_set(error, field, "name each region once",
				    "region \"%s\" stands twice", region);
		}
	}
	return 0;
}

static bool is_same_backend(const struct backend *a, const struct backend *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static int check_backend(
    const struct accelerator *accelerator, size_t g, size_t b, struct model_error *error)
{
	const struct endpoint_group *group = &accelerator->endpoint_groups[g];
	const struct backend *backend = &group->backends[b];
	const struct port_range *last = &accelerator->ports[accelerator->port_count - 1];
	char field[SCHEMA_PATH_BYTES];

	snprintf(field, sizeof(field), "endpoint_groups[%zu].backends[%zu]", g, b);
	for (size_t i = 0; i < b; i++) {
		if (is_same_backend(backend, &group->backends[i]))
			return model_error_set(error, field,
			    "name it once, with the sum of the weights",
			    "backend \"%s\" stands twice", backend->host);
	}
	if (backend_port(accelerator->ports, accelerator->port_count, backend->port, last->last))
		return 0;
	return model_error_set(error, field, "take a lower port, or none for the same ports",
	    "with port %u for the lowest port %u, port %u would be above 65535", backend->port,
	    accelerator->ports[0].first, last->last);
}

static int check_health(const struct endpoint_group *group, size_t g, struct model_error *error)
{
	char field[SCHEMA_PATH_BYTES];

	if (health_check_validate(&group->health, error) == 0)
		return 0;
	snprintf(field, sizeof(field), "endpoint_groups[%zu].health.%.60s", g, error->field);
	memcpy(error->field, field, sizeof(error->field));
	return ERR_INVALID;
}

static int check_weights(const struct endpoint_group *group, size_t g, struct model_error *error)
{
	char field[SCHEMA_PATH_BYTES];
	uint32_t weights = 0;

	for (size_t b = 0; b < group->backend_count; b++)
		weights += group->backends[b].weight;
	if (weights)
		return 0;
	snprintf(field, sizeof(field), "endpoint_groups[%zu].backends", g);
	return model_error_set(error, field,
	    "give one of them a weight above 0, or drain the group by traffic_dial_percent 0",
	    "all backends in region \"%s\" have weight 0", group->region);
}

/* What no flow of the accelerator could ever use was meant for another one. */
static int check_flow_settings(const struct accelerator *accelerator, struct model_error *error)
{
	const struct flow_settings *settings = &accelerator->flow_settings;

	if (settings->deadline_ms && !(accelerator->protocol & PROTOCOL_UDP))
		return model_error_set(error, "deadline_ms", "set it to 0, or let it carry udp too",
		    "a deadline is for datagrams, and \"%s\" is only tcp", accelerator->name);
	if (settings->compression && !(accelerator->protocol & PROTOCOL_TCP))
		return model_error_set(error, "compression",
		    "set it to off, or let it carry tcp too",
		    "compression is for tcp, and \"%s\" is only udp", accelerator->name);
	return 0;
}

struct judging {
	accelerator_fault_fn *tell;
	void *context;
	int result;
};

/* Takes what a check says; was it good? */
static bool take(struct judging *judging, int result, const struct model_error *error)
{
	if (result == ERR_INVALID)
		judging->tell(judging->context, error);
	if (result < 0 && judging->result != ERR_NOMEM)
		judging->result = result;
	return result == 0;
}

/* Without ports, nothing can be said of the backends'. */
static void judge_groups(
    struct judging *judging, const struct accelerator *accelerator, bool has_ports)
{
	struct model_error error;

	for (size_t g = 0; g < accelerator->endpoint_group_count; g++) {
		const struct endpoint_group *group = &accelerator->endpoint_groups[g];

		take(judging, check_health(group, g, &error), &error);
		for (size_t b = 0; has_ports && b < group->backend_count; b++)
			take(judging, check_backend(accelerator, g, b, &error), &error);
		take(judging, check_weights(group, g, &error), &error);
	}
}

int accelerator_judge(struct accelerator *accelerator, accelerator_fault_fn *tell, void *context)
{
	struct judging judging = {tell, context, 0};
	struct model_error error;
	bool has_ports = take(&judging, derive_ports(accelerator, &error), &error);

	take(&judging, check_regions_once(accelerator, &error), &error);
	take(&judging, check_failover_order(accelerator, &error), &error);
	judge_groups(&judging, accelerator, has_ports);
	take(&judging, check_flow_settings(accelerator, &error), &error);
	take(&judging, access_lists_validate(&accelerator->access, &error), &error);
	return judging.result;
}

static void keep_first(void *context, const struct model_error *fault)
{
	struct model_error *first = context;

	if (!first->reason[0])
		*first = *fault;
}

int accelerator_validate(struct accelerator *accelerator, struct model_error *error)
{
	error->reason[0] = '\0';
	return accelerator_judge(accelerator, keep_first, error);
}

bool accelerator_ports_overlap(
    const struct accelerator *a, const struct accelerator *b, uint16_t *port)
{
	size_t i = 0, j = 0;

	if (!(a->protocol & b->protocol))
		return false;
	while (i < a->port_count && j < b->port_count) {
		const struct port_range *left = &a->ports[i], *right = &b->ports[j];

		if (left->last < right->first) {
			i++;
		} else if (right->last < left->first) {
			j++;
		} else {
			*port = left->first > right->first ? left->first : right->first;
			return true;
		}
	}
	return false;
}

uint16_t backend_port(
    const struct port_range *ports, size_t port_count, uint16_t backend_port, uint16_t user_port)
{
	uint32_t shifted;

	for (size_t i = 0; i < port_count; i++) {
		if (user_port < ports[i].first || user_port > ports[i].last)
			continue;
		if (backend_port == 0)
			return user_port;
		shifted = (uint32_t)backend_port + user_port - ports[0].first;
		return shifted <= 65535 ? (uint16_t)shifted : 0;
	}
	return 0;
}
