# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libmodel.a
libmodel_a_SOURCES = \
	model/accelerator.h \
	model/backend_choice.h \
	model/flow_hash.h \
	model/join_token.h \
	model/limits.h \
	model/maglev.h \
	model/measurement.h \
	model/messages.h \
	model/name.c model/name.h \
	model/node_config.h \
	model/pin.h
