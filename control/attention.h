/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeps the installation from doing what was stated: nodes, regions and tunnels that are not there. */
#ifndef CONTROL_ATTENTION_H
#define CONTROL_ATTENTION_H

#include "control/control.h"

#include <jansson.h>

/* Adds to a list of findings (control/finding.h). */
void attention_add(struct control *control, json_t *findings);

#endif
