/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that workers write traces to: STATE/traces/PEER-worker-N.jsonl, made by main. */
#ifndef NET_NODE_TRACES_H
#define NET_NODE_TRACES_H

/* Opens the file to be added to, and makes it and the folder when they are not there; -1 (logged) on failure. */
int node_traces_open(const char *state, const char *peer, unsigned worker);

#endif
