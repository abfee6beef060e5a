/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After another version of control ran on this database: the same installation may make other configs
 * now, which nodes would refuse under the numbers that they know.
 */
#ifndef CONTROL_RECOMPILE_H
#define CONTROL_RECOMPILE_H

#include "control/control.h"

/*
 * Before nodes are served.  When the stored configs' format is not COMPILE_FORMAT (an earlier one or, after
 * the program was set back, a later one) there is one revision more, from which every node's config is
 * numbered.  Not for a restored database: its adoption does the same.  What cannot be saved is
 * logged, and tried again by the next start.
 */
void recompile_if_other(struct control *control);

#endif
