/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that complete a line: asked of the control that the line names, and of the model's tables.
 */
#include "tests/unit/cli_fixture.h"

#include <time.h>

#include "cli/complete_names.h"

#define NODES                                                                                      \
	"{\"items\":[{\"name\":\"tokyo-1\",\"role\":\"listener\",\"region\":\"tokyo\",\"state\":"  \
	"\"up\"},"                                                                                 \
	"{\"name\":\"oslo-1\",\"role\":\"endpoint\",\"region\":\"oslo\",\"state\":\"down\"},"      \
	"{\"name\":\"oslo-2\",\"role\":\"endpoint\",\"region\":\"oslo\",\"state\":\"up\"}]}"
#define ACCELERATORS                                                                               \
	"{\"items\":[{\"name\":\"web\",\"protocol\":\"tcp\",\"ports\":[\"80\",\"443\"],"           \
	"\"labels\":{\"env\":\"prod\",\"tier\":\"1\"},"                                            \
	"\"endpoint_groups\":[{\"region\":\"oslo\",\"backends\":["                                 \
	"{\"host\":\"192.0.2.1\",\"weight\":128},{\"host\":\"::1\",\"port\":9,\"weight\":1}]}]}]}"

/* Behind "--control UNIX-SOCKET"; a space at the end is an empty last word. */
static void assert_offers(const char *line, const char *wanted)
{
	static char copy[512];
	char *words[CLI_WORDS_MAX] = {(char[]){"--control"}, server.where}, *rest = copy, *word;
	size_t count = 2;
	snprintf(copy, sizeof copy, "%s", line);
	while ((word = strsep(&rest, " ")) && count < CLI_WORDS_MAX)
		words[count++] = word;
	cli_open_output();
	complete_line(&trunkctl_commands, count, words, complete_names, session.out);
	fclose(session.out);
	if (strcmp(printed, wanted) != 0)
		fail_msg("\"%s\":\n%s not\n%s", line, printed, wanted);
}

static void nodes_and_regions(void **state)
{
	(void)state;
	cli_set(200, NODES);
	assert_offers("node show ",
	    "tokyo-1\tlistener tokyo\noslo-1\tendpoint oslo\noslo-2\tendpoint oslo\n");
	assert_true(cli_was_asked("GET /v1/nodes "));
	assert_offers("tunnel show ", "tokyo-1\ttokyo up\n");
	assert_offers("tunnel show tokyo-1 ", "oslo-1\toslo down\noslo-2\toslo up\n");
	assert_offers("node token --region ", "tokyo\tregion\noslo\tregion\n");
	assert_offers("accelerator create x --backend o", "oslo=\tregion\n");
	assert_offers("accelerator create x --health o", "oslo=\tregion\n");
}

static void accelerators_and_their_backends(void **state)
{
	(void)state;
	cli_set(200, ACCELERATORS);
	assert_offers("accelerator delete ", "web\ttcp 80,443\n");
	assert_offers("accelerator update web --remove-backend ",
	    "oslo=192.0.2.1\tbackend\noslo=[::1]:9\tbackend\n");
	assert_offers("accelerator update web --weight oslo=1", "oslo=192.0.2.1,\tbackend\n");
	assert_offers("accelerator update other --remove-backend ", "");
	assert_offers("accelerator update web --remove-label ", "env\tlabel\ntier\tlabel\n");
	assert_offers("accelerator list --label e", "env=\tlabel\n");
}

static void what_else_control_knows(void **state)
{
	(void)state;
	cli_set(200, "{\"items\":[{\"revision\":7,\"what\":\"update accelerator web\"}]}");
	assert_offers("rollback ", "7\tupdate accelerator web\n");
	cli_set(200, "{\"items\":[{\"name\":\"ci\",\"role\":\"viewer\",\"expires\":\"x\"}]}");
	assert_offers("token revoke ", "ci\tviewer x\n");
	cli_set(200, "{\"items\":[{\"kind\":\"Accelerator\",\"name\":\"web\"},"
	             "{\"kind\":\"Tunnel\",\"listener\":\"a\",\"endpoint\":\"b\"}]}");
	assert_offers("get tunnels ", "a/b\tTunnel\n");
	assert_offers("get Accelerator ", "web\tAccelerator\n");
	assert_offers("get nonsense ", "");
}

static void tables_need_no_control(void **state)
{
	(void)state;
	assert_offers(
	    "explain T", "Tunnel\twhat is set for the tunnel of a listener and an endpoint\n");
	assert_offers("explain Tunnel.l", "Tunnel.listener\tthe listener node at one end\n");
	assert_offers("get Tunnel.", "");
	assert_int_equal(cli_requests(), 0);
	assert_offers(
	    "accelerator update web --health qu", "quake3\thealth check\nquic\thealth check\n");
	assert_offers("accelerator create x --limit backend",
	    "backend.flows=\tlimit\nbackend.bytes=\tlimit\n");
}

/* A control that says no, nothing, or nonsense costs the names, and no more than its second. */
static void names_that_do_not_come(void **state)
{
	(void)state;
	cli_set(500, "{}");
	assert_offers("node show ", "");
	cli_set(200, "nonsense");
	assert_offers("node show ", "");
	cli_set(200, "{\"items\":[1,{\"name\":7},{\"name\":\"a\\u0007\"},{\"name\":\"b\"}]}");
	assert_offers("node show ", "b\t- -\n");
	server.is_silent = true;
	time_t start = time(NULL);
	assert_offers("node show ", "");
	assert_in_range(time(NULL) - start, 0, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(nodes_and_regions),
	    CLI_TEST(accelerators_and_their_backends),
	    CLI_TEST(what_else_control_knows),
	    CLI_TEST(tables_need_no_control),
	    CLI_TEST(names_that_do_not_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
