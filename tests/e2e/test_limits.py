# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits that hold for a whole node, however many workers share it, and for one of several peers:
who takes all that he may have harms nobody else."""
import contextlib
import json
import os
import re
import signal
import socket
import time

import pytest

from tests.lab import procs, trunkline
from tests.lab.echoes import Echo, UdpEcho, is_answered, is_served, udp_user
from tests.lab.site import receive
from tests.lab.trunkline import SLOW, Cluster, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
WORKERS = 4
LIMIT = 1000  # UDP flows a source, the default
SMALL = {"endpoint": 224, "tiny": 144}  # RLIMIT_NOFILE; 64 of it are kept from flows
FLOWS = {name: limit - 64 for name, limit in SMALL.items()}


@pytest.fixture
def echo():
    made = UdpEcho()
    yield made
    made.close()


class Small(trunkline.Daemon):
    """With so few descriptors as SMALL has for its name."""

    def __init__(self, cluster, role, name, node, args):
        super().__init__(cluster, role, name, node, args)
        if name in SMALL:
            self.args = ["prlimit", f"--nofile={SMALL[name]}:{SMALL[name]}", *self.args]


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setattr(trunkline, "Daemon", Small)
    with Cluster(tmp_path) as made:
        yield made


@pytest.fixture
def web():
    """A TCP backend that echoes, on loopback."""
    made = Echo()
    yield made
    made.close()


def connect(address, port):
    """None for one that was reset so soon that connect() saw it."""
    with contextlib.suppress(ConnectionResetError):
        return socket.create_connection((address, port), 5 * SLOW)


def take(address, port, count):
    """So many connections: those that work, and how many were reset."""
    users = [connect(address, port) for _ in range(count)]
    served = [user for user in users if user and is_served(user)]
    for user in users:
        if user and user not in served:
            user.close()
    return served, count - len(served)


def processor_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def send_all(users):
    """Slowly enough for every buffer."""
    for number, user in enumerate(users):
        user.send(b"ping")
        if number % 50 == 49:
            time.sleep(0.01)


def test_a_source_has_its_udp_flows_of_the_whole_node(tmp_path, echo):
    """Workers that look at the same moment may each let another go, but never take one too many."""
    with Cluster(tmp_path) as cluster:
        listener, _ = cluster.start_pair(workers=WORKERS, more=("--drain", "1"))
        port = procs.free_port(socket.SOCK_DGRAM, None, "127.0.0.1")
        cluster.accelerator("game", "udp", str(port), [f"127.0.0.1:{echo.port}"])
        cluster.wait_up()
        greedy = [udp_user("127.0.0.1", port) for _ in range(LIMIT + LIMIT // 2)]
        send_all(greedy)
        seen = cluster.counters("listener")
        assert LIMIT - WORKERS < seen["udp_flows"] <= LIMIT
        assert (seen["udp_flows_opened"] - seen["udp_flows_evicted"]) == seen["udp_flows"]
        assert seen["udp_flows_evicted"] + seen["udp_refused_limit"] >= LIMIT // 2
        other = udp_user("127.0.0.2", port)
        assert is_answered(other)

        # What a worker counted ends with it.  The others may have taken all by the time that the
        # next one has its assured share.
        os.kill(listener.workers()[0], signal.SIGKILL)
        procs.wait_until(lambda: cluster.counter("listener", "udp_flows") < LIMIT - 100, 10 * SLOW,
                         "the worker's flows to be gone")
        procs.wait_until(lambda: cluster.counter("listener", "lanes_up") == WORKERS, 10 * SLOW,
                         "the lane of the one that follows")
        send_all(greedy)
        most_flows = LIMIT + LIMIT // WORKERS // 4 + 1
        assert LIMIT - WORKERS < cluster.counter("listener", "udp_flows") <= most_flows
        assert is_answered(other)
        for user in [*greedy, other]:
            user.close()


def test_one_listener_cannot_take_all_of_an_endpoint(small, web, echo):
    """Two listeners of one region; idle connections through one of them until no more are given."""
    small.start_control()
    for name, address in (("greedy", "127.0.0.1"), ("modest", "127.0.0.2")):
        small.add_listener(name=name, binds=[address], more=("--drain", "1"))
    endpoint = small.add_endpoint(more=("--drain", "1"))
    port = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")
    udp_port = procs.free_port(socket.SOCK_DGRAM, None, "127.0.0.1")
    small.accelerator("web", "tcp", str(port), [f"127.0.0.1:{web.port}"])
    small.accelerator("game", "udp", str(udp_port), [f"127.0.0.1:{echo.port}"])
    small.wait_up(2)
    half = FLOWS["endpoint"] // 2
    held, resets = take("127.0.0.1", port, 2 * half)
    assert (len(held), resets) == (half, half)

    other, resets = take("127.0.0.2", port, half // 4)
    assert resets == 0
    game = udp_user("127.0.0.2", udp_port)
    game.connect(("127.0.0.2", udp_port))
    assert is_answered(game)
    greedy_game = udp_user("127.0.0.1", udp_port)
    greedy_game.send(b"ping")
    greedy_game.settimeout(0.5)
    with pytest.raises(TimeoutError):
        greedy_game.recv(100)
    assert small.counter("endpoint", "flows_refused_share") == half + 1
    assert "listener_has_its_share" in endpoint.log()
    assert all(is_served(user) for user in held + other)
    assert len(endpoint.workers()) == 1 and endpoint.log().count("process_died") == 0

    for user in held:
        user.close()
    procs.wait_until(lambda: take("127.0.0.1", port, 1)[1] == 0, 5 * SLOW, "room for new flows")


def test_a_listener_full_of_connections_goes_on(small, web):
    """Above its limit each connection is reset at once; those before it work, and so does what
    needs a descriptor of its own, as a port more."""
    small.start_control()
    tiny = small.add_listener(name="tiny", binds=["127.0.0.1"], more=("--drain", "1"))
    small.add_endpoint(name="far-end", more=("--drain", "1"))
    first, second = (procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1") for _ in range(2))
    small.accelerator("web", "tcp", str(first), [f"127.0.0.1:{web.port}"])
    small.wait_up(1)
    worker = tiny.workers()[0]
    held, resets = take("127.0.0.1", first, 2 * FLOWS["tiny"])
    assert FLOWS["tiny"] - 32 < len(held) < FLOWS["tiny"]
    assert small.counter("tiny", "tcp_accept_failed") == resets
    small.accelerator("more", "tcp", str(second), [f"127.0.0.1:{web.port}"])
    assert take("127.0.0.1", second, 1)[1] == 1
    before = processor_s(worker)
    time.sleep(1)
    assert processor_s(worker) - before < 0.3
    assert all(is_served(user) for user in held)
    assert tiny.workers() == [worker]
    held.pop().close()
    procs.wait_until(lambda: take("127.0.0.1", second, 1)[1] == 0, 5 * SLOW, "a free place")
    for user in held:
        user.close()


class Fountain(Echo):
    """A TCP backend that sends without end."""

    @staticmethod
    def serve(connection):
        with connection, contextlib.suppress(OSError):
            while True:
                connection.sendall(bytes(65536))


@pytest.fixture
def fountain():
    made = Fountain()
    yield made
    made.close()


def flows_held(cluster):
    """How often a user's flow was told to wait, by the listener's end of the lanes."""
    return sum(int(number) for number in
               re.findall(r'"flows_held": (\d+)', json.dumps(cluster.ctl("tunnel", "show", "listener", "endpoint"))))


def test_users_who_do_not_read_take_no_others_memory(tmp_path, fountain):
    """120 of them have windows of 60 MiB together, and the listener has 16 MiB: they are told to
    wait, a download beside them goes on, and afterwards they get on too."""
    with Cluster(tmp_path) as cluster:
        cluster.start_control()
        listener = cluster.add_listener(binds=["127.0.0.1"], more=("--memory", "16M"))
        cluster.add_endpoint()
        port = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")
        cluster.accelerator("fountain", "tcp", str(port), [f"127.0.0.1:{fountain.port}"])
        cluster.wait_up(1)
        worker = listener.workers()[0]
        stuck = [connect("127.0.0.1", port) for _ in range(120)]
        procs.wait_until(lambda: flows_held(cluster) > 10, 10 * SLOW, "flows that wait")
        assert cluster.counter("listener", "memory_bytes") < 16 << 20
        reader = connect("127.0.0.1", port)
        reader.settimeout(5 * SLOW)
        assert len(receive(reader, 20 << 20)) == 20 << 20
        for user in stuck:
            user.settimeout(5 * SLOW)
            assert len(receive(user, 1 << 20)) == 1 << 20
        assert listener.workers() == [worker]
        for user in [*stuck, reader]:
            user.close()
