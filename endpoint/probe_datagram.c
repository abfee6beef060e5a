/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes that are datagrams: a connected socket, so that only that backend's answers come and the refusal of its
 * host too; what is asked and how it is judged is in answers_*.c.
 */
#include "config.h"

#include "base/err.h"
#include "endpoint/answers.h"
#include "endpoint/probe_private.h"
#include "net/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ANSWERS_PER_ROUND = 8, /* that are looked at in one round of the loop */
	QUESTIONS_MAX = 4,     /* of one probe: who always asks for another is not healthy */
};

static void fill_question(const struct probe *probe, struct question *question)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);

	*question = (struct question){.check = probe->request.check, .to = probe->request.to};
	memcpy(question->token, probe->token, sizeof(question->token));
	if (getsockname(probe->descriptor, (struct sockaddr *)&storage, &length) == 0)
		addr_from_sockaddr(&question->local, (struct sockaddr *)&storage, length);
}

static enum health_cause cause_of_errno(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return HEALTH_CAUSE_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
		return HEALTH_CAUSE_UNREACHABLE;
	default:
		return HEALTH_CAUSE_SILENT;
	}
}

static void send_question(struct probe *probe, const struct question_bytes *bytes)
{
	if (++probe->questions > QUESTIONS_MAX) {
		probe_end(probe, HEALTH_CAUSE_WRONG_ANSWER);
		return;
	}
	if (send(probe->descriptor, bytes->data, bytes->length, MSG_NOSIGNAL) < 0 && errno != EAGAIN
	    && errno != ENOBUFS)
		probe_end(probe, cause_of_errno(errno));
}

/* True when the probe has ended, or nothing more is there. */
static bool take_answer(struct probe *probe, const struct answers *answers)
{
	uint8_t data[2048];
	struct question question;
	struct question_bytes again;
	ssize_t length = recv(probe->descriptor, data, sizeof(data), MSG_DONTWAIT);

	if (length < 0) {
		if (errno != EAGAIN && errno != EINTR)
			probe_end(probe, cause_of_errno(errno));
		return true;
	}
	fill_question(probe, &question);
	switch (answers->judge(&question, data, (size_t)length, &again)) {
	case ANSWER_GOOD:
		probe_end(probe, HEALTH_CAUSE_NONE);
		return true;
	case ANSWER_WRONG:
		probe_end(probe, HEALTH_CAUSE_WRONG_ANSWER);
		return true;
	case ANSWER_AGAIN:
		send_question(probe, &again);
		return probe->is_ended;
	case ANSWER_OTHER:
		break;
	}
	return false;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct probe *probe = io->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < ANSWERS_PER_ROUND; i++)
		if (take_answer(probe, answers_of(probe->request.kind)))
			return;
}

/* A ping socket, for groups in net.ipv4.ping_group_range; -1 with errno. */
static int open_ping(const struct probe_request *request)
{
	bool is_ipv6 = request->to.family == 6;
	struct sockaddr_storage storage;
	int descriptor = socket(is_ipv6 ? AF_INET6 : AF_INET,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	struct addr source = request->source, to = request->to;
	socklen_t length;

	if (descriptor < 0)
		return -1;
	source.port = to.port = 0;
	length = addr_to_sockaddr(&source, &storage);
	if (length && bind(descriptor, (struct sockaddr *)&storage, length) < 0)
		goto failed;
	length = addr_to_sockaddr(&to, &storage);
	if (connect(descriptor, (struct sockaddr *)&storage, length) == 0)
		return descriptor;
failed:
	close(descriptor);
	return -1;
}

static int open_udp(const struct probe_request *request)
{
	struct udp_options options = {
	    .local = request->source.family ? request->source : addr_any(request->to.family, 0),
	    .remote = request->to,
	};
	int descriptor;

	return udp_open(&options, &descriptor) == 0 ? descriptor : -1;
}

void probe_datagram_begin(struct probe *probe)
{
	const struct probe_request *request = &probe->request;
	int descriptor = request->kind == HEALTH_ICMP ? open_ping(request) : open_udp(request);
	struct question question;
	struct question_bytes bytes;

	if (descriptor < 0) {
		enum health_cause cause = cause_of_errno(errno);

		/* What the system has against it says nothing of the backend. */
		probe_end(probe, cause == HEALTH_CAUSE_SILENT ? HEALTH_CAUSE_NOT_PERMITTED : cause);
		return;
	}
	probe_watch(probe, descriptor, EV_READ, on_readable);
	fill_question(probe, &question);
	answers_of(request->kind)->ask(&question, &bytes);
	send_question(probe, &bytes);
}
