/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A wc_CryptoCb device that answers for random numbers alone; all other work stays wolfSSL's.
 */
#include "config.h"

#include "tests/support/tls_seeded.h"

#include "base/rng.h"

#include <time.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

enum { DEVICE = 7401 };

static struct rng generator;

static int device_answer(int device, wc_CryptoInfo *info, void *context)
{
	(void)device;
	(void)context;
	if (info->algo_type == WC_ALGO_TYPE_RNG)
		rng_bytes(&generator, info->rng.out, info->rng.sz);
	else if (info->algo_type == WC_ALGO_TYPE_SEED)
		rng_bytes(&generator, info->seed.seed, info->seed.sz);
	else
		return CRYPTOCB_UNAVAILABLE;
	return 0;
}

/* The first second of 2026. */
static time_t fixed_time(time_t *out)
{
	time_t now = 1767225600;

	if (out)
		*out = now;
	return now;
}

int tls_seeded_start(uint64_t seed)
{
	wolfSSL_Init();
	rng_seed(&generator, seed);
	wc_SetTimeCb(fixed_time);
	/* How many random bytes a multiplication takes depends on its cache of base points. */
	wc_ecc_fp_free();
	wc_CryptoCb_UnRegisterDevice(DEVICE);
	wc_CryptoCb_RegisterDevice(DEVICE, device_answer, NULL);
	return DEVICE;
}
