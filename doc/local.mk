# SPDX-License-Identifier: GPL-2.0-or-later
dist_doc_DATA = README.md LICENSE doc/DESIGN.md doc/PROTOCOL.md doc/THREATS.md doc/TESTING.md doc/OPERATIONS.md doc/openapi.yaml doc/prometheus.yml
dist_man_MANS += doc/trunkctl.1 doc/trunkctl-context.5 doc/trunkline-config.5 doc/trunkline-objects.5 doc/trunkline-control.8 doc/trunkline-endpoint.8 doc/trunkline-listener.8
