/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A given rate whatever happens, for a leased line of known rate, as a congestion controller of a path. */
#ifndef TUNNEL_CC_FIXED_H
#define TUNNEL_CC_FIXED_H

#include "tunnel/cc.h"

extern const struct cc_ops cc_fixed;

#endif
