# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults in an order drawn by a seed, while users come and go: whatever happens, a connection gives
the right bytes or a reset, never an orderly end too early, and afterwards all is as before.

    CHAOS_SEED=7 CHAOS_SECONDS=300 tests/e2e/run BUILD tests/e2e/test_chaos.py
"""
import contextlib
import hashlib
import os
import random
import re
import threading
import time

import pytest

from tests.lab import procs
from tests.lab.site import Site, receive, receive_all, reset
from tests.lab.trunkline import SLOW, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
SEED = int(os.environ.get("CHAOS_SEED", time.time_ns() % 100000))
SECONDS = float(os.environ.get("CHAOS_SECONDS", 20))
USERS = 8
SIZES = [0, 10, 5000, 300000, 2000000]
BAD_LINE = "corrupt 3 dup 5 reorder 10 hold 20 replay 3 loss 5"
GOOD_LINE = "corrupt 0 dup 0 reorder 0 replay 0 loss 0"


class Traffic:
    """Users and a server: each request is answered with its hash and itself, or by a reset."""

    def __init__(self, service):
        self.service = service
        self.right = self.reset = 0
        self.wrong = []
        self.is_over = False
        self.users = [threading.Thread(target=self.use, args=(number,), daemon=True)
                      for number in range(USERS)]
        servers = [threading.Thread(target=self.accept, args=(server,), daemon=True)
                   for server in service.servers]
        for thread in self.users + servers:
            thread.start()

    def accept(self, server):
        while any(user.is_alive() for user in self.users):
            with contextlib.suppress(OSError):
                threading.Thread(target=self.serve, args=server.accept()[:1], daemon=True).start()

    @staticmethod
    def serve(sock):
        sock.settimeout(60)
        try:
            wants_reset = receive(sock, 1) == b"r"
            data = b"" if wants_reset else receive_all(sock)
            sock.sendall(hashlib.sha256(data).digest() + data)
            if wants_reset:
                reset(sock)
            sock.close()
        except (OSError, procs.ProgramError):
            reset(sock)

    def use(self, number):
        chooser = random.Random(SEED * 100 + number)
        while not self.is_over:
            wants_reset, began = chooser.random() < 0.1, time.strftime("%H:%M:%S", time.gmtime())
            data = chooser.randbytes(chooser.choice(SIZES))
            try:
                with self.service.connect(timeout=30) as sock:
                    sock.settimeout(60)
                    self.ask(sock, b"r" if wants_reset else b"e", data, wants_reset)
            except TimeoutError as why:
                self.wrong.append(f"{len(data)} bytes at {began}: {why}")
            except OSError:
                self.reset += 1
                time.sleep(0.05)
            except Exception as why:  # noqa: BLE001 # a thread must not end unheard
                self.wrong.append(repr(why))

    def ask(self, sock, kind, data, wants_reset):
        """Sends beside receiving: a server's answer to the first bytes must not block the rest."""
        failed = []

        def send():
            try:
                sock.sendall(kind + data)
                sock.shutdown(1)
            except OSError as why:  # the reset is told to one of the two threads alone
                failed.append(why)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        try:
            got = receive_all(sock)
        finally:
            sender.join()
        if failed:
            raise failed[0]
        if wants_reset or got != hashlib.sha256(data).digest() + data:
            self.wrong.append(f"an orderly end after {len(got)} bytes, {len(data)} were asked for")
        else:
            self.right += 1

    def stop(self):
        self.is_over = True
        for user in self.users:
            user.join(70)
            assert not user.is_alive()


class Chaos:
    def __init__(self, site, service):
        self.site, self.service = site, service
        self.chooser = random.Random(SEED)
        self.done = []

    def strike(self):
        fault = self.chooser.choice([self.kill_worker, self.kill_worker, self.kill_keys, self.cut,
                                     self.stop, self.spoil, self.update, self.restart,
                                     self.kill_control])
        node = self.site.nodes[self.chooser.choice(["listener", "endpoint"])]
        self.done.append(f"{fault.__name__} {node.name}")
        fault(node)

    def kill_child(self, node, role):
        pids = [pid for pid in procs.children(node.pid)
                if f"--role {role}" in procs.command_line(pid)]
        if pids:
            os.kill(self.chooser.choice(pids), 9)

    def kill_worker(self, node):
        self.kill_child(node, "worker")

    def kill_keys(self, node):
        self.kill_child(node, "keys")

    def cut(self, _):
        self.site.wan.ctl("cut listener endpoint")
        time.sleep(self.chooser.choice([0.1, 0.6, 2, 4]))
        self.site.wan.ctl("mend listener endpoint")

    def stop(self, node):
        node.pause()
        time.sleep(self.chooser.choice([0.1, 1, 3]))
        node.resume()

    def spoil(self, _):
        self.site.wan.ctl(f"link listener endpoint {BAD_LINE}")
        time.sleep(2)
        self.site.wan.ctl(f"link listener endpoint {GOOD_LINE}")

    def update(self, _):
        backend = f"far=10.77.0.4:{self.service.servers[0].getsockname()[1]}"
        self.site.ctl("accelerator", "update", f"tcp{self.service.port}", "--weight",
                      f"{backend},{self.chooser.randrange(1, 200)}")

    def restart(self, node):
        self.chooser.choice([node.crash, node.stop])()
        time.sleep(self.chooser.choice([0, 1]))
        node.start()

    def kill_control(self, _):
        self.site.control.kill9()
        time.sleep(self.chooser.choice([0, 1]))
        self.site.control.start()
        self.site.wait_control()


def test_bytes_are_right_whatever_happens(tmp_path):
    print(f"CHAOS_SEED={SEED}")
    with Site(tmp_path) as site:
        service = site.tcp(weights=(100, 100), more=["--health", "auto"])
        traffic, chaos = Traffic(service), Chaos(site, service)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and not traffic.wrong:
            time.sleep(chaos.chooser.uniform(0.3, 2))
            chaos.strike()
        for name in site.nodes:
            site.wait_node(name, 15)
        site.wait_up(timeout=20)
        right = traffic.right
        procs.wait_until(lambda: traffic.right > right + USERS, 10 * SLOW, "users to be served")
        traffic.stop()
        print(f"{traffic.right} right, {traffic.reset} reset; {chaos.done}")
        assert not traffic.wrong, (SEED, traffic.wrong, chaos.done)
        for name, node in site.nodes.items():
            procs.wait_until(lambda: site.counter(name, "tcp_flows") == 0, 10 * SLOW,
                             f"{name} to have no flow left")
            died = re.findall("process_died .*", node.log())
            assert all("signal=9" in line for line in died), (SEED, died)
