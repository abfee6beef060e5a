/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is an HTTP answer what the health check asks for?  Pure. */
#ifndef ENDPOINT_HTTP_JUDGE_H
#define ENDPOINT_HTTP_JUDGE_H

#include "model/health.h"
#include "model/health_check.h"

#include <stddef.h>

enum { HTTP_BODY_MAX = 64 * 1024 }; /* of a body that are looked at */

/* The status without one in the check is 200 to 399. */
enum health_cause http_judge(
    const struct health_check *check, long status, const void *body, size_t length);

#endif
