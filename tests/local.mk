# SPDX-License-Identifier: GPL-2.0-or-later
# The lab: namespaces joined by an emulated WAN, real programs and the daemons in them. Needs root.
noinst_PROGRAMS += tests/lab/wanem
tests_lab_wanem_SOURCES = tests/lab/wanem.c tests/lab/wanem.h tests/lab/wanem_language.c \
	tests/lab/wanem_net.c tests/lab/wanem_path.c
tests_lab_wanem_LDADD = -lm

check_SCRIPTS += tests/layering.py tests/unit/openapi.py
EXTRA_DIST += tests/layering.py tests/unit/openapi.py tests/run_programs.py tests/conftest.py tests/unit/cmocka_all.h \
	$(wildcard $(top_srcdir)/tests/lab/*.py $(top_srcdir)/tests/lab/*.scn) tests/e2e tests/fuzz/run.py tests/fuzz/corpus

lab: all check-programs
	$(abs_top_srcdir)/tests/e2e/run $(abs_top_builddir)


# Fuzz targets: one adds its program to EXTRA_PROGRAMS and FUZZ_TARGETS and states its _LDFLAGS
# as $(FUZZER_LINK); they are built when configured with --enable-fuzzing CC=clang.
FUZZER_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer

EXTRA_PROGRAMS += tests/fuzz/compression_fuzz tests/fuzz/handshake_fuzz
FUZZ_TARGETS += tests/fuzz/compression_fuzz tests/fuzz/handshake_fuzz
tests_fuzz_compression_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_handshake_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_handshake_fuzz_LDADD = libtestsupport.a $(LDADD)
FUZZ_TARGETS += tests/fuzz/frame_fuzz tests/fuzz/packet_fuzz
EXTRA_PROGRAMS += tests/fuzz/frame_fuzz tests/fuzz/packet_fuzz
tests_fuzz_frame_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_packet_fuzz_LDFLAGS = $(FUZZER_LINK)
FUZZ_TARGETS += tests/fuzz/repair_fuzz
EXTRA_PROGRAMS += tests/fuzz/repair_fuzz
tests_fuzz_repair_fuzz_LDFLAGS = $(FUZZER_LINK)
