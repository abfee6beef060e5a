/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp_due NETNS SINK-ADDRESS SINK-PORT ADDRESS PORT BYTES PER-SECOND SECONDS: a dense stream one way:
 * a datagram every 1/PER-SECOND to ADDRESS, which is to come out at SINK-ADDRESS in the network
 * namespace of that name ("-": this one).  Prints {"sent":N,"doubled":N,"us":[for each that came,
 * once, how long after it was due to be sent]}.  One clock serves both ends.
 */
#define _GNU_SOURCE 1

#include "bench/load.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	MAX_BYTES = 2048,
	LAST_WAIT_US = 2000000,
	US_PER_S = 1000000,
	BUFFER_BYTES = 8 << 20,
};

struct run {
	int from, to; /* sockets */
	uint64_t began_us, rate, count, sent, doubled;
	bool *has_come; /* by number */
	struct samples samples;
};

static uint64_t due_us(const struct run *run, uint64_t number)
{
	return run->began_us + number * US_PER_S / run->rate;
}

static void take_arrivals(struct run *run)
{
	uint8_t data[MAX_BYTES];
	uint64_t number;

	while (recv(run->to, data, sizeof data, MSG_DONTWAIT) >= (ssize_t)sizeof number) {
		memcpy(&number, data, sizeof number);
		if (number >= run->sent)
			continue;
		if (run->has_come[number])
			run->doubled++;
		else
			samples_add(&run->samples, load_now_us() - due_us(run, number));
		run->has_come[number] = true;
	}
}

static void wait_until(struct run *run, uint64_t until_us)
{
	while (load_wait(run->to, until_us))
		take_arrivals(run);
}

static void send_next(struct run *run, size_t bytes)
{
	uint8_t data[MAX_BYTES] = {0};

	memcpy(data, &run->sent, sizeof run->sent);
	run->sent++;
	if (send(run->from, data, bytes, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED)
		load_die("send");
}

static void enter(int netns)
{
	if (netns < 0 || setns(netns, CLONE_NEWNET))
		load_die("network namespace");
	close(netns);
}

/* A socket keeps the namespace that it was made in. */
static int open_sink(const char *netns, const char *host, const char *port)
{
	struct sockaddr_storage address;
	socklen_t length = load_parse_address(host, port, &address);
	bool is_elsewhere = strcmp(netns, "-") != 0;
	char path[256];
	int home = -1, fd;

	if (is_elsewhere) {
		snprintf(path, sizeof path, "/run/netns/%s", netns);
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		enter(open(path, O_RDONLY | O_CLOEXEC));
	}
	fd = load_open_socket(&address, SOCK_DGRAM);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){BUFFER_BYTES}, sizeof(int)))
		load_set_option(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
	if (bind(fd, (struct sockaddr *)&address, length))
		load_die("bind");
	if (is_elsewhere)
		enter(home);
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_storage target;
	struct run run = {0};

	if (argc != 9) {
		fputs("usage: udp_due NETNS SINK-ADDRESS SINK-PORT ADDRESS PORT BYTES PER-SECOND "
		      "SECONDS\n",
		    stderr);
		return 2;
	}
	run.to = open_sink(argv[1], argv[2], argv[3]);
	socklen_t length = load_parse_address(argv[4], argv[5], &target);
	size_t bytes = (size_t)load_parse_number(argv[6], (long)sizeof run.sent, "BYTES");
	run.rate = (uint64_t)load_parse_number(argv[7], 1, "PER-SECOND");
	run.count = run.rate * (uint64_t)load_parse_number(argv[8], 1, "SECONDS");
	if (bytes > MAX_BYTES)
		bytes = MAX_BYTES;
	run.has_come = calloc(run.count, sizeof *run.has_come);
	run.from = load_open_socket(&target, SOCK_DGRAM);
	if (!run.has_come || connect(run.from, (struct sockaddr *)&target, length))
		load_die("connect");
	prctl(PR_SET_TIMERSLACK, 1);
	run.began_us = load_now_us();
	for (uint64_t i = 0; i < run.count; i++) {
		wait_until(&run, due_us(&run, i));
		send_next(&run, bytes);
	}
	wait_until(&run, load_now_us() + LAST_WAIT_US);
	printf("{\"sent\":%llu,\"doubled\":%llu,", (unsigned long long)run.sent,
	    (unsigned long long)run.doubled);
	samples_print("us", &run.samples);
	puts("}");
	samples_free(&run.samples);
	free(run.has_come);
	return 0;
}
