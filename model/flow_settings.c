/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flow_settings.h. */
#include "model/flow_settings.h"

#include <stddef.h>

const char *const traffic_class_names[] = {"auto", "realtime", "interactive", "bulk", NULL};
const char *const compression_names[] = {"off", "lz4", NULL};
