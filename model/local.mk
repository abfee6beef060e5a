# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libmodel.a
libmodel_a_SOURCES = \
	model/accelerator.c model/accelerator.h \
	model/access_list.c model/access_list.h \
	model/access_table.c model/access_table.h \
	model/accelerator_limits.c model/accelerator_limits.h \
	model/backup_file.c model/backup_file.h \
	model/backend_report.c model/backend_report.h \
	model/explain.c model/explain.h \
	model/failover.c model/failover.h \
	model/backend_choice.c model/backend_choice.h \
	model/congestion.c model/congestion.h \
	model/error.c model/error.h \
	model/flow_hash.c model/flow_hash.h \
	model/flow_settings.c model/flow_settings.h \
	model/health.c model/health.h \
	model/health_check.c model/health_check_text.c model/health_check.h \
	model/health_track.c model/health_track.h \
	model/join_token.c model/join_token.h \
	model/json_guard.c model/json_guard.h \
	model/lane_figures.c model/lane_figures.h \
	model/machine.c model/machine.h \
	model/limits.h \
	model/maglev.c model/maglev.h \
	model/measurement.c model/measurement.h \
	model/label_selector.c model/label_selector.h \
	model/notes.c model/notes.h \
	model/messages.c model/messages.h \
	model/name.c model/name.h \
	model/node_config.c model/node_config_file.c model/node_config.h \
	model/objects.c model/objects.h

check_PROGRAMS += \
	tests/unit/accelerator_limits_test \
	tests/unit/accelerator_test \
	tests/unit/access_list_test \
	tests/unit/access_table_test \
	tests/unit/backend_report_test \
	tests/unit/backup_file_test \
	tests/unit/failover_test \
	tests/unit/model_explain_test \
	tests/unit/backend_choice_test \
	tests/unit/congestion_test \
	tests/unit/error_test \
	tests/unit/flow_hash_test \
	tests/unit/flow_settings_test \
	tests/unit/health_check_test \
	tests/unit/health_test \
	tests/unit/health_track_test \
	tests/unit/join_token_test \
	tests/unit/json_guard_test \
	tests/unit/lane_figures_test \
	tests/unit/machine_test \
	tests/unit/maglev_test \
	tests/unit/measurement_test \
	tests/unit/label_selector_test \
	tests/unit/notes_test \
	tests/unit/messages_test \
	tests/unit/name_test \
	tests/unit/node_config_test \
	tests/unit/objects_test
