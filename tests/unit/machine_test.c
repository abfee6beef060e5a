/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/machine.c: it comes back whole from a report, and what it cannot be is refused. */
#include "tests/unit/cmocka_all.h"

#include "model/machine.h"

#include <string.h>

static void it_comes_back_whole(void **state)
{
	const struct machine told = {.clock_ms = 1,
	    .rmem_max_bytes = 2,
	    .wmem_max_bytes = 3,
	    .tunnel_buffer_bytes = 4,
	    .tunnel_granted_bytes = 5,
	    .files_max = 6,
	    .port_first = 7,
	    .port_last = 65535,
	    .has_udp_gro = true,
	    .has_udp_segment = true};
	struct machine again;
	json_t *json = schema_to_json(&machine_schema, &told, 0);

	(void)state;
	assert_int_equal(json_object_size(json), machine_schema.field_count);
	assert_int_equal(schema_from_json(&machine_schema, json, 0, &again, NULL), 0);
	json_t *other = schema_to_json(&machine_schema, &again, 0);
	assert_true(json_equal(json, other));
	assert_true(again.has_udp_segment && again.port_last == 65535);
	json_decref(other);
	json_decref(json);
}

static void nothing_told_is_all_zero(void **state)
{
	const struct machine nothing = {0};
	struct machine again;

	(void)state;
	assert_int_equal(schema_from_json_text(&machine_schema, "{}", 2, 0, &again, NULL), 0);
	assert_memory_equal(&nothing, &again, sizeof nothing);
}

static void what_no_machine_has_is_refused(void **state)
{
	static const char *const wrong[] = {"{\"port_last\": 65536}", "{\"clock_ms\": -1}",
	    "{\"clock_ms\": 253402300800000}", "{\"files_max\": \"many\"}", "{\"udp_gro\": 1}"};
	struct machine machine;
	struct schema_errors errors;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_true(schema_from_json_text(
		                &machine_schema, wrong[i], strlen(wrong[i]), 0, &machine, &errors)
		            < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_comes_back_whole),
	    cmocka_unit_test(nothing_told_is_all_zero),
	    cmocka_unit_test(what_no_machine_has_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
