# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operator says of an accelerator's flows, seen at its traffic: class, repair budget, deadline. Each end of a
tunnel treats what it sends, so each is shown in both directions; and what is compared ran on the same machine a moment ago."""
import contextlib
import os
import select
import socket
import statistics
import threading
import time

import pytest

from tests.lab import procs
from tests.lab.site import Site, receive
from tests.lab.stream import UdpStream
from tests.lab.trunkline import SLOW, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
WAYS = ["to-the-server", "to-the-user"]
SIDES = ("listener", "endpoint")
# As site.scn without what these tests do not need; the tunnel's line is slow, so that there is a queue to be seen.
NARROW = """
node user 10.77.0.1
node listener 10.77.0.2
node endpoint 10.77.0.3
node server 10.77.0.4
node control 10.77.0.5
link user listener delay 1 rate 1000
link listener endpoint delay 20 rate 8 queue 50
link endpoint server delay 0.2 rate 1000
link control listener delay 1
link control endpoint delay 1
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site"), NARROW, workers=1, binds=["10.77.0.2"]) as made:
        yield made


def figures(site, name):
    """What each side says of its end of the tunnel, as of its last report."""
    shown = site.ctl("tunnel", "show", "listener", "endpoint")["figures"]
    return [shown[side][name] if shown[side] else 0 for side in SIDES]


def wait_figures(site, name, least, timeout=30):
    """Until both sides' figure has risen to this."""
    procs.wait_until(lambda: all(now >= want for now, want in zip(figures(site, name), least)),
                     timeout * SLOW, lambda: f"{name} of {least}, it is {figures(site, name)}")


def settled(site, name):
    """The figure of each side, once two reports in a row have the same."""
    before, now = None, figures(site, name)
    while before != now:
        time.sleep(1.2)
        before, now = now, figures(site, name)
    return now


def update(site, service, *words):
    kind = "tcp" if hasattr(service, "pair") else "udp"
    name = f"{kind}{service.port}"
    site.ctl("accelerator", "update", name, *words)
    site.wait_applied(name)


# ---- class


class Bulk:
    """Flows that take what they get in one direction, until the end."""

    def __init__(self, service, way, flows=10):
        self.pairs = [service.pair() for _ in range(flows)]
        self.received, self.lock = 0, threading.Lock()
        self.is_over = False
        self.threads = []
        for user, server in self.pairs:
            source, target = (user, server) if way == WAYS[0] else (server, user)
            for work, sock in (self.write, source), (self.read, target):
                sock.settimeout(0.5)
                self.threads.append(threading.Thread(target=work, args=(sock,), daemon=True))
        for thread in self.threads:
            thread.start()

    def write(self, sock):
        block = bytes(1 << 16)
        while not self.is_over:
            with contextlib.suppress(TimeoutError):
                sock.send(block)

    def read(self, sock):
        while not self.is_over:
            with contextlib.suppress(TimeoutError):
                count = len(sock.recv(1 << 18))
                with self.lock:
                    self.received += count

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.is_over = True
        for thread in self.threads:
            thread.join(10)
        for pair in self.pairs:
            for sock in pair:
                sock.close()


def exchange_seconds(service, way, size):
    """One request on a new flow: `size` bytes go that way, one byte back, as both of its ends see it."""
    user, server = service.pair()
    with user, server:
        source, target = (user, server) if way == WAYS[0] else (server, user)
        began = time.monotonic()
        source.sendall(bytes(size))
        receive(target, size)
        target.sendall(b"!")
        receive(source, 1)
        return time.monotonic() - began


def typical_seconds(service, way, size=60000, times=7):
    return statistics.median(exchange_seconds(service, way, size) for _ in range(times))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("urgent", ["realtime", "interactive"])
def test_a_request_is_not_felt_by_bulk_of_another_class(site, way, urgent):
    """60 KB take 60 ms of the line alone, and eleven times as long as one of eleven equal flows: among so
    many a short flow waits for its turn too."""
    bulk, service = site.tcp(more=["--class", "bulk"]), site.tcp(more=["--class", urgent])
    alone = typical_seconds(service, way)
    with Bulk(bulk, way) as load:
        procs.wait_until(lambda: load.received > 4 << 20, 60 * SLOW, "the bulk flows to have the line")
        beside = typical_seconds(service, way)
        update(site, service, "--class", "bulk")
        as_one_of_them = typical_seconds(service, way)
        before = load.received
        procs.wait_until(lambda: load.received > before, 10 * SLOW, "the bulk flows to go on")
    print(f"{urgent} {way}: alone {alone * 1000:.0f} ms, beside bulk {beside * 1000:.0f} ms, "
          f"as bulk {as_one_of_them * 1000:.0f} ms")
    assert beside < as_one_of_them / 2


# ---- repair

REPAIR_FIGURES = ("repair_bytes_sent", "packets_protected", "packets_saved", "packets_recovered")


@contextlib.contextmanager
def lossy(site, percent):
    site.wan.ctl(f"link listener endpoint loss {percent}")
    try:
        yield
    finally:
        site.wan.ctl("link listener endpoint loss 0")


def test_repair_has_the_budget_that_it_was_given(site):
    """Both ways, since the server sends each datagram back."""
    service = site.udp(more=["--repair-budget", "0"])
    with lossy(site, 4):
        before = {name: settled(site, name) for name in REPAIR_FIGURES}
        lost = figures(site, "packets_lost")
        datagrams = UdpStream(service.user(), service.servers[0], rate=200, size=150)
        wait_figures(site, "packets_lost", [n + 20 for n in lost])
        assert {name: figures(site, name) for name in REPAIR_FIGURES} == before
        update(site, service, "--repair-budget", "30")
        # What one end's repairs brought back the other end counts too, when it is told.
        for name in REPAIR_FIGURES:
            wait_figures(site, name, [n + 5 for n in before[name]])
        datagrams.stop()
    shown = site.ctl_run("tunnel", "show", "listener", "endpoint", output="table").stdout
    for name in REPAIR_FIGURES:
        assert name.replace("_", " ") in shown.replace("_", " ").lower(), shown


# ---- deadline


def flood(source, send, seconds, size=1000):
    """Datagrams twice as fast as the line takes them; how many went."""
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(4):
            with contextlib.suppress(BlockingIOError):
                send(source, os.urandom(size))
                sent += 1
        time.sleep(0.002)
    return sent


def count_received(sock, seconds=0.5):
    """Those that are there, until none comes for so long."""
    count = 0
    while select.select([sock], [], [], seconds)[0]:
        sock.recvfrom(65536)
        count += 1
    return count


@pytest.mark.parametrize("way", WAYS)
def test_datagrams_that_would_be_late_are_dropped_and_counted(site, way):
    """The way there takes 20 ms and the queue 100 ms: some keep the deadline of 60 ms, others cannot."""
    service = site.udp(more=["--deadline", "60"])
    server = service.servers[0]
    with service.user() as user:
        user.send(b"first")
        peer = server.recvfrom(100)[1]
        side = SIDES[WAYS.index(way)]
        source, target = (user, server) if way == WAYS[0] else (server, user)

        def send(sock, data):
            if sock is user:
                sock.send(data)
            else:
                sock.sendto(data, peer)

        def late():
            return figures(site, "datagrams_late")[SIDES.index(side)]

        before, other = late(), figures(site, "datagrams_late")[1 - SIDES.index(side)]
        sent, came = 0, 0
        while late() < before + 50:
            sent += flood(source, send, 1)
            came += count_received(target)
            assert sent < 200000, "nothing is ever late"
        assert 0 < came < sent
        # The other side sent nothing, and is not concerned.
        assert figures(site, "datagrams_late")[1 - SIDES.index(side)] == other

        # Without a deadline the same flood is bounded by the queue alone.
        update(site, service, "--deadline", "0")
        settled_before = settled(site, "datagrams_late")
        dropped = figures(site, "datagrams_queue_dropped")[SIDES.index(side)]
        flood(source, send, 2)
        procs.wait_until(lambda: figures(site, "datagrams_queue_dropped")[SIDES.index(side)] > dropped,
                         10 * SLOW, "the queue to drop")
        assert settled(site, "datagrams_late") == settled_before
