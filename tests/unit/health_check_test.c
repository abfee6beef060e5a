/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health check's text form there and back, what goes with which kind, and payloads. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/health_check.h"

#include <string.h>

static struct health_check check;
static struct model_error error;

static void assert_text(const char *spec, const char *wanted)
{
	struct health_check again;
	char text[1024];

	if (health_check_parse(spec, &check, &error) < 0)
		fail_msg("%s: %s", spec, error.reason);
	assert_string_equal(health_check_text(&check, text, sizeof(text)), wanted);
	assert_int_equal(health_check_parse(text, &again, &error), 0);
	assert_memory_equal(&again, &check, sizeof(check));
}

static void assert_refused(const char *spec, const char *field, const char *reason)
{
	assert_int_equal(health_check_parse(spec, &check, &error), ERR_INVALID);
	assert_string_equal(error.field, field);
	if (!strstr(error.reason, reason))
		fail_msg("%s: \"%s\" is not in \"%s\"", spec, reason, error.reason);
}

static void texts_there_and_back(void **state)
{
	(void)state;
	assert_text("tcp", "tcp,interval=5s,timeout=2s,rise=2,fall=3");
	assert_text("none", "none");
	assert_text("auto", "auto");
	assert_text("tcp,interval=200ms,timeout=50ms,rise=1,fall=1,port=81",
	    "tcp,interval=200ms,timeout=50ms,rise=1,fall=1,port=81");
	assert_text("http:/a?b=c,status=200-299,body=ok,interval=1m",
	    "http:/a?b=c,status=200-299,body=ok,interval=60s,timeout=2s,rise=2,fall=3");
	assert_text("https:/,verify=off,host=a.example,interval=2",
	    "https:/,host=a.example,verify=off,interval=2s,timeout=2s,rise=2,fall=3");
	assert_text("http:/,host=2001:db8::1,interval=2",
	    "http:/,host=2001:db8::1,interval=2s,timeout=2s,rise=2,fall=3");
	assert_text("udp:send=ff00,expect=any",
	    "udp:send=ff00,expect=any,interval=5s,timeout=2s,rise=2,fall=3");
	assert_text("dns:a.example", "dns:a.example,interval=5s,timeout=2s,rise=2,fall=3");
	assert_text("sip-options", "sip-options,interval=5s,timeout=2s,rise=2,fall=3");
}

static void what_is_wrong_is_told(void **state)
{
	(void)state;
	assert_refused("ping", "kind", "\"ping\" is no kind");
	assert_refused("tcp:/x", "kind", "nothing goes behind the colon of tcp");
	assert_refused("http", "path", "needs path");
	assert_refused("http:x", "path", "slash");
	assert_refused("tcp,body=x", "body", "of kind tcp has no body");
	assert_refused("udp", "send", "needs send");
	assert_refused("udp:expect=any", "send", "needs send");
	assert_refused("dns", "name", "needs name");
	assert_refused("dns:a..b", "name", "domain name");
	assert_refused("http:/,host=a.example:8443", "host", "without port");
	assert_refused("http:/,host=[::1]", "host", "without port");
	assert_refused("http:/,host=a:b", "host", "without port");
	assert_refused("http:/,status=600", "status", "status");
	assert_refused("http:/,status=300-200", "status", "status");
	assert_refused("http:/,status=200-", "status", "status");
	assert_refused("https:/,verify=sha256//short", "verify", "public key");
	assert_refused("tcp,interval=100ms", "interval_ms", "200");
	assert_refused("tcp,interval=2m", "interval_ms", "60000");
	assert_refused("tcp,interval=1s", "timeout_ms", "longer than the interval");
	assert_refused("tcp,interval=x", "interval_ms", "\"x\" is no interval");
	assert_refused("tcp,interval=-1", "interval_ms", "\"-1\" is no interval");
	assert_refused("tcp,rise=0", "rise", "1");
	assert_refused("tcp,port=70000", "port", "\"70000\" is no port");
	assert_refused("tcp,weight=3", "", "\"weight\" is not KEY=VALUE");
	assert_refused("udp:send=hex:f", "send", "hex");
}

static void auto_goes_by_the_protocol(void **state)
{
	(void)state;
	health_check_default(&check);
	assert_int_equal(check.kind, HEALTH_AUTO);
	assert_int_equal(health_check_kind(&check, true), HEALTH_TCP);
	assert_int_equal(health_check_kind(&check, false), HEALTH_NONE);
	check.kind = HEALTH_A2S;
	assert_int_equal(health_check_kind(&check, true), HEALTH_A2S);
}

static void payloads(void **state)
{
	uint8_t bytes[8];

	(void)state;
	assert_int_equal(health_payload("00fF", bytes, sizeof(bytes)), 2);
	assert_memory_equal(bytes, "\x00\xff", 2);
	assert_int_equal(health_payload("ping", bytes, sizeof(bytes)), 4);
	assert_memory_equal(bytes, "ping", 4);
	assert_int_equal(health_payload("text:00ff", bytes, sizeof(bytes)), 4);
	assert_int_equal(health_payload("hex:00", bytes, sizeof(bytes)), 1);
	assert_int_equal(health_payload("hex:0g", bytes, sizeof(bytes)), ERR_INVALID);
	assert_int_equal(health_payload("text:123456789", bytes, sizeof(bytes)), ERR_INVALID);
	assert_int_equal(health_payload("001122334455667788", bytes, sizeof(bytes)), ERR_INVALID);
}

static void yaml_names_the_field(void **state)
{
	static const char text[] = "kind: http\npath: /x\nintervall_ms: 3\n";
	struct schema_errors errors;

	(void)state;
	assert_int_not_equal(
	    schema_from_yaml_text(&health_check_schema, text, strlen(text), &check, &errors), 0);
	assert_int_equal(errors.list[0].line, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_there_and_back),
	    cmocka_unit_test(what_is_wrong_is_told),
	    cmocka_unit_test(auto_goes_by_the_protocol),
	    cmocka_unit_test(payloads),
	    cmocka_unit_test(yaml_names_the_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
