/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flow_treatment.h. */
#include "net/flow_treatment.h"

static enum flow_class class_of(enum traffic_class traffic_class, enum flow_kind kind)
{
	switch (traffic_class) {
	case TRAFFIC_REALTIME:
		return CLASS_REALTIME;
	case TRAFFIC_INTERACTIVE:
		return CLASS_INTERACTIVE;
	case TRAFFIC_BULK:
		return CLASS_BULK;
	case TRAFFIC_AUTO:
		break;
	}
	return kind == FLOW_TCP ? CLASS_INTERACTIVE : CLASS_REALTIME;
}

struct flow_policy flow_treatment_policy(const struct flow_settings *settings, enum flow_kind kind)
{
	return (struct flow_policy){
	    .class = class_of(settings->traffic_class, kind),
	    .repair_budget_pct = settings->repair_budget_percent,
	    .deadline_us = kind == FLOW_UDP ? settings->deadline_ms * 1000 : 0,
	};
}

void flow_treatment_apply(
    struct flow *flow, const struct flow_settings *settings, enum flow_kind kind)
{
	struct flow_policy policy = flow_treatment_policy(settings, kind);

	flow_set_policy(flow, &policy);
}
