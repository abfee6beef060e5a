/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health.h. */
#include "model/health.h"

#include <stddef.h>

const char *const health_state_names[] = {"unknown", "healthy", "unhealthy", NULL};
const char *const health_cause_names[] = {"none", "silent", "refused", "unreachable",
    "wrong-answer", "flows-failed", "name-unresolved", "not-permitted", NULL};

const char *health_state_text(enum health_state state)
{
	return (unsigned)state <= HEALTH_UNHEALTHY ? health_state_names[state] : "?";
}

const char *health_cause_text(enum health_cause cause)
{
	return (unsigned)cause < HEALTH_CAUSE_COUNT ? health_cause_names[cause] : "?";
}
