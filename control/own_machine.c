/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See own_machine.h. */
#include "config.h"

#include "control/own_machine.h"

#include "control/finding.h"
#include "control/time_text.h"
#include "net/process_metrics.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <unistd.h>

enum { MIB = 1 << 20, FIX_BYTES = 256 };

/* ---- reading ---- */

static bool is_writable(const char *directory)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/control.db", directory);
	return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0
	       && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static void read_state(const char *directory, struct own_machine *own)
{
	struct statfs figures;

	if (statfs(directory, &figures) < 0)
		return;
	own->has_state = true;
	own->state_free_bytes = (uint64_t)figures.f_bavail * (uint64_t)figures.f_bsize;
	own->state_free_files = figures.f_files ? (uint64_t)figures.f_ffree : UINT64_MAX;
	own->is_state_in_memory = figures.f_type == TMPFS_MAGIC || figures.f_type == RAMFS_MAGIC;
	own->is_state_writable = is_writable(directory);
}

void own_machine_read(const char *state_directory, struct own_machine *own)
{
	struct rlimit files;
	struct timex clock = {.modes = 0};

	*own = (struct own_machine){.files_open = process_open_descriptors()};
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		own->files_max = files.rlim_cur;
	if (state_directory)
		read_state(state_directory, own);
	own->is_clock_unset = adjtimex(&clock) >= 0 && clock.status & STA_UNSYNC;
}

/* ---- judging ---- */

static void judge_files(json_t *findings, const struct own_machine *own)
{
	static const char fix[] = "LimitNOFILE=65536 in its unit, or ulimit -n where it is started";

	if (!own->files_max)
		return;
	if (own->files_open * 100 > own->files_max * OWN_FILES_SHARE)
		finding_add(findings, FINDING_WRONG, CHECK_LIMITS, NULL, fix,
		    "control has %" PRIu64 " of its %" PRIu64
		    " descriptors open: nodes and clients will be turned away",
		    own->files_open, own->files_max);
	else if (own->files_max < OWN_FILES_MIN)
		finding_add(findings, FINDING_NOTICE, CHECK_LIMITS, NULL, fix,
		    "control may have %" PRIu64
		    " open files: each node and each client of the API needs one",
		    own->files_max);
}

static void judge_room(json_t *findings, const struct own_machine *own, const char *state_directory)
{
	enum finding_level level =
	    own->state_free_bytes < OWN_ROOM_MIN_BYTES ? FINDING_WRONG : FINDING_NOTICE;
	char fix[FIX_BYTES];

	if (own->state_free_files == 0)
		finding_add(findings, FINDING_WRONG, CHECK_STATE, NULL,
		    "delete files there, or make its file system anew with more inodes",
		    "the file system of control's state, %s, takes no more files", state_directory);
	if (own->state_free_bytes >= OWN_ROOM_GOOD_BYTES)
		return;
	snprintf(fix, sizeof(fix), "make room: df %.200s", state_directory);
	finding_add(findings, level, CHECK_STATE, NULL, fix,
	    "the file system of control's state, %s, has %" PRIu64
	    " MiB left: when it is full changes are refused",
	    state_directory, own->state_free_bytes / MIB);
}

static void judge_state(
    json_t *findings, const struct own_machine *own, const char *state_directory)
{
	char fix[FIX_BYTES];

	if (!own->has_state)
		return;
	if (!own->is_state_writable) {
		snprintf(fix, sizeof(fix),
		    "look at its owner and whether it is mounted read-only: findmnt -T %.180s",
		    state_directory);
		finding_add(findings, FINDING_WRONG, CHECK_STATE, NULL, fix,
		    "control cannot write to its state, %s: changes are refused", state_directory);
	}
	if (own->is_state_in_memory)
		finding_add(findings, FINDING_WRONG, CHECK_STATE, NULL,
		    "stop control, move the directory to a disk, and start it with --state there",
		    "control's state, %s, lies in memory: it is gone when the machine stops",
		    state_directory);
	judge_room(findings, own, state_directory);
}

static void judge_clock(json_t *findings, const struct own_machine *own)
{
	int64_t moved_ms = (int64_t)(own->now_ms - own->expiry_ms);
	char when[TIME_TEXT_BYTES];

	if (own->newest_change_ms > own->now_ms + OWN_CLOCK_MS)
		finding_add(findings, FINDING_WRONG, CHECK_CLOCK, NULL,
		    "let chrony or systemd-timesyncd set it, and start control again",
		    "control's clock stands before its newest change, which was made at %s",
		    time_format(own->newest_change_ms, when));
	else if (llabs(moved_ms) > OWN_CLOCK_MS)
		finding_add(findings, FINDING_NOTICE, CHECK_CLOCK, NULL,
		    "start control again once its clock is right",
		    "control's clock was set %s by %" PRId64
		    " s since it started: what expires still does so by the old one",
		    moved_ms < 0 ? "back" : "forward", (int64_t)llabs(moved_ms) / 1000);
	if (own->is_clock_unset)
		finding_add(findings, FINDING_NOTICE, CHECK_CLOCK, NULL,
		    "run chrony or systemd-timesyncd on control's machine",
		    "nobody keeps the clock of control's machine right: times of changes, and when "
		    "tokens expire, may be wrong");
}

void own_machine_judge(json_t *findings, const struct own_machine *own, const char *state_directory)
{
	judge_files(findings, own);
	judge_state(findings, own, state_directory);
	judge_clock(findings, own);
}
