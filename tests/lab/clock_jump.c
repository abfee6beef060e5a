/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into a program (ld.so(8)): its wall clock is ahead of the machine's by as many seconds as
 * the file CLOCK_JUMP_FILE says, a 64-bit number that may change at any time.  The file is mapped at the
 * start, so that a process without files sees changes too.  Other clocks are as they are.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead_s;

__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("CLOCK_JUMP_FILE");
	int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *mapped = mmap(NULL, sizeof(*ahead_s), PROT_READ, MAP_SHARED, descriptor, 0);

	if (mapped == MAP_FAILED)
		abort();
	close(descriptor);
	ahead_s = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);

	if (result == 0 && ahead_s && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += *ahead_s;
	return result;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &exact);
	*now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
	return 0;
}
