/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an endpoint tells control of one address of a backend, with each report. */
#ifndef MODEL_BACKEND_REPORT_H
#define MODEL_BACKEND_REPORT_H

#include "base/addr.h"
#include "base/schema.h"
#include "model/health.h"

#include <stdint.h>

enum { BACKEND_REPORTS_MAX = 4096 };

struct backend_report {
	uint32_t accelerator;
	char host[ADDR_HOST_BYTES];    /* as in the config */
	uint16_t port;                 /* likewise, 0 for the user's */
	char address[ADDR_TEXT_BYTES]; /* without port; "" when the name has none */
	enum health_state state;
	enum health_cause cause;
	uint64_t since_ms; /* of the state, UNIX time */
};

extern const struct schema backend_report_schema;

#endif
