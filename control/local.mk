# SPDX-License-Identifier: GPL-2.0-or-later
sbin_PROGRAMS += trunkline-control
noinst_LIBRARIES += libcontrol.a
libcontrol_a_SOURCES = \
	control/api.c control/api.h control/api_private.h control/api_server.c \
	control/api_access.c control/api_access.h \
	control/api_accelerators.c control/api_apply.c \
	control/adopt.c control/adopt.h control/api_backup.c \
	control/api_audit.c control/api_audit.h control/api_events.c \
	control/api_health.c \
	control/api_caller.c control/api_caller.h control/api_doctor.c control/api_explain.c control/api_nodes.c control/api_status.c \
	control/api_request.c control/api_revisions.c control/api_rollout.c \
	control/api_routes.c control/api_routes.h \
	control/api_stream.c control/api_stream.h \
	control/api_tls.c control/api_tls.h \
	control/api_token.c control/api_token.h control/api_tokens.c \
	control/api_tunnels.c control/api_tunnels.h \
	control/attention.c control/attention.h \
	control/audit.c control/audit.h \
	control/backend_reports.c control/backend_reports.h \
	control/change.c control/change.h \
	control/compile.c control/compile.h \
	control/confirm.c control/confirm.h \
	control/control.h \
	control/difference.c control/difference.h \
	control/doctor.c control/doctor.h \
	control/explain.c control/explain.h \
	control/faults.c control/faults.h \
	control/finding.c control/finding.h \
	control/gone.c control/gone.h \
	control/health_json.c control/health_json.h \
	control/events.c control/events.h \
	control/idempotency.c control/idempotency.h \
	control/installation.c control/installation.h \
	control/metrics.c control/metrics.h \
	control/node_drain.c control/node_drain.h \
	control/node_join.c control/node_join.h \
	control/node_link.c control/node_link.h control/node_link_private.h \
	control/node_links.c \
	control/node_server.c control/node_server.h \
	control/options.c control/options.h \
	control/own_machine.c control/own_machine.h \
	control/plan.c control/plan.h control/plan_run.c \
	control/problem.c control/problem.h \
	control/recompile.c control/recompile.h \
	control/rate_limit.c control/rate_limit.h \
	control/restore.c control/restore.h \
	control/rollback.c control/rollback.h \
	control/rules.c control/rules.h \
	control/state.c control/state.h \
	control/store.c control/store.h control/store_answers.c control/store_backup.c control/store_api_tokens.c control/store_objects.c control/store_revisions.c control/store_sql.h \
	control/time_text.c control/time_text.h \
	control/tunnels.c control/tunnels.h
trunkline_control_SOURCES = control/main.c
trunkline_control_LDADD = libcontrol.a $(NET_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS)

CONTROL_TEST_LIBS = libcontrol.a $(NET_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += \
	tests/unit/api_access_test \
	tests/unit/api_caller_test \
	tests/unit/api_routes_test \
	tests/unit/api_tls_test \
	tests/unit/audit_test \
	tests/unit/api_token_test \
	tests/unit/compile_test \
	tests/unit/control_options_test \
	tests/unit/difference_test \
	tests/unit/faults_test \
	tests/unit/doctor_test \
	tests/unit/control_explain_test \
	tests/unit/finding_test \
	tests/unit/own_machine_test \
	tests/unit/plan_test \
	tests/unit/state_test \
	tests/unit/installation_test \
	tests/unit/gone_test \
	tests/unit/node_drain_test \
	tests/unit/node_join_test \
	tests/unit/problem_test \
	tests/unit/rate_limit_test \
	tests/unit/restore_test \
	tests/unit/rules_test \
	tests/unit/store_test \
	tests/unit/time_text_test \
	tests/unit/tunnels_test
tests_unit_api_access_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_audit_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_tls_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_token_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_rate_limit_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_caller_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_routes_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_compile_test_SOURCES = tests/unit/compile_test.c tests/unit/installation_fixture.h
tests_unit_compile_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_control_options_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_difference_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_faults_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_control_explain_test_SOURCES = tests/unit/control_explain_test.c tests/unit/control_fixture.h
tests_unit_control_explain_test_LDADD = libtestsupport.a $(CONTROL_TEST_LIBS)
tests_unit_own_machine_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_finding_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_doctor_test_SOURCES = tests/unit/doctor_test.c tests/unit/installation_fixture.h
tests_unit_doctor_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_plan_test_SOURCES = tests/unit/plan_test.c tests/unit/installation_fixture.h
tests_unit_plan_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_state_test_SOURCES = tests/unit/state_test.c tests/unit/control_fixture.h
tests_unit_state_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_installation_test_SOURCES = tests/unit/installation_test.c tests/unit/installation_fixture.h
tests_unit_installation_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_node_drain_test_SOURCES = tests/unit/node_drain_test.c tests/unit/installation_fixture.h
tests_unit_node_drain_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_gone_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_node_join_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_problem_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_restore_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_rules_test_SOURCES = tests/unit/rules_test.c tests/unit/installation_fixture.h
tests_unit_rules_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_store_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_time_text_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_tunnels_test_SOURCES = tests/unit/tunnels_test.c tests/unit/installation_fixture.h
tests_unit_tunnels_test_LDADD = $(CONTROL_TEST_LIBS)

API_TESTS = tests/unit/api_test tests/unit/api_accelerators_test tests/unit/api_nodes_test \
	tests/unit/api_status_test tests/unit/api_tokens_test tests/unit/api_tunnels_test tests/unit/api_apply_test \
	tests/unit/api_doctor_test tests/unit/api_explain_test tests/unit/attention_test tests/unit/api_revisions_test tests/unit/api_rollout_test
API_TESTS += tests/unit/api_health_test tests/unit/metrics_test
API_TESTS += tests/unit/api_audit_test tests/unit/api_backup_test tests/unit/api_stream_test
check_PROGRAMS += $(API_TESTS) tests/unit/adopt_test tests/unit/backend_reports_test tests/unit/change_test tests/unit/confirm_test tests/unit/events_test \
	tests/unit/recompile_test \
	tests/unit/rollback_test tests/unit/idempotency_test
API_FIXTURE = tests/unit/api_fixture.h tests/unit/control_fixture.h
tests_unit_api_test_SOURCES = tests/unit/api_test.c $(API_FIXTURE)
tests_unit_api_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_accelerators_test_SOURCES = tests/unit/api_accelerators_test.c $(API_FIXTURE)
tests_unit_api_accelerators_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_nodes_test_SOURCES = tests/unit/api_nodes_test.c $(API_FIXTURE)
tests_unit_api_nodes_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_attention_test_SOURCES = tests/unit/attention_test.c $(API_FIXTURE)
tests_unit_attention_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_explain_test_SOURCES = tests/unit/api_explain_test.c $(API_FIXTURE)
tests_unit_api_explain_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_doctor_test_SOURCES = tests/unit/api_doctor_test.c $(API_FIXTURE)
tests_unit_api_doctor_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_status_test_SOURCES = tests/unit/api_status_test.c $(API_FIXTURE)
tests_unit_api_status_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_tokens_test_SOURCES = tests/unit/api_tokens_test.c $(API_FIXTURE)
tests_unit_api_tokens_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_health_test_SOURCES = tests/unit/api_health_test.c $(API_FIXTURE)
tests_unit_api_health_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_metrics_test_SOURCES = tests/unit/metrics_test.c $(API_FIXTURE)
tests_unit_metrics_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_audit_test_SOURCES = tests/unit/api_audit_test.c $(API_FIXTURE)
tests_unit_api_audit_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_backup_test_SOURCES = tests/unit/api_backup_test.c $(API_FIXTURE)
tests_unit_api_backup_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_stream_test_SOURCES = tests/unit/api_stream_test.c $(API_FIXTURE)
tests_unit_api_stream_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_events_test_SOURCES = tests/unit/events_test.c tests/unit/control_fixture.h
tests_unit_events_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_tunnels_test_SOURCES = tests/unit/api_tunnels_test.c $(API_FIXTURE)
tests_unit_api_tunnels_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_apply_test_SOURCES = tests/unit/api_apply_test.c $(API_FIXTURE)
tests_unit_api_apply_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_revisions_test_SOURCES = tests/unit/api_revisions_test.c $(API_FIXTURE)
tests_unit_api_revisions_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_api_rollout_test_SOURCES = tests/unit/api_rollout_test.c $(API_FIXTURE)
tests_unit_api_rollout_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_idempotency_test_SOURCES = tests/unit/idempotency_test.c $(API_FIXTURE)
tests_unit_idempotency_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_keep_answer
tests_unit_idempotency_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_rollback_test_SOURCES = tests/unit/rollback_test.c tests/unit/control_fixture.h
tests_unit_rollback_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_confirm_test_SOURCES = tests/unit/confirm_test.c tests/unit/control_fixture.h
tests_unit_confirm_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_backend_reports_test_SOURCES = tests/unit/backend_reports_test.c tests/unit/control_fixture.h
tests_unit_backend_reports_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_adopt_test_SOURCES = tests/unit/adopt_test.c tests/unit/control_fixture.h
tests_unit_adopt_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_recompile_test_SOURCES = tests/unit/recompile_test.c tests/unit/control_fixture.h
tests_unit_recompile_test_LDADD = $(CONTROL_TEST_LIBS)
tests_unit_change_test_SOURCES = tests/unit/change_test.c tests/unit/control_fixture.h
tests_unit_change_test_LDADD = $(CONTROL_TEST_LIBS)

# Their keys process is the test's own program, started again.
check_PROGRAMS += tests/unit/node_link_test tests/unit/node_links_test tests/unit/node_server_test
tests_unit_node_link_test_SOURCES = tests/unit/node_link_test.c tests/unit/keys_child.h
tests_unit_node_link_test_LDADD = libtestsupport.a $(CONTROL_TEST_LIBS)
tests_unit_node_links_test_SOURCES = tests/unit/node_links_test.c tests/unit/keys_child.h
tests_unit_node_links_test_LDADD = libtestsupport.a $(CONTROL_TEST_LIBS)
tests_unit_node_server_test_SOURCES = tests/unit/node_server_test.c tests/unit/keys_child.h \
	tests/unit/control_fixture.h
tests_unit_node_server_test_LDADD = libtestsupport.a $(CONTROL_TEST_LIBS)
