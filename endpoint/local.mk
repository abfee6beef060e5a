# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libendpoint.a
libendpoint_a_SOURCES =
libendpoint_a_SOURCES += endpoint/endpoint.c endpoint/endpoint.h endpoint/role.h
libendpoint_a_SOURCES += endpoint/explain.c endpoint/explain.h
libendpoint_a_SOURCES += endpoint/tcp_flows.c endpoint/tcp_flows.h
libendpoint_a_SOURCES += endpoint/udp_flows.c endpoint/udp_flows.h
libendpoint_a_SOURCES += endpoint/names.c endpoint/names.h
libendpoint_a_SOURCES += endpoint/health_process.c endpoint/health_process.h
libendpoint_a_SOURCES += endpoint/health_targets.c endpoint/health_targets.h
libendpoint_a_SOURCES += endpoint/probe.c endpoint/probe.h endpoint/probe_private.h
libendpoint_a_SOURCES += endpoint/probe_tcp.c endpoint/probe_http.c endpoint/probe_datagram.c
libendpoint_a_SOURCES += endpoint/answers.c endpoint/answers.h endpoint/answers_dns.c
libendpoint_a_SOURCES += endpoint/answers_game.c endpoint/answers_icmp.c endpoint/answers_quic.c
libendpoint_a_SOURCES += endpoint/answers_sip.c
libendpoint_a_SOURCES += endpoint/http_judge.c endpoint/http_judge.h
libendpoint_a_SOURCES += endpoint/outcomes.c endpoint/outcomes.h
libendpoint_a_SOURCES += endpoint/dead_backends.c endpoint/dead_backends.h
libendpoint_a_SOURCES += endpoint/backends.c endpoint/backends.h
libendpoint_a_SOURCES += endpoint/shares.c endpoint/shares.h
check_PROGRAMS += tests/unit/backends_test tests/unit/shares_test
tests_unit_backends_test_LDADD = libendpoint.a $(LDADD)
tests_unit_shares_test_LDADD = libendpoint.a $(LDADD)

ENDPOINT_TEST_LIBS = libworkerdouble.a libendpoint.a libtestsupport.a $(LDADD)
check_PROGRAMS += tests/unit/outcomes_test
tests_unit_outcomes_test_LDADD = $(ENDPOINT_TEST_LIBS)
check_PROGRAMS += tests/unit/endpoint_explain_test
tests_unit_endpoint_explain_test_SOURCES = tests/unit/endpoint_explain_test.c tests/unit/endpoint_fixture.h
tests_unit_endpoint_explain_test_LDADD = $(ENDPOINT_TEST_LIBS)
check_PROGRAMS += tests/unit/endpoint_test tests/unit/names_test \
	tests/unit/tcp_flows_test tests/unit/udp_flows_test
tests_unit_endpoint_test_SOURCES = tests/unit/endpoint_test.c tests/unit/endpoint_fixture.h
tests_unit_endpoint_test_LDADD = $(ENDPOINT_TEST_LIBS)
tests_unit_names_test_SOURCES = tests/unit/names_test.c tests/unit/names_included.h
tests_unit_names_test_LDADD = $(WORKER_DOUBLE_LIBS)
tests_unit_tcp_flows_test_SOURCES = tests/unit/tcp_flows_test.c tests/unit/endpoint_fixture.h \
	tests/unit/names_included.h
tests_unit_tcp_flows_test_LDADD = $(ENDPOINT_TEST_LIBS)
tests_unit_udp_flows_test_SOURCES = tests/unit/udp_flows_test.c tests/unit/endpoint_fixture.h
tests_unit_udp_flows_test_LDADD = $(ENDPOINT_TEST_LIBS)

check_PROGRAMS += tests/unit/answers_test tests/unit/health_targets_test \
	tests/unit/http_judge_test tests/unit/probe_test
tests_unit_answers_test_LDADD = libendpoint.a $(LDADD)
tests_unit_http_judge_test_LDADD = libendpoint.a $(LDADD)
tests_unit_health_targets_test_LDADD = libendpoint.a libtestsupport.a $(LDADD) $(CURL_LIBS)
tests_unit_probe_test_LDADD = libendpoint.a libtestsupport.a $(LDADD) $(CURL_LIBS)

EXTRA_PROGRAMS += tests/fuzz/answers_fuzz
FUZZ_TARGETS += tests/fuzz/answers_fuzz
tests_fuzz_answers_fuzz_SOURCES = tests/fuzz/answers_fuzz.c
tests_fuzz_answers_fuzz_LDADD = libendpoint.a $(MODEL_LIBS)
tests_fuzz_answers_fuzz_LDFLAGS = $(FUZZER_LINK)

sbin_PROGRAMS += trunkline-endpoint
trunkline_endpoint_SOURCES = endpoint/main.c
trunkline_endpoint_LDADD = libendpoint.a $(NET_LIBS) $(CURL_LIBS)
