/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash tables: uthash with our keyed hash, and without exit() when memory runs out.
 * Include this, never uthash.h itself.  The handle in a struct is `UT_hash_handle hh`.
 * After HASH_ADD and its like, TABLE_HAS(item) is false when there was no memory and the item is
 * in no table.  Keys that are structs must have no padding, or be zeroed before they are filled.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/keyed_hash.h"

#ifdef HASH_FUNCTION
#error "include base/table.h instead of uthash.h"
#endif
#define HASH_FUNCTION(keyptr, keylen, hashv)                                                       \
	do {                                                                                       \
		(hashv) = (unsigned)keyed_hash((keyptr), (keylen));                                \
	} while (0)
#define HASH_NONFATAL_OOM 1

#include <uthash.h>

#define TABLE_HAS(item) ((item)->hh.tbl != NULL)

#endif
