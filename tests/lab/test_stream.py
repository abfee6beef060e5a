# SPDX-License-Identifier: GPL-2.0-or-later
"""Streams notice what may not happen to them, stop, and say what it was."""
import socket

import pytest

from tests.lab import procs
from tests.lab.stream import BLOCK, TcpStream, UdpStream

HOST = "127.0.0.1"


@pytest.fixture
def tcp():
    with socket.create_server((HOST, 0)) as listening:
        with socket.create_connection(listening.getsockname()) as user, listening.accept()[0] as server:
            yield TcpStream(user, server, rate_bytes=8 << 20)


@pytest.fixture
def udp():
    with procs.open_socket(None, socket.SOCK_DGRAM, bind=(HOST, 0)) as server, \
            procs.open_socket(None, socket.SOCK_DGRAM) as user:
        user.connect(server.getsockname())
        yield UdpStream(user, server)


def assert_stops(stream, words, ask):
    procs.wait_until(lambda: stream.fault, 5, f"a fault: {words}")
    procs.wait_until(lambda: not any(thread.is_alive() for thread in stream.threads), 5, "its threads to end")
    assert words in stream.fault
    for call in (ask, stream.stop):
        with pytest.raises(procs.ProgramError, match="the stream has stopped") as told:
            call()
        assert words in str(told.value)


def test_a_good_tcp_stream(tcp):
    assert tcp.moves(5)
    tcp.stop()


@pytest.mark.parametrize("way", [0, 1])
def test_a_byte_too_many(tcp, way):
    assert tcp.moves(5)
    tcp.ends[way].sendall(b"x")
    assert_stops(tcp, "other bytes than sent", lambda: tcp.moves(5))


def test_an_early_end(tcp):
    assert tcp.moves(5)
    tcp.ends[1].shutdown(socket.SHUT_RD)  # as if a FIN came
    assert_stops(tcp, "a FIN that nobody sent", lambda: tcp.moves(5))


def test_nothing_moves(tcp):
    assert tcp.moves(5)
    tcp.rate = 2 * BLOCK
    procs.wait_until(lambda: not tcp.moves(0.1), 5, "nothing to move for a while")
    assert not tcp.fault


def test_a_good_udp_stream(udp):
    procs.wait_until(lambda: udp.answered_since(0), 5, "answers")
    udp.stop()
    assert udp.back <= udp.there and len(udp.there) <= udp.sent


def test_a_datagram_that_comes_twice(udp):
    procs.wait_until(lambda: udp.answered_since(0), 5, "answers")
    udp.user.send(udp.datagram(0))
    assert_stops(udp, "came a second time at the server", lambda: udp.answered_since(0))


@pytest.mark.parametrize("number", [0, 10**9])
def test_a_datagram_that_was_never_sent(udp, number):
    procs.wait_until(lambda: udp.answered_since(0), 5, "answers")
    udp.user.send(udp.datagram(number)[:-1] + b"x")
    assert_stops(udp, "never sent", lambda: udp.answered_since(0))
