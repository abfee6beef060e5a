/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/objects.c: kinds by their names, and that each field can be explained. */
#include "config.h"

#include "model/objects.h"

#include "tests/unit/cmocka_all.h"

static void kinds_are_found(void **state)
{
	(void)state;
	assert_string_equal(object_kind_find("Tunnel")->plural, "tunnels");
	assert_null(object_kind_find("tunnel"));
	assert_ptr_equal(object_kind_guess("ACCELERATORS"), object_kind_find("Accelerator"));
	assert_null(object_kind_guess("accel"));
	assert_string_equal(object_kind_suggest("tunnel"), "Tunnel");
	assert_string_equal(object_kind_suggest("Accelerater"), "Accelerator");
	assert_null(object_kind_suggest("Deployment"));
}

static void names_are_made_of_fields(void **state)
{
	const struct object_kind *tunnel = object_kind_find("Tunnel");
	char name[OBJECT_NAME_BYTES];
	json_t *json = json_pack("{s:s, s:s}", "listener", "tyo-1", "endpoint", "osl-1");

	(void)state;
	assert_string_equal(object_name(tunnel, json, name), "tyo-1/osl-1");
	json_object_del(json, "endpoint");
	assert_string_equal(object_name(tunnel, json, name), "");
	json_object_set_new(json, "endpoint", json_integer(1));
	assert_string_equal(object_name(tunnel, json, name), "");
	json_decref(json);
}

/* Every field that people write says what it is: trunkctl explain has nothing else to show. */
static void check_help(const struct schema *schema)
{
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (!field->help || !field->help[0])
			fail_msg("the field \"%s\" has no .help in its table", field->key);
		if (field->schema)
			check_help(field->schema);
	}
}

static void every_field_has_help(void **state)
{
	(void)state;
	for (const struct object_kind *kind = object_kinds; kind->name; kind++) {
		assert_non_null(kind->help);
		check_help(kind->schema);
	}
}

static void a_tunnel_by_default(void **state)
{
	struct tunnel_object tunnel;
	json_t *json = json_pack("{s:s, s:s}", "listener", "tyo-1", "endpoint", "osl-1");

	(void)state;
	assert_int_equal(schema_from_json(&tunnel_object_schema, json, 0, &tunnel, NULL), 0);
	assert_string_equal(tunnel.congestion, CONGESTION_DEFAULT);
	assert_false(tunnel.is_traced);
	json_object_set_new(json, "congestion", json_string("vegas"));
	assert_true(schema_from_json(&tunnel_object_schema, json, 0, &tunnel, NULL) < 0);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds_are_found),
	    cmocka_unit_test(names_are_made_of_fields),
	    cmocka_unit_test(every_field_has_help),
	    cmocka_unit_test(a_tunnel_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
