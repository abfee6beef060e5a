# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libtunnel.a
libtunnel_a_SOURCES =

# Packet encryption; loss recovery, congestion control and acknowledgements of a path.
libtunnel_a_SOURCES += \
	tunnel/ack.h \
	tunnel/aead.c tunnel/aead.h \
	tunnel/cc.h \
	tunnel/cc_cubic.c tunnel/cc_cubic.h \
	tunnel/loss.c tunnel/loss.h \
	tunnel/pacer.c tunnel/pacer.h \
	tunnel/path.c tunnel/path.h \
	tunnel/path_limits.h \
	tunnel/rate_sample.c tunnel/rate_sample.h \
	tunnel/received.c tunnel/received.h \
	tunnel/rtt.c tunnel/rtt.h \
	tunnel/sentmap.c tunnel/sentmap.h
check_PROGRAMS += \
	tests/unit/aead_test \
	tests/unit/cc_cubic_test \
	tests/unit/loss_test \
	tests/unit/pacer_test \
	tests/unit/path_test \
	tests/unit/rate_sample_test \
	tests/unit/received_test \
	tests/unit/rtt_test \
	tests/unit/sentmap_test

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
