/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See loopback.h. */
#include "config.h"

#include "tests/support/loopback.h"

#include "net/tcp.h"
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int bound(int type, const char *text, struct addr *address)
{
	struct sockaddr_storage storage;
	socklen_t length;
	int descriptor;

	assert_int_equal(addr_parse(text, 0, address), 0);
	length = addr_to_sockaddr(address, &storage);
	descriptor = socket(storage.ss_family, type | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&storage, length), 0);
	length = sizeof storage;
	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&storage, &length), 0);
	assert_int_equal(addr_from_sockaddr(address, (struct sockaddr *)&storage, length), 0);
	return descriptor;
}

int loopback_listen(const char *text, struct addr *address)
{
	int descriptor = bound(SOCK_STREAM | SOCK_NONBLOCK, text, address);

	assert_int_equal(listen(descriptor, 64), 0);
	return descriptor;
}

int loopback_connect(const struct addr *to)
{
	struct sockaddr_storage storage;
	socklen_t length = addr_to_sockaddr(to, &storage);
	int descriptor = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(descriptor, (struct sockaddr *)&storage, length), 0);
	return descriptor;
}

int loopback_accept(int listener, struct addr *from)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof storage;
	int descriptor =
	    accept4(listener, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (descriptor < 0)
		return -1;
	if (from)
		addr_from_sockaddr(from, (struct sockaddr *)&storage, length);
	tcp_prepare(descriptor);
	return descriptor;
}

void loopback_pair(int *inner, int *outer)
{
	struct addr address;
	int listener = loopback_listen("127.0.0.1", &address);

	*outer = loopback_connect(&address);
	*inner = loopback_accept(listener, NULL);
	assert_true(*inner >= 0);
	close(listener);
}

void loopback_reset(int *descriptor)
{
	struct linger linger = {1, 0};

	setsockopt(*descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(*descriptor);
	*descriptor = -1;
}

int loopback_udp(const char *text, struct addr *address)
{
	return bound(SOCK_DGRAM, text, address);
}

void loopback_send(int descriptor, const struct addr *to, const void *data, size_t length)
{
	struct sockaddr_storage storage;
	socklen_t address_length = addr_to_sockaddr(to, &storage);

	assert_int_equal(
	    sendto(descriptor, data, length, 0, (struct sockaddr *)&storage, address_length),
	    length);
}

ssize_t loopback_receive(int descriptor, void *buffer, size_t size, struct addr *from)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof storage;
	ssize_t received =
	    recvfrom(descriptor, buffer, size, MSG_DONTWAIT, (struct sockaddr *)&storage, &length);

	if (received >= 0 && from)
		addr_from_sockaddr(from, (struct sockaddr *)&storage, length);
	return received;
}

void assert_reads(int descriptor, const char *text)
{
	char buffer[256] = {0};
	ssize_t length = recv(descriptor, buffer, sizeof buffer - 1, MSG_DONTWAIT);

	assert_int_equal(length, (ssize_t)strlen(text));
	assert_string_equal(buffer, text);
}

void assert_end(int descriptor)
{
	char byte;

	assert_int_equal(recv(descriptor, &byte, 1, MSG_DONTWAIT), 0);
}

void assert_reset(int descriptor)
{
	char byte;

	assert_int_equal(recv(descriptor, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ECONNRESET);
}

void assert_silent(int descriptor)
{
	char byte;

	assert_int_equal(recv(descriptor, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}
