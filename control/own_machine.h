/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What control itself needs of its machine: descriptors, room for its state and that what is written
 * there stays, and a clock that somebody sets.  Read when the doctor is asked, and judged as findings
 * (control/finding.h) that belong to no node.
 */
#ifndef CONTROL_OWN_MACHINE_H
#define CONTROL_OWN_MACHINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	OWN_FILES_MIN =
	    2048, /* descriptors that a control with all its nodes and clients may need */
	OWN_FILES_SHARE = 80, /* percent of them in use, more are wrong */
	OWN_CLOCK_MS = 2000,  /* of a clock that was set, or stands before what was done */
};
#define OWN_ROOM_MIN_BYTES                                                                         \
	(32 * UINT64_C(1048576)) /* the audit log's parts and a revision or two */
#define OWN_ROOM_GOOD_BYTES (256 * UINT64_C(1048576))

struct own_machine {
	uint64_t files_max, files_open; /* 0: not known */
	bool has_state;                 /* the figures of the directory could be read */
	uint64_t state_free_bytes;      /* for who is not root */
	uint64_t state_free_files;      /* UINT64_MAX where files are not counted */
	bool is_state_writable;         /* directory and database, for this process */
	bool is_state_in_memory;        /* a file system that ends with the machine */
	bool is_clock_unset;            /* the kernel was told by nobody that its clock is right */
	uint64_t now_ms;                /* the clock */
	uint64_t expiry_ms;             /* as it would be, had nobody set it since the start */
	uint64_t newest_change_ms;      /* when the newest revision was made; 0: none */
};

/* What cannot be read stays 0; it never fails.  The times are the caller's to fill in. */
void own_machine_read(const char *state_directory, struct own_machine *own);

/* state_directory is as the operator wrote it. */
void own_machine_judge(
    json_t *findings, const struct own_machine *own, const char *state_directory);

#endif
