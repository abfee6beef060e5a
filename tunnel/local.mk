# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libtunnel.a
libtunnel_a_SOURCES =

# Packet encryption; loss recovery, congestion control and acknowledgements of a path.
libtunnel_a_SOURCES += \
	tunnel/ack.h \
	tunnel/aead.c tunnel/aead.h \
	tunnel/cc.h \
	tunnel/cc_bbr.c tunnel/cc_bbr.h tunnel/cc_bbr_private.h \
	tunnel/cc_bbr_bounds.c tunnel/cc_bbr_model.c tunnel/cc_bbr_resume.c tunnel/cc_bbr_siblings.c tunnel/cc_bbr_states.c \
	tunnel/cc_cubic.c tunnel/cc_cubic.h \
	tunnel/cc_fixed.c tunnel/cc_fixed.h \
	tunnel/contest.c tunnel/contest.h \
	tunnel/delivery_meter.c tunnel/delivery_meter.h \
	tunnel/loss.c tunnel/loss.h \
	tunnel/loss_floor.c tunnel/loss_floor.h \
	tunnel/pacer.c tunnel/pacer.h \
	tunnel/path.c tunnel/path_room.c tunnel/path.h \
	tunnel/path_limits.h \
	tunnel/path_share.c tunnel/path_share.h \
	tunnel/pmtu.c tunnel/pmtu.h \
	tunnel/rate_sample.c tunnel/rate_sample.h \
	tunnel/received.c tunnel/received.h \
	tunnel/rtt.c tunnel/rtt.h \
	tunnel/sentmap.c tunnel/sentmap.h \
	tunnel/warm_up.c tunnel/warm_up.h
check_PROGRAMS += \
	tests/unit/aead_test \
	tests/unit/cc_bbr_siblings_test \
	tests/unit/cc_bbr_test \
	tests/unit/cc_cubic_test \
	tests/unit/cc_fixed_test \
	tests/unit/contest_test \
	tests/unit/delivery_meter_test \
	tests/unit/loss_floor_test \
	tests/unit/loss_test \
	tests/unit/pacer_test \
	tests/unit/path_share_test \
	tests/unit/path_test \
	tests/unit/pmtu_test \
	tests/unit/rate_sample_test \
	tests/unit/received_test \
	tests/unit/rtt_test \
	tests/unit/sentmap_test \
	tests/unit/warm_up_test

# The handshake: door keys, cookies, TLS in packets, tunnel secrets, lane starts.
libtunnel_a_SOURCES += \
	tunnel/cookie.c tunnel/cookie.h \
	tunnel/door.c tunnel/door.h \
	tunnel/gate.c tunnel/gate.h \
	tunnel/handshake.c tunnel/handshake.h \
	tunnel/keyring.c tunnel/keyring.h \
	tunnel/parameters.c tunnel/parameters.h \
	tunnel/session.c tunnel/session.h \
	tunnel/start.c tunnel/start.h \
	tunnel/tls.h

# Loss repair: the code, and how much of it goes when.
libtunnel_a_SOURCES += \
	tunnel/gf256.c tunnel/gf256.h \
	tunnel/health_told.c tunnel/health_told.h \
	tunnel/hold.c tunnel/hold.h \
	tunnel/loss_meter.c tunnel/loss_meter.h \
	tunnel/recovered.c tunnel/recovered.h \
	tunnel/repair_control.c tunnel/repair_control.h \
	tunnel/repair_decoder.c tunnel/repair_decoder.h \
	tunnel/repair_encoder.c tunnel/repair_encoder.h \
	tunnel/repair_limits.h \
	tunnel/repair_memory.c tunnel/repair_memory.h \
	tunnel/repair_plan.c tunnel/repair_plan.h
check_PROGRAMS += \
	tests/unit/gf256_test \
	tests/unit/health_told_test \
	tests/unit/hold_test \
	tests/unit/lane_repair_test \
	tests/unit/loss_meter_test \
	tests/unit/recovered_test \
	tests/unit/repair_control_test \
	tests/unit/repair_decoder_test \
	tests/unit/repair_encoder_test \
	tests/unit/repair_memory_test \
	tests/unit/repair_plan_test
tests_unit_cc_bbr_siblings_test_SOURCES = tests/unit/cc_bbr_siblings_test.c tests/unit/cc_bbr_fixture.h
tests_unit_cc_bbr_test_SOURCES = tests/unit/cc_bbr_test.c tests/unit/cc_bbr_fixture.h
tests_unit_lane_repair_test_SOURCES = tests/unit/lane_repair_test.c tests/unit/lane_pair.c tests/unit/lane_pair.h

# Lanes: packets, frames, flows.
libtunnel_a_SOURCES += \
	tunnel/budget.h \
	tunnel/charged_chunk.h \
	tunnel/codel.c tunnel/codel.h \
	tunnel/datagram_queue.c tunnel/datagram_queue.h \
	tunnel/scheduler.c tunnel/scheduler.h \
	tunnel/usage.c tunnel/usage.h \
	tunnel/epochs.c tunnel/epochs.h \
	tunnel/flow.c \
	tunnel/flow_ids.c tunnel/flow_ids.h \
	tunnel/flow_table.c tunnel/flow_table.h \
	tunnel/frame.c tunnel/frame.h tunnel/trace.h \
	tunnel/lane.c tunnel/lane.h tunnel/lane_private.h \
	tunnel/lane_build.c tunnel/lane_build.h \
	tunnel/lane_deliver.c \
	tunnel/lane_fate.c \
	tunnel/lane_move.c \
	tunnel/lane_receive.c \
	tunnel/lane_repair.c tunnel/lane_repair.h \
	tunnel/lane_send.c \
	tunnel/limits.h \
	tunnel/migration.c tunnel/migration.h \
	tunnel/packet.c tunnel/packet.h \
	tunnel/range_set.c tunnel/range_set.h \
	tunnel/reason.c tunnel/reason.h \
	tunnel/reassembly.c tunnel/reassembly.h \
	tunnel/route.h \
	tunnel/stream_recv.c tunnel/stream_recv.h \
	tunnel/stream_send.c tunnel/stream_send.h
check_PROGRAMS += \
	tests/unit/budget_test \
	tests/unit/codel_test \
	tests/unit/datagram_queue_test \
	tests/unit/epochs_test \
	tests/unit/flow_ids_test \
	tests/unit/flow_table_test \
	tests/unit/frame_test \
	tests/unit/lane_receive_test \
	tests/unit/lane_move_test \
	tests/unit/lane_build_test \
	tests/unit/lane_test \
	tests/unit/lane_streams_test \
	tests/unit/lane_warm_up_test \
	tests/unit/migration_test \
	tests/unit/packet_test \
	tests/unit/range_set_test \
	tests/unit/reason_test \
	tests/unit/reassembly_test \
	tests/unit/scheduler_test \
	tests/unit/stream_recv_test \
	tests/unit/stream_send_test \
	tests/unit/usage_test
tests_unit_lane_build_test_SOURCES = tests/unit/lane_build_test.c tests/unit/lane_pair.c tests/unit/lane_pair.h
tests_unit_lane_streams_test_SOURCES = tests/unit/lane_streams_test.c tests/unit/lane_pair.c tests/unit/lane_pair.h
tests_unit_lane_warm_up_test_SOURCES = tests/unit/lane_warm_up_test.c tests/unit/lane_pair.c tests/unit/lane_pair.h
tests_unit_lane_test_SOURCES = tests/unit/lane_test.c tests/unit/lane_pair.c tests/unit/lane_pair.h
tests_unit_lane_move_test_SOURCES = tests/unit/lane_move_test.c tests/unit/lane_pair.c tests/unit/lane_pair.h
check_PROGRAMS += \
	tests/unit/cookie_test \
	tests/unit/door_test \
	tests/unit/gate_test \
	tests/unit/handshake_test \
	tests/unit/parameters_test \
	tests/unit/session_test \
	tests/unit/start_test
