/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which option of a command line brought what control found wrong in the request's body. */
#ifndef CLI_FAULT_OPTION_H
#define CLI_FAULT_OPTION_H

#include "cli/command.h"

/* By a JSON pointer into the body (RFC 6901); NULL when no option that was given is known for it. */
const char *fault_option(const struct invocation *invocation, const char *pointer);

#endif
