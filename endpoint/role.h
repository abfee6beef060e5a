/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an endpoint's worker does with the flows that listeners open. */
#ifndef ENDPOINT_ROLE_H
#define ENDPOINT_ROLE_H

#include "net/worker.h"

extern const struct worker_role endpoint_role;

#endif
