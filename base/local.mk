# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	base/addr.c base/addr.h \
	base/bytes.c base/bytes.h \
	base/chunk.c base/chunk.h base/slice.h \
	base/err.c base/err.h \
	base/list.h \
	base/log.c base/log.h \
	base/rng.c base/rng.h

check_PROGRAMS += \
	tests/unit/addr_test \
	tests/unit/bytes_test \
	tests/unit/chunk_test \
	tests/unit/err_test \
	tests/unit/list_test \
	tests/unit/log_test \
	tests/unit/rng_test
