/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files: the first byte says which.  'y': an accelerator as YAML; 'j': as the API's JSON, which
 * must come back the same; 's': a node's saved config, under a right checksum; else the same as it
 * is.
 */
#include "base/encoding.h"
#include "model/accelerator.h"
#include "model/node_config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accelerator(struct accelerator *accelerator)
{
	struct accelerator again;
	struct model_error error;
	json_t *json, *second;

	if (accelerator_validate(accelerator, &error) == 0) {
		json = accelerator_to_json(accelerator);
		if (schema_from_json(&accelerator_schema, json, 0, &again, NULL) < 0
		    || accelerator_validate(&again, &error) < 0)
			abort();
		second = accelerator_to_json(&again);
		if (!json_equal(json, second))
			abort();
		json_decref(json);
		json_decref(second);
		accelerator_clear(&again);
	}
	accelerator_clear(accelerator);
}

static void load_saved(const char *text, size_t length)
{
	struct node_config config;
	struct model_error error;
	char *saved;
	size_t saved_length;

	if (node_config_load(text, length, &config, &error) < 0)
		return;
	if (node_config_save(&config, &saved, &saved_length) < 0)
		abort();
	free(saved);
	node_config_clear(&config);
}

static void load_with_checksum(const uint8_t *data, size_t size)
{
	uint8_t hash[crypto_generichash_BYTES];
	char hex[HEX_TEXT_BYTES(crypto_generichash_BYTES)];
	char *text = malloc(size + 256);
	int used;

	crypto_generichash(hash, sizeof(hash), data, size, NULL, 0);
	used = snprintf(text, 256, "trunkline-config 1 %s\n", hex_encode(hash, sizeof(hash), hex));
	memcpy(text + used, data, size);
	load_saved(text, (size_t)used + size);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct accelerator accelerator;
	struct schema_errors errors;
	const char *text = (const char *)data + 1;

	if (size == 0)
		return 0;
	if (data[0] == 'y'
	    && schema_from_yaml_text(&accelerator_schema, text, size - 1, &accelerator, &errors)
	           == 0)
		check_accelerator(&accelerator);
	else if (data[0] == 'j'
	         && schema_from_json_text(
	                &accelerator_schema, text, size - 1, 0, &accelerator, &errors)
	                == 0)
		check_accelerator(&accelerator);
	else if (data[0] == 's')
		load_with_checksum(data + 1, size - 1);
	else
		load_saved((const char *)data, size);
	return 0;
}
