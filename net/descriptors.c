/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See descriptors.h. */
#include "config.h"

#include "net/descriptors.h"

#include <limits.h>
#include <sys/resource.h>

size_t descriptors_for_flows(void)
{
	struct rlimit files;
	size_t all, kept;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return 0;
	all = files.rlim_cur < INT_MAX ? (size_t)files.rlim_cur : INT_MAX;
	kept = all / DESCRIPTORS_KEPT_SHARE;
	if (kept < DESCRIPTORS_KEPT_MIN)
		kept = DESCRIPTORS_KEPT_MIN;
	if (kept > DESCRIPTORS_KEPT_MAX)
		kept = DESCRIPTORS_KEPT_MAX;
	return kept < all / 2 ? all - kept : all - all / 2;
}
