/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wolfSSL's random numbers from a seed and its time fixed, so that the same seed repeats a TLS
 * handshake byte for byte.  For tests and the simulator only; one seed at a time for the process.
 */
#ifndef TESTS_SUPPORT_TLS_SEEDED_H
#define TESTS_SUPPORT_TLS_SEEDED_H

#include <stdint.h>

/* Starts (again) from the seed. Returns the device for tls_identity_new() and _generate(). */
int tls_seeded_start(uint64_t seed);

#endif
