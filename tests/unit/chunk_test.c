/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chunk pool: its budget, reference counts, and that memory comes back.
 */
#include "base/chunk.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static void the_budget_holds(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(3 * CHUNK_BYTES + 100);
	struct chunk *chunks[3];

	(void)state;
	assert_non_null(pool);
	for (int i = 0; i < 3; i++) {
		chunks[i] = chunk_get(pool);
		assert_non_null(chunks[i]);
		assert_int_equal(chunks[i]->refs, 1);
		assert_int_equal(chunk_left(chunks[i]), CHUNK_BYTES);
		memset(chunks[i]->data, i, CHUNK_BYTES);
		chunks[i]->used_bytes = CHUNK_BYTES;
	}
	assert_null(chunk_get(pool));
	assert_int_equal(chunk_pool_used_bytes(pool), 3 * CHUNK_BYTES);
	chunk_unref(chunks[1]);
	chunks[1] = chunk_get(pool);
	assert_non_null(chunks[1]);
	assert_int_equal(chunks[1]->used_bytes, 0);
	for (int i = 0; i < 3; i++)
		chunk_unref(chunks[i]);
	assert_int_equal(chunk_pool_used_bytes(pool), 0);
	assert_int_equal(chunk_pool_peak_bytes(pool), 3 * CHUNK_BYTES);
	assert_int_equal(chunk_pool_limit_bytes(pool), 3 * CHUNK_BYTES + 100);
	chunk_pool_free(pool);
}

static void the_last_reference_gives_back(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(CHUNK_BYTES);
	struct chunk *chunk = chunk_get(pool);
	struct slice slice = {.chunk = chunk_ref(chunk), .offset = 5, .length = 2};

	(void)state;
	chunk->data[5] = 42;
	chunk_unref(chunk);
	assert_int_equal(chunk_pool_used_bytes(pool), CHUNK_BYTES);
	assert_int_equal(slice_data(&slice)[0], 42);
	chunk_unref(slice.chunk);
	assert_int_equal(chunk_pool_used_bytes(pool), 0);
	chunk_unref(NULL);
	chunk_pool_free(pool);
	chunk_pool_free(NULL);
}

static void many_chunks_come_and_go(void **state)
{
	enum { COUNT = 400 };
	struct chunk_pool *pool = chunk_pool_new((size_t)COUNT * CHUNK_BYTES);
	struct chunk *chunks[COUNT];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COUNT; i++) {
			chunks[i] = chunk_get(pool);
			assert_non_null(chunks[i]);
			assert_int_equal((uintptr_t)chunks[i]->data % 64, 0);
		}
		assert_null(chunk_get(pool));
		for (int i = 0; i < COUNT; i++)
			chunk_unref(chunks[i]);
	}
	assert_int_equal(chunk_pool_used_bytes(pool), 0);
	chunk_pool_free(pool);
}

static void no_budget_gives_nothing(void **state)
{
	struct chunk_pool *pool = chunk_pool_new(CHUNK_BYTES - 1);

	(void)state;
	assert_null(chunk_get(pool));
	chunk_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_budget_holds),
	    cmocka_unit_test(the_last_reference_gives_back),
	    cmocka_unit_test(many_chunks_come_and_go),
	    cmocka_unit_test(no_budget_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
