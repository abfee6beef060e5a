/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fault_option.h. */
#include "cli/fault_option.h"

#include <ctype.h>
#include <string.h>

/*
 * A field and all below it, "#" for an index, and an option that sets it.  Of several rows the first
 * counts whose option was given.
 */
static const struct {
	const char *field, *option;
} rows[] = {
    {"/protocol", "--protocol"},
    {"/ports", "--ports"},
    {"/listen", "--listen"},
    {"/endpoint_groups/#/traffic_dial_percent", "--dial"},
    {"/endpoint_groups/#/health", "--health"},
    {"/endpoint_groups/#/backends/#/weight", "--weight"},
    {"/endpoint_groups", "--backend"},
    {"/endpoint_groups", "--add-backend"},
    {"/endpoint_groups", "--weight"},
    {"/endpoint_groups", "--remove-backend"},
    {"/failover_order", "--failover-order"},
    {"/client_affinity", "--affinity"},
    {"/class", "--class"},
    {"/compression", "--compression"},
    {"/all_unhealthy", "--all-unhealthy"},
    {"/udp_failover", "--udp-failover"},
    {"/allow", "--allow"},
    {"/deny", "--deny"},
    {"/limits", "--limit"},
    {"/labels", "--label"},
    {"/comment", "--comment"},
    {"/tcp_idle_timeout_s", "--idle-timeout"},
    {"/udp_idle_timeout_s", "--idle-timeout"},
    {"/udp_flows_per_source", "--udp-flows-per-source"},
    {"/repair_budget_percent", "--repair-budget"},
    {"/deadline_ms", "--deadline"},
    {"/name", "--name"},
    {"/role", "--role"},
    {"/region", "--region"},
    {"/ttl_s", "--ttl"},
    {"/confirm_s", "--confirm"},
};

static bool lies_in(const char *pointer, const char *field)
{
	for (; *field; field++) {
		if (*field != '#') {
			if (*pointer++ != *field)
				return false;
			continue;
		}
		if (!isdigit((unsigned char)*pointer))
			return false;
		while (isdigit((unsigned char)*pointer))
			pointer++;
	}
	return *pointer == '\0' || *pointer == '/';
}

const char *fault_option(const struct invocation *invocation, const char *pointer)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (lies_in(pointer, rows[i].field) && invocation_has(invocation, rows[i].option))
			return rows[i].option;
	return NULL;
}
