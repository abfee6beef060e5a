# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs over the WAN, each test twice: straight to the server, and through Trunkline."""
import asyncio
import concurrent.futures
import hashlib
import os
import random
import secrets
import socket
import subprocess
import time

import pytest
import websockets

from tests.lab import procs, programs, trunkline

SIZES = [0, 1, 100, 1500, 20000, 65536, 200000, 1 << 20]


@pytest.fixture
def nginx(way, tmp_path):
    return programs.Nginx(tmp_path, [(way.server, 8000)], way.server_space)


def test_web_file_hash(way, nginx, tmp_path):
    digest = nginx.add_file("big", 64 << 20)
    address, port = way.open("tcp", 8000)
    assert programs.curl_hash(way.user_space, address, port, "big", tmp_path) == digest


def test_web_upload_hash(way, nginx, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(secrets.token_bytes(16 << 20))
    address, port = way.open("tcp", 8000)
    programs.curl(way.user_space, address, port, "put/upload", "-T", body)
    assert nginx.received("upload") == programs.hash_of(body)


def test_web_many_connections_of_mixed_sizes(way, nginx):
    digests = {size: nginx.add_file(f"of{size}", size) for size in SIZES}
    address, port = way.open("tcp", 8000)
    chooser = random.Random(1)

    def fetch(size):
        with procs.connect(way.user_space, address, port, timeout=60) as sock:
            sock.sendall(f"GET /of{size} HTTP/1.0\r\nHost: lab\r\n\r\n".encode())
            answer = bytearray()
            while piece := sock.recv(1 << 18):
                answer += piece
        head, _, body = bytes(answer).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        return hashlib.sha256(body).hexdigest() == digests[size]

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        right = list(pool.map(fetch, chooser.choices(SIZES, k=300)))
    assert all(right)


def test_dns(way, tmp_path):
    programs.Dnsmasq(tmp_path, way.server, 5353, way.server_space)
    address, port = way.open("tcp+udp", 5353)
    for options in ([], ["+tcp"]):
        got = programs.dig(way.user_space, address, port, "www.known.test", "A", *options)
        assert got == [programs.DNS_ANSWER]
    # Too long for UDP: dig asks again by TCP.
    assert len(programs.dig(way.user_space, address, port, "long.test", "TXT")) == 8


@pytest.mark.parametrize("direction", ["up", "down"])
def test_iperf3(way, tmp_path, direction):
    programs.Iperf3Server(tmp_path, way.server, 5201, way.server_space)
    address, port = way.open("tcp", 5201)
    report = programs.iperf3(way.user_space, address, port, *(["-R"] if direction == "down" else []))
    assert report["end"]["sum_received"]["bits_per_second"] > 10e6


def test_iperf3_udp(way, tmp_path):
    programs.Iperf3Server(tmp_path, way.server, 5201, way.server_space)
    address, port = way.open("tcp+udp", 5201)
    report = programs.iperf3(way.user_space, address, port, "-u", "-b", "5M", "-l", "1000")
    assert report["end"]["sum"]["lost_percent"] < 1


# The game speaks IPv4 only.
@pytest.mark.parametrize("way", [way for way in trunkline.WAYS if "6" not in way], indirect=True)
def test_game_server_answers_qstat(way, tmp_path):
    programs.Sauerbraten(tmp_path, way.server, way.server_space)
    address, port = way.open("udp", programs.SAUERBRATEN_PORT, programs.SAUERBRATEN_PORT + 1)
    told = programs.qstat(way.user_space, address, port)
    assert told["status"] == "UP"
    assert (told["name"], told["maxplayers"]) == ("lab-test", "7")


def test_sip_calls(way, tmp_path):
    """From a phone at the user, by the registrar behind the line, to a phone beside that."""
    programs.Kamailio(tmp_path, way.server, 5060, way.server_space)
    phone = programs.SipPhone(tmp_path, way.server, 5070, way.server_space)
    phone.register("callee", way.server, 5060)
    address, port = way.open("udp", 5060)
    programs.sip_calls(tmp_path, way.user_space, way.user, address, port, "callee")


def test_ssh_session_stays_idle(way, tmp_path):
    sshd = programs.Sshd(tmp_path, way.server, 2222, way.server_space)
    address, port = way.open("tcp", 2222)
    command = procs.in_space(sshd.client(address, port, "cat"), way.user_space)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          preexec_fn=procs.die_with_parent) as ssh:
        for line in (b"before\n", b"after\n"):
            ssh.stdin.write(line)
            ssh.stdin.flush()
            assert ssh.stdout.readline() == line
            time.sleep(1)
        ssh.stdin.close()
        assert ssh.wait(10) == 0


def test_websocket_session_stays_idle(way, tmp_path):
    programs.WebSocketEcho(tmp_path, way.server, 8001, way.server_space)
    address, port = way.open("tcp", 8001)

    async def talk():
        sock = procs.connect(way.user_space, address, port)
        uri = f"ws://{programs.bracket(address)}:{port}/"
        async with websockets.connect(uri, sock=sock, ping_interval=None, max_size=None) as line:
            for message in ("before", "x" * 100000, "after"):
                await line.send(message)
                assert await asyncio.wait_for(line.recv(), 10) == message
                await asyncio.sleep(0.5)

    asyncio.run(talk())


def test_half_close_gives_the_rest(way, tmp_path):
    """nc -N: the user's FIN must reach the server, and the answer still come back."""
    programs.TcpEcho(tmp_path, way.server, 7007, way.server_space)
    address, port = way.open("tcp", 7007)
    sent = secrets.token_bytes(300000)
    done = subprocess.run(procs.in_space(["nc", "-N", address, port], way.user_space), input=sent,
                          stdout=subprocess.PIPE, timeout=30, check=True,
                          preexec_fn=procs.die_with_parent)
    assert done.stdout == sent


def test_datagrams_of_any_size(way, tmp_path):
    programs.UdpEcho(tmp_path, way.server, 7008, way.server_space)
    address, port = way.open("udp", 7008)
    with procs.open_socket(way.user_space, socket.SOCK_DGRAM, procs.family_of(address)) as sock:
        sock.settimeout(5)
        sock.connect((address, port))
        for size in (0, 1, 1200, 1472, 9000, 65507) * 3:
            sent = os.urandom(size)
            sock.send(sent)
            assert sock.recv(65535) == sent, f"{size} bytes"
