# SPDX-License-Identifier: GPL-2.0-or-later
# The lab: namespaces joined by an emulated WAN, real programs and the daemons in them. Needs root.
noinst_PROGRAMS += tests/lab/wanem
tests_lab_wanem_SOURCES = tests/lab/wanem.c tests/lab/wanem.h tests/lab/wanem_language.c \
	tests/lab/wanem_net.c tests/lab/wanem_path.c
tests_lab_wanem_LDADD = -lm

EXTRA_DIST += tests/lab tests/e2e

lab: all
	cd $(abs_top_srcdir) && TRUNKLINE_BUILD=$(abs_top_builddir) \
		/usr/bin/python3 -m pytest -p no:cacheprovider tests/lab tests/e2e $(PYTEST_FLAGS)
