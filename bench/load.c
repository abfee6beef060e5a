/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of the load generators: see load.h.
 */
#define _GNU_SOURCE 1

#include "bench/load.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { US_PER_S = 1000000 };

void load_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t load_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

long load_parse_number(const char *text, long min, const char *name)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*end || end == text || number < min) {
		fprintf(stderr, "%s must be a number of at least %ld\n", name, min);
		exit(2);
	}
	return number;
}

socklen_t load_parse_address(const char *host, const char *port, struct sockaddr_storage *address)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;

	if (getaddrinfo(host, port, &hints, &found)) {
		fprintf(stderr, "%s port %s: not a numeric address\n", host, port);
		exit(2);
	}
	socklen_t length = found->ai_addrlen;
	memset(address, 0, sizeof *address);
	memcpy(address, found->ai_addr, length);
	freeaddrinfo(found);
	return length;
}

int load_open_socket(const struct sockaddr_storage *address, int type)
{
	int fd = socket(address->ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		load_die("socket");
	return fd;
}

bool load_wait(int fd, uint64_t until_us)
{
	struct pollfd item = {.fd = fd, .events = POLLIN};
	uint64_t now_us;

	while ((now_us = load_now_us()) < until_us) {
		uint64_t left_us = until_us - now_us;
		struct timespec timeout = {.tv_sec = (time_t)(left_us / US_PER_S),
		    .tv_nsec = (long)(left_us % US_PER_S) * 1000};
		if (ppoll(&item, 1, &timeout, NULL) > 0)
			return true;
	}
	return false;
}

void load_set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof value))
		load_die("setsockopt");
}

void samples_add(struct samples *samples, uint64_t us)
{
	if (samples->count == samples->room) {
		samples->room = samples->room ? 2 * samples->room : 1024;
		samples->us = realloc(samples->us, samples->room * sizeof *samples->us);
		if (!samples->us)
			load_die("memory");
	}
	samples->us[samples->count++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void samples_print(const char *name, const struct samples *samples)
{
	printf("\"%s\":[", name);
	for (size_t i = 0; i < samples->count; i++)
		printf("%s%u", i ? "," : "", samples->us[i]);
	putchar(']');
}

void samples_free(struct samples *samples)
{
	free(samples->us);
}
