/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See api_routes.h. */
#include "control/api_routes.h"

#include "base/log.h"
#include "model/name.h"

#include <stdio.h>
#include <string.h>

static const struct api_route routes[] = {
    {"POST", "/v1/tokens", api_token_create},
    {"GET", "/v1/nodes", api_node_list},
    {"GET", "/v1/nodes/{}", api_node_show},
    {"DELETE", "/v1/nodes/{}", api_node_remove},
    {"GET", "/v1/accelerators", api_accelerator_list},
    {"POST", "/v1/accelerators", api_accelerator_create},
    {"GET", "/v1/accelerators/{}", api_accelerator_show},
    {"PATCH", "/v1/accelerators/{}", api_accelerator_update},
    {"DELETE", "/v1/accelerators/{}", api_accelerator_delete},
    {"GET", "/v1/tunnels", api_tunnel_list},
    {"GET", "/v1/tunnels/{}/{}", api_tunnel_show},
    {"PATCH", "/v1/tunnels/{}/{}", api_tunnel_update},
    {"GET", "/v1/status", api_status},
    {"GET", "/v1/revisions", api_revision_list},
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

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

const struct api_route *api_route_find(struct api_request *request, struct problem *problem)
{
	char methods[64], quoted[256];

	for (size_t i = 0; i < ROUTES; i++) {
		if (strcmp(routes[i].method, request->method) == 0
		    && matches(routes[i].path, request->path, request->parameters))
			return &routes[i];
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

void api_route_methods(const char *path, char *text, size_t size)
{
	char parameters[API_PARAMETERS_MAX][NAME_BYTES];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ROUTES && used < size; i++) {
		if (matches(routes[i].path, path, parameters))
			used += (size_t)snprintf(
			    text + used, size - used, "%s%s", used ? ", " : "", routes[i].method);
	}
}
