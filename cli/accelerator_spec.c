/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From command-line options to the API's accelerators.
 */
#include "cli/accelerator_spec.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/health_value.h"
#include "cli/limit_value.h"
#include "model/accelerator.h"

static const char *const protocols[] = {"tcp", "udp", "tcp+udp", NULL};

/* Where the next error goes. */
static char *slot(struct spec_errors *errors)
{
	size_t last = SPEC_ERRORS_MAX - 1;
	return errors->list[errors->count < last ? errors->count : last];
}

/* Counts the one in the slot when it is one. */
static bool keep(struct spec_errors *errors, bool is_good)
{
	if (!is_good && errors->count < SPEC_ERRORS_MAX)
		errors->count++;
	return is_good;
}

typedef bool (*backend_action)(json_t *groups, const struct backend_value *value, char *error);
typedef bool (*backend_parser)(
    const char *what, const char *text, struct backend_value *value, char *error);

static json_t *find_group(const json_t *groups, const char *region)
{
	size_t i;
	json_t *group;
	json_array_foreach(groups, i, group)
	{
		const char *name = json_string_value(json_object_get(group, "region"));
		if (name && strcmp(name, region) == 0)
			return group;
	}
	return NULL;
}

/* Addresses are compared as such, so that 2001:DB8:0::1 is 2001:db8::1. */
static bool host_is_same(const char *a, const char *b)
{
	struct addr a_addr, b_addr;
	if (addr_parse(a, 0, &a_addr) == 0 && addr_parse(b, 0, &b_addr) == 0)
		return addr_equal_ip(&a_addr, &b_addr);
	return strcasecmp(a, b) == 0;
}

/* The index of a backend in an array, or the array's size. */
static size_t find_backend(const json_t *backends, const struct backend_value *value)
{
	size_t i;
	json_t *backend;
	json_array_foreach(backends, i, backend)
	{
		const char *host = json_string_value(json_object_get(backend, "host"));
		json_int_t port = json_integer_value(json_object_get(backend, "port"));
		if (host && port == value->port && host_is_same(host, value->host))
			return i;
	}
	return json_array_size(backends);
}

static const char *backend_text(const struct backend_value *value, char *buf, size_t size)
{
	char port[16] = "";
	bool is_ipv6 = strchr(value->host, ':') != NULL;
	if (value->port != 0)
		snprintf(port, sizeof(port), ":%u", value->port);
	snprintf(buf, size, "%s=%s%s%s%s", value->region, is_ipv6 ? "[" : "", value->host,
	    is_ipv6 ? "]" : "", port);
	return buf;
}

static bool add_backend(json_t *groups, const struct backend_value *value, char *error)
{
	char text[400];
	json_t *group = find_group(groups, value->region);
	if (!group) {
		group = json_pack("{s:s, s:[]}", "region", value->region, "backends");
		json_array_append_new(groups, group);
	}
	json_t *backends = json_object_get(group, "backends");
	if (find_backend(backends, value) < json_array_size(backends)) {
		snprintf(error, VALUE_ERROR_BYTES, "backend %s is there already",
		    backend_text(value, text, sizeof(text)));
		return false;
	}
	int weight = value->weight == WEIGHT_UNSAID ? BACKEND_WEIGHT_DEFAULT : value->weight;
	json_t *backend = json_pack("{s:s}", "host", value->host);
	if (value->port != 0)
		json_object_set_new(backend, "port", json_integer(value->port));
	json_object_set_new(backend, "weight", json_integer(weight));
	json_array_append_new(backends, backend);
	return true;
}

/* The backends of the group that has `value`, and where in them; NULL and an error when none has. */
static json_t *locate_backend(
    const json_t *groups, const struct backend_value *value, size_t *index, char *error)
{
	char text[400];
	json_t *backends = json_object_get(find_group(groups, value->region), "backends");
	*index = find_backend(backends, value);
	if (*index < json_array_size(backends))
		return backends;
	snprintf(error, VALUE_ERROR_BYTES,
	    "there is no backend %s; trunkctl accelerator show lists them with their ports",
	    backend_text(value, text, sizeof(text)));
	return NULL;
}

static bool remove_backend(json_t *groups, const struct backend_value *value, char *error)
{
	size_t index;
	json_t *backends = locate_backend(groups, value, &index, error);
	if (!backends)
		return false;
	json_array_remove(backends, index);
	return true;
}

static bool set_weight(json_t *groups, const struct backend_value *value, char *error)
{
	size_t index;
	json_t *backends = locate_backend(groups, value, &index, error);
	if (!backends)
		return false;
	json_object_set_new(json_array_get(backends, index), "weight", json_integer(value->weight));
	return true;
}

/* Parses every value of an option; acts on groups where there are some. */
static void each_backend(const struct invocation *invocation, const char *option,
    backend_parser parser, backend_action action, json_t *groups, struct spec_errors *errors)
{
	size_t cursor = 0;
	const char *text;
	while ((text = invocation_next(invocation, option, &cursor))) {
		struct backend_value value;
		keep(errors, parser(option, text, &value, slot(errors))
		                 && (!groups || action(groups, &value, slot(errors))));
	}
}

static void drop_empty_groups(json_t *groups)
{
	for (size_t i = json_array_size(groups); i-- > 0;)
		if (json_array_size(json_object_get(json_array_get(groups, i), "backends")) == 0)
			json_array_remove(groups, i);
}

static bool set_dial(const char *text, json_t *groups, char *error)
{
	struct dial_value dial;
	if (!value_dial("--dial", text, &dial, error))
		return false;
	json_t *group = groups ? find_group(groups, dial.region) : NULL;
	if (groups && !group) {
		snprintf(error, VALUE_ERROR_BYTES,
		    "--dial \"%.100s\": there is no backend in region \"%s\"", text, dial.region);
		return false;
	}
	json_object_set_new(group, "traffic_dial_percent", json_integer(dial.percent));
	return true;
}

/*
 * Acts on groups where there are some, else only looks at the values.  What of the groups is not there
 * is not told where a backend was wrong: it may be that one.
 */
static void change_groups(
    const struct invocation *invocation, json_t *groups, struct spec_errors *errors)
{
	size_t before = errors->count, cursor = 0;
	const char *text;
	each_backend(invocation, "--backend", value_backend, add_backend, groups, errors);
	each_backend(
	    invocation, "--remove-backend", value_backend_name, remove_backend, groups, errors);
	each_backend(invocation, "--add-backend", value_backend, add_backend, groups, errors);
	each_backend(invocation, "--weight", value_backend_weight, set_weight, groups, errors);
	drop_empty_groups(groups);
	json_t *good = errors->count == before ? groups : NULL;
	while ((text = invocation_next(invocation, "--dial", &cursor)))
		keep(errors, set_dial(text, good, slot(errors)));
	keep(errors, health_take(invocation, good, slot(errors)));
}

/* --idle-timeout [tcp=|udp=]TIME: without a name it is that of each protocol that it has. */
static bool take_idle_timeout(const char *text, const char *protocol, json_t *body, char *error)
{
	static const struct {
		const char *protocol, *prefix, *field;
		long max_s;
	} kinds[] = {{"tcp", "tcp=", "tcp_idle_timeout_s", TCP_IDLE_TIMEOUT_MAX_S},
	    {"udp", "udp=", "udp_idle_timeout_s", UDP_IDLE_TIMEOUT_MAX_S}};
	bool is_named = strncmp(text, "tcp=", 4) == 0 || strncmp(text, "udp=", 4) == 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		long seconds;
		const char *time = is_named ? text + strlen(kinds[i].prefix) : text;
		if (is_named && strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
			continue;
		if (!strstr(protocol, kinds[i].protocol)) {
			if (!is_named)
				continue;
			snprintf(error, VALUE_ERROR_BYTES,
			    "--idle-timeout \"%.100s\": the accelerator has no %s", text,
			    kinds[i].protocol);
			return false;
		}
		if (!value_duration("--idle-timeout", time, 1, kinds[i].max_s, &seconds, error))
			return false;
		json_object_set_new(body, kinds[i].field, json_integer(seconds));
	}
	return true;
}

static void take_timeouts(const struct invocation *invocation, const char *protocol, json_t *body,
    struct spec_errors *errors)
{
	size_t cursor = 0;
	const char *text;
	while ((text = invocation_next(invocation, "--idle-timeout", &cursor)))
		keep(errors, take_idle_timeout(text, protocol, body, slot(errors)));
}

static void take_words(
    const struct invocation *invocation, json_t *body, struct spec_errors *errors)
{
	static const struct {
		const char *option, *field;
		const char *const *words;
	} options[] = {{"--protocol", "protocol", protocols},
	    {"--affinity", "client_affinity", client_affinity_names},
	    {"--class", "class", traffic_class_names},
	    {"--compression", "compression", compression_names},
	    {"--all-unhealthy", "all_unhealthy", all_unhealthy_names},
	    {"--udp-failover", "udp_failover", udp_failover_names}};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *word = invocation_value(invocation, options[i].option);
		if (word
		    && keep(errors,
		        value_word(options[i].option, word, options[i].words, slot(errors))))
			json_object_set_new(body, options[i].field, json_string(word));
	}
}

static void take_numbers(
    const struct invocation *invocation, json_t *body, struct spec_errors *errors)
{
	static const struct {
		const char *option, *field;
		long min, max;
	} options[] = {
	    {"--udp-flows-per-source", "udp_flows_per_source", 1, UDP_FLOWS_PER_SOURCE_MAX},
	    {"--repair-budget", "repair_budget_percent", 0, 100},
	    {"--deadline", "deadline_ms", 0, DEADLINE_MAX_MS}};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *text = invocation_value(invocation, options[i].option);
		long number;
		if (text
		    && keep(errors, value_number(options[i].option, text, options[i].min,
		                        options[i].max, &number, slot(errors))))
			json_object_set_new(body, options[i].field, json_integer(number));
	}
}

/* A list of blocks, or the word for an empty one. */
static void take_access(
    const struct invocation *invocation, json_t *body, struct spec_errors *errors)
{
	static const struct {
		const char *option, *field, *empty;
	} lists[] = {{"--allow", "allow", "all"}, {"--deny", "deny", "none"}};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const char *text = invocation_value(invocation, lists[i].option);
		json_t *array;
		if (!text)
			continue;
		if (strcmp(text, lists[i].empty) == 0)
			array = json_array();
		else if (!keep(errors, value_cidrs(lists[i].option, text, &array, slot(errors))))
			continue;
		json_object_set_new(body, lists[i].field, array);
	}
}

static bool take_comment(const struct invocation *invocation, json_t *body, char *error)
{
	const char *text = invocation_value(invocation, "--comment");
	const char *wrong = text ? comment_check(text) : NULL;
	if (wrong) {
		snprintf(error, VALUE_ERROR_BYTES, "--comment %s", wrong);
		return false;
	}
	if (text)
		json_object_set_new(body, "comment", json_string(text));
	return true;
}

/* Removes from `labels`, and then adds to them. */
static bool change_labels(const struct invocation *invocation, json_t *labels, char *error)
{
	json_t *added = json_object(), *keys, *key;
	bool is_good = true;
	size_t cursor = 0, i;
	const char *text;
	while (is_good && (text = invocation_next(invocation, "--remove-label", &cursor))) {
		is_good = value_label_keys("--remove-label", text, &keys, error);
		if (!is_good)
			break;
		json_array_foreach(keys, i, key) json_object_del(labels, json_string_value(key));
		json_decref(keys);
	}
	cursor = 0;
	while (is_good && (text = invocation_next(invocation, "--label", &cursor)))
		is_good = value_labels("--label", text, added, error);
	json_object_update(labels, added);
	json_decref(added);
	return is_good;
}

/* `current` is NULL, or the accelerator as it is. */
static bool take_labels(
    const struct invocation *invocation, const json_t *current, json_t *body, char *error)
{
	json_t *labels = json_object();
	if (!invocation_has(invocation, "--label")
	    && !invocation_has(invocation, "--remove-label")) {
		json_decref(labels);
		return true;
	}
	json_object_update(labels, json_object_get(current, "labels"));
	bool is_good = change_labels(invocation, labels, error);
	json_object_set_new(body, "labels", labels);
	return is_good;
}

static void take_lists(
    const struct invocation *invocation, json_t *body, struct spec_errors *errors)
{
	const char *ports = invocation_value(invocation, "--ports");
	const char *listen = invocation_value(invocation, "--listen");
	const char *order = invocation_value(invocation, "--failover-order");
	json_t *array;
	if (ports && keep(errors, value_ports("--ports", ports, &array, slot(errors))))
		json_object_set_new(body, "ports", array);
	if (listen && keep(errors, value_regions("--listen", listen, &array, slot(errors))))
		json_object_set_new(body, "listen", array);
	if (order && strcmp(order, "nearest") == 0)
		json_object_set_new(body, "failover_order", json_array());
	else if (order
	         && keep(errors, value_regions("--failover-order", order, &array, slot(errors))))
		json_object_set_new(body, "failover_order", array);
}

/* All but groups and timeouts.  `current` is NULL, or the accelerator as it is. */
static void take_settings(const struct invocation *invocation, const json_t *current, json_t *body,
    struct spec_errors *errors)
{
	take_lists(invocation, body, errors);
	take_access(invocation, body, errors);
	keep(errors, take_comment(invocation, body, slot(errors)));
	take_words(invocation, body, errors);
	take_numbers(invocation, body, errors);
	keep(
	    errors, limit_take(invocation, json_object_get(current, "limits"), body, slot(errors)));
	keep(errors, take_labels(invocation, current, body, slot(errors)));
}

/* Hands the object on when it is good, else frees it. */
static bool finish(const struct spec_errors *errors, json_t *object, json_t **result)
{
	bool is_good = errors->count == 0;
	*result = is_good ? object : NULL;
	if (!is_good)
		json_decref(object);
	return is_good;
}

bool spec_create(const struct invocation *invocation, json_t **body, struct spec_errors *errors)
{
	const char *name = invocation->arguments[0];
	const char *protocol = invocation_value(invocation, "--protocol");
	json_t *groups = json_array();
	json_t *object = json_pack("{s:s}", "name", name);
	errors->count = 0;
	keep(errors, value_name("NAME", name, slot(errors)));
	take_settings(invocation, NULL, object, errors);
	change_groups(invocation, groups, errors);
	if (json_object_get(object, "protocol"))
		take_timeouts(invocation, protocol, object, errors);
	json_object_set_new(object, "endpoint_groups", groups);
	if (invocation_has(invocation, "--disabled"))
		json_object_set_new(object, "enabled", json_false());
	return finish(errors, object, body);
}

static bool changes_something(const struct invocation *invocation, char *error)
{
	size_t changes = invocation->value_count;
	for (size_t i = 0; i < invocation->value_count; i++) {
		const char *name = invocation->values[i].option->name;
		if (strcmp(name, "--now") == 0 || strcmp(name, "--control") == 0
		    || strcmp(name, "-o") == 0)
			changes--;
	}
	if (changes > 0)
		return true;
	snprintf(
	    error, VALUE_ERROR_BYTES, "nothing to change; see trunkctl accelerator update --help");
	return false;
}

static bool names_backends_once(const struct invocation *invocation, char *error)
{
	if (!invocation_has(invocation, "--backend")
	    || (!invocation_has(invocation, "--add-backend")
	        && !invocation_has(invocation, "--remove-backend")
	        && !invocation_has(invocation, "--weight")))
		return true;
	snprintf(error, VALUE_ERROR_BYTES,
	    "--backend names all backends anew; leave out --add-backend, --remove-backend and "
	    "--weight beside it");
	return false;
}

bool spec_check_update(const struct invocation *invocation, struct spec_errors *errors)
{
	json_t *object = json_object();
	errors->count = 0;
	keep(errors, changes_something(invocation, slot(errors)));
	keep(errors, value_name("NAME", invocation->arguments[0], slot(errors)));
	keep(errors, names_backends_once(invocation, slot(errors)));
	take_settings(invocation, NULL, object, errors);
	change_groups(invocation, NULL, errors);
	take_timeouts(invocation, "tcp+udp", object, errors);
	json_decref(object);
	return errors->count == 0;
}

static bool names_groups(const struct invocation *invocation)
{
	return invocation_has(invocation, "--backend") || invocation_has(invocation, "--dial")
	       || invocation_has(invocation, "--health")
	       || invocation_has(invocation, "--add-backend")
	       || invocation_has(invocation, "--remove-backend")
	       || invocation_has(invocation, "--weight");
}

bool spec_update(
    const struct invocation *invocation, const json_t *current, json_t **patch, char *error)
{
	struct spec_errors errors = {.count = 0};
	const char *protocol = invocation_value(invocation, "--protocol");
	json_t *object = json_object();
	take_settings(invocation, current, object, &errors);
	if (names_groups(invocation)) {
		json_t *groups = json_deep_copy(json_object_get(current, "endpoint_groups")),
		       *group;
		size_t i;
		if (invocation_has(invocation, "--backend"))
			json_array_foreach(groups, i, group)
			    json_object_set_new(group, "backends", json_array());
		change_groups(invocation, groups, &errors);
		json_object_set_new(object, "endpoint_groups", groups);
	}
	if (!protocol)
		protocol = json_string_value(json_object_get(current, "protocol"));
	take_timeouts(invocation, protocol ? protocol : "", object, &errors);
	memcpy(error, errors.list[0], VALUE_ERROR_BYTES);
	return finish(&errors, object, patch);
}
