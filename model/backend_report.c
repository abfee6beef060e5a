/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backend_report.h. */
#include "model/backend_report.h"

#include "model/limits.h"

static const char *check_address(const void *value)
{
	const char *text = value;
	struct addr addr;

	return !text[0] || addr_parse(text, 0, &addr) == 0 ? NULL : "must be an address";
}

static const struct schema_field fields[] = {
    {SCHEMA_MEMBER("accelerator", struct backend_report, accelerator), .type = SCHEMA_U32,
        .is_required = true, .min = 1},
    {SCHEMA_MEMBER("host", struct backend_report, host), .type = SCHEMA_TEXT, .is_required = true,
        .min = 1},
    {SCHEMA_MEMBER("port", struct backend_report, port), .type = SCHEMA_U16},
    {SCHEMA_MEMBER("address", struct backend_report, address), .type = SCHEMA_TEXT,
        .check = check_address},
    {SCHEMA_MEMBER("state", struct backend_report, state), .type = SCHEMA_ENUM, .is_required = true,
        .names = health_state_names},
    {SCHEMA_MEMBER("cause", struct backend_report, cause), .type = SCHEMA_ENUM,
        .names = health_cause_names},
    {SCHEMA_MEMBER("since_ms", struct backend_report, since_ms), .type = SCHEMA_U64,
        .is_required = true, .max = TIME_MAX_MS},
};
const struct schema backend_report_schema = SCHEMA(struct backend_report, fields);
