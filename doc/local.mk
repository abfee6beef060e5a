# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += doc/openapi.yaml doc/PROTOCOL.md
dist_man_MANS += doc/trunkctl.1 doc/trunkline-endpoint.8 doc/trunkline-listener.8
