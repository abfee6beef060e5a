# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	cli/accelerator.c \
	cli/accelerator_spec.c cli/accelerator_spec.h \
	cli/client.c cli/client.h \
	cli/command.c cli/command.h cli/command_help.c \
	cli/commands.c cli/commands.h \
	cli/format.c cli/format.h \
	cli/history.c cli/history.h \
	cli/node.c \
	cli/output.c cli/output.h \
	cli/session.c cli/session.h \
	cli/status.c \
	cli/table.c cli/table.h \
	cli/terminal.c cli/terminal.h \
	cli/tunnel.c \
	cli/tunnel_view.c cli/tunnel_view.h \
	cli/value.c cli/value.h \
	cli/watch.c
CLI_LIBS = libcli.a $(MODEL_LIBS) $(CURL_LIBS) $(SMARTCOLS_LIBS)

bin_PROGRAMS += trunkctl
trunkctl_SOURCES = cli/main.c
trunkctl_LDADD = $(CLI_LIBS)

CLI_TESTS = \
	tests/unit/accelerator_spec_test \
	tests/unit/command_test \
	tests/unit/format_test \
	tests/unit/history_test \
	tests/unit/output_test \
	tests/unit/value_test
check_PROGRAMS += $(CLI_TESTS)
tests_unit_accelerator_spec_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_command_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_format_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_history_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_output_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
tests_unit_value_test_LDADD = $(CLI_LIBS) $(CMOCKA_LIBS)
