/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health_value.h. */
#include "cli/health_value.h"

#include <stdio.h>
#include <string.h>

#include "cli/value.h"
#include "model/health_check.h"
#include "model/name.h"

/* What stands before the first '=' is a region, unless it is a part of the check (tcp,rise=3). */
static const char *split_region(const char *text, char region[NAME_BYTES])
{
	size_t length = strcspn(text, "=,:");
	region[0] = '\0';
	if (text[length] != '=' || length >= NAME_BYTES)
		return text;
	memcpy(region, text, length);
	region[length] = '\0';
	return text + length + 1;
}

static bool set(json_t *groups, const char *region, const struct health_check *check)
{
	bool is_found = false;
	size_t i;
	json_t *group;
	json_array_foreach(groups, i, group)
	{
		const char *name = json_string_value(json_object_get(group, "region"));
		if (region[0] && (!name || strcmp(name, region) != 0))
			continue;
		json_object_set_new(
		    group, "health", schema_to_json(&health_check_schema, check, 0));
		is_found = true;
	}
	return is_found;
}

static bool take(const char *text, json_t *groups, char *error)
{
	struct health_check check;
	struct model_error why;
	char region[NAME_BYTES];
	const char *spec = split_region(text, region);
	if (region[0] && !value_name("--health", region, error))
		return false;
	if (health_check_parse(spec, &check, &why) < 0) {
		snprintf(error, VALUE_ERROR_BYTES, "--health \"%.100s\": %.200s%s%.160s", text,
		    why.reason, why.fix[0] ? "; " : "", why.fix);
		return false;
	}
	if (!groups || set(groups, region, &check))
		return true;
	snprintf(error, VALUE_ERROR_BYTES,
	    "--health \"%.100s\": there is no backend in region \"%s\"", text, region);
	return false;
}

bool health_take(const struct invocation *invocation, json_t *groups, char *error)
{
	size_t cursor = 0;
	const char *text;
	while ((text = invocation_next(invocation, "--health", &cursor)))
		if (!take(text, groups, error))
			return false;
	return true;
}
