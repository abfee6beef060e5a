# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libtunnel.a
libtunnel_a_SOURCES =

# Loss recovery, congestion control and acknowledgements of a path.
libtunnel_a_SOURCES += \
	tunnel/ack.h \
	tunnel/cc.h \
	tunnel/cc_cubic.h \
	tunnel/loss.h \
	tunnel/pacer.h \
	tunnel/path.h \
	tunnel/path_limits.h \
	tunnel/rate_sample.h \
	tunnel/received.h \
	tunnel/rtt.h \
	tunnel/sentmap.h
