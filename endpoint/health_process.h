/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that asks backends for their health: it parses what they answer, so it has no privilege, no key and
 * no user's bytes.  Main hands it the config without peers, and gets states.
 */
#ifndef ENDPOINT_HEALTH_PROCESS_H
#define ENDPOINT_HEALTH_PROCESS_H

/* Runs until main ends; the exit status. */
int health_process_main(void);

#endif
