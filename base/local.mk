# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	base/addr.c base/addr.h \
	base/bytes.c base/bytes.h \
	base/cidr.c base/cidr.h \
	base/chunk.c base/chunk.h base/slice.h \
	base/encoding.c base/encoding.h \
	base/err.c base/err.h \
	base/exposition.c base/exposition.h \
	base/file.c base/file.h \
	base/histogram.c base/histogram.h \
	base/keyed_hash.c base/keyed_hash.h \
	base/list.h \
	base/log.c base/log.h \
	base/pin.c base/pin.h \
	base/rng.c base/rng.h \
	base/schema.c base/schema.h \
	base/schema_decode.c base/schema_source.h \
	base/schema_json.c \
	base/schema_yaml.c \
	base/size_text.c base/size_text.h \
	base/suggest.c base/suggest.h \
	base/table.h \
	base/utf8.c base/utf8.h \
	base/wheel.c base/wheel.h \
	base/yaml_objects.c base/yaml_objects.h

check_PROGRAMS += \
	tests/unit/addr_test \
	tests/unit/bytes_test \
	tests/unit/chunk_test \
	tests/unit/cidr_test \
	tests/unit/encoding_test \
	tests/unit/err_test \
	tests/unit/exposition_test \
	tests/unit/file_test \
	tests/unit/histogram_test \
	tests/unit/keyed_hash_test \
	tests/unit/list_test \
	tests/unit/log_test \
	tests/unit/pin_test \
	tests/unit/rng_test \
	tests/unit/schema_test \
	tests/unit/size_text_test \
	tests/unit/suggest_test \
	tests/unit/table_test \
	tests/unit/utf8_test \
	tests/unit/wheel_test \
	tests/unit/yaml_objects_test
