/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared pages of counters; see net/page.h.  The sequence number is the seqlock of Boehm, "Can
 * seqlocks get along with programming language memory models?" (MSPC 2012).
 */
#include "config.h"

#include "net/page.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW };

const struct page_value_description page_values[PAGE_VALUE_COUNT] = {
#define X(name, kind, help) {#name, help, PAGE_##kind},
    PAGE_VALUES(X)
#undef X
};

const uint32_t page_rtt_bounds_us[PAGE_RTT_BOUNDS] = {500, 1000, 2500, 5000, 10000, 25000, 50000,
    75000, 100000, 150000, 200000, 300000, 500000, 1000000, 2500000};

/* Another open file of the same memory: unlike a duplicate it has its own access mode. */
static int open_reader(int writer)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", writer);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int page_create(int *writer, int *reader)
{
	int error;

	*reader = -1;
	*writer = memfd_create("trunkline-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*writer < 0)
		return ERR_IO;
	if (ftruncate(*writer, sizeof(struct page)) == 0
	    && fcntl(*writer, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0
	    && (*reader = open_reader(*writer)) >= 0)
		return 0;
	error = errno;
	close(*writer);
	*writer = -1;
	errno = error;
	return ERR_IO;
}

/* Checks that nobody can cut it under us: reading past the end would be a SIGBUS. */
static int map(int descriptor, int protection, void **page)
{
	struct stat state;
	int seals = fcntl(descriptor, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(descriptor, &state) < 0
	    || state.st_size != sizeof(struct page))
		return ERR_MALFORMED;
	*page = mmap(NULL, sizeof(struct page), protection, MAP_SHARED, descriptor, 0);
	return *page == MAP_FAILED ? ERR_IO : 0;
}

int page_map(int descriptor, const struct page **page)
{
	void *mapping;
	int result = map(descriptor, PROT_READ, &mapping);

	*page = result < 0 ? NULL : mapping;
	return result;
}

/* Zeros without memory behind them. */
static int clear_counts(int descriptor)
{
	return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	           offsetof(struct page, udp_sources),
	           sizeof(struct page) - offsetof(struct page, udp_sources))
	               == 0
	           ? 0
	           : ERR_IO;
}

int page_open(int descriptor, struct page **page)
{
	void *mapping;
	int result = map(descriptor, PROT_READ | PROT_WRITE, &mapping);

	*page = NULL;
	if (result < 0)
		return result;
	result = clear_counts(descriptor);
	if (result < 0) {
		munmap(mapping, sizeof(**page));
		return result;
	}
	*page = mapping;
	for (size_t i = 0; i < PAGE_LANES; i++)
		page_lane_release(&(*page)->lanes[i]);
	page_accelerators_clear(&(*page)->accelerators);
	page_paths_clear(&(*page)->paths);
	for (unsigned i = 0; i < PAGE_VALUE_COUNT; i++)
		if (page_values[i].kind == PAGE_GAUGE)
			page_set(*page, i, 0);
	return 0;
}

void page_unmap(const struct page *page)
{
	if (page)
		munmap((void *)page, sizeof(*page));
}

uint64_t page_sum(const struct page *const *pages, size_t count, enum page_value value)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		if (pages[i])
			sum += page_get(pages[i], value);
	return sum;
}

/* ---- lanes ---- */

static bool copy_state(const struct page_lane *lane, struct page_lane_state *state)
{
	uint32_t before = __atomic_load_n(&lane->sequence, __ATOMIC_ACQUIRE);

	memcpy(state, &lane->state, sizeof(*state));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return before % 2 == 0 && __atomic_load_n(&lane->sequence, __ATOMIC_RELAXED) == before;
}

bool page_lane_read(const struct page *page, size_t number, struct page_lane_state *state)
{
	const struct page_lane *lane = &page->lanes[number];

	if (!__atomic_load_n(&lane->is_used, __ATOMIC_ACQUIRE))
		return false;
	for (int i = 0; i < PAGE_READ_ATTEMPTS; i++)
		if (copy_state(lane, state)) {
			/* The worker is less trusted than its reader. */
			state->peer_name[NAME_BYTES - 1] = '\0';
			return true;
		}
	return false;
}

void page_lane_read_rtt(
    const struct page *page, size_t number, uint64_t now_us, struct histogram *out)
{
	window_histogram_read(&page->lanes[number].rtt, now_us, out);
}

void page_lane_read_rtt_counts(
    const struct page *page, size_t number, struct page_rtt_counts *counts)
{
	const struct page_rtt_counts *from = &page->lanes[number].rtt_counts;

	counts->generation = __atomic_load_n(&from->generation, __ATOMIC_RELAXED);
	for (size_t i = 0; i <= PAGE_RTT_BOUNDS; i++)
		counts->counts[i] = __atomic_load_n(&from->counts[i], __ATOMIC_RELAXED);
	counts->sum_us = __atomic_load_n(&from->sum_us, __ATOMIC_RELAXED);
}

struct page_lane *page_lane_claim(struct page *page)
{
	for (size_t i = 0; i < PAGE_LANES; i++) {
		struct page_lane *lane = &page->lanes[i];

		if (lane->is_used)
			continue;
		page_lane_release(lane);
		lane->rtt_counts.generation++;
		__atomic_store_n(&lane->is_used, 1, __ATOMIC_RELEASE);
		return lane;
	}
	return NULL;
}

void page_lane_write(struct page_lane *lane, const struct page_lane_state *state)
{
	uint32_t sequence = lane->sequence;

	__atomic_store_n(&lane->sequence, sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(&lane->state, state, sizeof(*state));
	__atomic_store_n(&lane->sequence, sequence + 2, __ATOMIC_RELEASE);
}

void page_lane_add_rtt(struct page_lane *lane, uint64_t now_us, uint64_t rtt_us)
{
	struct page_rtt_counts *counts = &lane->rtt_counts;
	size_t class = 0;

	window_histogram_add(&lane->rtt, now_us, rtt_us);
	while (class < PAGE_RTT_BOUNDS && rtt_us > page_rtt_bounds_us[class])
		class ++;
	__atomic_store_n(&counts->counts[class], counts->counts[class] + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&counts->sum_us, counts->sum_us + rtt_us, __ATOMIC_RELAXED);
}

void page_lane_release(struct page_lane *lane)
{
	if (!lane)
		return;
	__atomic_store_n(&lane->is_used, 0, __ATOMIC_RELEASE);
	/* A place that was never written stays without memory behind it. */
	if (lane->state.peer_name[0]) {
		memset(&lane->state, 0, sizeof(lane->state));
		memset(lane->rtt_counts.counts, 0, sizeof(lane->rtt_counts.counts));
		lane->rtt_counts.sum_us = 0;
	}
	for (size_t i = 0; i < HISTOGRAM_WINDOW_SLOTS; i++)
		if (lane->rtt.slot_numbers[i])
			lane->rtt.slot_numbers[i] = 0;
	if (lane->sequence % 2)
		lane->sequence++;
}
