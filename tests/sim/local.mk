# SPDX-License-Identifier: GPL-2.0-or-later
# The virtual-time simulator; without arguments it runs all scenarios by a number of seeds.
check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = tests/sim/sim.c tests/sim/app.c tests/sim/app.h \
	tests/sim/capture.c tests/sim/capture.h tests/sim/dial.c tests/sim/dial.h tests/sim/digest.h \
	tests/sim/event.c tests/sim/event.h tests/sim/link.c tests/sim/link.h \
	tests/sim/plan.c tests/sim/plan.h tests/sim/scenario.c tests/sim/scenario.h \
	tests/sim/world.c tests/sim/world.h
tests_sim_sim_LDADD = libtestsupport.a $(LDADD)

check_PROGRAMS += tests/sim/turns
tests_sim_turns_SOURCES = tests/sim/turns.c tests/sim/rig.c tests/sim/rig.h \
	tests/sim/event.c tests/sim/event.h tests/sim/link.c tests/sim/link.h
tests_sim_turns_LDADD = libtestsupport.a $(LDADD)

# Congestion controllers on one line.
check_PROGRAMS += tests/sim/race
tests_sim_race_SOURCES = tests/sim/race_main.c tests/sim/race_cases.c tests/sim/race_cases.h tests/sim/race.c tests/sim/race.h tests/sim/kernel_bbr.c tests/sim/kernel_bbr.h \
	tests/sim/event.c tests/sim/event.h tests/sim/link.c tests/sim/link.h
# Loss repair: what is late, what it costs, how long requests take.
check_PROGRAMS += tests/sim/repair
tests_sim_repair_SOURCES = tests/sim/repair.c tests/sim/host.c tests/sim/host.h tests/sim/event.c tests/sim/event.h tests/sim/link.c tests/sim/link.h
