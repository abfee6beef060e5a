/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/difference.c. */
#include "config.h"

#include "control/difference.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

static void expect(const char *before, const char *after, const char *differences)
{
	json_t *from = before ? json_loads(before, 0, NULL) : NULL;
	json_t *to = after ? json_loads(after, 0, NULL) : NULL;
	json_t *wanted = json_loads(differences, 0, NULL), *found = difference(from, to);
	char *text = json_dumps(found, JSON_COMPACT);

	assert_non_null(wanted);
	if (!json_equal(found, wanted))
		fail_msg("found %s", text);
	free(text);
	json_decref(from);
	json_decref(to);
	json_decref(wanted);
	json_decref(found);
}

static void fields(void **state)
{
	(void)state;
	expect("{\"a\": 1}", "{\"a\": 1}", "[]");
	expect("{\"a\": 1, \"b\": 2}", "{\"a\": 1, \"b\": 3, \"c\": [1]}",
	    "[{\"field\": \"b\", \"before\": 2, \"after\": 3},"
	    " {\"field\": \"c\", \"before\": null, \"after\": [1]}]");
	expect("{\"a\": [1, 2]}", "{\"a\": [1]}",
	    "[{\"field\": \"a\", \"before\": [1, 2], \"after\": [1]}]");
	expect(NULL, "{\"a\": 1}", "[{\"field\": \"a\", \"before\": null, \"after\": 1}]");
	expect("{\"a\": 1}", NULL, "[{\"field\": \"a\", \"before\": 1, \"after\": null}]");
}

static void lists_of_objects(void **state)
{
	(void)state;
	expect("{\"g\": [{\"region\": \"oslo\", \"b\": [{\"host\": \"h\", \"port\": 1, \"w\": 1},"
	       " {\"host\": \"i\", \"w\": 1}]}]}",
	    "{\"g\": [{\"region\": \"rome\", \"b\": []}, {\"region\": \"oslo\", \"b\":"
	    " [{\"host\": \"h\", \"port\": 1, \"w\": 2}, {\"host\": \"i\", \"w\": 1}]}]}",
	    "[{\"field\": \"g[oslo].b[h:1].w\", \"before\": 1, \"after\": 2},"
	    " {\"field\": \"g[rome]\", \"before\": null, \"after\": {\"region\": \"rome\", \"b\": "
	    "[]}}]");
	/* Another order is a difference too. */
	expect("{\"g\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}",
	    "{\"g\": [{\"name\": \"b\"}, {\"name\": \"a\"}]}",
	    "[{\"field\": \"g\", \"before\": [{\"name\": \"a\"}, {\"name\": \"b\"}],"
	    " \"after\": [{\"name\": \"b\"}, {\"name\": \"a\"}]}]");
	expect("{\"g\": [{\"x\": 1}]}", "{\"g\": [{\"x\": 2}]}",
	    "[{\"field\": \"g[0].x\", \"before\": 1, \"after\": 2}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields),
	    cmocka_unit_test(lists_of_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
