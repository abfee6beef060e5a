/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/manifest.c: every error at its line, whoever found it. */
#include "config.h"

#include "cli/manifest.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] = "kind: Accelerator\n"
                           "name: web\n"
                           "lisen: [a]\n"
                           "ports: [443, x]\n"
                           "name: api\n"
                           "---\n"
                           "kind: Tunnel\n";

static void errors_by_line(void **state)
{
	struct manifest manifest;
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);
	json_t *faults = json_loads(
	    "[{\"pointer\": \"/items/1/listener\", \"detail\": \"listener: is required\"},"
	    " {\"pointer\": \"/items/0/ports/1\", \"detail\": \"no port\", \"fix\": \"mend\"},"
	    " {\"pointer\": \"/items/0/lisen\", \"detail\": \"unknown\\u001b\", \"at_key\": true},"
	    " {\"pointer\": \"/items\", \"detail\": \"too many\"}]",
	    0, NULL);

	(void)state;
	manifest_parse(&manifest, "f.yaml", text, strlen(text));
	assert_int_equal(json_array_size(manifest.items), 2);
	assert_string_equal(json_string_value(json_array_get(
	                        json_object_get(json_array_get(manifest.items, 0), "ports"), 0)),
	    "443");
	assert_int_equal(manifest_print_errors(&manifest, faults, out), 5);
	fclose(out);
	assert_string_equal(printed, "f.yaml: too many\n"
	                             "f.yaml:3:1: unknown?\n"
	                             "f.yaml:4:14: no port; mend\n"
	                             "f.yaml:5:1: the key name stands here twice\n"
	                             "f.yaml:7:1: listener: is required\n");
	free(printed);
	json_decref(faults);
	manifest_clear(&manifest);
}

static void files(void **state)
{
	char error[MANIFEST_ERROR_BYTES], name[] = "/tmp/trunkctl-manifest-XXXXXX";
	struct manifest manifest;
	int descriptor = mkstemp(name);

	(void)state;
	assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
	close(descriptor);
	assert_true(manifest_read(&manifest, name, error));
	assert_int_equal(manifest.errors.count, 1);
	manifest_clear(&manifest);
	unlink(name);
	assert_false(manifest_read(&manifest, name, error));
	assert_non_null(strstr(error, "No such file"));
	assert_false(manifest_read(&manifest, "/tmp", error));
	assert_non_null(strstr(error, "Is a directory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_by_line),
	    cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
