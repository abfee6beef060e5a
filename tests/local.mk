# SPDX-License-Identifier: GPL-2.0-or-later
# The lab: namespaces joined by an emulated WAN, real programs and the daemons in them. Needs root.
noinst_PROGRAMS += tests/lab/wanem
tests_lab_wanem_SOURCES = tests/lab/wanem.c tests/lab/wanem.h tests/lab/wanem_language.c \
	tests/lab/wanem_net.c tests/lab/wanem_path.c
tests_lab_wanem_LDADD = -lm

check_SCRIPTS += tests/layering.py tests/unit/openapi.py
EXTRA_DIST += tests/layering.py tests/unit/openapi.py tests/run_programs.py tests/conftest.py tests/unit/cmocka_all.h tests/unit/gf256_slow.h tests/fuzz/require.h tests/lab/clock_jump.c \
	$(wildcard $(top_srcdir)/tests/lab/*.py $(top_srcdir)/tests/lab/*.scn) tests/e2e tests/fuzz/run.py tests/fuzz/corpus

lab: all check-programs
	$(abs_top_srcdir)/tests/e2e/run $(abs_top_builddir)


# Fuzz targets: one adds its program to FUZZ_TARGETS and states its _LDFLAGS as $(FUZZER_LINK);
# they are built when configured with --enable-fuzzing CC=clang.
FUZZER_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
EXTRA_PROGRAMS += $(FUZZ_TARGETS)
FUZZ_TARGETS += tests/fuzz/access_fuzz tests/fuzz/api_fuzz tests/fuzz/channel_fuzz tests/fuzz/codec_fuzz \
	tests/fuzz/compression_fuzz tests/fuzz/config_fuzz tests/fuzz/frame_fuzz \
	tests/fuzz/gate_fuzz tests/fuzz/handshake_fuzz tests/fuzz/ipc_fuzz tests/fuzz/lane_fuzz \
	tests/fuzz/messages_fuzz tests/fuzz/packet_fuzz tests/fuzz/relay_fuzz \
	tests/fuzz/repair_fuzz tests/fuzz/report_fuzz tests/fuzz/text_fuzz tests/fuzz/yaml_fuzz
tests_fuzz_access_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_access_fuzz_LDADD = $(MODEL_LIBS)
# It asks the API's handlers, with headers and arguments of its own.
tests_fuzz_api_fuzz_LDFLAGS = $(FUZZER_LINK) -Wl,--wrap=MHD_lookup_connection_value
tests_fuzz_api_fuzz_LDADD = $(CONTROL_TEST_LIBS)
tests_fuzz_channel_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_channel_fuzz_LDADD = libtestsupport.a $(LDADD)
tests_fuzz_codec_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_compression_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_config_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_config_fuzz_LDADD = $(MODEL_LIBS)
FUZZ_LANE_SUBJECT = tests/fuzz/lane_subject.c tests/fuzz/lane_subject.h
tests_fuzz_frame_fuzz_SOURCES = tests/fuzz/frame_fuzz.c $(FUZZ_LANE_SUBJECT)
tests_fuzz_frame_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_gate_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_handshake_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_handshake_fuzz_LDADD = libtestsupport.a $(LDADD)
tests_fuzz_ipc_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_lane_fuzz_SOURCES = tests/fuzz/lane_fuzz.c $(FUZZ_LANE_SUBJECT)
tests_fuzz_lane_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_messages_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_messages_fuzz_LDADD = $(MODEL_LIBS)
tests_fuzz_packet_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_relay_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_repair_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_report_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_report_fuzz_LDADD = $(CONTROL_TEST_LIBS)
tests_fuzz_yaml_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_yaml_fuzz_LDADD = $(MODEL_LIBS)
tests_fuzz_text_fuzz_LDFLAGS = $(FUZZER_LINK)
tests_fuzz_text_fuzz_SOURCES = tests/fuzz/text_fuzz.c cli/value.c cli/value.h
