/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What control tells Prometheus: itself, the nodes as they are connected, the configs that they
 * should have and do have, tunnels as their nodes measure them, and backends.  Names begin with
 * trunkline_control_, so that none is counted twice beside what the nodes tell of themselves.
 * Labels are names of nodes, regions, accelerators and backends: nothing of users.
 */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "base/exposition.h"
#include "control/control.h"

void metrics_write(struct control *control, struct exposition *exposition);

#endif
