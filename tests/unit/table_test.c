/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash tables: they find what was added, spread keys that an attacker chose, and survive the lack
 * of memory.
 */
#include <stdbool.h>
#include <stdlib.h>

static bool memory_is_out;

static void *limited_malloc(size_t size)
{
	return memory_is_out ? NULL : malloc(size);
}

#define uthash_malloc(size) limited_malloc(size)
#include "base/table.h"

#include "base/addr.h"
#include "tests/unit/cmocka_all.h"

struct item {
	struct addr key;
	int value;
	UT_hash_handle hh;
};

static void items_are_found(void **state)
{
	enum { COUNT = 2000 };
	struct item *table = NULL, *items = calloc(COUNT, sizeof(*items)), *found, *next;
	struct addr unknown = addr_any(6, 1);

	(void)state;
	assert_int_equal(keyed_hash_init(), 0);
	for (int i = 0; i < COUNT; i++) {
		items[i].key = addr_any(4, (uint16_t)i);
		items[i].value = i;
		HASH_ADD(hh, table, key, sizeof(struct addr), &items[i]);
		assert_true(TABLE_HAS(&items[i]));
	}
	for (int i = 0; i < COUNT; i++) {
		HASH_FIND(hh, table, &items[i].key, sizeof(struct addr), found);
		assert_ptr_equal(found, &items[i]);
	}
	HASH_FIND(hh, table, &unknown, sizeof(struct addr), found);
	assert_null(found);
	/* With 10 items a bucket as uthash's mark, keys that spread leave no bucket above it. */
	assert_in_range(table->hh.tbl->num_buckets, COUNT / 10, 2 * COUNT);
	for (unsigned i = 0; i < table->hh.tbl->num_buckets; i++)
		assert_in_range(table->hh.tbl->buckets[i].count, 0, 30);
	HASH_ITER (hh, table, found, next)
		HASH_DEL(table, found);
	assert_null(table);
	free(items);
}

static void no_memory_means_not_added(void **state)
{
	struct item *table = NULL, item = {.value = 1}, *found;

	(void)state;
	memory_is_out = true;
	HASH_ADD(hh, table, key, sizeof(struct addr), &item);
	memory_is_out = false;
	assert_false(TABLE_HAS(&item));
	HASH_FIND(hh, table, &item.key, sizeof(struct addr), found);
	assert_null(found);
	HASH_ADD(hh, table, key, sizeof(struct addr), &item);
	assert_true(TABLE_HAS(&item));
	HASH_DEL(table, &item);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(items_are_found),
	    cmocka_unit_test(no_memory_means_not_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
