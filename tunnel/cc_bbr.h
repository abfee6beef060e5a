/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BBR with version 3's states and an answer to loss of its own, as a congestion controller of a path. */
#ifndef TUNNEL_CC_BBR_H
#define TUNNEL_CC_BBR_H

#include "tunnel/cc.h"

extern const struct cc_ops cc_bbr;

#endif
