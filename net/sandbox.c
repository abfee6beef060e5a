/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of system calls; see net/sandbox.h.  What belongs where is by strace(1) of the processes
 * at work, and of what glibc, libev, c-ares, libsodium and wolfSSL do in them.
 */
#include "config.h"

#include "net/sandbox.h"

#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

/* Debian's certificates of authorities, for checks of https backends. */
#define AUTHORITIES "/etc/ssl/certs"

/* What every process needs: memory, time, its loop, messages, ending. */
static const int common_calls[] = {
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(fcntl),
    SCMP_SYS(dup),
    SCMP_SYS(fstat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(memfd_create),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getrandom),
    SCMP_SYS(futex),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
};

/* Sockets of users, backends, the tunnel and the name server. */
static const int worker_calls[] = {
    SCMP_SYS(accept4),
    SCMP_SYS(bind),
    SCMP_SYS(connect),
    SCMP_SYS(getpeername),
    SCMP_SYS(listen),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
};

/* Tried in passing by libraries: told no, not killed for. */
static const int denied_calls[] = {
    SCMP_SYS(open),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(statx),
    SCMP_SYS(ioctl),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int add_calls(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int result = seccomp_rule_add(filter, action, calls[i], 0);

		/* A call that this architecture does not have. */
		if (result < 0 && result != -EDOM)
			return result;
	}
	return 0;
}

/* Those that are harmless only with certain arguments. */
static int add_common_with_arguments(scmp_filter_ctx filter)
{
	int result = 0;

	/* No code is mapped or made executable. */
	result |= seccomp_rule_add(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	result |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* glibc's fstat(): no path, a descriptor. */
	result |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
	    SCMP_A3(SCMP_CMP_MASKED_EQ, 0x1000 /* AT_EMPTY_PATH */, 0x1000));
	result |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
	    SCMP_A3(SCMP_CMP_MASKED_EQ, 0x1000, 0));
	/* sysconf() asks for limits, it sets none. */
	result |= seccomp_rule_add(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0, 0));
	/* abort() */
	result |= seccomp_rule_add(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A2(SCMP_CMP_EQ, 6 /* SIGABRT */, 0));
	return result;
}

static int add_worker_with_arguments(scmp_filter_ctx filter)
{
	int result = 0;

	result |= seccomp_rule_add(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET, 0));
	result |= seccomp_rule_add(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0));
	/* nscd and netlink are tried in passing. */
	result |= seccomp_rule_add(
	    filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	result |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0));
	return result;
}

static int add_open(scmp_filter_ctx filter, enum sandbox_profile profile)
{
	if (profile == SANDBOX_WORKER)
		return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
}

static int build(scmp_filter_ctx filter, enum sandbox_profile profile)
{
	int result = add_calls(filter, SCMP_ACT_ALLOW, common_calls, COUNT(common_calls));

	if (result == 0)
		result =
		    add_calls(filter, SCMP_ACT_ERRNO(EACCES), denied_calls, COUNT(denied_calls));
	if (result == 0)
		result = add_common_with_arguments(filter);
	if (result == 0)
		result = add_open(filter, profile);
	if (result == 0 && profile != SANDBOX_KEYS)
		result = add_calls(filter, SCMP_ACT_ALLOW, worker_calls, COUNT(worker_calls));
	if (result == 0 && profile != SANDBOX_KEYS)
		result = add_worker_with_arguments(filter);
	return result;
}

/* ---- files ---- */

static void allow_reading(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

/* Leaves what the profile needs to be opened, and nothing else; an older kernel has no landlock. */
static void restrict_files(enum sandbox_profile profile)
{
	/* Every access that the first version of landlock knows. */
	struct landlock_ruleset_attr handled = {
	    .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);

	if (ruleset < 0) {
		log_info("landlock_not_supported", "error=\"%s\"", strerror(errno));
		return;
	}
	allow_reading(ruleset, "/dev/urandom");
	allow_reading(ruleset, "/dev/random");
	if (profile == SANDBOX_HEALTH)
		allow_reading(ruleset, AUTHORITIES);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		log_warn("landlock_failed", "error=\"%s\"", strerror(errno));
	close(ruleset);
}

static int load(enum sandbox_profile profile, uint32_t otherwise)
{
	scmp_filter_ctx filter = seccomp_init(otherwise);
	int result;

	if (!filter)
		return -ENOMEM;
	/* Several common calls a packet: a tree of comparisons instead of a list. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	result = build(filter, profile);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}

int sandbox_enter(enum sandbox_profile profile)
{
	const char *wish = getenv("TRUNKLINE_SANDBOX");
	uint32_t otherwise = SCMP_ACT_KILL_PROCESS;
	int result;

	if (HAS_SANITIZER || (wish && strcmp(wish, "off") == 0)) {
		log_warn(
		    "sandbox_off", "cause=%s", HAS_SANITIZER ? "sanitizers" : "TRUNKLINE_SANDBOX");
		return ERR_UNSUPPORTED;
	}
	if (wish && strcmp(wish, "log") == 0) {
		log_warn("sandbox_only_logs", "cause=TRUNKLINE_SANDBOX");
		otherwise = SCMP_ACT_LOG;
	}
	if (profile != SANDBOX_WORKER)
		restrict_files(profile);
	result = load(profile, otherwise);
	if (result == 0)
		return 0;
	if (result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP) {
		log_warn("sandbox_not_supported", "error=\"%s\"", strerror(-result));
		return ERR_UNSUPPORTED;
	}
	log_error("sandbox_failed", "error=\"%s\"", strerror(-result));
	return ERR_IO;
}
