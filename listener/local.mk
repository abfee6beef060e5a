# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += liblistener.a
liblistener_a_SOURCES =
liblistener_a_SOURCES += listener/access.c listener/access.h
check_PROGRAMS += tests/unit/access_test
tests_unit_access_test_LDADD = liblistener.a $(LDADD)
liblistener_a_SOURCES += listener/choice.c listener/choice.h
liblistener_a_SOURCES += listener/explain.c listener/explain.h
liblistener_a_SOURCES += listener/group_order.c listener/group_order.h
liblistener_a_SOURCES += listener/health_view.c listener/health_view.h
check_PROGRAMS += tests/unit/health_view_test
tests_unit_health_view_test_LDADD = liblistener.a $(LDADD)
liblistener_a_SOURCES += listener/listener.c listener/listener.h listener/role.h
liblistener_a_SOURCES += listener/tcp_users.c listener/tcp_users.h
liblistener_a_SOURCES += listener/udp_users.c listener/udp_users.h
check_PROGRAMS += tests/unit/choice_test tests/unit/group_order_test
tests_unit_choice_test_LDADD = liblistener.a $(LDADD)
tests_unit_group_order_test_LDADD = liblistener.a $(LDADD)
liblistener_a_SOURCES += listener/user_sockets.c listener/user_sockets.h
check_PROGRAMS += tests/unit/user_sockets_test
tests_unit_user_sockets_test_LDADD = liblistener.a $(LDADD)

LISTENER_TEST_LIBS = libworkerdouble.a liblistener.a libtestsupport.a $(LDADD)
check_PROGRAMS += tests/unit/listener_explain_test
tests_unit_listener_explain_test_SOURCES = tests/unit/listener_explain_test.c tests/unit/listener_fixture.h
tests_unit_listener_explain_test_LDADD = $(LISTENER_TEST_LIBS)
check_PROGRAMS += tests/unit/listener_test tests/unit/tcp_users_test tests/unit/udp_users_test
tests_unit_listener_test_SOURCES = tests/unit/listener_test.c tests/unit/listener_fixture.h
tests_unit_listener_test_LDADD = $(LISTENER_TEST_LIBS)
tests_unit_tcp_users_test_SOURCES = tests/unit/tcp_users_test.c tests/unit/listener_fixture.h
tests_unit_tcp_users_test_LDADD = $(LISTENER_TEST_LIBS)
tests_unit_udp_users_test_SOURCES = tests/unit/udp_users_test.c tests/unit/listener_fixture.h
tests_unit_udp_users_test_LDADD = $(LISTENER_TEST_LIBS)

sbin_PROGRAMS += trunkline-listener
trunkline_listener_SOURCES = listener/main.c
trunkline_listener_LDADD = liblistener.a $(NET_LIBS)
