/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp_tick ADDRESS PORT BYTES PER-SECOND SECONDS: a game's traffic: one datagram every
 * 1/PER-SECOND to an echo server, each with its number; prints
 * {"sent":N,"doubled":N,"us":[round trips of those that came back, once each]}.
 */
#define _GNU_SOURCE 1

#include "bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum {
	MAX_BYTES = 2048,
	LAST_WAIT_US = 2000000,
	US_PER_S = 1000000,
};

struct ticker {
	int fd;
	uint64_t *sent_us; /* by number; 0 = came back */
	uint64_t sent, doubled;
	struct samples samples;
};

static void take_answers(struct ticker *ticker)
{
	uint8_t data[MAX_BYTES];
	uint64_t number;

	while (recv(ticker->fd, data, sizeof data, MSG_DONTWAIT) >= (ssize_t)sizeof number) {
		memcpy(&number, data, sizeof number);
		if (number >= ticker->sent)
			continue;
		if (!ticker->sent_us[number])
			ticker->doubled++;
		else
			samples_add(&ticker->samples, load_now_us() - ticker->sent_us[number]);
		ticker->sent_us[number] = 0;
	}
}

static void wait_until(struct ticker *ticker, uint64_t until_us)
{
	while (load_wait(ticker->fd, until_us))
		take_answers(ticker);
}

static void send_next(struct ticker *ticker, size_t bytes)
{
	uint8_t data[MAX_BYTES] = {0};

	memcpy(data, &ticker->sent, sizeof ticker->sent);
	ticker->sent_us[ticker->sent++] = load_now_us();
	if (send(ticker->fd, data, bytes, 0) < 0)
		ticker->sent_us[ticker->sent - 1] = load_now_us();
}

int main(int argc, char **argv)
{
	struct sockaddr_storage target;
	struct ticker ticker = {0};

	if (argc != 6) {
		fputs("usage: udp_tick ADDRESS PORT BYTES PER-SECOND SECONDS\n", stderr);
		return 2;
	}
	socklen_t length = load_parse_address(argv[1], argv[2], &target);
	size_t bytes = (size_t)load_parse_number(argv[3], (long)sizeof ticker.sent, "BYTES");
	uint64_t rate = (uint64_t)load_parse_number(argv[4], 1, "PER-SECOND");
	uint64_t count = rate * (uint64_t)load_parse_number(argv[5], 1, "SECONDS");
	if (bytes > MAX_BYTES)
		bytes = MAX_BYTES;
	ticker.sent_us = calloc(count, sizeof *ticker.sent_us);
	ticker.fd = load_open_socket(&target, SOCK_DGRAM);
	if (!ticker.sent_us || connect(ticker.fd, (struct sockaddr *)&target, length))
		load_die("connect");
	prctl(PR_SET_TIMERSLACK, 1);
	uint64_t began_us = load_now_us();
	for (uint64_t i = 0; i < count; i++) {
		wait_until(&ticker, began_us + i * US_PER_S / rate);
		send_next(&ticker, bytes);
	}
	wait_until(&ticker, load_now_us() + LAST_WAIT_US);
	printf("{\"sent\":%llu,\"doubled\":%llu,", (unsigned long long)ticker.sent,
	    (unsigned long long)ticker.doubled);
	samples_print("us", &ticker.samples);
	puts("}");
	samples_free(&ticker.samples);
	free(ticker.sent_us);
	return 0;
}
