/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See failover.h. */
#include "model/failover.h"

const char *const all_unhealthy_names[] = {"refuse", "fail-open", NULL};
const char *const udp_failover_names[] = {"on", "off", NULL};
