/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of what the API serves, and its search. */
#ifndef CONTROL_API_ROUTES_H
#define CONTROL_API_ROUTES_H

#include "control/api.h"

struct api_route {
	const char *method;
	const char *path;    /* "{}" stands for one name */
	enum api_role least; /* that the caller must have */
	api_handler_fn *handle;
};

/*
 * Finds the route and takes the names out of the path into request->parameters; NULL with
 * *problem filled: no such path, or not by this method.
 */
const struct api_route *api_route_find(struct api_request *request, struct problem *problem);

/* 0, or -1 with *problem filled: the caller's role does not suffice. */
int api_route_permits(
    const struct api_route *route, const struct api_caller *caller, struct problem *problem);

/* The table, and how many there are. */
extern const struct api_route api_routes[];
extern const size_t api_route_count;

/* The methods that a path has, "GET, HEAD, POST", for the Allow header; "" for a path that is none. */
void api_route_methods(const char *path, char *text, size_t size);

api_handler_fn api_healthz, api_readyz, api_metrics;
api_handler_fn api_token_create, api_token_list, api_token_revoke;
api_handler_fn api_node_token_create;
api_handler_fn api_node_list, api_node_show, api_node_update, api_node_remove;
api_handler_fn api_accelerator_list, api_accelerator_create, api_accelerator_show,
    api_accelerator_update, api_accelerator_delete;
api_handler_fn api_tunnel_list, api_tunnel_show, api_tunnel_update;
api_handler_fn api_object_list, api_apply;
api_handler_fn api_event_stream, api_audit_list;
api_handler_fn api_backup, api_adopt;
api_handler_fn api_explain_flow;
api_handler_fn api_status, api_doctor, api_revision_list;
api_handler_fn api_revision_show, api_rollout, api_rollback, api_confirm;

/* A revision as the list and the events have it; a new reference. */
json_t *api_revision_json(const struct revision *revision);

#endif
