/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A model of Linux's BBR (version 1, net/ipv4/tcp_bbr.c as published), a neighbour in simulations only. */
#ifndef TESTS_SIM_KERNEL_BBR_H
#define TESTS_SIM_KERNEL_BBR_H

#include "tunnel/cc.h"

extern const struct cc_ops cc_kernel_bbr;

#endif
