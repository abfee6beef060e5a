/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See flow_handler.h. */
#include "net/flow_handler.h"

/* The object's table, or one that ignores everything. */
static const struct flow_handler *handler_of(const struct flow *flow)
{
	static const struct flow_handler none;
	const struct flow_handler *const *object = flow_user(flow);

	return object ? *object : &none;
}

static size_t on_data(void *context, struct flow *flow, const struct iovec *pieces, int count)
{
	const struct flow_handler *handler = handler_of(flow);

	(void)context;
	return handler->on_data ? handler->on_data(flow_user(flow), pieces, count) : 0;
}

static void on_finish(void *context, struct flow *flow)
{
	const struct flow_handler *handler = handler_of(flow);

	(void)context;
	if (handler->on_finish)
		handler->on_finish(flow_user(flow));
}

static void on_reset(void *context, struct flow *flow, enum reason reason)
{
	const struct flow_handler *handler = handler_of(flow);

	(void)context;
	if (handler->on_reset)
		handler->on_reset(flow_user(flow), reason);
}

static void on_writable(void *context, struct flow *flow)
{
	const struct flow_handler *handler = handler_of(flow);

	(void)context;
	if (handler->on_writable)
		handler->on_writable(flow_user(flow));
}

static void on_datagram(void *context, struct flow *flow, const uint8_t *data, size_t length)
{
	const struct flow_handler *handler = handler_of(flow);

	(void)context;
	if (handler->on_datagram)
		handler->on_datagram(flow_user(flow), data, length);
}

static void on_closed(void *context, struct flow *flow, enum reason reason)
{
	const struct flow_handler *handler = handler_of(flow);

	(void)context;
	if (handler->on_closed)
		handler->on_closed(flow_user(flow), reason);
}

const struct lane_callbacks flow_handler_callbacks = {
    .on_data = on_data,
    .on_finish = on_finish,
    .on_reset = on_reset,
    .on_stop_sending = on_reset,
    .on_writable = on_writable,
    .on_datagram = on_datagram,
    .on_closed = on_closed,
};
