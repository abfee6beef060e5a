/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * echo ADDRESS PORT: answers TCP bytes and UDP datagrams with themselves; one thread, epoll.
 * A TCP peer that does not read is not waited for: what its socket does not take ends it.
 */
#define _GNU_SOURCE 1

#include "bench/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	BATCH = 32,
	DATAGRAM_BYTES = 2048,
	CHUNK_BYTES = 65536,
	EVENTS = 256,
	UDP_BUFFER_BYTES = 4 << 20,
};

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		load_die("epoll_ctl");
}

static void echo_datagrams(int fd)
{
	static uint8_t data[BATCH][DATAGRAM_BYTES];
	struct sockaddr_storage peers[BATCH];
	struct iovec vectors[BATCH];
	struct mmsghdr messages[BATCH] = {0};

	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){.iov_base = data[i], .iov_len = sizeof data[i]};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i],
		    .msg_namelen = sizeof peers[i],
		    .msg_iov = &vectors[i],
		    .msg_iovlen = 1};
	}
	int count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++)
		vectors[i].iov_len = messages[i].msg_len;
	if (count > 0)
		sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT);
}

static void echo_bytes(int fd)
{
	static uint8_t data[CHUNK_BYTES];
	ssize_t got = recv(fd, data, sizeof data, MSG_DONTWAIT);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0 || send(fd, data, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT) != got)
		close(fd);
}

static void take_connection(int epoll, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	load_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	watch(epoll, fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_storage address;
	struct epoll_event events[EVENTS];

	if (argc != 3) {
		fputs("usage: echo ADDRESS PORT\n", stderr);
		return 2;
	}
	socklen_t length = load_parse_address(argv[1], argv[2], &address);
	int tcp = load_open_socket(&address, SOCK_STREAM);
	int udp = load_open_socket(&address, SOCK_DGRAM), epoll = epoll_create1(EPOLL_CLOEXEC);
	load_set_option(tcp, SOL_SOCKET, SO_REUSEADDR, 1);
	load_set_option(udp, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_BYTES);
	if (bind(tcp, (struct sockaddr *)&address, length) || listen(tcp, SOMAXCONN)
	    || bind(udp, (struct sockaddr *)&address, length))
		load_die("bind");
	watch(epoll, tcp);
	watch(epoll, udp);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int ready = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < ready; i++) {
			if (events[i].data.fd == tcp)
				take_connection(epoll, tcp);
			else if (events[i].data.fd == udp)
				echo_datagrams(udp);
			else
				echo_bytes(events[i].data.fd);
		}
	}
}
