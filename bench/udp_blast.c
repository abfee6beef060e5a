/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp_blast SINK-ADDRESS SINK-PORT ADDRESS PORT BYTES FLOWS PER-SECOND SECONDS: sends datagrams to
 * ADDRESS at the rate (from FLOWS sockets, in batches of one flow's with UDP_SEGMENT when there is
 * one flow) and counts in a second thread what arrives at the sink, which it owns and reads with
 * UDP_GRO, so that it takes batches as cheaply as they are sent. Prints
 * {"sent":N,"received":N,"seconds":S}. One way: nothing is sent back.
 */
#define _GNU_SOURCE 1

#include "bench/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_BYTES = 1400,
	SEGMENTS = 32,
	RECEIVE_BATCH = 32,
	RECEIVE_BYTES = 65536,
	SINK_BUFFER_BYTES = 4 << 20,
	QUIET_US = 500000, /* the sink stops when nothing came for so long after the last send */
	US_PER_S = 1000000,
};

struct sink {
	int fd;
	size_t bytes; /* of one datagram */
	atomic_bool is_over;
	uint64_t received, last_us;
};

struct source {
	int *fds;
	size_t flows, bytes;
	uint64_t sent;
};

static void *count_arrivals(void *argument)
{
	struct sink *sink = argument;
	static uint8_t data[RECEIVE_BATCH][RECEIVE_BYTES];
	struct iovec vectors[RECEIVE_BATCH];
	struct mmsghdr messages[RECEIVE_BATCH] = {0};

	for (int i = 0; i < RECEIVE_BATCH; i++) {
		vectors[i] = (struct iovec){.iov_base = data[i], .iov_len = RECEIVE_BYTES};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	while (!atomic_load(&sink->is_over) || load_now_us() - sink->last_us < QUIET_US) {
		int got = recvmmsg(sink->fd, messages, RECEIVE_BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < got; i++)
			sink->received += (messages[i].msg_len + sink->bytes - 1) / sink->bytes;
		if (got > 0)
			sink->last_us = load_now_us();
	}
	return NULL;
}

/* One flow: a batch is one buffer that the kernel cuts up. */
static void send_segments(struct source *source)
{
	static uint8_t data[SEGMENTS * MAX_BYTES];

	if (send(source->fds[0], data, SEGMENTS * source->bytes, 0) > 0)
		source->sent += SEGMENTS;
}

static void send_round(struct source *source)
{
	static const uint8_t data[MAX_BYTES];

	for (size_t i = 0; i < SEGMENTS; i++) {
		int fd = source->fds[(source->sent + i) % source->flows];
		if (send(fd, data, source->bytes, 0) < 0 && errno != ECONNREFUSED)
			load_die("send");
	}
	source->sent += SEGMENTS;
}

static void sleep_until(uint64_t until_us)
{
	uint64_t now_us = load_now_us();

	if (until_us > now_us) {
		struct timespec rest = {.tv_sec = (time_t)((until_us - now_us) / US_PER_S),
		    .tv_nsec = (long)((until_us - now_us) % US_PER_S) * 1000};
		nanosleep(&rest, NULL);
	}
}

static void send_all(struct source *source, uint64_t rate, uint64_t seconds)
{
	uint64_t began_us = load_now_us(), end_us = began_us + seconds * US_PER_S, now_us;

	while ((now_us = load_now_us()) < end_us) {
		uint64_t due = (now_us - began_us) * rate / US_PER_S;
		if (source->sent >= due)
			sleep_until(began_us + (source->sent + SEGMENTS) * US_PER_S / rate);
		else if (source->flows == 1)
			send_segments(source);
		else
			send_round(source);
	}
}

static void open_flows(
    struct source *source, const struct sockaddr_storage *target, socklen_t length)
{
	source->fds = calloc(source->flows, sizeof *source->fds);
	for (size_t i = 0; source->fds && i < source->flows; i++) {
		source->fds[i] = load_open_socket(target, SOCK_DGRAM);
		if (connect(source->fds[i], (const struct sockaddr *)target, length))
			load_die("connect");
	}
	if (!source->fds)
		load_die("memory");
	if (source->flows == 1)
		load_set_option(source->fds[0], IPPROTO_UDP, UDP_SEGMENT, (int)source->bytes);
}

static void open_sink(struct sink *sink, const char *host, const char *port)
{
	struct sockaddr_storage address;
	struct timeval patience = {.tv_usec = 100000};
	socklen_t length = load_parse_address(host, port, &address);

	sink->fd = load_open_socket(&address, SOCK_DGRAM);
	if (setsockopt(
	        sink->fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){SINK_BUFFER_BYTES}, sizeof(int)))
		load_set_option(sink->fd, SOL_SOCKET, SO_RCVBUF, SINK_BUFFER_BYTES);
	setsockopt(sink->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	load_set_option(sink->fd, IPPROTO_UDP, UDP_GRO, 1);
	if (bind(sink->fd, (struct sockaddr *)&address, length))
		load_die("bind");
}

int main(int argc, char **argv)
{
	struct sockaddr_storage target;
	struct sink sink = {0};
	struct source source = {0};
	pthread_t thread;

	if (argc != 9) {
		fputs("usage: udp_blast SINK-ADDRESS SINK-PORT ADDRESS PORT BYTES FLOWS PER-SECOND "
		      "SECONDS\n",
		    stderr);
		return 2;
	}
	socklen_t length = load_parse_address(argv[3], argv[4], &target);
	source.bytes = (size_t)load_parse_number(argv[5], 1, "BYTES");
	source.flows = (size_t)load_parse_number(argv[6], 1, "FLOWS");
	uint64_t rate = (uint64_t)load_parse_number(argv[7], 1, "PER-SECOND");
	uint64_t seconds = (uint64_t)load_parse_number(argv[8], 1, "SECONDS");
	if (source.bytes > MAX_BYTES)
		source.bytes = MAX_BYTES;
	sink.bytes = source.bytes;
	open_sink(&sink, argv[1], argv[2]);
	open_flows(&source, &target, length);
	sink.last_us = load_now_us();
	if (pthread_create(&thread, NULL, count_arrivals, &sink))
		load_die("thread");
	send_all(&source, rate, seconds);
	atomic_store(&sink.is_over, true);
	pthread_join(thread, NULL);
	printf("{\"sent\":%llu,\"received\":%llu,\"seconds\":%llu}\n",
	    (unsigned long long)source.sent, (unsigned long long)sink.received,
	    (unsigned long long)seconds);
	free(source.fds);
	return 0;
}
