/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the load generators share: addresses from arguments, the clock, samples and their
 * percentiles printed as JSON. They are programs of one run each, so a failure ends them.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct samples {
	uint32_t *us;
	size_t count, room;
};

/* Says what failed and errno, and ends the program. */
void load_die(const char *what) __attribute__((noreturn));
uint64_t load_now_us(void);
/* A number of at least min, or the program ends with a complaint about its name. */
long load_parse_number(const char *text, long min, const char *name);
/* A numeric IPv4 or IPv6 address and a port. Returns the length. */
socklen_t load_parse_address(const char *host, const char *port, struct sockaddr_storage *address);
int load_open_socket(const struct sockaddr_storage *address, int type);
/* Sleeps until the descriptor can be read (true) or the time has come (false); on a microsecond timer. */
bool load_wait(int fd, uint64_t until_us);
void load_set_option(int fd, int level, int option, int value);

void samples_add(struct samples *samples, uint64_t us);
/* "NAME":[...] with every sample in microseconds; the caller writes braces and commas. */
void samples_print(const char *name, const struct samples *samples);
void samples_free(struct samples *samples);

#endif
