/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/explain.c: kinds and fields as their tables have them; control is not asked. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

static void expect(const char *line, const char *part)
{
	assert_int_equal(cli_run(line), EXIT_DONE);
	if (!strstr(printed, part))
		fail_msg("%s: no \"%s\" in %s", line, part, printed);
}

static void kinds_and_fields(void **state)
{
	(void)state;
	expect("explain", "Tunnel");
	expect("explain accelerators", "endpoint_groups");
	expect("explain tunnel.congestion", "DEFAULT   bbr\n");
	expect("explain Accelerator.endpoint_groups.backends.weight",
	    "FIELD     endpoint_groups.backends.weight\nTYPE      whole number\nREQUIRED  no\n"
	    "DEFAULT   128\nLIMITS    0..255\n");
	expect("explain accelerator.protocol", "LIMITS    tcp, udp, tcp+udp\n");
	expect("explain accelerator.ports", "TYPE      list of: text\n");
	expect("explain accelerator.endpoint_groups", "backends");
	expect("explain accelerator.labels",
	    "TYPE      map of: text\nREQUIRED  no\n"
	    "LIMITS    keys of at most 127 bytes, values of 63\nITEMS     0..32\n");
	assert_int_equal(cli_requests(), 0);
}

static void what_there_is_not(void **state)
{
	static const char *const lines[] = {"explain acelerator", "explain tunnel.congstion",
	    "explain tunnel.trace.x", "explain tunnel.", "explain pods"};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_int_equal(cli_run(lines[i]), EXIT_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(kinds_and_fields),
	    CLI_TEST(what_there_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
