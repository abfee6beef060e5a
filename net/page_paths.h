/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a worker's page in which its lanes tell those of the other workers what they know of their path
 * (tunnel/path_share.h): for each lane which tunnel it is of, and the record that it told last.  As in the rest of the
 * page the worker alone writes, and who reads copies a record until its sequence number stood still.
 */
#ifndef NET_PAGE_PATHS_H
#define NET_PAGE_PATHS_H

#include "tunnel/path_share.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PAGE_PATHS = 256, /* a lane that finds no room shares nothing until there is some */
};

/* sequence is odd while the record is written.  Whole cache lines: each lane's ACKs write it. */
struct page_path {
	_Alignas(64) uint32_t sequence;
	uint64_t tunnel; /* 0: nobody's */
	struct path_share_record record;
};

struct page_paths {
	uint64_t tunnels[PAGE_PATHS]; /* of each place, for looking through them; 0: it is free */
	struct page_path paths[PAGE_PATHS];
};

/* All places are free. */
void page_paths_clear(struct page_paths *paths);
/* A free place for a lane of that tunnel (not 0), emptied; NULL when all are in use. */
struct page_path *page_path_claim(struct page_paths *paths, uint64_t tunnel);
/* Takes NULL. */
void page_path_release(struct page_paths *paths, struct page_path *path);
void page_path_write(struct page_path *path, const struct path_share_record *record);

/* Places of that tunnel's lanes: how many were put into `found`, at most `most`. */
unsigned page_paths_find(
    const struct page_paths *paths, uint64_t tunnel, const struct page_path **found, unsigned most);
/* False when it is another tunnel's by now, or the writer did not come to an end, or died in the midst of it. */
bool page_path_read(
    const struct page_path *path, uint64_t tunnel, struct path_share_record *record);

#endif
