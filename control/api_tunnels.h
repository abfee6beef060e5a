/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tunnels that there are to be, one after the other, for what shows them. */
#ifndef CONTROL_API_TUNNELS_H
#define CONTROL_API_TUNNELS_H

#include "control/control.h"

typedef void api_tunnel_fn(struct control *control, const struct node *listener,
    const struct node *endpoint, void *context);

/* Calls back for each, by listener and endpoint. */
void api_tunnels_each(struct control *control, api_tunnel_fn *call, void *context);

/* All of them as the list has them: {"items": [...]}, a new reference or NULL. */
json_t *api_tunnels_to_json(struct control *control);

#endif
