/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See finding.h. */
#include "control/finding.h"

#include "base/utf8.h"
#include "model/limits.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const level_names[] = {[FINDING_WRONG] = "wrong", [FINDING_NOTICE] = "notice"};
static const char *const check_names[] = {
    [CHECK_REACHABILITY] = "reachability",
    [CHECK_CONFIG] = "config",
    [CHECK_VERSION] = "version",
    [CHECK_CLOCK] = "clock",
    [CHECK_LIMITS] = "limits",
    [CHECK_MTU] = "mtu",
    [CHECK_STATE] = "state",
};

static json_t *make(enum finding_level level, enum finding_check check, const char *node,
    const char *detail, const char *fix)
{
	return json_pack("{s:s, s:s, s:s?, s:s, s:s}", "level", level_names[level], "check",
	    check_names[check], "node", node, "detail", detail, "fix", fix);
}

/* In the last place, as bad as the worst of those that it stands for. */
static void leave_out(json_t *list, enum finding_level level)
{
	json_t *last = json_array_get(list, FINDINGS_MAX - 1);

	if (!last)
		json_array_append_new(
		    list, make(level, CHECK_LIMITS, NULL,
		              "there are more findings than are listed: the others are left out",
		              "mend what is listed first; trunkctl tunnel list has all tunnels"));
	else if (level == FINDING_WRONG)
		json_object_set_new(last, "level", json_string(level_names[level]));
}

void finding_add(json_t *list, enum finding_level level, enum finding_check check, const char *node,
    const char *fix, const char *format, ...)
{
	char detail[REASON_BYTES + 128];
	va_list args;

	if (json_array_size(list) >= FINDINGS_MAX - 1) {
		leave_out(list, level);
		return;
	}
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	json_array_append_new(list, make(level, check, node, utf8_mend(detail), fix));
}

static bool is_wrong(const json_t *finding)
{
	const char *level = json_string_value(json_object_get(finding, "level"));

	return level && strcmp(level, level_names[FINDING_WRONG]) == 0;
}

size_t finding_sort(json_t *list)
{
	json_t *others = json_array();
	size_t wrong = 0;

	for (size_t i = 0; i < json_array_size(list);) {
		json_t *finding = json_array_get(list, i);

		if (is_wrong(finding)) {
			wrong++;
			i++;
		} else {
			json_array_append(others, finding);
			json_array_remove(list, i);
		}
	}
	json_array_extend(list, others);
	json_decref(others);
	return wrong;
}

json_t *finding_checks_json(void)
{
	json_t *names = json_array();

	for (size_t i = 0; i < sizeof(check_names) / sizeof(check_names[0]); i++)
		json_array_append_new(names, json_string(check_names[i]));
	return names;
}
