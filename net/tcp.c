/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP sockets; see net/tcp.h.
 */
#include "config.h"

#include "net/tcp.h"

#include "base/err.h"
#include "net/descriptors.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* A dead user or backend is noticed after 60 + 6 x 10 s. */
enum { KEEPALIVE_IDLE_S = 60, KEEPALIVE_INTERVAL_S = 10, KEEPALIVE_PROBES = 6, BACKLOG = 4096 };

#define SHORTAGE_PAUSE_S 0.1

static void set_int(int descriptor, int level, int option, int value)
{
	setsockopt(descriptor, level, option, &value, sizeof(value));
}

static int close_keeping_errno(int *descriptor)
{
	int error = errno;

	close(*descriptor);
	*descriptor = -1;
	errno = error;
	return ERR_IO;
}

static int open_socket(uint8_t family)
{
	return socket(family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    IPPROTO_TCP);
}

void tcp_prepare(int descriptor)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	set_int(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set_int(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	set_int(descriptor, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
	setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

void tcp_tune_user(int descriptor, const char *congestion)
{
	set_int(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_UNSENT_BYTES);
	if (congestion[0])
		setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, congestion,
		    (socklen_t)strlen(congestion));
}

uint64_t tcp_silent_us(int descriptor)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	uint32_t silent_ms;

	if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
		return 0;
	silent_ms = info.tcpi_last_ack_recv < info.tcpi_last_data_recv ? info.tcpi_last_ack_recv
	                                                               : info.tcpi_last_data_recv;
	return (uint64_t)silent_ms * 1000;
}

void tcp_allow_fin(int descriptor)
{
	struct linger off = {.l_onoff = 0, .l_linger = 0};

	setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
}

int tcp_listen(const struct addr *local, bool reuse_port, int *descriptor)
{
	struct sockaddr_storage storage;
	socklen_t length = addr_to_sockaddr(local, &storage);

	*descriptor = open_socket(local->family);
	if (*descriptor < 0)
		return ERR_IO;
	set_int(*descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
	if (reuse_port)
		set_int(*descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
	if (local->family == 6)
		set_int(*descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	/* Accepted sockets inherit these, which saves six system calls for each. */
	tcp_prepare(*descriptor);
	if (bind(*descriptor, (struct sockaddr *)&storage, length) < 0
	    || listen(*descriptor, BACKLOG) < 0)
		return close_keeping_errno(descriptor);
	return 0;
}

/* ---- connecting ---- */

static int connect_error(int error)
{
	switch (error) {
	case 0:
		return 0;
	case EINPROGRESS:
		return ERR_AGAIN;
	case ECONNREFUSED:
	case ECONNRESET:
		return ERR_REFUSED;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
		return ERR_UNREACHABLE;
	case EADDRNOTAVAIL:
	case EAGAIN:
	case EMFILE:
	case ENFILE:
		return ERR_LIMIT;
	default:
		return ERR_IO;
	}
}

/* Without a port of its own to hold the kernel may use one port for many destinations. */
static int bind_source(int descriptor, const struct addr *source)
{
	struct sockaddr_storage storage;
	socklen_t length;

	if (!source || !source->family)
		return 0;
	if (source->port == 0)
		set_int(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	length = addr_to_sockaddr(source, &storage);
	return bind(descriptor, (struct sockaddr *)&storage, length);
}

int tcp_connect(const struct addr *remote, const struct addr *source, int *descriptor)
{
	struct sockaddr_storage storage;
	socklen_t length = addr_to_sockaddr(remote, &storage);
	int result;

	*descriptor = open_socket(remote->family);
	if (*descriptor < 0)
		return connect_error(errno);
	tcp_prepare(*descriptor);
	if (bind_source(*descriptor, source) < 0)
		result = connect_error(errno);
	else if (connect(*descriptor, (struct sockaddr *)&storage, length) < 0)
		result = connect_error(errno);
	else
		return 0;
	if (result != ERR_AGAIN)
		close_keeping_errno(descriptor);
	return result;
}

int tcp_connect_result(int descriptor)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	return connect_error(error);
}

/* ---- accepting ---- */

int tcp_reserve_init(struct tcp_reserve *reserve)
{
	/* Any kind will do; this one a sandbox without files can make too. */
	reserve->descriptor = eventfd(0, EFD_CLOEXEC);
	reserve->limit = descriptors_for_flows();
	return reserve->descriptor < 0 ? ERR_IO : 0;
}

void tcp_reserve_close(struct tcp_reserve *reserve)
{
	if (reserve->descriptor >= 0)
		close(reserve->descriptor);
	reserve->descriptor = -1;
}

/*
 * Every descriptor is taken.  Left in the backlog the connection would hang and the loop would
 * spin; with the reserve's place it can be taken and reset.  0, ERR_AGAIN when no connection
 * waited after all, or ERR_LIMIT without a reserve.
 */
static int shed_one(struct tcp_acceptor *acceptor)
{
	int descriptor;

	if (acceptor->reserve->descriptor < 0)
		return ERR_LIMIT;
	tcp_reserve_close(acceptor->reserve);
	descriptor = accept4(acceptor->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (descriptor >= 0)
		close(descriptor);
	tcp_reserve_init(acceptor->reserve);
	return descriptor >= 0 ? 0 : ERR_AGAIN;
}

static void pause_accepting(struct tcp_acceptor *acceptor)
{
	ev_io_stop(acceptor->loop, &acceptor->readable);
	ev_timer_set(&acceptor->pause, SHORTAGE_PAUSE_S, 0.);
	ev_timer_start(acceptor->loop, &acceptor->pause);
}

static void on_pause_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct tcp_acceptor *acceptor = timer->data;

	(void)events;
	ev_io_start(loop, &acceptor->readable);
}

/* False when the batch ends: nothing waits, or nothing can be taken now. */
static bool accept_failed(struct tcp_acceptor *acceptor, int error)
{
	int result = ERR_LIMIT;

	if (error == EAGAIN)
		return false;
	/* The connection ended before it was taken (accept(2)): the next one. */
	if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
		return true;
	if (error == EMFILE || error == ENFILE)
		result = shed_one(acceptor);
	if (result == ERR_AGAIN)
		return false;
	if (result < 0)
		pause_accepting(acceptor);
	acceptor->callbacks->on_shortage(acceptor);
	return result == 0;
}

/* False when its address cannot be told, since the user has gone already. */
static bool find_local(const struct tcp_acceptor *acceptor, int descriptor, struct addr *local)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);

	*local = acceptor->local;
	if (!addr_is_any(local))
		return true;
	return getsockname(descriptor, (struct sockaddr *)&storage, &length) == 0
	       && addr_from_sockaddr(local, (struct sockaddr *)&storage, length) == 0;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct tcp_acceptor *acceptor = watcher->data;

	(void)loop;
	(void)events;
	/* The callbacks may close it: loop is NULL then. */
	for (int i = 0; i < TCP_ACCEPT_BATCH && acceptor->loop; i++) {
		struct sockaddr_storage storage;
		socklen_t length = sizeof(storage);
		struct addr user, local;
		int descriptor = accept4(acceptor->descriptor, (struct sockaddr *)&storage, &length,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (descriptor < 0) {
			if (!accept_failed(acceptor, errno))
				return;
			continue;
		}
		if ((size_t)descriptor >= acceptor->reserve->limit) {
			close(descriptor); /* a reset */
			acceptor->callbacks->on_shortage(acceptor);
			continue;
		}
		if (addr_from_sockaddr(&user, (struct sockaddr *)&storage, length) < 0
		    || !find_local(acceptor, descriptor, &local)) {
			close(descriptor);
			continue;
		}
		acceptor->callbacks->on_accept(acceptor, descriptor, &user, &local);
	}
}

int tcp_acceptor_init(struct tcp_acceptor *acceptor, struct ev_loop *loop, int descriptor,
    struct tcp_reserve *reserve, const struct tcp_acceptor_callbacks *callbacks, void *context)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);

	memset(acceptor, 0, sizeof(*acceptor));
	if (getsockname(descriptor, (struct sockaddr *)&storage, &length) < 0
	    || addr_from_sockaddr(&acceptor->local, (struct sockaddr *)&storage, length) < 0)
		return ERR_IO;
	acceptor->loop = loop;
	acceptor->descriptor = descriptor;
	acceptor->reserve = reserve;
	acceptor->callbacks = callbacks;
	acceptor->context = context;
	ev_io_init(&acceptor->readable, on_readable, descriptor, EV_READ);
	acceptor->readable.data = acceptor;
	ev_timer_init(&acceptor->pause, on_pause_over, SHORTAGE_PAUSE_S, 0.);
	acceptor->pause.data = acceptor;
	ev_io_start(loop, &acceptor->readable);
	return 0;
}

void tcp_acceptor_close(struct tcp_acceptor *acceptor)
{
	if (!acceptor->loop)
		return;
	ev_io_stop(acceptor->loop, &acceptor->readable);
	ev_timer_stop(acceptor->loop, &acceptor->pause);
	close(acceptor->descriptor);
	acceptor->loop = NULL;
}
