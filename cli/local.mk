# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	cli/accelerator.c \
	cli/accelerator_spec.c cli/accelerator_spec.h \
	cli/apply.c \
	cli/change_view.c cli/change_view.h \
	cli/audit.c \
	cli/backup.c \
	cli/client.c cli/client.h cli/client_private.h \
	cli/client_download.c \
	cli/client_stream.c cli/client_stream.h \
	cli/command.c cli/command.h cli/command_help.c \
	cli/commands.c cli/commands.h \
	cli/complete.c cli/complete.h \
	cli/complete_names.c cli/complete_names.h \
	cli/completion.c \
	cli/doctor.c \
	cli/explain.c cli/explain_flow.c \
	cli/fault_option.c cli/fault_option.h \
	cli/field_text.c cli/field_text.h \
	cli/events.c \
	cli/format.c cli/format.h \
	cli/get.c \
	cli/health_value.c cli/health_value.h \
	cli/backend_table.c cli/backend_table.h \
	cli/history.c cli/history.h \
	cli/limit_value.c cli/limit_value.h \
	cli/manifest.c cli/manifest.h \
	cli/manual.c \
	cli/metavar.c cli/metavar.h \
	cli/news.c cli/news.h \
	cli/node.c cli/node_drain.c \
	cli/output.c cli/output.h \
	cli/revision.c \
	cli/session.c cli/session.h \
	cli/status.c \
	cli/table.c cli/table.h \
	cli/table_layout.c cli/table_layout.h \
	cli/target.c cli/target.h \
	cli/terminal.c cli/terminal.h \
	cli/text_width.c cli/text_width.h \
	cli/token.c \
	cli/tunnel.c \
	cli/tunnel_view.c cli/tunnel_view.h \
	cli/update.c cli/update.h \
	cli/value.c cli/value.h \
	cli/wait.c \
	cli/watch.c cli/watch.h
CLI_LIBS = libcli.a $(MODEL_LIBS) $(CURL_LIBS) $(SMARTCOLS_LIBS)

bin_PROGRAMS += trunkctl
trunkctl_SOURCES = cli/main.c
trunkctl_LDADD = $(CLI_LIBS)

# Man pages that are made of tables.
man_MANS += doc/trunkctl-commands.1 doc/trunkline-fields.5
CLEANFILES += doc/trunkctl-commands.1 doc/trunkline-fields.5
doc/trunkctl-commands.1: trunkctl$(EXEEXT)
	$(MKDIR_P) doc && ./trunkctl$(EXEEXT) manual commands >$@
doc/trunkline-fields.5: trunkctl$(EXEEXT)
	$(MKDIR_P) doc && ./trunkctl$(EXEEXT) manual fields >$@

# What shells load to complete trunkctl's command lines.
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
bashcompletion_DATA = cli/completion/trunkctl
zshcompletion_DATA = cli/completion/_trunkctl
fishcompletion_DATA = cli/completion/trunkctl.fish
CLEANFILES += $(bashcompletion_DATA) $(zshcompletion_DATA) $(fishcompletion_DATA)
cli/completion/trunkctl: trunkctl$(EXEEXT)
	$(MKDIR_P) cli/completion && ./trunkctl$(EXEEXT) completion bash >$@
cli/completion/_trunkctl: trunkctl$(EXEEXT)
	$(MKDIR_P) cli/completion && ./trunkctl$(EXEEXT) completion zsh >$@
cli/completion/trunkctl.fish: trunkctl$(EXEEXT)
	$(MKDIR_P) cli/completion && ./trunkctl$(EXEEXT) completion fish >$@

CLI_TESTS = \
	tests/unit/accelerator_spec_test \
	tests/unit/command_test \
	tests/unit/complete_test \
	tests/unit/fault_option_test \
	tests/unit/field_text_test \
	tests/unit/format_test \
	tests/unit/health_value_test \
	tests/unit/history_test \
	tests/unit/limit_value_test \
	tests/unit/manifest_test \
	tests/unit/metavar_test \
	tests/unit/output_test \
	tests/unit/cli_table_test \
	tests/unit/table_layout_test \
	tests/unit/target_test \
	tests/unit/text_width_test \
	tests/unit/value_test
check_PROGRAMS += $(CLI_TESTS)
tests_unit_accelerator_spec_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_command_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_complete_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_fault_option_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_field_text_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_format_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_health_value_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_history_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_metavar_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_output_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_table_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_table_layout_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_text_width_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_target_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_value_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)

# Against an HTTP server in the test.
CLI_SERVER_TESTS = \
	tests/unit/client_test \
	tests/unit/client_stream_test \
	tests/unit/cli_session_test \
	tests/unit/tunnel_view_test \
	tests/unit/status_test \
	tests/unit/cli_doctor_test \
	tests/unit/cli_node_drain_test \
	tests/unit/cli_audit_test \
	tests/unit/cli_backup_test \
	tests/unit/client_download_test \
	tests/unit/cli_events_test \
	tests/unit/cli_node_test \
	tests/unit/news_test \
	tests/unit/cli_token_test \
	tests/unit/watch_test \
	tests/unit/cli_accelerator_test \
	tests/unit/cli_tunnel_test \
	tests/unit/apply_test \
	tests/unit/change_view_test \
	tests/unit/complete_names_test \
	tests/unit/completion_test \
	tests/unit/explain_test tests/unit/explain_flow_test \
	tests/unit/get_test \
	tests/unit/manual_test \
	tests/unit/revision_test \
	tests/unit/update_test \
	tests/unit/wait_test
check_PROGRAMS += $(CLI_SERVER_TESTS) tests/unit/terminal_test
tests_unit_client_stream_test_SOURCES = tests/unit/client_stream_test.c tests/unit/cli_fixture.h
tests_unit_client_stream_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_audit_test_SOURCES = tests/unit/cli_audit_test.c tests/unit/cli_fixture.h
tests_unit_cli_audit_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_backup_test_SOURCES = tests/unit/cli_backup_test.c tests/unit/cli_fixture.h
tests_unit_cli_backup_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_client_download_test_SOURCES = tests/unit/client_download_test.c tests/unit/cli_fixture.h
tests_unit_client_download_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_events_test_SOURCES = tests/unit/cli_events_test.c tests/unit/cli_fixture.h
tests_unit_cli_events_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_client_test_SOURCES = tests/unit/client_test.c tests/unit/cli_fixture.h
tests_unit_client_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_session_test_SOURCES = tests/unit/cli_session_test.c tests/unit/cli_fixture.h
tests_unit_cli_session_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_terminal_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_tunnel_view_test_SOURCES = tests/unit/tunnel_view_test.c tests/unit/cli_fixture.h
tests_unit_tunnel_view_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_doctor_test_SOURCES = tests/unit/cli_doctor_test.c tests/unit/cli_fixture.h
tests_unit_cli_doctor_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_explain_flow_test_SOURCES = tests/unit/explain_flow_test.c tests/unit/cli_fixture.h
tests_unit_explain_flow_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_status_test_SOURCES = tests/unit/status_test.c tests/unit/cli_fixture.h
tests_unit_status_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_node_drain_test_SOURCES = tests/unit/cli_node_drain_test.c tests/unit/cli_fixture.h
tests_unit_cli_node_drain_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_node_test_SOURCES = tests/unit/cli_node_test.c tests/unit/cli_fixture.h
tests_unit_cli_node_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_token_test_SOURCES = tests/unit/cli_token_test.c tests/unit/cli_fixture.h
tests_unit_cli_token_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_watch_test_SOURCES = tests/unit/watch_test.c tests/unit/cli_fixture.h
tests_unit_watch_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_accelerator_test_SOURCES = tests/unit/cli_accelerator_test.c tests/unit/cli_fixture.h
tests_unit_cli_accelerator_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_tunnel_test_SOURCES = tests/unit/cli_tunnel_test.c tests/unit/cli_fixture.h
tests_unit_cli_tunnel_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_limit_value_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_manifest_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_apply_test_SOURCES = tests/unit/apply_test.c tests/unit/cli_fixture.h
tests_unit_apply_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_change_view_test_SOURCES = tests/unit/change_view_test.c tests/unit/cli_fixture.h
tests_unit_change_view_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_complete_names_test_SOURCES = tests/unit/complete_names_test.c tests/unit/cli_fixture.h
tests_unit_complete_names_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_completion_test_SOURCES = tests/unit/completion_test.c tests/unit/cli_fixture.h
tests_unit_completion_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_explain_test_SOURCES = tests/unit/explain_test.c tests/unit/cli_fixture.h
tests_unit_explain_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_manual_test_SOURCES = tests/unit/manual_test.c tests/unit/cli_fixture.h
tests_unit_manual_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_get_test_SOURCES = tests/unit/get_test.c tests/unit/cli_fixture.h
tests_unit_get_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_revision_test_SOURCES = tests/unit/revision_test.c tests/unit/cli_fixture.h
tests_unit_revision_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_update_test_SOURCES = tests/unit/update_test.c tests/unit/cli_fixture.h
tests_unit_update_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_news_test_SOURCES = tests/unit/news_test.c tests/unit/cli_fixture.h
tests_unit_news_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_wait_test_SOURCES = tests/unit/wait_test.c tests/unit/cli_fixture.h
tests_unit_wait_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
