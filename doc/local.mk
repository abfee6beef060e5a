# SPDX-License-Identifier: GPL-2.0-or-later
dist_doc_DATA = doc/openapi.yaml doc/PROTOCOL.md
dist_man_MANS += doc/trunkctl.1 doc/trunkline-control.8 doc/trunkline-endpoint.8 doc/trunkline-listener.8
