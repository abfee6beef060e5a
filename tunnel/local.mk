# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libtunnel.a
libtunnel_a_SOURCES =
