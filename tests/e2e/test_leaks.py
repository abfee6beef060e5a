# SPDX-License-Identifier: GPL-2.0-or-later
"""What comes and goes many times leaves nothing behind: descriptors and memory of every process of
both nodes, from /proc."""
import concurrent.futures
import contextlib
import socket
import threading
import time

import pytest

from tests.lab import procs
from tests.lab.site import DRAIN, receive_all
from tests.lab.trunkline import SLOW, Cluster, has_sanitizers, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
# Sanitizers look for leaks by themselves, and keep freed memory for a while.
SHARE = 10 if has_sanitizers() else 1
CONNECTIONS = 10000 // SHARE
RESTARTS = 1000 // SHARE
GROWTH_BYTES = 2 << 20


REGIONS = ("far", "far2")
REGION_ENDPOINTS = 4


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """On loopback, so that the round trips are short."""
    with Cluster(tmp_path_factory.mktemp("leaks")) as made:
        made.start_control()
        made.add_listener(more=DRAIN)
        for region in REGIONS:
            for number in range(REGION_ENDPOINTS):
                made.add_endpoint(f"{region}-{number}", region, more=DRAIN)
        yield made


class Server:
    """Reads a request to its end and answers it reversed behind its own name, many at once."""

    def __init__(self, name):
        self.name = name
        self.sock = procs.open_socket(None, bind=("127.0.0.1", 0))
        self.sock.listen(4096)
        self.port = self.sock.getsockname()[1]
        for _ in range(8):
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.sock.accept()
                with contextlib.suppress(OSError), sock:
                    sock.settimeout(10)
                    sock.sendall(self.name + receive_all(sock)[::-1])


@pytest.fixture(scope="module")
def servers():
    made = [Server(region.encode().ljust(8)) for region in REGIONS]
    yield made
    for server in made:
        server.sock.close()


def ask(port, data, timeout=5):
    """A whole connection; the name of the server that answered."""
    with procs.connect(None, "127.0.0.1", port, timeout) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answer = receive_all(sock)
        assert answer[8:] == data[::-1]
        return answer[:8]


def footprint(cluster):
    """Open files and resident bytes of each node."""
    return {name: (node.open_files(), node.resident_bytes()) for name, node in cluster.nodes.items()}


def assert_no_growth(cluster, before):
    def is_back():
        return all(now[0] <= before[name][0] for name, now in footprint(cluster).items())

    procs.wait_until(is_back, 5 * SLOW, lambda: f"no more open files than {before}, there are "
                                                f"{footprint(cluster)}")
    after = footprint(cluster)
    print(f"open files and resident bytes: {before} before, {after} after")
    for name, (_, resident) in after.items():
        assert has_sanitizers() or resident - before[name][1] < GROWTH_BYTES, (before, after)


def test_short_connections_leave_nothing(cluster, servers):
    port = procs.free_port()
    cluster.accelerator("short", "tcp", str(port), [f"127.0.0.1:{servers[0].port}"])
    cluster.wait_up()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        def run(count):
            return all(pool.map(lambda number: ask(port, b"%d" % number * 20), range(count)))

        assert run(CONNECTIONS // 5)  # pools and tables have their size after so many
        before = footprint(cluster)
        assert run(CONNECTIONS)
    assert_no_growth(cluster, before)
    counters = cluster.all_counters()
    assert all(counted["tcp_flows"] == 0 for counted in counters.values())
    assert counters["listener"]["tcp_flows_opened"] >= CONNECTIONS
    cluster.ctl("accelerator", "delete", "short", "--now")


def test_tunnel_restarts_leave_nothing(cluster, servers):
    """The accelerator moves from one region to the other and back: with each move the tunnels to
    the endpoints of the one end, and those of the other are set up anew, with doors, handshakes,
    keys and lanes. Killed daemons would not do, as they begin with an empty memory."""
    port = procs.free_port()
    cluster.accelerator("moving", "tcp", str(port), [f"127.0.0.1:{servers[0].port}"])
    cluster.wait_up()

    def move(number):
        to = (number + 1) % 2
        group = {"region": REGIONS[to],
                 "backends": [{"host": "127.0.0.1", "port": servers[to].port}]}
        cluster.call("PATCH", "/v1/accelerators/moving", {"endpoint_groups": [group]})
        deadline = time.monotonic() + 15 * SLOW
        while True:
            with contextlib.suppress(OSError):
                if ask(port, b"up?") == servers[to].name:
                    return
            assert time.monotonic() < deadline, f"no tunnel to {REGIONS[to]} after move {number}"
            time.sleep(0.005)

    def move_until(restarts, number):
        began = opened = cluster.counter("listener", "lanes_opened")
        while opened - began < restarts:
            for _ in range(10):
                move(number)
                number += 1
            opened = cluster.counter("listener", "lanes_opened")
        return number

    moves = move_until(RESTARTS // 5, 0)  # pools and tables have their size after so many
    before, began = footprint(cluster), time.monotonic()
    moves = move_until(RESTARTS, moves) - moves
    print(f"{RESTARTS} restarts by {moves} moves in {time.monotonic() - began:.1f} s")
    cluster.wait_up()
    assert_no_growth(cluster, before)
