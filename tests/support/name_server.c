/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See name_server.h. */
#include "config.h"

#include "tests/support/name_server.h"

#include "tests/support/loopback.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER_BYTES = 12, TYPE_AAAA = 28 };

static size_t append(uint8_t *packet, size_t at, const char *bytes, size_t length)
{
	memcpy(packet + at, bytes, length);
	return at + length;
}

/* One record of the name that was asked for: 42 s, and the address but for its last byte. */
static size_t append_record(uint8_t *packet, size_t at, bool is_v6, const char *start, uint8_t last)
{
	at = append(packet, at,
	    is_v6 ? "\xc0\x0c\0\x1c\0\1\0\0\0\x2a\0\x10" : "\xc0\x0c\0\1\0\1\0\0\0\x2a\0\4", 12);
	at = append(packet, at, start, is_v6 ? 15 : 3);
	packet[at++] = last;
	packet[7]++;
	return at;
}

/* Turns the question into its answer; the new length. */
static size_t answer(uint8_t *packet)
{
	bool is_two = memcmp(packet + HEADER_BYTES, "\3two\4test\0", 10) == 0;
	bool is_self = memcmp(packet + HEADER_BYTES, "\4self\4test\0", 11) == 0;
	size_t at = HEADER_BYTES;

	while (packet[at])
		at += packet[at] + 1u;
	bool is_v6 = packet[at + 2] == TYPE_AAAA;
	at += 5; /* the root label, type and class; what follows is EDNS and left out */
	packet[2] = 0x81;
	packet[3] = is_two || is_self ? 0x80 : 0x83;
	memset(packet + 6, 0, 6);
	for (uint8_t i = 1; is_two && i <= 2; i++)
		at = append_record(packet, at, is_v6,
		    is_v6 ? "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" : "\xc0\0\2", i);
	if (is_self && !is_v6)
		at = append_record(packet, at, is_v6, "\x7f\0\0", 1);
	return at;
}

static void on_question(struct ev_loop *loop, ev_io *io, int events)
{
	struct name_server *server = io->data;
	uint8_t packet[1024];
	struct addr from;
	ssize_t length = loopback_receive(server->descriptor, packet, sizeof packet, &from);

	(void)loop;
	(void)events;
	if (length < HEADER_BYTES + 5)
		return;
	server->questions++;
	if (!server->is_silent)
		loopback_send(server->descriptor, &from, packet, answer(packet));
}

void name_server_start(struct name_server *server, struct ev_loop *loop)
{
	*server = (struct name_server){.loop = loop};
	server->descriptor = loopback_udp("127.0.0.1", &server->address);
	ev_io_init(&server->readable, on_question, server->descriptor, EV_READ);
	server->readable.data = server;
	ev_io_start(loop, &server->readable);
}

void name_server_stop(struct name_server *server)
{
	ev_io_stop(server->loop, &server->readable);
	close(server->descriptor);
}

const char *name_server_text(const struct name_server *server, char text[ADDR_TEXT_BYTES])
{
	return addr_format(&server->address, text, ADDR_TEXT_BYTES);
}
