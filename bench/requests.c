/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * requests ADDRESS PORT PATH COUNT AT-ONCE SECONDS: HTTP requests with a new connection each, from
 * connect() to the server's end of the answer. AT-ONCE are under way together, until COUNT are done
 * or SECONDS are over. Prints {"bytes":LARGEST ANSWER,"failed":N,"us":[...]}; one that is not done
 * in 30 s has failed.
 */
#define _GNU_SOURCE 1

#include "bench/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	MAX_AT_ONCE = 1024,
	REQUEST_BYTES = 512,
	CHUNK_BYTES = 65536,
	PATIENCE_US = 30000000,
	TICK_MS = 100,
	US_PER_S = 1000000,
};

struct request {
	int fd; /* -1: none under way */
	uint64_t began_us, bytes;
	int is_good; /* the answer began with status 200 */
};

static struct sockaddr_storage target;
static socklen_t target_length;
static char text[REQUEST_BYTES];
static struct request requests[MAX_AT_ONCE];
static struct samples samples;
static uint64_t largest, failed, started, wanted;
static int epoll;

static void finish(struct request *request, int is_done)
{
	if (is_done && request->is_good)
		samples_add(&samples, load_now_us() - request->began_us);
	else
		failed++;
	if (request->bytes > largest)
		largest = request->bytes;
	close(request->fd);
	request->fd = -1;
}

static void begin(struct request *request)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = request};

	*request = (struct request){.began_us = load_now_us()};
	request->fd = load_open_socket(&target, SOCK_STREAM | SOCK_NONBLOCK);
	load_set_option(request->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	started++;
	if (connect(request->fd, (struct sockaddr *)&target, target_length)
	    && errno != EINPROGRESS) {
		finish(request, 0);
		return;
	}
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, request->fd, &event))
		load_die("epoll_ctl");
}

static void send_request(struct request *request)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = request};
	size_t length = strlen(text);

	if (send(request->fd, text, length, MSG_NOSIGNAL) != (ssize_t)length)
		finish(request, 0);
	else
		epoll_ctl(epoll, EPOLL_CTL_MOD, request->fd, &event);
}

static void read_answer(struct request *request)
{
	static char data[CHUNK_BYTES];
	ssize_t got;

	while ((got = recv(request->fd, data, sizeof data, 0)) > 0) {
		if (!request->bytes)
			request->is_good = got > 12 && !memcmp(data + 8, " 200", 4);
		request->bytes += (uint64_t)got;
	}
	if (got == 0 || errno != EAGAIN)
		finish(request, got == 0);
}

static size_t keep_going(size_t at_once, uint64_t end_us)
{
	uint64_t now_us = load_now_us();
	size_t under_way = 0;

	for (size_t i = 0; i < at_once; i++) {
		if (requests[i].fd >= 0 && now_us - requests[i].began_us > PATIENCE_US)
			finish(&requests[i], 0);
		if (requests[i].fd < 0 && started < wanted && now_us < end_us)
			begin(&requests[i]);
		under_way += requests[i].fd >= 0;
	}
	return under_way;
}

static void run(size_t at_once, uint64_t end_us)
{
	struct epoll_event events[MAX_AT_ONCE];

	while (keep_going(at_once, end_us)) {
		int ready = epoll_wait(epoll, events, MAX_AT_ONCE, TICK_MS);
		for (int i = 0; i < ready; i++) {
			if (events[i].events & EPOLLOUT)
				send_request(events[i].data.ptr);
			else
				read_answer(events[i].data.ptr);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fputs("usage: requests ADDRESS PORT PATH COUNT AT-ONCE SECONDS\n", stderr);
		return 2;
	}
	target_length = load_parse_address(argv[1], argv[2], &target);
	snprintf(text, sizeof text, "GET %s HTTP/1.0\r\nHost: bench\r\n\r\n", argv[3]);
	wanted = (uint64_t)load_parse_number(argv[4], 1, "COUNT");
	size_t at_once = (size_t)load_parse_number(argv[5], 1, "AT-ONCE");
	uint64_t seconds = (uint64_t)load_parse_number(argv[6], 1, "SECONDS");
	if (at_once > MAX_AT_ONCE)
		at_once = MAX_AT_ONCE;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < at_once; i++)
		requests[i].fd = -1;
	run(at_once, load_now_us() + seconds * US_PER_S);
	printf("{\"bytes\":%llu,\"failed\":%llu,", (unsigned long long)largest,
	    (unsigned long long)failed);
	samples_print("us", &samples);
	puts("}");
	samples_free(&samples);
	return 0;
}
