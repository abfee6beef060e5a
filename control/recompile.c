/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See recompile.h. */
#include "config.h"

#include "control/recompile.h"

#include "base/log.h"
#include "control/change.h"
#include "control/compile.h"

void recompile_if_other(struct control *control)
{
	const struct installation *installation = &control->installation;
	struct problem problem = {0};
	struct change change;

	if (installation->compile_format == COMPILE_FORMAT || installation->restored_from_ms)
		return;
	change_init(&change, "control", "configs are made anew by version %s", PACKAGE_VERSION);
	if (change_begin(control, &change, &problem) == 0
	    && change_end(control, &change,
	           store_put_compile_format(control->store, COMPILE_FORMAT), &problem)
	           == 0)
		return;
	log_error("configs_not_renumbered", "reason=\"%s\" fix=\"%s\"", problem.detail,
	    "start control again once its state can be written");
}
