/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schema walker: one table decodes JSON and YAML alike, encodes what it decodes, names every
 * error's place, keeps its caps, and leaks nothing on the way out.
 */
#include "base/schema.h"

#include <string.h>

#include "base/err.h"
#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

enum protocol { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_BOTH };

struct port_range {
	uint16_t first, last;
};

struct backend {
	char *host;
	uint32_t weight;
	char *password;
};

struct group {
	char region[16];
	bool is_on;
	struct backend *backends;
	size_t backend_count;
};

struct service {
	char *name;
	enum protocol protocol;
	struct port_range ports[3];
	size_t port_count;
	char **listen;
	size_t listen_count;
	struct group *groups;
	size_t group_count;
	uint8_t pin[4], id[3];
	uint64_t revision;
	double share;
	uint8_t small;
	struct backend spare;
};

static const char *check_host(const void *value)
{
	return strchr(value, ' ') ? "must not hold a space" : NULL;
}

static const char *check_range(const void *object)
{
	const struct port_range *range = object;

	return range->first > range->last ? "ends before it begins" : NULL;
}

static const char *const protocol_names[] = {"tcp", "udp", "tcp+udp", NULL};

static const struct schema_field range_fields[] = {
    {SCHEMA_MEMBER("first", struct port_range, first), .type = SCHEMA_U16, .is_required = true,
        .min = 1},
    {SCHEMA_MEMBER("last", struct port_range, last), .type = SCHEMA_U16, .is_required = true,
        .min = 1},
};
static const struct schema range_schema = {sizeof(struct port_range), range_fields, 2, check_range};

static const struct schema_field backend_fields[] = {
    {SCHEMA_MEMBER("host", struct backend, host), .type = SCHEMA_STRING, .is_required = true,
        .min = 1, .max = 20, .check = check_host},
    {SCHEMA_MEMBER("weight", struct backend, weight), .type = SCHEMA_U32, .max = 255,
        .default_number = 128},
    {SCHEMA_MEMBER("password", struct backend, password), .type = SCHEMA_STRING, .is_secret = true},
};
static const struct schema backend_schema = SCHEMA(struct backend, backend_fields);

static const struct schema_field group_fields[] = {
    {SCHEMA_MEMBER("region", struct group, region), .type = SCHEMA_TEXT, .is_required = true,
        .min = 2},
    {SCHEMA_MEMBER("on", struct group, is_on), .type = SCHEMA_BOOL, .default_number = true},
    {SCHEMA_ARRAY("backends", struct group, backends, backend_count), .type = SCHEMA_STRUCT,
        .schema = &backend_schema, .max_items = 1000},
};
static const struct schema group_schema = SCHEMA(struct group, group_fields);

static const struct schema_field service_fields[] = {
    {SCHEMA_MEMBER("name", struct service, name), .type = SCHEMA_STRING, .is_required = true},
    {SCHEMA_MEMBER("protocol", struct service, protocol), .type = SCHEMA_ENUM,
        .names = protocol_names, .default_number = PROTOCOL_UDP},
    {SCHEMA_ARRAY_IN_PLACE("ports", struct service, ports, port_count), .type = SCHEMA_STRUCT,
        .schema = &range_schema, .min_items = 1},
    {SCHEMA_ARRAY("listen", struct service, listen, listen_count), .type = SCHEMA_STRING,
        .max_items = 4, .max = 8},
    {SCHEMA_ARRAY("groups", struct service, groups, group_count), .type = SCHEMA_STRUCT,
        .schema = &group_schema, .max_items = 5000},
    {SCHEMA_MEMBER("pin", struct service, pin), .type = SCHEMA_BASE64},
    {SCHEMA_MEMBER("id", struct service, id), .type = SCHEMA_HEX},
    {SCHEMA_MEMBER("revision", struct service, revision), .type = SCHEMA_U64},
    {SCHEMA_MEMBER("share", struct service, share), .type = SCHEMA_DOUBLE},
    {SCHEMA_MEMBER("small", struct service, small), .type = SCHEMA_U8, .default_number = 7},
    {SCHEMA_MEMBER("spare", struct service, spare), .type = SCHEMA_STRUCT,
        .schema = &backend_schema},
};
static const struct schema service_schema = SCHEMA(struct service, service_fields);

static const char full_json[] =
    "{\"name\":\"game\",\"protocol\":\"tcp+udp\",\"ports\":[{\"first\":1,\"last\":2},"
    "{\"first\":9,\"last\":9}],\"listen\":[\"eu\",\"us\"],\"groups\":[{\"region\":\"asia\","
    "\"on\":false,\"backends\":[{\"host\":\"a\",\"weight\":0,\"password\":\"secret\"},"
    "{\"host\":\"b\",\"weight\":255}]}],\"pin\":\"AQIDBA\",\"id\":\"00ff7f\","
    "\"revision\":9223372036854775807,\"share\":0.5,\"small\":255,"
    "\"spare\":{\"host\":\"c\",\"weight\":1}}";

static const char full_yaml[] = "# all of it\n"
                                "name: game\n"
                                "protocol: tcp+udp\n"
                                "ports:\n"
                                "- {first: 1, last: 2}\n"
                                "- first: 9\n"
                                "  last: 9\n"
                                "listen: [eu, 'us']\n"
                                "groups:\n"
                                "  - region: asia\n"
                                "    on: off\n"
                                "    backends:\n"
                                "      - host: a\n"
                                "        weight: 0\n"
                                "        password: secret\n"
                                "      - {host: b, weight: 255}\n"
                                "pin: AQIDBA\n"
                                "id: \"00ff7f\"\n"
                                "revision: 9223372036854775807\n"
                                "share: 0.5\n"
                                "small: 255\n"
                                "spare: {host: c, weight: 1}\n";

static struct schema_errors errors;

static char *encode(const struct service *service, unsigned flags)
{
	json_t *json = schema_to_json(&service_schema, service, flags);
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(3)) : NULL;

	json_decref(json);
	return text;
}

static void assert_is_full(struct service *service)
{
	char *text = encode(service, 0);

	assert_int_equal(errors.count, 0);
	assert_string_equal(text, full_json);
	assert_int_equal(service->protocol, PROTOCOL_BOTH);
	assert_int_equal(service->ports[1].first, 9);
	assert_int_equal(service->groups[0].backend_count, 2);
	assert_string_equal(service->groups[0].backends[1].host, "b");
	assert_memory_equal(service->pin, "\1\2\3\4", 4);
	assert_memory_equal(service->id, "\0\xff\x7f", 3);
	free(text);
	schema_clear(&service_schema, service);
	assert_null(service->groups);
	schema_clear(&service_schema, service);
}

static int from_json(const char *text, unsigned flags, struct service *service)
{
	return schema_from_json_text(&service_schema, text, strlen(text), flags, service, &errors);
}

static int from_yaml(const char *text, struct service *service)
{
	return schema_from_yaml_text(&service_schema, text, strlen(text), service, &errors);
}

static void json_and_yaml_give_the_same(void **state)
{
	struct service service;

	(void)state;
	assert_int_equal(from_json(full_json, 0, &service), 0);
	assert_is_full(&service);
	assert_int_equal(from_yaml(full_yaml, &service), 0);
	assert_is_full(&service);
	/* JSON is YAML too. */
	assert_int_equal(from_yaml(full_json, &service), 0);
	assert_is_full(&service);
	schema_clear(&service_schema, NULL);
}

static void absent_members_get_their_defaults(void **state)
{
	static const char *const cases[] = {
	    "{\"name\":\"x\"}", "{\"name\":\"x\",\"small\":null,\"groups\":null,\"spare\":null}"};
	struct service service, defaults;
	char *text;

	(void)state;
	for (int i = 0; i < 4; i++) {
		int rc =
		    i < 2 ? from_json(cases[i], 0, &service) : from_yaml(cases[i - 2], &service);

		assert_int_equal(rc, 0);
		assert_int_equal(service.protocol, PROTOCOL_UDP);
		assert_int_equal(service.small, 7);
		assert_int_equal(service.spare.weight, 128);
		assert_null(service.spare.host);
		assert_int_equal(service.group_count + service.port_count, 0);
		schema_clear(&service_schema, &service);
	}
	assert_int_equal(schema_defaults(&service_schema, &defaults), 0);
	assert_null(defaults.name);
	assert_int_equal(defaults.small, 7);
	assert_int_equal(defaults.spare.weight, 128);
	text = encode(&defaults, 0);
	assert_string_equal(text,
	    "{\"name\":\"\",\"protocol\":\"udp\",\"ports\":[],\"listen\":[],\"groups\":[],"
	    "\"revision\":0,\"share\":0.0,\"small\":7,\"spare\":{\"host\":\"\",\"weight\":128}}");
	free(text);
	schema_clear(&service_schema, &defaults);
}

static void each_wrong_value_names_its_place(void **state)
{
	static const struct {
		const char *json, *error;
	} cases[] = {
	    {"{}", "name: is required"},
	    {"{\"name\":null}", "name: is required"},
	    {"{\"name\":5}", "name: must be text"},
	    {"{\"name\":\"x\",\"protocol\":\"tpc\"}",
	        "protocol: must be one of tcp, udp, tcp+udp; did you mean 'tcp'?"},
	    {"{\"name\":\"x\",\"protocol\":1}", "protocol: must be one of tcp, udp, tcp+udp"},
	    {"{\"name\":\"x\",\"ports\":[]}", "ports: must have 1..3 items"},
	    {"{\"name\":\"x\",\"ports\":{}}", "ports: must be a list"},
	    {"{\"name\":\"x\",\"ports\":[{\"first\":0,\"last\":1}]}",
	        "ports[0].first: must be a whole number, 1..65535"},
	    {"{\"name\":\"x\",\"ports\":[{\"first\":1,\"last\":1},{\"first\":2,\"last\":65536}]}",
	        "ports[1].last: must be a whole number, 1..65535"},
	    {"{\"name\":\"x\",\"ports\":[{\"first\":2,\"last\":1}]}",
	        "ports[0]: ends before it begins"},
	    {"{\"name\":\"x\",\"ports\":[1]}", "ports[0]: must be an object with keys and values"},
	    {"{\"name\":\"x\",\"listen\":[\"a\",\"longer than 8\"]}",
	        "listen[1]: must have 0..8 bytes"},
	    {"{\"name\":\"x\",\"groups\":[{\"region\":\"eu\",\"backends\":[{\"host\":\"a b\"}]}]}",
	        "groups[0].backends[0].host: must not hold a space"},
	    {"{\"name\":\"x\",\"groups\":[{\"region\":\"e\"}]}",
	        "groups[0].region: must have 2..15 bytes"},
	    {"{\"name\":\"x\",\"groups\":[{\"region\":\"0123456789abcdef\"}]}",
	        "groups[0].region: must have 2..15 bytes"},
	    {"{\"name\":\"x\",\"groups\":[{\"region\":\"eu\",\"on\":1}]}",
	        "groups[0].on: must be true or false"},
	    {"{\"name\":\"x\",\"pin\":\"AQID\"}", "pin: must be 4 bytes as unpadded base64url"},
	    {"{\"name\":\"x\",\"pin\":\"AQIDBAU\"}", "pin: must be 4 bytes as unpadded base64url"},
	    {"{\"name\":\"x\",\"id\":\"00ff\"}", "id: must be 3 bytes as hex digits"},
	    {"{\"name\":\"x\",\"id\":\"00ffzz\"}", "id: must be 3 bytes as hex digits"},
	    {"{\"name\":\"x\",\"revision\":-1}",
	        "revision: must be a whole number, 0..18446744073709551615"},
	    {"{\"name\":\"x\",\"revision\":1.0}",
	        "revision: must be a whole number, 0..18446744073709551615"},
	    {"{\"name\":\"x\",\"share\":\"1\"}", "share: must be a number"},
	    {"{\"name\":\"x\",\"small\":256}", "small: must be a whole number, 0..255"},
	    {"{\"name\":\"x\",\"smal\":1}", "smal: unknown key; did you mean 'small'?"},
	    {"{\"name\":\"x\",\"\\u001b[2J\":1}", "?[2J: unknown key"},
	    {"{\"name\":\"x\",\"spare\":{\"weight\":256,\"host\":\"h\"}}",
	        "spare.weight: must be a whole number, 0..255"},
	    {"[]", "must be an object with keys and values"},
	    {"{\"name\":\"x\",\"name\":\"y\"}", "1:18: duplicate object key near '\"name\"'"},
	    {"{\"name\":", "1:8: unexpected token near end of file"},
	};
	struct service service;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(from_json(cases[i].json, 0, &service), ERR_MALFORMED);
		assert_int_equal(errors.count, 1);
		schema_error_format(&errors.list[0], NULL, text, sizeof(text));
		assert_string_equal(text, cases[i].error);
		assert_null(service.name);
		assert_null(service.groups);
	}
}

static void yaml_errors_have_lines_and_columns(void **state)
{
	static const char yaml[] = "name: game\n"
	                           "protocl: tcp\n"
	                           "ports:\n"
	                           "  - first: 0x1\n"
	                           "    last: '2'\n"
	                           "small: 8\n"
	                           "groups:\n"
	                           "  - on: maybe\n"
	                           "    backends: [{host: a, wieght: 3}]\n"
	                           "small: 9\n"
	                           "[a]: 1\n";
	static const char *const want[] = {
	    "f.yaml:2:1: protocl: unknown key; did you mean 'protocol'?",
	    "f.yaml:4:12: ports[0].first: must be a whole number, 1..65535",
	    "f.yaml:5:11: ports[0].last: must be a whole number, 1..65535",
	    "f.yaml:8:9: groups[0].on: must be true or false",
	    "f.yaml:9:26: groups[0].backends[0].wieght: unknown key; did you mean 'weight'?",
	    "f.yaml:8:5: groups[0].region: is required",
	    "f.yaml:10:1: small: stands here twice",
	    "f.yaml:11:1: a key must be text",
	};
	struct service service;
	char text[512];

	(void)state;
	assert_int_equal(from_yaml(yaml, &service), ERR_MALFORMED);
	for (size_t i = 0; i < errors.count; i++) {
		schema_error_format(&errors.list[i], "f.yaml", text, sizeof(text));
		assert_true(i < sizeof(want) / sizeof(want[0]));
		assert_string_equal(text, want[i]);
	}
	assert_int_equal(errors.count, sizeof(want) / sizeof(want[0]));
}

static void what_is_no_yaml_is_refused(void **state)
{
	static const struct {
		const char *yaml, *error;
	} cases[] = {
	    {"name: x\n\tb: 1\n", "2:1: found a tab character that violates indentation"},
	    {"name: x\n---\nname: y\n", "2:1: a second document begins here"},
	    {"", "1:1: name: is required"},
	    {"# nothing\n", "1:1: name: is required"},
	    {"just text\n", "1:1: must be an object with keys and values"},
	    {"name: \"a\\0b\"\n", "1:7: name: must not hold a NUL"},
	    {"name: *x\n", "1:7: found undefined alias"},
	    {"name: [x\n", "2:1: did not find expected ',' or ']'"},
	};
	struct service service;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(from_yaml(cases[i].yaml, &service), ERR_MALFORMED);
		assert_int_equal(errors.count, 1);
		schema_error_format(&errors.list[0], NULL, text, sizeof(text));
		assert_string_equal(text, cases[i].error);
	}
}

static void plain_yaml_words_mean_what_the_table_says(void **state)
{
	struct service service;

	(void)state;
	assert_int_equal(
	    from_yaml("name: 0123\nlisten: [no, true, 1.0]\nid: 001122\n", &service), 0);
	assert_string_equal(service.name, "0123");
	assert_string_equal(service.listen[0], "no");
	assert_string_equal(service.listen[1], "true");
	assert_string_equal(service.listen[2], "1.0");
	assert_memory_equal(service.id, "\x00\x11\x22", 3);
	schema_clear(&service_schema, &service);
}

static void unknown_keys_are_refused(void **state)
{
	static const char text[] =
	    "{\"name\":\"x\",\"new\":[{}],\"spare\":{\"host\":\"h\",\"n\":1}}";
	struct service service;

	(void)state;
	assert_int_equal(from_json(text, 0, &service), ERR_MALFORMED);
	assert_int_equal(errors.count, 2);
	assert_int_equal(
	    schema_from_json_text(&service_schema, text, strlen(text), 0, &service, NULL),
	    ERR_MALFORMED);
}

static void secrets_can_be_left_out(void **state)
{
	struct service service;
	char *text;

	(void)state;
	assert_int_equal(from_json(full_json, 0, &service), 0);
	text = encode(&service, SCHEMA_OMIT_SECRETS);
	assert_null(strstr(text, "password"));
	assert_null(strstr(text, "secret"));
	assert_non_null(strstr(text, "\"host\":\"a\""));
	free(text);
	service.revision = UINT64_C(1) << 63;
	assert_null(encode(&service, 0));
	schema_clear(&service_schema, &service);
}

static void the_list_of_errors_is_bounded(void **state)
{
	enum { KEYS = 10000 };
	char *text = malloc(KEYS * 16), *at = text;
	struct service service;

	(void)state;
	at += sprintf(at, "{\"name\":\"x\"");
	for (int i = 0; i < KEYS; i++)
		at += sprintf(at, ",\"k%d\":1", i);
	sprintf(at, "}");
	assert_int_equal(from_json(text, 0, &service), ERR_MALFORMED);
	assert_int_equal(errors.count, SCHEMA_ERRORS_MAX);
	free(text);
}

/* A small file whose aliases stand for 25 million backends. */
static void aliases_cannot_blow_up(void **state)
{
	enum { COUNT = 5000 };
	char *text = malloc(COUNT * 64), *at = text;
	struct service service;

	(void)state;
	at += sprintf(at, "name: x\ngroups:\n- &g\n  region: eu\n  backends:\n  - &b {host: a}\n");
	for (int i = 1; i < 1000; i++)
		at += sprintf(at, "  - *b\n");
	for (int i = 1; i < COUNT; i++)
		at += sprintf(at, "- *g\n");
	assert_int_equal(from_yaml(text, &service), ERR_LIMIT);
	sprintf(text, "name: x\ngroups: &g [*g]\n");
	assert_int_equal(from_yaml(text, &service), ERR_MALFORMED);
	free(text);
}

/* Any damage gives an error or a whole struct, and the sanitizers see what else goes wrong. */
static void damaged_documents_do_no_harm(void **state)
{
	struct rng rng;
	int good = 0;

	(void)state;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 4000; i++) {
		char text[sizeof(full_json) + sizeof(full_yaml)];
		struct service service;
		int rc;

		strcpy(text, i % 2 ? full_json : full_yaml);
		for (uint64_t n = rng_below(&rng, 4); n > 0; n--)
			text[rng_below(&rng, strlen(text))] = (char)(1 + rng_below(&rng, 126));
		if (rng_below(&rng, 4) == 0)
			text[rng_below(&rng, strlen(text))] = 0;
		rc = i % 2 ? from_json(text, 0, &service) : from_yaml(text, &service);
		assert_true(rc == 0 ? errors.count == 0 : rc < 0);
		if (rc == 0) {
			char *again = encode(&service, 0);

			assert_non_null(again);
			free(again);
			schema_clear(&service_schema, &service);
			good++;
		}
	}
	assert_in_range(good, 500, 3500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_and_yaml_give_the_same),
	    cmocka_unit_test(absent_members_get_their_defaults),
	    cmocka_unit_test(each_wrong_value_names_its_place),
	    cmocka_unit_test(yaml_errors_have_lines_and_columns),
	    cmocka_unit_test(what_is_no_yaml_is_refused),
	    cmocka_unit_test(plain_yaml_words_mean_what_the_table_says),
	    cmocka_unit_test(unknown_keys_are_refused),
	    cmocka_unit_test(secrets_can_be_left_out),
	    cmocka_unit_test(the_list_of_errors_is_bounded),
	    cmocka_unit_test(aliases_cannot_blow_up),
	    cmocka_unit_test(damaged_documents_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
