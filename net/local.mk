# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libnet.a
libnet_a_SOURCES =
libnet_a_SOURCES += net/ipc.c net/ipc.h
libnet_a_SOURCES += net/process.c net/process.h
libnet_a_SOURCES += net/supervisor.c net/supervisor.h
check_PROGRAMS += tests/unit/ipc_test
check_PROGRAMS += tests/unit/supervisor_test
