/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which control trunkctl speaks to, how it knows it, and with which token: from the command line,
 * else the environment, else a context file, else the default.  What is in a context file belongs
 * together and is never mixed with another control's address, so that no token goes astray.  A
 * token is never on the command line, where everybody on the machine could read it.
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "base/pin.h"

#include <stdbool.h>

#include "cli/command.h"

#define CONTROL_DEFAULT "unix:/run/trunkline/control.sock"

enum { TARGET_ERROR_BYTES = 512 };

struct target {
	char *where; /* "unix:PATH" or a URL */
	bool has_pin;
	uint8_t pin
	    [PIN_BYTES]; /* of control's key for https; without one its certificate must be good */
	char *token;     /* NULL for none */
};

/*
 * Reads the options --control, --pin, --token-file and --context, TRUNKLINE_CONTROL, TRUNKLINE_PIN,
 * TRUNKLINE_TOKEN and TRUNKLINE_CONTEXT, and the files that they name.  False with one line in
 * error (TARGET_ERROR_BYTES) and *target empty.
 */
bool target_choose(const struct invocation *invocation, struct target *target, char *error);

/* Wipes the token.  Takes an empty one. */
void target_clear(struct target *target);

#endif
