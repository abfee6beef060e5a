/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probe that connects, and says nothing. */
#include "base/err.h"
#include "endpoint/probe_private.h"
#include "net/tcp.h"

static void on_connected(struct ev_loop *loop, ev_io *io, int events)
{
	struct probe *probe = io->data;
	int error = tcp_connect_result(probe->descriptor);

	(void)loop;
	(void)events;
	if (!error)
		tcp_allow_fin(probe->descriptor); /* servers log resets */
	probe_end(probe, error ? probe_cause_of(error) : HEALTH_CAUSE_NONE);
}

void probe_tcp_begin(struct probe *probe)
{
	int descriptor;
	int error = tcp_connect(&probe->request.to, &probe->request.source, &descriptor);

	if (error == ERR_LIMIT)
		probe_end(probe, HEALTH_CAUSE_NOT_PERMITTED);
	else if (error && error != ERR_AGAIN)
		probe_end(probe, probe_cause_of(error));
	else
		probe_watch(probe, descriptor, EV_WRITE, on_connected);
}
