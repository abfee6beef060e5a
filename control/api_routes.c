/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See api_routes.h. */
#include "control/api_routes.h"

#include "base/log.h"
#include "model/name.h"

#include <stdio.h>
#include <string.h>

const struct api_route api_routes[] = {
    {"GET", "/healthz", API_ROLE_VIEWER, api_healthz},
    {"GET", "/readyz", API_ROLE_VIEWER, api_readyz},
    {"GET", "/metrics", API_ROLE_VIEWER, api_metrics},
    {"GET", "/v1/tokens", API_ROLE_ADMIN, api_token_list},
    {"POST", "/v1/tokens", API_ROLE_ADMIN, api_token_create},
    {"DELETE", "/v1/tokens/{}", API_ROLE_ADMIN, api_token_revoke},
    {"POST", "/v1/node-tokens", API_ROLE_ADMIN, api_node_token_create},
    {"GET", "/v1/nodes", API_ROLE_VIEWER, api_node_list},
    {"GET", "/v1/nodes/{}", API_ROLE_VIEWER, api_node_show},
    {"PATCH", "/v1/nodes/{}", API_ROLE_OPERATOR, api_node_update},
    {"DELETE", "/v1/nodes/{}", API_ROLE_ADMIN, api_node_remove},
    {"GET", "/v1/accelerators", API_ROLE_VIEWER, api_accelerator_list},
    {"POST", "/v1/accelerators", API_ROLE_OPERATOR, api_accelerator_create},
    {"GET", "/v1/accelerators/{}", API_ROLE_VIEWER, api_accelerator_show},
    {"PATCH", "/v1/accelerators/{}", API_ROLE_OPERATOR, api_accelerator_update},
    {"DELETE", "/v1/accelerators/{}", API_ROLE_OPERATOR, api_accelerator_delete},
    {"GET", "/v1/tunnels", API_ROLE_VIEWER, api_tunnel_list},
    {"GET", "/v1/tunnels/{}/{}", API_ROLE_VIEWER, api_tunnel_show},
    {"PATCH", "/v1/tunnels/{}/{}", API_ROLE_OPERATOR, api_tunnel_update},
    {"GET", "/v1/objects", API_ROLE_VIEWER, api_object_list},
    {"POST", "/v1/apply", API_ROLE_OPERATOR, api_apply},
    {"GET", "/v1/events", API_ROLE_VIEWER, api_event_stream},
    {"GET", "/v1/audit", API_ROLE_ADMIN, api_audit_list},
    {"GET", "/v1/status", API_ROLE_VIEWER, api_status},
    {"GET", "/v1/doctor", API_ROLE_VIEWER, api_doctor},
    {"POST", "/v1/explain/flow", API_ROLE_VIEWER, api_explain_flow},
    {"GET", "/v1/revisions", API_ROLE_VIEWER, api_revision_list},
    {"GET", "/v1/revisions/{}", API_ROLE_VIEWER, api_revision_show},
    {"GET", "/v1/rollout", API_ROLE_VIEWER, api_rollout},
    {"POST", "/v1/rollback", API_ROLE_OPERATOR, api_rollback},
    {"POST", "/v1/confirm", API_ROLE_OPERATOR, api_confirm},
    {"POST", "/v1/backup", API_ROLE_ADMIN, api_backup},
    {"POST", "/v1/adopt", API_ROLE_ADMIN, api_adopt},
};
const size_t api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);

/* Takes one segment as a name. */
static bool take_name(const char **path, char name[NAME_BYTES])
{
	size_t length = strcspn(*path, "/");

	if (length >= NAME_BYTES)
		return false;
	memcpy(name, *path, length);
	name[length] = '\0';
	*path += length;
	return name_is_valid(name);
}

static bool matches(
    const char *pattern, const char *path, char parameters[API_PARAMETERS_MAX][NAME_BYTES])
{
	size_t taken = 0;

	while (*pattern) {
		if (strncmp(pattern, "{}", 2) == 0) {
			if (!take_name(&path, parameters[taken++]))
				return false;
			pattern += 2;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

/* HEAD is GET whose answer ends with the headers (RFC 9110, section 9.3.2), which the server sees to. */
static bool takes(const struct api_route *route, const char *method)
{
	return strcmp(route->method, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0;
}

const struct api_route *api_route_find(struct api_request *request, struct problem *problem)
{
	char methods[64], quoted[256];

	for (size_t i = 0; i < api_route_count; i++) {
		if (takes(&api_routes[i], request->method)
		    && matches(api_routes[i].path, request->path, request->parameters))
			return &api_routes[i];
	}
	log_quote(quoted, sizeof(quoted), request->path);
	api_route_methods(request->path, methods, sizeof(methods));
	if (methods[0])
		problem_set(problem, PROBLEM_METHOD_NOT_ALLOWED, "", "see doc/openapi.yaml",
		    "%s takes only %s", quoted, methods);
	else
		problem_set(problem, PROBLEM_NO_ROUTE, "", "see doc/openapi.yaml",
		    "there is no path %s", quoted);
	return NULL;
}

int api_route_permits(
    const struct api_route *route, const struct api_caller *caller, struct problem *problem)
{
	if (caller->role >= route->least)
		return 0;
	if (caller->role == API_ROLE_NONE)
		return problem_set(problem, PROBLEM_FORBIDDEN, "",
		    "ask as root, or let control run with --api-group GROUP=ROLE for a group of "
		    "yours",
		    "%s has no role here", caller->who);
	return problem_set(problem, PROBLEM_FORBIDDEN, "",
	    "let somebody do it who has that role, or get it from an admin",
	    "this needs the role %s, and %s has the role %s", api_role_names[route->least],
	    caller->who, api_role_names[caller->role]);
}

void api_route_methods(const char *path, char *text, size_t size)
{
	char parameters[API_PARAMETERS_MAX][NAME_BYTES];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < api_route_count && used < size; i++) {
		if (matches(api_routes[i].path, path, parameters))
			used += (size_t)snprintf(text + used, size - used, "%s%s%s",
			    used ? ", " : "", api_routes[i].method,
			    takes(&api_routes[i], "HEAD") ? ", HEAD" : "");
	}
}
