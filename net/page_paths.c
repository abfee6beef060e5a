/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of lanes for their siblings, see page_paths.h. */
#include "net/page_paths.h"

#include <string.h>

enum { READ_ATTEMPTS = 4 };

/* What a predecessor left odd is even again at its end. */
static void write(struct page_path *path, uint64_t tunnel, const struct path_share_record *record)
{
	uint32_t sequence = path->sequence | 1;

	__atomic_store_n(&path->sequence, sequence, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	path->tunnel = tunnel;
	memcpy(&path->record, record, sizeof(*record));
	__atomic_store_n(&path->sequence, sequence + 1, __ATOMIC_RELEASE);
}

static void empty(struct page_paths *paths, size_t place)
{
	__atomic_store_n(&paths->tunnels[place], 0, __ATOMIC_RELEASE);
	write(&paths->paths[place], 0, &(struct path_share_record){0});
}

/* A place that was never used stays without memory behind it. */
void page_paths_clear(struct page_paths *paths)
{
	for (size_t i = 0; i < PAGE_PATHS; i++)
		if (paths->tunnels[i])
			empty(paths, i);
}

struct page_path *page_path_claim(struct page_paths *paths, uint64_t tunnel)
{
	for (size_t i = 0; i < PAGE_PATHS; i++) {
		if (paths->tunnels[i])
			continue;
		write(&paths->paths[i], tunnel, &(struct path_share_record){0});
		__atomic_store_n(&paths->tunnels[i], tunnel, __ATOMIC_RELEASE);
		return &paths->paths[i];
	}
	return NULL;
}

void page_path_release(struct page_paths *paths, struct page_path *path)
{
	if (path)
		empty(paths, (size_t)(path - paths->paths));
}

void page_path_write(struct page_path *path, const struct path_share_record *record)
{
	write(path, path->tunnel, record);
}

unsigned page_paths_find(
    const struct page_paths *paths, uint64_t tunnel, const struct page_path **found, unsigned most)
{
	unsigned count = 0;

	for (size_t i = 0; i < PAGE_PATHS && count < most; i++)
		if (__atomic_load_n(&paths->tunnels[i], __ATOMIC_ACQUIRE) == tunnel)
			found[count++] = &paths->paths[i];
	return count;
}

/* True when it was whole. */
static bool copy(const struct page_path *path, uint64_t *tunnel, struct path_share_record *record)
{
	uint32_t before = __atomic_load_n(&path->sequence, __ATOMIC_ACQUIRE);

	*tunnel = path->tunnel;
	memcpy(record, &path->record, sizeof(*record));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return before % 2 == 0 && __atomic_load_n(&path->sequence, __ATOMIC_RELAXED) == before;
}

bool page_path_read(const struct page_path *path, uint64_t tunnel, struct path_share_record *record)
{
	uint64_t found;

	for (int i = 0; i < READ_ATTEMPTS; i++)
		if (copy(path, &found, record))
			return found == tunnel;
	return false;
}
