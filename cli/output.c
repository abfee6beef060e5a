/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON by jansson, YAML by libyaml.  A string that a YAML reader could take for something else is
 * quoted: anything but a plain word.
 */
#include "cli/output.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

bool output_json(const json_t *value, bool is_compact, FILE *out)
{
	size_t flags = is_compact ? JSON_COMPACT : JSON_INDENT(2);
	return json_dumpf(value, out, flags) == 0 && fputc('\n', out) != EOF;
}

/* A word that no reader of YAML 1.1 or 1.2 takes for a number, boolean, null or anything else. */
static bool is_plain_word(const char *text)
{
	static const char *const reserved[] = {
	    "true", "false", "yes", "no", "on", "off", "y", "n", "null"};
	if (!isalpha((unsigned char)text[0]))
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcasecmp(text, reserved[i]) == 0)
			return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("._+/-", *text))
			return false;
	return true;
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, bool is_string)
{
	yaml_event_t event;
	bool is_plain = !is_string || is_plain_word(text);
	return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
	           (int)strlen(text), is_plain, true,
	           is_plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE)
	       && yaml_emitter_emit(emitter, &event);
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *value);

static bool emit_array(yaml_emitter_t *emitter, const json_t *array)
{
	yaml_event_t event;
	size_t i;
	json_t *item;
	bool is_flow = json_array_size(array) == 0 || !json_is_object(json_array_get(array, 0));
	if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, true,
	        is_flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE)
	    || !yaml_emitter_emit(emitter, &event))
		return false;
	json_array_foreach(array, i, item) if (!emit_value(emitter, item)) return false;
	return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_object(yaml_emitter_t *emitter, const json_t *object)
{
	yaml_event_t event;
	const char *key;
	json_t *item;
	if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, true, YAML_BLOCK_MAPPING_STYLE)
	    || !yaml_emitter_emit(emitter, &event))
		return false;
	json_object_foreach((json_t *)object, key,
	    item) if (!emit_scalar(emitter, key, true) || !emit_value(emitter, item)) return false;
	return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_number(yaml_emitter_t *emitter, const json_t *value)
{
	char text[64];
	if (json_is_integer(value))
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		snprintf(text, sizeof(text), "%.12g", json_real_value(value));
	return emit_scalar(emitter, text, false);
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return emit_object(emitter, value);
	case JSON_ARRAY:
		return emit_array(emitter, value);
	case JSON_STRING:
		return emit_scalar(emitter, json_string_value(value), true);
	case JSON_INTEGER:
	case JSON_REAL:
		return emit_number(emitter, value);
	case JSON_TRUE:
		return emit_scalar(emitter, "true", false);
	case JSON_FALSE:
		return emit_scalar(emitter, "false", false);
	case JSON_NULL:
		break;
	}
	return emit_scalar(emitter, "null", false);
}

bool output_yaml(const json_t *value, bool has_marker, FILE *out)
{
	yaml_emitter_t emitter;
	yaml_event_t event;
	if (!yaml_emitter_initialize(&emitter))
		return false;
	yaml_emitter_set_output_file(&emitter, out);
	yaml_emitter_set_unicode(&emitter, true);
	yaml_emitter_set_width(&emitter, 100);
	bool is_good =
	    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)
	    && yaml_emitter_emit(&emitter, &event)
	    && yaml_document_start_event_initialize(&event, NULL, NULL, NULL, !has_marker)
	    && yaml_emitter_emit(&emitter, &event) && emit_value(&emitter, value)
	    && yaml_document_end_event_initialize(&event, true)
	    && yaml_emitter_emit(&emitter, &event) && yaml_stream_end_event_initialize(&event)
	    && yaml_emitter_emit(&emitter, &event) && yaml_emitter_flush(&emitter);
	yaml_emitter_delete(&emitter);
	return is_good;
}
