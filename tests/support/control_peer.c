/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See control_peer.h. */
#include "config.h"

#include "tests/support/control_peer.h"

#include "base/err.h"
#include "tests/support/loopback.h"
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_BYTES = 16384 };

static void open_connection(struct control_peer *peer, const struct addr *to)
{
	peer->socket = loopback_connect(to);
	fcntl(peer->socket, F_SETFL, O_NONBLOCK);
	assert_int_equal(tls_connection_new(&peer->tls, peer->identity, TLS_CLIENT), 0);
	assert_int_equal(tls_connection_feed(peer->tls, NULL, 0), 0);
	channel_decoder_init(&peer->decoder, CHANNEL_MESSAGE_BYTES);
}

void control_peer_connect(struct control_peer *peer, const struct addr *to)
{
	char key[TLS_PEM_BYTES], certificate[TLS_PEM_BYTES];

	memset(peer, 0, sizeof *peer);
	assert_int_equal(tls_identity_generate(key, certificate, TLS_SYSTEM_DEVICE), 0);
	assert_int_equal(tls_identity_new(&peer->identity, key, certificate, TLS_SYSTEM_DEVICE), 0);
	open_connection(peer, to);
}

void control_peer_connect_again(
    struct control_peer *peer, const struct control_peer *old, const struct addr *to)
{
	memset(peer, 0, sizeof *peer);
	peer->identity = old->identity;
	open_connection(peer, to);
}

void control_peer_close(struct control_peer *peer)
{
	if (!peer->tls)
		return;
	tls_connection_free(peer->tls);
	channel_decoder_clear(&peer->decoder);
	close(peer->socket);
	peer->tls = NULL;
}

void control_peer_end(struct control_peer *peer)
{
	control_peer_close(peer);
	tls_identity_free(peer->identity);
	peer->identity = NULL;
}

static int on_frame(void *context, const char *text, size_t length)
{
	struct control_peer *peer = context;

	assert_true(length < sizeof peer->text);
	memcpy(peer->text, text, length + 1);
	peer->frames++;
	return 0;
}

static void read_plaintext(struct control_peer *peer)
{
	uint8_t piece[PIECE_BYTES];
	int length;

	while ((length = tls_connection_read(peer->tls, piece, sizeof piece)) > 0)
		assert_int_equal(
		    channel_decode(&peer->decoder, piece, (size_t)length, on_frame, peer), 0);
}

static void send_ciphertext(struct control_peer *peer)
{
	uint8_t piece[PIECE_BYTES];
	size_t length;

	while ((length = tls_connection_drain(peer->tls, piece, sizeof piece)) > 0)
		for (size_t sent = 0; sent < length;) {
			ssize_t n = send(
			    peer->socket, piece + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n < 0) {
				peer->is_closed = true;
				return;
			}
			sent += (size_t)n;
		}
}

void control_peer_round(struct control_peer *peer)
{
	uint8_t piece[PIECE_BYTES];
	ssize_t length;

	if (!peer->tls)
		return;
	send_ciphertext(peer);
	while ((length = recv(peer->socket, piece, sizeof piece, MSG_DONTWAIT)) > 0)
		if (tls_connection_feed(peer->tls, piece, (size_t)length) < 0)
			peer->is_closed = true;
	peer->is_closed |= length == 0 || (length < 0 && errno != EAGAIN);
	read_plaintext(peer);
	send_ciphertext(peer);
}

bool control_peer_is_open(const struct control_peer *peer)
{
	return !peer->is_closed && tls_connection_is_established(peer->tls);
}

void control_peer_write(struct control_peer *peer, const void *bytes, size_t length)
{
	assert_int_equal(tls_connection_write(peer->tls, bytes, length), 0);
	send_ciphertext(peer);
}

void control_peer_say(struct control_peer *peer, const char *text, size_t length)
{
	const uint8_t header[CHANNEL_HEADER_BYTES] = {(uint8_t)(length >> 24),
	    (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length};

	control_peer_write(peer, header, sizeof header);
	control_peer_write(peer, text, length);
}

void control_peer_send(struct control_peer *peer, const struct message *message)
{
	size_t length;
	char *text;

	assert_int_equal(message_encode(message, &text, &length), 0);
	control_peer_say(peer, text, length);
	free(text);
}

struct message control_peer_heard(const struct control_peer *peer)
{
	struct model_error error;
	struct message message;

	if (message_decode(peer->text, strlen(peer->text), &message, &error) < 0)
		fail_msg("%s: %s", error.field, error.reason);
	return message;
}
