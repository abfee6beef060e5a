/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's doctor: everything that an operator should look at, over control itself, all nodes and tunnels. */
#include "config.h"

#include "control/api_routes.h"
#include "control/api_tunnels.h"
#include "control/attention.h"
#include "control/doctor.h"
#include "control/finding.h"
#include "control/own_machine.h"
#include "control/time_text.h"

static void look_at_nodes(const struct control *control, json_t *findings)
{
	for (size_t i = 0; i < control->installation.node_count; i++) {
		const struct node *node = &control->installation.nodes[i];
		const struct node_live *live = node_server_live(control->nodes, node->id);

		if (live->is_up)
			doctor_node(findings, node, live, PACKAGE_VERSION, control_steady_ms());
	}
}

static void look_at_control(struct control *control, json_t *findings)
{
	struct own_machine own;
	struct revision newest;

	own_machine_read(control->state_directory, &own);
	own.now_ms = control_now_ms();
	own.expiry_ms = control_expiry_ms(control);
	if (store_list_revisions(control->store, &newest, 1) == 1)
		own.newest_change_ms = newest.when_ms;
	own_machine_judge(findings, &own, control->state_directory);
}

static void look_at_side(const struct control *control, const struct node *listener,
    const struct node *endpoint, enum node_role side, json_t *findings)
{
	const struct node *teller = side == NODE_LISTENER ? listener : endpoint;

	doctor_tunnel(findings, listener, endpoint, side,
	    tunnels_said(control->tunnels, listener, endpoint, side, control_steady_ms()),
	    node_server_live(control->nodes, teller->id)->machine.clock_ms);
}

static void look_at_tunnel(struct control *control, const struct node *listener,
    const struct node *endpoint, void *findings)
{
	look_at_side(control, listener, endpoint, NODE_LISTENER, findings);
	look_at_side(control, listener, endpoint, NODE_ENDPOINT, findings);
}

int api_doctor(
    struct control *control, const struct api_request *request, struct api_answer *answer)
{
	json_t *findings = json_array();
	size_t wrong;

	(void)request;
	/* Tunnels may be so many that they fill the list. */
	look_at_control(control, findings);
	look_at_nodes(control, findings);
	attention_add(control, findings);
	api_tunnels_each(control, look_at_tunnel, findings);
	wrong = finding_sort(findings);
	answer->body = json_pack("{s:s, s:o, s:I, s:o, s:I, s:o}", "version", PACKAGE_VERSION,
	    "time", time_to_json_exact(control_now_ms()), "nodes",
	    (json_int_t)control->installation.node_count, "checks", finding_checks_json(), "wrong",
	    (json_int_t)wrong, "findings", findings);
	return 0;
}
