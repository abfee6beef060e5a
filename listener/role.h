/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a listener's worker does with users' sockets and flows. */
#ifndef LISTENER_ROLE_H
#define LISTENER_ROLE_H

#include "net/worker.h"

extern const struct worker_role listener_role;

#endif
