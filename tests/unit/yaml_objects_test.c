/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of base/yaml_objects.c: what a text states, by which table, and where each value stands. */
#include "config.h"

#include "base/yaml_objects.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

struct thing {
	char name[16];
	char tags[4][16];
	size_t tag_count;
	uint32_t size;
	bool is_big;
};

static const struct schema_field thing_fields[] = {
    {SCHEMA_MEMBER("name", struct thing, name), .type = SCHEMA_TEXT},
    {SCHEMA_ARRAY_IN_PLACE("tags", struct thing, tags, tag_count), .type = SCHEMA_TEXT},
    {SCHEMA_MEMBER("size", struct thing, size), .type = SCHEMA_U32},
    {SCHEMA_MEMBER("big", struct thing, is_big), .type = SCHEMA_BOOL},
};
static const struct schema thing_schema = SCHEMA(struct thing, thing_fields);

static const char *wanted_pointer;
static struct yaml_place place;
static struct schema_errors errors;

static const struct schema *schema_of(const char *kind)
{
	return strcmp(kind, "Thing") == 0 ? &thing_schema : NULL;
}

static void on_place(void *context, const char *pointer, const struct yaml_place *at)
{
	(void)context;
	if (wanted_pointer && strcmp(pointer, wanted_pointer) == 0)
		place = *at;
}

static json_t *parse(const char *text)
{
	const struct yaml_reader reader = {.schema_of = schema_of, .on_place = on_place};

	place = (struct yaml_place){0};
	return yaml_objects_read(text, strlen(text), &reader, &errors);
}

static void expect(const char *text, const char *json)
{
	json_t *read = parse(text), *wanted = json_loads(json, 0, NULL);
	char *dump = json_dumps(read, JSON_COMPACT);

	assert_non_null(wanted);
	if (!json_equal(read, wanted))
		fail_msg("%s became %s", text, dump);
	assert_int_equal(errors.count, 0);
	free(dump);
	json_decref(read);
	json_decref(wanted);
}

static void the_table_decides(void **state)
{
	(void)state;
	expect("kind: Thing\nname: no\ntags: [443, true, ~]\nsize: 7\nbig: yes\n",
	    "[{\"kind\": \"Thing\", \"name\": \"no\", \"tags\": [\"443\", \"true\", null],"
	    " \"size\": 7, \"big\": true}]");
	/* Without one, a scalar is what it looks like. */
	expect("kind: Other\nname: no\nx: 443\ny: 1.5\nz: \"5\"\nn: null\n",
	    "[{\"kind\": \"Other\", \"name\": false, \"x\": 443, \"y\": 1.5, \"z\": \"5\","
	    " \"n\": null}]");
	/* A value of another kind is left for control to refuse. */
	expect("kind: Thing\nsize: many\n", "[{\"kind\": \"Thing\", \"size\": \"many\"}]");
}

static void several_forms(void **state)
{
	static const char two[] =
	    "[{\"kind\": \"Thing\", \"name\": \"a\"}, {\"kind\": \"Thing\", \"name\": \"b\"}]";

	(void)state;
	expect("kind: Thing\nname: a\n---\n# nothing\n---\nkind: Thing\nname: b\n", two);
	expect("- {kind: Thing, name: a}\n- {kind: Thing, name: b}\n", two);
	expect("items:\n- {kind: Thing, name: a}\n- {kind: Thing, name: b}\n", two);
	expect("{\"items\": [{\"kind\": \"Thing\", \"name\": \"a\"},\n"
	       " {\"kind\": \"Thing\", \"name\": \"b\"}]}",
	    two);
	expect("", "[]");
	expect("a: &x {kind: Thing}\nkind: Other\nb: *x\n",
	    "[{\"a\": {\"kind\": \"Thing\"}, \"kind\": \"Other\", \"b\": {\"kind\": \"Thing\"}}]");
}

static void expect_place(const char *text, const char *pointer, unsigned key_line,
    unsigned key_column, unsigned line, unsigned column)
{
	wanted_pointer = pointer;
	json_decref(parse(text));
	wanted_pointer = NULL;
	assert_int_equal(place.line, line);
	assert_int_equal(place.column, column);
	assert_int_equal(place.key_line, key_line);
	assert_int_equal(place.key_column, key_column);
}

static void places(void **state)
{
	static const char text[] = "kind: Thing\n---\nkind: Thing\ntags:\n  - a\n  - b\nx/y~z: 1\n";

	(void)state;
	expect_place(text, "/items/0", 1, 1, 1, 1);
	expect_place(text, "/items/1/kind", 3, 1, 3, 7);
	expect_place(text, "/items/1/tags", 4, 1, 5, 3);
	expect_place(text, "/items/1/tags/1", 6, 5, 6, 5);
	expect_place(text, "/items/1/x~1y~0z", 7, 1, 7, 8);
}

static void expect_error(const char *text, unsigned line, unsigned column, const char *part)
{
	json_decref(parse(text));
	assert_int_equal(errors.count, 1);
	assert_int_equal(errors.list[0].line, line);
	assert_int_equal(errors.list[0].column, column);
	if (!strstr(errors.list[0].text, part))
		fail_msg("\"%s\" does not say \"%s\"", errors.list[0].text, part);
}

static void what_is_wrong_with_the_text(void **state)
{
	(void)state;
	expect_error("kind: Thing\nname: a\nname: b\n", 3, 1, "name stands here twice");
	expect_error("kind: Thing\nname: [a\n", 3, 1, "did not find");
	expect_error("just words\n", 1, 1, "must be an object with a kind");
	expect_error("kind: Thing\n? [a]\n: b\n", 2, 3, "a key must be a short text");
	/* An alias to what it lies in has an end. */
	expect_error("kind: Thing\nname: &a [*a]\n", 2, 7, "too deep");
}

/* Each level doubles: a billion values in a few lines. */
static void a_bomb_is_put_out(void **state)
{
	char text[4096] = "kind: Thing\na0: &a0 [x, x]\n", line[64];

	(void)state;
	for (int i = 1; i < 14; i++) {
		snprintf(line, sizeof(line), "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1,
		    i - 1, i - 1, i - 1);
		strcat(text, line);
	}
	json_decref(parse(text));
	assert_true(errors.count >= 1);
	assert_non_null(strstr(errors.list[0].text, "too many values"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_table_decides),
	    cmocka_unit_test(several_forms),
	    cmocka_unit_test(places),
	    cmocka_unit_test(what_is_wrong_with_the_text),
	    cmocka_unit_test(a_bomb_is_put_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
