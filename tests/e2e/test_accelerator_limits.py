# SPDX-License-Identifier: GPL-2.0-or-later
"""What an accelerator's users may take of a node: `trunkctl accelerator create --limit`. All workers of a node
count together."""
import contextlib
import os
import signal
import socket
import threading
import time

import pytest

from tests.lab import procs, trunkline
from tests.lab.echoes import Echo, UdpEcho, is_answered, is_served, udp_user
from tests.lab.site import receive
from tests.lab.trunkline import SLOW, Cluster, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
WORKERS = 3


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("limits")) as made:
        made.start_pair(workers=WORKERS, binds=["127.0.0.1", "[::1]"], more=("--drain", "1"))
        yield made


@pytest.fixture
def web():
    made = Echo()
    yield made
    made.close()


@pytest.fixture
def echo():
    made = UdpEcho()
    yield made
    made.close()


class Accelerator:
    """One for a test, whose port is free."""

    def __init__(self, cluster, protocol, backends, *limits):
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        self.cluster, self.port = cluster, procs.free_port(kind, None, "127.0.0.1")
        self.name = f"{protocol}{self.port}"
        more = [word for limit in limits for word in ("--limit", limit)]
        cluster.accelerator(self.name, protocol, str(self.port),
                            [f"127.0.0.1:{port}" for port in backends], more=more)
        cluster.wait_up()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.cluster.ctl("accelerator", "delete", self.name, "--now")

    def connect(self, source="127.0.0.1"):
        """A connection that works, or None when it was reset."""
        address = "::1" if ":" in source else "127.0.0.1"
        try:
            user = socket.create_connection((address, self.port), 5 * SLOW, (source, 0))
        except ConnectionResetError:
            return None
        if is_served(user):
            return user
        user.close()
        return None

    def take(self, count, source="127.0.0.1"):
        return [user for user in (self.connect(source) for _ in range(count)) if user]

    def limit(self, *limits):
        words = [word for limit in limits for word in ("--limit", limit)]
        self.cluster.ctl("accelerator", "update", self.name, *words)
        self.cluster.wait_applied(self.name)


def close(users):
    for user in users:
        user.close()


def test_tcp_flows_by_source_and_accelerator(cluster, web):
    with Accelerator(cluster, "tcp", [web.port], "source.flows=5,accelerator.flows=8") as service:
        before = cluster.counters("listener")
        one = service.take(7)
        two = service.take(7, "127.0.0.2")
        assert (len(one), len(two)) == (5, 3)
        after = cluster.counters("listener")
        risen = {name: after[name] - before[name] for name in after if name in before}
        assert risen["limit_source_flows"] == 2 and risen["limit_accelerator_flows"] == 4
        assert risen["tcp_refused_limit"] == 6

        # What a worker counted ends with it, and so do its flows.
        os.kill(cluster.nodes["listener"].workers()[0], signal.SIGKILL)
        procs.wait_until(lambda: cluster.counter("listener", "lanes_up") == WORKERS, 10 * SLOW,
                         "the worker that follows")
        kept = [user for user in one + two if is_served(user)]
        more = service.take(9) + service.take(9, "127.0.0.3")
        assert len(kept) + len(more) == 8

        # A limit that is set later holds at once and ends no flow; with none everybody is served.
        service.limit("source.flows=1", "accelerator.flows=0")
        assert all(is_served(user) for user in kept + more)
        fresh = service.take(3, "127.0.0.4")
        assert len(fresh) == 1
        service.limit("source.flows=0")
        fresh += service.take(3, "127.0.0.4")
        assert len(fresh) == 4
        assert cluster.ctl("accelerator", "show", service.name)["limits"]["source"]["flows"] == 0
        close(one + two + more + fresh)


@contextlib.contextmanager
def second_address():
    """Of the same /64 as ::1."""
    procs.run(["ip", "address", "replace", "::1:2/128", "dev", "lo"])
    try:
        yield "::1:2"
    finally:
        procs.run(["ip", "address", "del", "::1:2/128", "dev", "lo"])


def test_udp_flows_and_ipv6_networks(cluster, web, echo):
    """Datagrams of flows above the limit are dropped, and those before go on."""
    with Accelerator(cluster, "udp", [echo.port], "source.flows=4") as service:
        users = [udp_user("127.0.0.1", service.port) for _ in range(6)]
        for user in users[:4]:
            assert is_answered(user)
        for user in users[4:]:
            user.send(b"ping")
            user.settimeout(0.3)
            with pytest.raises(TimeoutError):
                user.recv(100)
        assert all(is_answered(user) for user in users[:4])
        other = udp_user("127.0.0.2", service.port)
        assert is_answered(other)
        close(users + [other])
    with second_address() as second, Accelerator(cluster, "tcp", [web.port], "source.flows=2") as service:
        users = service.take(1, "::1") + service.take(3, second)
        assert len(users) == 2
        close(users)


def test_udp_flows_give_way_at_the_accelerators_limit(cluster, echo):
    """Who holds all flows by a datagram each keeps nobody out a second later: each worker has some that are idle."""
    with Accelerator(cluster, "udp", [echo.port], "accelerator.flows=60") as service:
        holders = [udp_user(f"127.0.1.{i % 9 + 1}", service.port) for i in range(60)]
        assert all(is_answered(user) for user in holders)
        before = cluster.counters("listener")
        time.sleep(1.1)  # as long as a flow is in use after each datagram
        users = [udp_user("127.0.0.2", service.port) for _ in range(5)]
        assert all(is_answered(user) for user in users * 3)
        after = cluster.counters("listener")
        risen = {name: after[name] - before[name] for name in after if name in before}
        assert risen["udp_flows_evicted"] == 5 and risen["limit_accelerator_flows"] == 0
        assert after["udp_flows"] == 60
        close(holders + users)


def test_backend_flows(cluster, web):
    """Flows above a backend's limit go to the other one; when both have theirs, they are refused."""
    other = Echo()
    with Accelerator(cluster, "tcp", [web.port, other.port], "backend.flows=3") as service:
        users = service.take(9)
        assert len(users) == 6
        users.pop().close()
        procs.wait_until(lambda: (user := service.connect()) and not users.append(user), 5 * SLOW,
                         "room at a backend")
        assert service.connect() is None
        assert cluster.counter("endpoint", "limit_backend_flows") >= 3
        close(users)
    other.close()


def test_limits_are_said_and_kept(cluster):
    name = "said"
    cluster.ctl("accelerator", "create", name, "--protocol", "tcp+udp", "--ports",
                str(procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")), "--listen", trunkline.NEAR,
                "--backend", f"{trunkline.FAR}=127.0.0.1:9", "--limit", "source.flows=5")
    cluster.ctl("accelerator", "update", name, "--limit", "backend.flows=7")
    limits = cluster.ctl("accelerator", "show", name)["limits"]
    assert (limits["source"]["flows"], limits["accelerator"]["flows"], limits["backend"]["flows"]) == (5, 0, 7)
    assert "source.flows=5, backend.flows=7" in cluster.ctl_run(
        "accelerator", "show", name, output="table").stdout
    wrong = cluster.ctl_run("accelerator", "update", name, "--limit", "source.flow=5")
    assert wrong.returncode == 2 and "wants LIMIT=N, with one of source.flows" in wrong.stderr
    status = cluster.call("GET", "/v1/objects")
    item = next(item for item in status["items"] if item.get("name") == name)
    assert item["limits"] == limits
    cluster.ctl("accelerator", "delete", name, "--now")


def test_new_flows_a_second(cluster, web):
    """What comes faster is refused and counted; the next second takes more."""
    with Accelerator(cluster, "tcp", [web.port], "source.new-flows=10") as service:
        before = cluster.counters("listener")
        began = time.monotonic()
        users = service.take(40)
        seconds = time.monotonic() - began
        assert 10 <= len(users) <= 10 * (seconds + 2)
        other = service.connect("127.0.0.2")
        assert other
        procs.wait_until(lambda: (user := service.connect()) and not users.append(user), 5 * SLOW,
                         "the next second")
        refused = cluster.counters("listener")["limit_source_new_flows"] - before["limit_source_new_flows"]
        assert refused >= 40 - 10 * (seconds + 2)
        close([*users, other])


class Ends:
    """A TCP server in the test, and flows to it by both ends."""

    def __init__(self, cluster, *limits):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.service = Accelerator(cluster, "tcp", [self.server.getsockname()[1]], *limits)

    def pair(self):
        user = socket.create_connection(("127.0.0.1", self.service.port), 5 * SLOW)
        server = self.server.accept()[0]
        for end in (user, server):
            end.settimeout(30 * SLOW)
        return user, server

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.service.__exit__()
        self.server.close()


def carry(source, sink, size):
    """So many bytes from one end to the other, unharmed; the seconds that it took."""
    data = os.urandom(size)
    sender = threading.Thread(target=source.sendall, args=(data,))
    began = time.monotonic()
    sender.start()
    got = receive(sink, size)
    seconds = time.monotonic() - began
    sender.join()
    assert got == data
    return seconds


@pytest.mark.parametrize("whom", ["source", "accelerator", "backend"])
def test_tcp_bytes_are_slowed(cluster, whom):
    """1.5 MB at 500 kB a second: a second's worth at once, the rest as it passes; none is lost."""
    rate, size = 500 << 10, 1536 << 10
    with Ends(cluster) as ends:
        user, server = ends.pair()
        assert carry(user, server, size) < 2 * SLOW  # living flows too get the limit, and lose it
        ends.service.limit(f"{whom}.bytes=500K")
        node = "endpoint" if whom == "backend" else "listener"
        assert carry(user, server, size) >= size / rate - 1.2
        assert carry(server, user, size) >= size / rate - 1.2
        assert cluster.counter(node, f"limit_{whom}_bytes") > 0
        ends.service.limit(f"{whom}.bytes=0")
        assert carry(server, user, size) < 2 * SLOW
        close([user, server])


class Part:
    """What one flow carries of a limit that several have together."""

    def __init__(self, source, sink, data):
        self.sink, self.data, self.got = sink, data, bytearray()
        self.sender = threading.Thread(target=source.sendall, args=(data,))
        self.reader = threading.Thread(target=self.read)
        for thread in (self.sender, self.reader):
            thread.start()

    def read(self):
        while len(self.got) < len(self.data) and (block := self.sink.recv(65536)):
            self.got += block

    def is_done(self):
        return len(self.got) == len(self.data)

    def join(self):
        self.sender.join()
        self.reader.join()
        assert self.got == self.data


def test_flows_of_a_source_share_its_bytes(cluster):
    """Three flows at perhaps three workers, at once: together they have what one has, and each has a part of it."""
    size = 768 << 10
    with Ends(cluster, "source.bytes=512K") as ends:
        pairs = [ends.pair() for _ in range(3)]
        began = time.monotonic()
        parts = [Part(*pair, os.urandom(size)) for pair in pairs]
        procs.wait_until(lambda: any(part.is_done() for part in parts), 60 * SLOW, "the first to end")
        had = [len(part.got) for part in parts]
        for part in parts:
            part.join()
        seconds = time.monotonic() - began
        assert 3 * size / (512 << 10) - 1.6 <= seconds <= 60 * SLOW
        # A worker has a quarter of a third whatever the others take, and its flows get turns.
        assert min(had) >= size / 16, had
        for pair in pairs:
            close(pair)


def test_udp_bytes_are_dropped(cluster, echo):
    """Datagrams above the rate do not come, and the flow goes on."""
    with Accelerator(cluster, "udp", [echo.port], "source.bytes=100K") as service:
        user = udp_user("127.0.0.1", service.port)
        assert is_answered(user)
        for _ in range(400):
            user.send(bytes(1000))
        heard = 0
        user.settimeout(1)
        while True:
            try:
                heard += len(user.recv(2000)) == 1000
            except TimeoutError:
                break
        assert 20 <= heard <= 330  # each way has a second's at once
        assert cluster.counter("listener", "limit_source_bytes") >= 50
        user.settimeout(3 * SLOW)
        assert is_answered(user)
        user.close()
