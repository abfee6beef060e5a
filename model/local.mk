# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libmodel.a
libmodel_a_SOURCES =
