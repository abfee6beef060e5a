# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libnet.a
libnet_a_SOURCES =
libnet_a_SOURCES += net/channel.c net/channel.h
libnet_a_SOURCES += net/compression.c net/compression.h
libnet_a_SOURCES += net/daemon.c net/daemon.h
libnet_a_SOURCES += net/descriptors.c net/descriptors.h
libnet_a_SOURCES += net/http_server.c net/http_server.h
libnet_a_SOURCES += net/ipc.c net/ipc.h
libnet_a_SOURCES += net/options.c net/options.h
libnet_a_SOURCES += net/pacing_timer.c net/pacing_timer.h
libnet_a_SOURCES += net/page.c net/page.h net/page_paths.c net/page_paths.h
libnet_a_SOURCES += net/page_accelerators.c net/page_accelerators.h net/worker_accelerator.h
libnet_a_SOURCES += net/privileges.c net/privileges.h
libnet_a_SOURCES += net/process.c net/process.h
libnet_a_SOURCES += net/process_metrics.c net/process_metrics.h
libnet_a_SOURCES += net/resolve.c net/resolve.h
libnet_a_SOURCES += net/sandbox.c net/sandbox.h
libnet_a_SOURCES += net/flow_counts.c net/flow_counts.h net/flow_limits.c net/flow_limits.h \
	net/rate_counts.c net/rate_counts.h
libnet_a_SOURCES += net/steer.c net/steer.h
libnet_a_SOURCES += net/supervisor.c net/supervisor.h
libnet_a_SOURCES += net/tcp.c net/tcp.h
libnet_a_SOURCES += net/udp.c net/udp.h
libnet_a_SOURCES += net/udp_outbox.c net/udp_outbox.h
check_PROGRAMS += tests/unit/channel_test
check_PROGRAMS += tests/unit/compression_test
check_PROGRAMS += tests/unit/daemon_test
check_PROGRAMS += tests/unit/descriptors_test
check_PROGRAMS += tests/unit/http_server_test
check_PROGRAMS += tests/unit/ipc_test
check_PROGRAMS += tests/unit/options_test
check_PROGRAMS += tests/unit/pacing_timer_test
check_PROGRAMS += tests/unit/page_test tests/unit/page_paths_test tests/unit/page_accelerators_test
check_PROGRAMS += tests/unit/process_test tests/unit/process_metrics_test
check_PROGRAMS += tests/unit/resolve_test
tests_unit_resolve_test_LDADD = libtestsupport.a $(LDADD)
check_PROGRAMS += tests/unit/sandbox_test
check_PROGRAMS += tests/unit/flow_counts_test tests/unit/flow_limits_test tests/unit/rate_counts_test
check_PROGRAMS += tests/unit/steer_test
check_PROGRAMS += tests/unit/supervisor_test
check_PROGRAMS += tests/unit/tcp_test
check_PROGRAMS += tests/unit/udp_test
check_PROGRAMS += tests/unit/udp_outbox_test

# TLS and identity; tests take their random numbers from a seed.
libnet_a_SOURCES += net/tls_wolfssl.c net/tls_wolfssl.h net/identity.c net/identity.h
check_LIBRARIES += libtestsupport.a
libtestsupport_a_SOURCES = tests/support/tls_seeded.c tests/support/tls_seeded.h \
	tests/support/handshake_node.c tests/support/handshake_node.h \
	tests/support/handshake_pair.c tests/support/handshake_pair.h \
	tests/support/control_peer.c tests/support/control_peer.h \
	tests/support/loopback.c tests/support/loopback.h \
	tests/support/name_server.c tests/support/name_server.h \
	tests/support/rounds.h \
	tests/support/worker_process.c tests/support/worker_process.h
# In place of the worker, so apart from what links the real one.
check_LIBRARIES += libworkerdouble.a
libworkerdouble_a_SOURCES = tests/support/worker_double.c tests/support/worker_double.h \
	tests/support/far_end.c tests/support/far_end.h
WORKER_DOUBLE_LIBS = libworkerdouble.a libtestsupport.a $(LDADD)
check_PROGRAMS += tests/unit/tls_wolfssl_test tests/unit/identity_test
tests_unit_tls_wolfssl_test_LDADD = libtestsupport.a $(LDADD)
check_PROGRAMS += tests/unit/keyring_test
tests_unit_keyring_test_LDADD = libtestsupport.a $(LDADD)

# The worker process and what relays users' bytes.
libnet_a_SOURCES += net/keys_messages.h
libnet_a_SOURCES += net/flow_handler.c net/flow_handler.h
libnet_a_SOURCES += net/flow_life.c net/flow_life.h
check_PROGRAMS += tests/unit/flow_handler_test tests/unit/flow_life_test
tests_unit_flow_handler_test_LDADD = $(WORKER_DOUBLE_LIBS)
tests_unit_flow_life_test_LDADD = $(WORKER_DOUBLE_LIBS)
libnet_a_SOURCES += net/user_congestion.c net/user_congestion.h
check_PROGRAMS += tests/unit/user_congestion_test
libnet_a_SOURCES += net/flow_treatment.c net/flow_treatment.h
libnet_a_SOURCES += net/lane_congestion.c net/lane_congestion.h
libnet_a_SOURCES += net/worker_congestion.c net/worker_congestion.h
libnet_a_SOURCES += net/worker_siblings.c net/worker_siblings.h
check_PROGRAMS += tests/unit/worker_congestion_test tests/unit/worker_siblings_test
check_PROGRAMS += tests/unit/lane_congestion_test
check_PROGRAMS += tests/unit/flow_treatment_test
libnet_a_SOURCES += net/trace_file.c net/trace_file.h
check_PROGRAMS += tests/unit/trace_file_test
tests_unit_trace_file_test_SOURCES = tests/unit/trace_file_test.c tests/unit/lane_pair.c \
	tests/unit/lane_pair.h
libnet_a_SOURCES += net/relay_blocks.c net/relay_blocks.h
check_PROGRAMS += tests/unit/relay_blocks_test
libnet_a_SOURCES += net/tcp_relay.c net/tcp_relay.h
check_PROGRAMS += tests/unit/tcp_relay_test
tests_unit_tcp_relay_test_LDADD = $(WORKER_DOUBLE_LIBS)
libnet_a_SOURCES += net/worker.c net/worker.h net/worker_messages.h net/worker_private.h
libnet_a_SOURCES += net/worker_accept.c net/worker_accept.h
libnet_a_SOURCES += net/worker_dial.c net/worker_dial.h
libnet_a_SOURCES += net/worker_door.c net/worker_door.h
libnet_a_SOURCES += net/peers_gone.c net/peers_gone.h
check_PROGRAMS += tests/unit/peers_gone_test
tests_unit_peers_gone_test_SOURCES = tests/unit/peers_gone_test.c tests/unit/lane_pair.c \
	tests/unit/lane_pair.h
libnet_a_SOURCES += net/worker_lanes.c net/worker_lanes.h
libnet_a_SOURCES += net/worker_traces.c net/worker_traces.h
libnet_a_SOURCES += net/worker_explain.c net/worker_explain.h
check_PROGRAMS += tests/unit/worker_explain_test
check_PROGRAMS += tests/unit/worker_test tests/unit/worker_accept_test tests/unit/worker_dial_test \
	tests/unit/worker_door_test tests/unit/worker_lanes_test
check_PROGRAMS += tests/unit/worker_traces_test
tests_unit_worker_traces_test_LDADD = libtestsupport.a $(LDADD)
tests_unit_worker_test_LDADD = libtestsupport.a $(LDADD)
tests_unit_worker_accept_test_LDADD = libtestsupport.a $(LDADD)
tests_unit_worker_dial_test_LDADD = libtestsupport.a $(LDADD)
tests_unit_worker_door_test_LDADD = libtestsupport.a $(LDADD)
tests_unit_worker_lanes_test_LDADD = libtestsupport.a $(LDADD)

# The keys process.
libnet_a_SOURCES += net/keys_process.c net/keys_process.h net/keys_channels.c net/keys_channels.h
check_PROGRAMS += tests/unit/keys_process_test
# The main process that listener and endpoint share.
libnet_a_SOURCES += net/control_client.c net/control_client.h
libnet_a_SOURCES += net/node.c net/node.h net/node_private.h
libnet_a_SOURCES += net/node_apply.c net/node_children.c net/node_control.c
libnet_a_SOURCES += net/node_machine.c net/node_machine.h
libnet_a_SOURCES += net/node_admin.c net/node_admin.h net/node_ready.c net/node_ready.h
libnet_a_SOURCES += net/node_metrics.c net/node_metrics.h net/tunnel_totals.c net/tunnel_totals.h
check_PROGRAMS += tests/unit/node_admin_test tests/unit/node_ready_test tests/unit/tunnel_totals_test
libnet_a_SOURCES += net/node_report.c net/node_report.h
libnet_a_SOURCES += net/node_store.c net/node_store.h
libnet_a_SOURCES += net/backend_states.c net/backend_states.h net/health_messages.h
libnet_a_SOURCES += net/node_health.c net/node_health.h
check_PROGRAMS += tests/unit/backend_states_test
libnet_a_SOURCES += net/node_traces.c net/node_traces.h
libnet_a_SOURCES += net/node_explain.c net/node_explain.h
check_PROGRAMS += tests/unit/node_explain_test
check_PROGRAMS += tests/unit/node_traces_test
libnet_a_SOURCES += net/tunnel_sockets.c net/tunnel_sockets.h
check_PROGRAMS += tests/unit/control_client_test
check_PROGRAMS += tests/unit/node_machine_test
check_PROGRAMS += tests/unit/node_report_test tests/unit/node_store_test
check_PROGRAMS += tests/unit/tunnel_sockets_test
