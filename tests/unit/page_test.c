/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net/page: what a worker writes is what main reads, never a mix of two states, across the death
 * of the worker.
 */
#include "config.h"

#include "net/page.h"

#include "base/err.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int memory, reader;
static struct page *written;
static const struct page *seen;

static int setup(void **state)
{
	(void)state;
	assert_int_equal(page_create(&memory, &reader), 0);
	assert_int_equal(page_open(memory, &written), 0);
	assert_int_equal(page_map(reader, &seen), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	page_unmap(written);
	page_unmap(seen);
	close(memory);
	close(reader);
	return 0;
}

static void values_are_seen_and_summed(void **state)
{
	const struct page *pages[] = {seen, NULL, seen};

	(void)state;
	page_count(written, PAGE_tcp_flows_opened);
	page_add(written, PAGE_tcp_flows_opened, 4);
	page_set(written, PAGE_tcp_flows, 7);
	assert_int_equal(page_get(seen, PAGE_tcp_flows_opened), 5);
	assert_int_equal(page_sum(pages, 3, PAGE_tcp_flows), 14);
	for (unsigned i = 0; i < PAGE_VALUE_COUNT; i++)
		assert_true(strlen(page_values[i].name) && strlen(page_values[i].help));
}

static void lanes_are_claimed_shown_and_released(void **state)
{
	struct page_lane_state wanted = {.peer_name = "tokyo-1", .lane = 3, .rtt_min_us = 120000},
	                       got;
	struct page_lane *lane = page_lane_claim(written);
	struct histogram rtt;

	(void)state;
	assert_non_null(lane);
	page_lane_write(lane, &wanted);
	page_lane_add_rtt(lane, 1000000, 130000);
	assert_true(page_lane_read(seen, 0, &got));
	assert_memory_equal(&got, &wanted, sizeof(got));
	page_lane_read_rtt(seen, 0, 2000000, &rtt);
	assert_int_equal(histogram_count(&rtt), 1);
	assert_int_equal(rtt.min, 130000);
	assert_false(page_lane_read(seen, 1, &got));
	page_lane_release(lane);
	page_lane_release(NULL);
	assert_false(page_lane_read(seen, 0, &got));
	assert_ptr_equal(page_lane_claim(written), lane);
	page_lane_read_rtt(seen, 0, 2000000, &rtt);
	assert_int_equal(histogram_count(&rtt), 0);
}

static void places_are_finite(void **state)
{
	(void)state;
	for (int i = 0; i < PAGE_LANES; i++)
		assert_non_null(page_lane_claim(written));
	assert_null(page_lane_claim(written));
}

static void successor_keeps_counters_and_clears_the_rest(void **state)
{
	struct page_lane *lane = page_lane_claim(written);
	struct page_lane_state got, one = {.peer_name = "a"};
	struct page *successor;

	(void)state;
	page_count(written, PAGE_lanes_opened);
	page_set(written, PAGE_lanes_up, 1);
	written->udp_sources.total = 5;
	written->limits[LIMIT_TABLES - 1].flows.total = 5;
	written->udp_sources.cells[COUNT_ROWS - 1][COUNT_CELLS - 1] = 5;
	page_lane_write(lane, &one);
	lane->sequence++; /* it dies while writing */
	assert_false(page_lane_read(seen, 0, &got));
	assert_int_equal(page_open(memory, &successor), 0);
	assert_int_equal(page_get(seen, PAGE_lanes_opened), 1);
	assert_int_equal(page_get(seen, PAGE_lanes_up), 0);
	assert_int_equal(seen->udp_sources.total, 0);
	assert_int_equal(seen->limits[LIMIT_TABLES - 1].flows.total, 0);
	assert_int_equal(seen->udp_sources.cells[COUNT_ROWS - 1][COUNT_CELLS - 1], 0);
	assert_false(page_lane_read(seen, 0, &got));
	lane = page_lane_claim(successor);
	page_lane_write(lane, &one);
	assert_true(page_lane_read(seen, 0, &got));
	page_unmap(successor);
}

/* A child writes states whose numbers are all the same while we read. */
static void states_are_never_mixed(void **state)
{
	struct page_lane *lane = page_lane_claim(written);
	struct page_lane_state got;
	unsigned read = 0;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		for (uint64_t n = 1;; n++) {
			struct page_lane_state one = {.peer_name = "a",
			    .since_ms = n,
			    .rtt_latest_us = n,
			    .bytes_sent = n,
			    .figures = {.congestion_window_bytes = n}};

			page_lane_write(lane, &one);
		}
	/* On a busy machine the child may be put aside in the middle of a write, and nothing can be read. */
	for (int i = 0; read < 100000 && i < 200000000; i++) {
		if (!page_lane_read(seen, 0, &got))
			continue;
		read++;
		assert_int_equal(got.since_ms, got.rtt_latest_us);
		assert_int_equal(got.since_ms, got.bytes_sent);
		assert_int_equal(got.since_ms, got.figures.congestion_window_bytes);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(read > 1000);
}

static void a_reader_cannot_write(void **state)
{
	void *mapping;

	(void)state;
	assert_ptr_equal(
	    mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0),
	    MAP_FAILED);
	assert_int_equal(page_open(reader, &(struct page *){NULL}), ERR_IO);
	mapping = mmap(NULL, sizeof(struct page), PROT_READ, MAP_SHARED, reader, 0);
	assert_ptr_not_equal(mapping, MAP_FAILED);
	assert_int_equal(mprotect(mapping, sizeof(struct page), PROT_READ | PROT_WRITE), -1);
	munmap(mapping, sizeof(struct page));
}

static void other_memory_is_refused(void **state)
{
	int other = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const struct page *page;

	(void)state;
	assert_int_equal(page_map(other, &page), ERR_MALFORMED);
	assert_int_equal(ftruncate(other, sizeof(struct page)), 0);
	assert_int_equal(page_map(other, &page), ERR_MALFORMED);
	assert_null(page);
	assert_int_equal(ftruncate(memory, 4096), -1);
	close(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(values_are_seen_and_summed),
	    TEST(lanes_are_claimed_shown_and_released),
	    TEST(places_are_finite),
	    TEST(successor_keeps_counters_and_clears_the_rest),
	    TEST(states_are_never_mixed),
	    TEST(a_reader_cannot_write),
	    TEST(other_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
