/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an accelerator's settings in the config to a flow of the lane: each end of a tunnel tells
 * its own, as each schedules and protects what it sends itself.
 */
#ifndef NET_FLOW_TREATMENT_H
#define NET_FLOW_TREATMENT_H

#include "model/node_config.h"
#include "tunnel/lane.h"

/* What the settings mean for a flow of that kind. */
struct flow_policy flow_treatment_policy(const struct flow_settings *settings, enum flow_kind kind);

/* Tells a flow, a new one or one whose accelerator has others now. */
void flow_treatment_apply(
    struct flow *flow, const struct flow_settings *settings, enum flow_kind kind);

#endif
