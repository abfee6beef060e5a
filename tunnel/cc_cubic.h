/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CUBIC (RFC 9438) with HyStart++ (RFC 9406), as a congestion controller of a path. */
#ifndef TUNNEL_CC_CUBIC_H
#define TUNNEL_CC_CUBIC_H

#include "tunnel/cc.h"

extern const struct cc_ops cc_cubic;

#endif
