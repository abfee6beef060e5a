/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of option values, piece by piece: what is taken, what is refused and in which words. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "cli/value.h"

static char error[VALUE_ERROR_BYTES];

static void assert_error_has(const char *part)
{
	if (!strstr(error, part))
		fail_msg("\"%s\" is not in: %s", part, error);
}

static void assert_json(json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(value);
}

static void ports(void **state)
{
	static const char *const bad[] = {"", "0", "65536", "80-", "-80", "90-80", "80,,81", "80,",
	    "http", "80-81-82", " 80", "+80"};
	json_t *array;
	(void)state;
	assert_true(value_ports("--ports", "443", &array, error));
	assert_json(array, "[\"443\"]");
	assert_true(value_ports("--ports", "8000-8010,80,65535", &array, error));
	assert_json(array, "[\"80\",\"8000-8010\",\"65535\"]");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (value_ports("--ports", bad[i], &array, error))
			fail_msg("taken: %s", bad[i]);
		assert_error_has("--ports");
		assert_error_has(bad[i]);
	}
	assert_false(value_ports("--ports", "80-90,85", &array, error));
	assert_error_has("named twice");
}

static void cidrs(void **state)
{
	json_t *array;
	(void)state;
	assert_true(
	    value_cidrs("--allow", "10.0.0.0/8,::FFFF:192.0.2.1,2001:db8::/32", &array, error));
	assert_json(array, "[\"10.0.0.0/8\",\"192.0.2.1/32\",\"2001:db8::/32\"]");
	assert_false(value_cidrs("--allow", "::1,10.0.0.5/8", &array, error));
	assert_string_equal(
	    error, "--allow \"10.0.0.5/8\": write 10.0.0.0/8, or 10.0.0.5 for one address");
	assert_false(value_cidrs("--deny", "10.0.0.1,10.0.0.1/32", &array, error));
	assert_string_equal(error, "--deny: 10.0.0.1/32 is named twice");
	assert_false(value_cidrs("--deny", "", &array, error));
	assert_false(value_cidrs("--deny", "10.0.0.1,", &array, error));
	assert_false(value_cidrs("--deny", "all", &array, error));
	assert_error_has("--deny \"all\": write a block as");
}

static void labels(void **state)
{
	json_t *labels = json_object(), *keys;
	(void)state;
	assert_true(value_labels("--label", "env=prod,example.com/tier=", labels, error));
	assert_false(value_labels("--label", "env=dev", labels, error));
	assert_string_equal(error, "--label: the key \"env\" is named twice");
	assert_json(labels, "{\"env\":\"prod\",\"example.com/tier\":\"\"}");
	labels = json_object();
	assert_false(value_labels("--label", "env", labels, error));
	assert_string_equal(error, "--label \"env\": wants KEY=VALUE, as in env=prod");
	assert_false(value_labels("--label", "-a=b", labels, error));
	assert_error_has("--label: the key \"-a\" must be 1 to 63 letters");
	assert_false(value_labels("--label", "a=b c", labels, error));
	assert_error_has("--label: the value \"b c\" must be empty, or 1 to 63 letters");
	assert_int_equal(json_object_size(labels), 0);
	json_decref(labels);
	assert_true(value_label_keys("--remove-label", "env,a/b", &keys, error));
	assert_json(keys, "[\"env\",\"a/b\"]");
	assert_false(value_label_keys("--remove-label", "env=prod", &keys, error));
	assert_false(value_label_keys("--remove-label", "env,env", &keys, error));
	assert_error_has("named twice");
}

static void too_many_port_ranges(void **state)
{
	char text[1024] = "";
	json_t *array;
	(void)state;
	for (int i = 0; i <= ACCELERATOR_RANGES_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d", i ? "," : "",
		    1000 + 2 * i);
	assert_false(value_ports("--ports", text, &array, error));
	assert_string_equal(error, "--ports: more than 64 ranges");
}

static void regions(void **state)
{
	json_t *array;
	(void)state;
	assert_true(value_regions("--listen", "tokyo", &array, error));
	assert_json(array, "[\"tokyo\"]");
	assert_true(value_regions("--listen", "tokyo,osaka-2", &array, error));
	assert_json(array, "[\"tokyo\",\"osaka-2\"]");
	assert_false(value_regions("--listen", "tokyo,,osaka", &array, error));
	assert_false(value_regions("--listen", "", &array, error));
	assert_false(value_regions("--listen", "to kyo", &array, error));
	assert_false(value_regions("--listen", "tokyo,", &array, error));
	assert_false(value_regions("--listen", "tokyo,tokyo", &array, error));
	assert_string_equal(error, "--listen: region \"tokyo\" is named twice");
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		long seconds;
	} good[] = {{"1", 1}, {"90s", 90}, {"5m", 300}, {"1h", 3600}, {"7d", 604800}};
	static const char *const bad[] = {
	    "", "h", "0", "8d", "1w", "-1", "1.5h", "99999999999999999999", "1 h"};
	long seconds;
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(value_duration("--ttl", good[i].text, 1, 604800, &seconds, error));
		assert_int_equal(seconds, good[i].seconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (value_duration("--ttl", bad[i], 1, 604800, &seconds, error))
			fail_msg("taken: %s", bad[i]);
}

static void congestion(void **state)
{
	(void)state;
	assert_true(value_congestion("--congestion", "fixed:200mbit", error));
	assert_true(value_congestion("--congestion", "bbr", error));
	assert_false(value_congestion("--congestion", "fixed:200", error));
	assert_string_equal(error,
	    "--congestion \"fixed:200\": wants bbr, cubic, or fixed:RATE with "
	    "RATE from 64kbit to 400gbit, as in fixed:200mbit");
}

static void words(void **state)
{
	static const char *const roles[] = {"listener", "endpoint", NULL};
	(void)state;
	assert_true(value_word("--role", "endpoint", roles, error));
	assert_false(value_word("--role", "endpont", roles, error));
	assert_string_equal(error, "--role \"endpont\": did you mean \"endpoint\"?");
	assert_false(value_word("--role", "x", roles, error));
	assert_string_equal(error, "--role \"x\": wants one of listener, endpoint");
}

static void assert_backend(
    const char *text, const char *region, const char *host, uint16_t port, int weight)
{
	struct backend_value value;
	if (!value_backend("--backend", text, &value, error))
		fail_msg("%s: %s", text, error);
	assert_string_equal(value.region, region);
	assert_string_equal(value.host, host);
	assert_int_equal(value.port, port);
	assert_int_equal(value.weight, weight);
}

static void backends(void **state)
{
	(void)state;
	assert_backend("fra=192.0.2.1", "fra", "192.0.2.1", 0, WEIGHT_UNSAID);
	assert_backend("fra=192.0.2.1:80", "fra", "192.0.2.1", 80, WEIGHT_UNSAID);
	assert_backend("fra=192.0.2.1:80,weight=0", "fra", "192.0.2.1", 80, 0);
	assert_backend("fra=web.example.net,weight=255", "fra", "web.example.net", 0, 255);
	assert_backend("fra=[2001:db8::1]", "fra", "2001:db8::1", 0, WEIGHT_UNSAID);
	assert_backend("fra=[2001:db8::1]:443,weight=7", "fra", "2001:db8::1", 443, 7);
}

static void bad_backends_are_named(void **state)
{
	static const struct {
		const char *text, *part;
	} bad[] = {
	    {"192.0.2.1", "wants a region before \"=\""},
	    {"=192.0.2.1", "\"\" is not a region"},
	    {"f ra=192.0.2.1", "\"f ra\" is not a region"},
	    {"fra=", "\"\" is not HOST[:PORT]"},
	    {"fra=h:0", "\"h:0\" is not HOST[:PORT]"},
	    {"fra=h:65536", "\"h:65536\" is not HOST[:PORT]"},
	    {"fra=h:80:81", "\"h:80:81\" is not HOST[:PORT]"},
	    {"fra=[::1", "\"[::1\" is not HOST[:PORT]"},
	    {"fra=ho st", "\"ho st\" is not HOST[:PORT]"},
	    {"fra=h,weight", "unknown \"weight\""},
	    {"fra=h,weight=", "weight \"\": wants a whole number from 0 to 255"},
	    {"fra=h,weight=256", "weight \"256\": wants a whole number from 0 to 255"},
	    {"fra=h,weight=1,weight=2", "weight \"1,weight=2\""},
	    {"fra=h,port=1", "unknown \"port=1\""},
	    {"fra,weight=1", "wants a region before \"=\""},
	};
	struct backend_value value;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (value_backend("--backend", bad[i].text, &value, error))
			fail_msg("taken: %s", bad[i].text);
		assert_error_has(bad[i].part);
		assert_error_has("--backend");
	}
}

static void names_of_backends_and_weights(void **state)
{
	struct backend_value value;
	(void)state;
	assert_true(value_backend_name("--remove-backend", "fra=h:1", &value, error));
	assert_false(value_backend_name("--remove-backend", "fra=h:1,weight=3", &value, error));
	assert_true(value_backend_weight("--weight", "fra=[::1]:80,9", &value, error));
	assert_int_equal(value.weight, 9);
	assert_false(value_backend_weight("--weight", "fra=h", &value, error));
	assert_false(value_backend_weight("--weight", "fra=h,256", &value, error));
	assert_error_has("0 to 255");
}

/* Nothing of any length may break out of the buffers. */
static void long_values_are_refused(void **state)
{
	static char text[100000];
	struct backend_value value;
	json_t *array;
	long number;
	(void)state;
	memset(text, '7', sizeof(text) - 1);
	assert_false(value_name("NAME", text, error));
	assert_false(value_ports("--ports", text, &array, error));
	assert_false(value_regions("--listen", text, &array, error));
	assert_false(value_duration("--ttl", text, 1, 10, &number, error));
	assert_false(value_backend("--backend", text, &value, error));
	text[3] = '=';
	assert_false(value_backend("--backend", text, &value, error));
	text[3] = '7';
	text[90000] = '=';
	assert_false(value_backend("--backend", text, &value, error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ports),
	    cmocka_unit_test(cidrs),
	    cmocka_unit_test(labels),
	    cmocka_unit_test(too_many_port_ranges),
	    cmocka_unit_test(regions),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(words),
	    cmocka_unit_test(congestion),
	    cmocka_unit_test(backends),
	    cmocka_unit_test(bad_backends_are_named),
	    cmocka_unit_test(names_of_backends_and_weights),
	    cmocka_unit_test(long_values_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
