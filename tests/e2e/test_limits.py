# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits that hold for a whole node, however many workers share it, and for one of several peers:
who takes all that he may have harms nobody else."""
import os
import signal
import socket
import threading
import time

import pytest

from tests.lab import procs
from tests.lab.site import REPORT_S
from tests.lab.trunkline import SLOW, Cluster, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
WORKERS = 4
LIMIT = 1000  # UDP flows a source, the default


class UdpEcho:
    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            data, user = self.sock.recvfrom(65535)
            if data == b"end":
                return
            self.sock.sendto(data, user)

    def close(self):
        self.sock.sendto(b"end", self.sock.getsockname())
        self.thread.join()
        self.sock.close()


@pytest.fixture
def echo():
    made = UdpEcho()
    yield made
    made.close()


def udp_user(source, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    sock.connect(("127.0.0.1", port))
    sock.settimeout(3 * SLOW)
    return sock


def send_all(users):
    """Slowly enough for every buffer."""
    for number, user in enumerate(users):
        user.send(b"ping")
        if number % 50 == 49:
            time.sleep(0.01)


def is_answered(user):
    user.send(b"mine")
    return user.recv(100) in (b"mine", b"ping")


def test_a_source_has_its_udp_flows_of_the_whole_node(tmp_path, echo):
    """Workers that look at the same moment may together let in one more each."""
    with Cluster(tmp_path) as cluster:
        listener, _ = cluster.start_pair(workers=WORKERS, more=("--drain", "1"))
        port = procs.free_port(socket.SOCK_DGRAM, None, "127.0.0.1")
        cluster.accelerator("game", "udp", str(port), [f"127.0.0.1:{echo.port}"])
        cluster.wait_up()
        greedy = [udp_user("127.0.0.1", port) for _ in range(LIMIT + LIMIT // 2)]
        send_all(greedy)
        time.sleep(REPORT_S)
        seen = cluster.counters("listener")
        assert LIMIT <= seen["udp_flows"] < LIMIT + WORKERS
        assert (seen["udp_flows_opened"] - seen["udp_flows_evicted"]) == seen["udp_flows"]
        assert seen["udp_flows_evicted"] + seen["udp_refused_limit"] > LIMIT // 2 - WORKERS
        other = udp_user("127.0.0.2", port)
        assert is_answered(other)

        # What a worker counted ends with it.
        os.kill(listener.workers()[0], signal.SIGKILL)
        procs.wait_until(lambda: len(listener.workers()) == WORKERS, 5 * SLOW, "the worker")
        cluster.wait_up()
        procs.wait_until(lambda: cluster.counter("listener", "udp_flows") < LIMIT, 5 * SLOW,
                         "the worker's flows to be gone")
        send_all(greedy)
        time.sleep(REPORT_S)
        assert LIMIT <= cluster.counter("listener", "udp_flows") <= LIMIT + WORKERS
        assert is_answered(other)
        for user in [*greedy, other]:
            user.close()
