/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pingpong ADDRESS PORT BYTES ROUNDS: sends BYTES over one TCP connection, waits for as many back,
 * again and again; prints the round trips as {"us":[...]}. The first tenth is not counted.
 */
#include "bench/load.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void exchange(int fd, char *data, size_t bytes)
{
	if (send(fd, data, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		load_die("send");
	for (size_t got = 0; got < bytes;) {
		ssize_t more = recv(fd, data + got, bytes - got, 0);
		if (more <= 0)
			load_die("recv");
		got += (size_t)more;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_storage address;
	struct samples samples = {0};

	if (argc != 5) {
		fputs("usage: pingpong ADDRESS PORT BYTES ROUNDS\n", stderr);
		return 2;
	}
	socklen_t length = load_parse_address(argv[1], argv[2], &address);
	size_t bytes = (size_t)load_parse_number(argv[3], 1, "BYTES");
	long rounds = load_parse_number(argv[4], 10, "ROUNDS");
	char *data = calloc(1, bytes);
	int fd = load_open_socket(&address, SOCK_STREAM);
	if (!data || connect(fd, (struct sockaddr *)&address, length))
		load_die("connect");
	load_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	for (long i = 0; i < rounds; i++) {
		uint64_t began_us = load_now_us();
		exchange(fd, data, bytes);
		if (i >= rounds / 10)
			samples_add(&samples, load_now_us() - began_us);
	}
	putchar('{');
	samples_print("us", &samples);
	puts("}");
	samples_free(&samples);
	free(data);
	return 0;
}
