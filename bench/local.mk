# SPDX-License-Identifier: GPL-2.0-or-later
# Load generators, and `make bench`, which runs them side by side through Trunkline and its peers.
noinst_PROGRAMS += bench/echo bench/pingpong bench/requests bench/udp_tick \
	bench/udp_blast bench/udp_due
bench_echo_SOURCES = bench/echo.c bench/load.c bench/load.h
bench_pingpong_SOURCES = bench/pingpong.c bench/load.c bench/load.h
bench_requests_SOURCES = bench/requests.c bench/load.c bench/load.h
bench_udp_tick_SOURCES = bench/udp_tick.c bench/load.c bench/load.h
bench_udp_due_SOURCES = bench/udp_due.c bench/load.c bench/load.h
bench_udp_blast_SOURCES = bench/udp_blast.c bench/load.c bench/load.h
bench_echo_LDADD =
bench_pingpong_LDADD =
bench_requests_LDADD =
bench_udp_tick_LDADD =
bench_udp_due_LDADD =
bench_udp_blast_LDADD = -lpthread

EXTRA_DIST += bench/api bench/run bench/tables.py bench/peers.py bench/measures.py bench/rows.py \
	bench/sharing.py bench/services.py bench/loads.py bench/profile bench/plots bench/sweep bench/failover bench/rollout

bench: all
	TRUNKLINE_BUILD=$(abs_top_builddir) $(abs_top_srcdir)/bench/run $(BENCH_FLAGS)
