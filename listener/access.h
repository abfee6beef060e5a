/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose flows the accelerators of a config take, as their lists of addresses have it. */
#ifndef LISTENER_ACCESS_H
#define LISTENER_ACCESS_H

#include "base/addr.h"
#include "model/node_config.h"

#include <stdbool.h>
#include <stdint.h>

struct access;

/* The config is not needed afterwards.  0, ERR_NOMEM, or ERR_MALFORMED for one not validated. */
int access_new(struct access **access, const struct node_config *config);
/* Takes NULL. */
void access_free(struct access *access);

/* May that address have flows of the accelerator?  True where there are no lists. */
bool access_allows(const struct access *access, uint32_t accelerator, const struct addr *user);

#endif
