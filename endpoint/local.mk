# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libendpoint.a
libendpoint_a_SOURCES =
libendpoint_a_SOURCES += endpoint/endpoint.c endpoint/endpoint.h endpoint/role.h
libendpoint_a_SOURCES += endpoint/tcp_flows.c endpoint/tcp_flows.h
libendpoint_a_SOURCES += endpoint/udp_flows.c endpoint/udp_flows.h
libendpoint_a_SOURCES += endpoint/names.c endpoint/names.h

sbin_PROGRAMS += trunkline-endpoint
trunkline_endpoint_SOURCES = endpoint/main.c
trunkline_endpoint_LDADD = libendpoint.a $(NET_LIBS)
