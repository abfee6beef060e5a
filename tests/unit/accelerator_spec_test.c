/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From options to the bodies of POST and PATCH. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "cli/accelerator_spec.h"
#include "cli/commands.h"

enum { WORDS_MAX = 32 };

static struct invocation invocation;
static struct spec_errors errors;
static char error[COMMAND_ERROR_BYTES];
static char line_copy[1024];

static const char current_text[] =
    "{\"labels\":{\"kept\":\"yes\",\"old\":\"1\",\"env\":\"prod\"},\"name\":\"web\",\"protocol\":"
    "\"tcp\",\"revision\":7,"
    "\"limits\":{\"source\":{\"flows\":3},\"backend\":{\"flows\":4}},\"endpoint_groups\":["
    "{\"region\":\"fra\",\"backends\":[{\"host\":\"192.0.2.1\",\"port\":80,\"weight\":128},"
    "{\"host\":\"2001:db8::1\",\"port\":null,\"weight\":5}]},"
    "{\"region\":\"iad\",\"backends\":[{\"host\":\"b.example\",\"weight\":1}]}]}";

static void parse(const char *command, const char *options)
{
	static char program[] = "trunkctl";
	char *words[WORDS_MAX] = {program};
	int count = 1;
	snprintf(line_copy, sizeof(line_copy), "accelerator %s web %s", command, options);
	for (char *w = strtok(line_copy, " "); w && count < WORDS_MAX; w = strtok(NULL, " "))
		words[count++] = w;
	if (!command_parse(&trunkctl_commands, count, words, &invocation, error))
		fail_msg("%s: %s", options, error);
}

static void assert_json(json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(value);
}

static void assert_patch(const char *options, const char *wanted)
{
	json_t *current = json_loads(current_text, 0, NULL), *patch = NULL;
	parse("update", options);
	if (!spec_check_update(&invocation, &errors)
	    || !spec_update(&invocation, current, &patch, error))
		fail_msg("%s: %s", options, error);
	assert_json(patch, wanted);
	json_t *unchanged = json_loads(current_text, 0, NULL);
	assert_true(json_equal(current, unchanged));
	json_decref(unchanged);
	json_decref(current);
}

static void assert_update_refused(const char *options, const char *wanted)
{
	json_t *current = json_loads(current_text, 0, NULL), *patch = NULL;
	parse("update", options);
	if (spec_check_update(&invocation, &errors)
	    && spec_update(&invocation, current, &patch, error))
		fail_msg("taken: %s", options);
	assert_string_equal(errors.count ? errors.list[0] : error, wanted);
	json_decref(current);
}

static void create_has_what_was_said(void **state)
{
	json_t *body;
	(void)state;
	parse("create", "--protocol tcp+udp --ports 443,8000-8010 --listen tokyo,osaka "
	                "--backend fra=192.0.2.1 --backend iad=b.example:8080,weight=0 "
	                "--backend fra=[2001:db8::1]:80,weight=255 --idle-timeout tcp=2h "
	                "--idle-timeout udp=30 --udp-flows-per-source 5 --class bulk "
	                "--repair-budget 0 --deadline 40 --compression lz4");
	assert_true(spec_create(&invocation, &body, &errors));
	assert_json(body,
	    "{\"class\":\"bulk\",\"compression\":\"lz4\",\"deadline_ms\":40,"
	    "\"endpoint_groups\":[{\"backends\":[{\"host\":\"192.0.2.1\",\"weight\":128},"
	    "{\"host\":\"2001:db8::1\",\"port\":80,\"weight\":255}],\"region\":\"fra\"},"
	    "{\"backends\":[{\"host\":\"b.example\",\"port\":8080,\"weight\":0}],\"region\":"
	    "\"iad\"}],"
	    "\"listen\":[\"tokyo\",\"osaka\"],\"name\":\"web\",\"ports\":[\"443\",\"8000-8010\"],"
	    "\"protocol\":\"tcp+udp\",\"repair_budget_percent\":0,\"tcp_idle_timeout_s\":7200,"
	    "\"udp_flows_per_source\":5,"
	    "\"udp_idle_timeout_s\":30}");
}

static void create_leaves_defaults_to_control(void **state)
{
	json_t *body;
	(void)state;
	parse("create", "--protocol tcp --ports 80 --listen tokyo --backend fra=h");
	assert_true(spec_create(&invocation, &body, &errors));
	assert_null(json_object_get(body, "tcp_idle_timeout_s"));
	assert_null(json_object_get(body, "udp_flows_per_source"));
	json_decref(body);
}

static void idle_timeout_is_by_protocol(void **state)
{
	static const struct {
		const char *protocol, *timeout;
		json_int_t tcp_s, udp_s;
	} cases[] = {{"tcp", "60", 60, 0}, {"udp", "60", 0, 60}, {"tcp+udp", "60", 60, 60},
	    {"tcp+udp", "udp=60", 0, 60}, {"tcp", "tcp=1h", 3600, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[256];
		json_t *body;
		snprintf(line, sizeof(line),
		    "--protocol %s --ports 80 --listen a --backend b=c --idle-timeout %s",
		    cases[i].protocol, cases[i].timeout);
		parse("create", line);
		assert_true(spec_create(&invocation, &body, &errors));
		assert_int_equal(json_integer_value(json_object_get(body, "tcp_idle_timeout_s")),
		    cases[i].tcp_s);
		assert_int_equal(json_integer_value(json_object_get(body, "udp_idle_timeout_s")),
		    cases[i].udp_s);
		json_decref(body);
	}
}

static void create_refuses(const char *options, const char *wanted)
{
	json_t *body;
	parse("create", options);
	if (spec_create(&invocation, &body, &errors))
		fail_msg("taken: %s", options);
	assert_null(body);
	assert_string_equal(errors.list[0], wanted);
}

/* Those of every layer of options, in one go. */
static void all_that_is_wrong_is_told(void **state)
{
	static const char *const beginnings[] = {"--ports \"99999\"", "--comment ",
	    "--class \"fast\"", "--deadline \"x\"", "--limit ", "--label",
	    "--backend \"b=c,weight=300\"", "--dial \"b\"", "--health \"nonsense\"",
	    "--idle-timeout \"udp=5\""};
	json_t *body;

	(void)state;
	parse("create",
	    "--protocol tcp --ports 99999 --listen a --comment a\tb --class fast --deadline x "
	    "--limit x --label = --backend b=c,weight=300 --dial b --health nonsense "
	    "--idle-timeout udp=5");
	assert_false(spec_create(&invocation, &body, &errors));
	assert_null(body);
	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
		assert_memory_equal(errors.list[i], beginnings[i], strlen(beginnings[i]));
	assert_int_equal(errors.count, sizeof beginnings / sizeof *beginnings);
	/* A region is not missed where its backend was wrong. */
	parse("create", "--protocol tcp --ports 1 --listen a --backend b=c,weight=300 --dial b=5");
	assert_false(spec_create(&invocation, &body, &errors));
	assert_int_equal(errors.count, 1);
}

static void create_names_the_bad_part(void **state)
{
	(void)state;
	create_refuses("--protocol sctp --ports 80 --listen a --backend b=c",
	    "--protocol \"sctp\": wants one of tcp, udp, tcp+udp");
	create_refuses("--protocol tcp --ports 80 --listen a --backend b=c:1 --backend b=C:1",
	    "backend b=C:1 is there already");
	create_refuses("--protocol tcp --ports 80 --listen a --backend b=[::1] --backend b=[0::1]",
	    "backend b=[0::1] is there already");
	create_refuses("--protocol tcp --ports 80 --listen a --backend b=c --idle-timeout udp=3",
	    "--idle-timeout \"udp=3\": the accelerator has no udp");
	create_refuses("--protocol udp --ports 80 --listen a --backend b=c --idle-timeout 2d",
	    "--idle-timeout \"2d\": wants 1 to 86400 seconds");
	create_refuses(
	    "--protocol tcp --ports 80 --listen a --backend b=c --udp-flows-per-source 0",
	    "--udp-flows-per-source \"0\": wants a whole number from 1 to 200000");
	create_refuses("--protocol tcp --ports 80 --listen a --backend b=c --class fast",
	    "--class \"fast\": wants one of auto, realtime, interactive, bulk");
	create_refuses("--protocol tcp --ports 80 --listen a --backend b=c --repair-budget 101",
	    "--repair-budget \"101\": wants a whole number from 0 to 100");
	create_refuses("--protocol udp --ports 80 --listen a --backend b=c --deadline 1s",
	    "--deadline \"1s\": wants a whole number from 0 to 10000");
	create_refuses("--protocol tcp --ports 80 --listen a --backend b=c --compression zip",
	    "--compression \"zip\": wants one of off, lz4");
}

static void update_changes_only_what_is_named(void **state)
{
	(void)state;
	assert_patch("--ports 81", "{\"ports\":[\"81\"]}");
	assert_patch(
	    "--listen a,b --protocol udp", "{\"listen\":[\"a\",\"b\"],\"protocol\":\"udp\"}");
	assert_patch("--idle-timeout 5", "{\"tcp_idle_timeout_s\":5}");
	assert_patch(
	    "--idle-timeout 5 --protocol udp", "{\"protocol\":\"udp\",\"udp_idle_timeout_s\":5}");
	assert_patch("--udp-flows-per-source 9 --now", "{\"udp_flows_per_source\":9}");
	assert_patch("--limit source.flows=9", "{\"limits\":{\"backend\":{\"flows\":4},"
	                                       "\"source\":{\"flows\":9}}}");
	assert_patch("--class realtime --compression off --deadline 0 --repair-budget 100",
	    "{\"class\":\"realtime\",\"compression\":\"off\",\"deadline_ms\":0,"
	    "\"repair_budget_percent\":100}");
}

static void update_of_backends(void **state)
{
	(void)state;
	assert_patch("--backend x=h", "{\"endpoint_groups\":[{\"backends\":[{\"host\":\"h\","
	                              "\"weight\":128}],\"region\":\"x\"}]}");
	assert_patch("--remove-backend iad=B.example --remove-backend fra=192.0.2.1:80",
	    "{\"endpoint_groups\":[{\"backends\":[{\"host\":\"2001:db8::1\",\"port\":null,"
	    "\"weight\":5}],"
	    "\"region\":\"fra\"}]}");
	assert_patch("--weight fra=[2001:DB8:0::1],0 --remove-backend iad=b.example",
	    "{\"endpoint_groups\":[{\"backends\":[{\"host\":\"192.0.2.1\",\"port\":80,\"weight\":"
	    "128},"
	    "{\"host\":\"2001:db8::1\",\"port\":null,\"weight\":0}],\"region\":\"fra\"}]}");
	assert_patch("--remove-backend fra=192.0.2.1:80 --remove-backend fra=[2001:db8::1] "
	             "--add-backend iad=c.example:9,weight=2",
	    "{\"endpoint_groups\":[{\"backends\":[{\"host\":\"b.example\",\"weight\":1},"
	    "{\"host\":\"c.example\",\"port\":9,\"weight\":2}],\"region\":\"iad\"}]}");
}

static void create_has_dials_order_and_affinity(void **state)
{
	json_t *body;
	(void)state;
	parse("create", "--protocol tcp --ports 80 --listen a --backend fra=h --backend iad=i "
	                "--dial iad=30 --failover-order iad,fra --affinity source");
	assert_true(spec_create(&invocation, &body, &errors));
	assert_json(body, "{\"client_affinity\":\"source\",\"endpoint_groups\":["
	                  "{\"backends\":[{\"host\":\"h\",\"weight\":128}],\"region\":\"fra\"},"
	                  "{\"backends\":[{\"host\":\"i\",\"weight\":128}],\"region\":\"iad\","
	                  "\"traffic_dial_percent\":30}],\"failover_order\":[\"iad\",\"fra\"],"
	                  "\"listen\":[\"a\"],\"name\":\"web\",\"ports\":[\"80\"],"
	                  "\"protocol\":\"tcp\"}");
	create_refuses(
	    "--protocol tcp --ports 80 --listen a --backend fra=h --label a=b --label a=c",
	    "--label: the key \"a\" is named twice");
	create_refuses("--protocol tcp --ports 80 --listen a --backend fra=h --comment \xc3",
	    "--comment must be text in UTF-8");
	parse("create", "--protocol tcp --ports 80 --listen a --backend fra=h --label a=b,c=d "
	                "--comment spare");
	assert_true(spec_create(&invocation, &body, &errors));
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(body, "labels"), "c")), "d");
	assert_string_equal(json_string_value(json_object_get(body, "comment")), "spare");
	json_decref(body);
	parse("create", "--disabled --protocol tcp --ports 80 --listen a --backend fra=h");
	assert_true(spec_create(&invocation, &body, &errors));
	assert_true(json_is_false(json_object_get(body, "enabled")));
	json_decref(body);
	create_refuses("--protocol tcp --ports 80 --listen a --backend fra=h --dial iad=30",
	    "--dial \"iad=30\": there is no backend in region \"iad\"");
	create_refuses("--protocol tcp --ports 80 --listen a --backend fra=h --dial fra=101",
	    "--dial \"fra=101\": PCT \"101\": wants a whole number from 0 to 100");
	create_refuses("--protocol tcp --ports 80 --listen a --backend fra=h --dial 30",
	    "--dial \"30\": wants REGION=PCT");
	create_refuses("--protocol tcp --ports 80 --listen a --backend fra=h --affinity ip",
	    "--affinity \"ip\": wants one of none, source");
	create_refuses("--protocol tcp --ports 80 --listen a --backend fra=h "
	               "--failover-order fra,fra",
	    "--failover-order: region \"fra\" is named twice");
}

/* Backends that are named anew leave the group's other fields as they are. */
static void update_of_groups(void **state)
{
#define FRA                                                                                        \
	"{\"backends\":[{\"host\":\"192.0.2.1\",\"port\":80,\"weight\":128},"                      \
	"{\"host\":\"2001:db8::1\",\"port\":null,\"weight\":5}],\"region\":\"fra\"}"
	(void)state;
	assert_patch("--failover-order nearest", "{\"failover_order\":[]}");
	assert_patch("--allow 10.0.0.0/8,::1 --deny 10.1.0.0/16",
	    "{\"allow\":[\"10.0.0.0/8\",\"::1/128\"],\"deny\":[\"10.1.0.0/16\"]}");
	assert_patch("--label tier=web,env=dev --remove-label old --label x=",
	    "{\"labels\":{\"env\":\"dev\",\"kept\":\"yes\",\"tier\":\"web\",\"x\":\"\"}}");
	assert_patch("--remove-label kept,old,env --comment=", "{\"comment\":\"\",\"labels\":{}}");
	assert_patch("--comment spare", "{\"comment\":\"spare\"}");
	assert_patch("--allow all --deny none", "{\"allow\":[],\"deny\":[]}");
	assert_patch("--failover-order fra --affinity none",
	    "{\"client_affinity\":\"none\",\"failover_order\":[\"fra\"]}");
	assert_patch("--dial iad=0", "{\"endpoint_groups\":[" FRA ",{\"backends\":[{\"host\":"
	                             "\"b.example\",\"weight\":1}],\"region\":\"iad\","
	                             "\"traffic_dial_percent\":0}]}");
	assert_patch("--backend oslo=h --backend iad=i --dial iad=7",
	    "{\"endpoint_groups\":[{\"backends\":[{\"host\":\"i\",\"weight\":128}],"
	    "\"region\":\"iad\",\"traffic_dial_percent\":7},"
	    "{\"backends\":[{\"host\":\"h\",\"weight\":128}],\"region\":\"oslo\"}]}");
	assert_update_refused("--remove-backend iad=b.example --dial iad=5",
	    "--dial \"iad=5\": there is no backend in region \"iad\"");
}

static void update_names_the_bad_part(void **state)
{
	(void)state;
	assert_update_refused("--now", "nothing to change; see trunkctl accelerator update --help");
	assert_update_refused(
	    "-o json", "nothing to change; see trunkctl accelerator update --help");
	assert_update_refused("--backend a=b --weight a=b,1",
	    "--backend names all backends anew; leave out --add-backend, --remove-backend and "
	    "--weight "
	    "beside it");
	assert_update_refused("--remove-backend fra=192.0.2.1",
	    "there is no backend fra=192.0.2.1; trunkctl "
	    "accelerator show lists them with their ports");
	assert_update_refused("--weight ams=h,1",
	    "there is no backend ams=h; trunkctl accelerator show lists them with their ports");
	assert_update_refused(
	    "--add-backend fra=192.0.2.1:80", "backend fra=192.0.2.1:80 is there already");
	assert_update_refused(
	    "--idle-timeout udp=5", "--idle-timeout \"udp=5\": the accelerator has no udp");
	assert_update_refused("--ports x",
	    "--ports \"x\": wants ports from 1 to 65535 and ranges, as in 443 or 80,8000-8010");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(create_has_what_was_said),
	    cmocka_unit_test(create_leaves_defaults_to_control),
	    cmocka_unit_test(idle_timeout_is_by_protocol),
	    cmocka_unit_test(create_names_the_bad_part),
	    cmocka_unit_test(all_that_is_wrong_is_told),
	    cmocka_unit_test(update_changes_only_what_is_named),
	    cmocka_unit_test(update_of_backends),
	    cmocka_unit_test(create_has_dials_order_and_affinity),
	    cmocka_unit_test(update_of_groups),
	    cmocka_unit_test(update_names_the_bad_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
