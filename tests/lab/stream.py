# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic that goes on while something happens to the network, and knows what it should be: a TCP
flow with bytes of a known sequence in both directions, and a UDP flow of numbered datagrams."""
import contextlib
import random
import select
import socket
import struct
import threading
import time

from tests.lab.clock import Stopwatch

BLOCK = 16384


class Sequence:
    """The bytes of a seed, block by block."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.left = b""

    def take(self, count):
        while len(self.left) < count:
            self.left += self.random.randbytes(BLOCK)
        piece, self.left = self.left[:count], self.left[count:]
        return piece


class TcpStream:
    """Both sockets of a flow, written and read by threads until stop(). A byte lost, doubled or
    changed, and a connection that ends, is noted in `faults`."""

    def __init__(self, user, server, rate_bytes=1 << 20, seed=1):
        self.ends = (user, server)
        self.rate = rate_bytes
        self.faults = []
        self.sent, self.received = [0, 0], [0, 0]
        self.is_over = False
        self.threads = [threading.Thread(target=self.run, args=(work, way, seed + way), daemon=True)
                        for way in (0, 1) for work in (self.write, self.read)]
        for sock in self.ends:
            sock.settimeout(60)
        for thread in self.threads:
            thread.start()

    def run(self, work, way, seed):
        try:
            work(way, Sequence(seed))
        except Exception as why:  # noqa: BLE001 # a thread must not end unheard
            self.faults.append(f"{work.__name__} {'to the server' if way == 0 else 'to the user'}"
                               f" after {self.received[way]} bytes: {why!r}")

    def write(self, way, sequence):
        sock = self.ends[way]
        while not self.is_over:
            sock.sendall(sequence.take(BLOCK))
            self.sent[way] += BLOCK
            time.sleep(BLOCK / self.rate)
        sock.shutdown(socket.SHUT_WR)

    def read(self, way, sequence):
        sock = self.ends[1 - way]
        while piece := sock.recv(1 << 18):
            if piece != sequence.take(len(piece)):
                self.faults.append(f"other bytes than sent behind byte {self.received[way]}")
                return
            self.received[way] += len(piece)

    def moves(self, seconds):
        """Both directions get something new within the time."""
        before, watch = list(self.received), Stopwatch()
        while watch.seconds() < seconds:
            if all(now > then for now, then in zip(self.received, before)):
                return True
            time.sleep(0.01)
        return False

    def stop(self, timeout=30):
        """Ends both directions by FIN; then every byte must have come."""
        self.is_over = True
        for thread in self.threads:
            thread.join(timeout)
            assert not thread.is_alive(), f"it has not ended: {self.state()}"
        for sock in self.ends:
            sock.close()
        assert not self.faults, self.faults
        assert self.sent == self.received, self.state()
        assert min(self.received) > 0

    def state(self):
        return f"sent {self.sent}, received {self.received}, faults {self.faults}"


class UdpStream:
    """Numbered datagrams from a user to a server socket, echoed back. Counts how often each came."""

    def __init__(self, user, server, rate=200, size=200):
        self.user, self.server = user, server
        self.rate, self.size = rate, size
        self.sent = 0
        self.there, self.back = {}, {}
        self.times_sent = []
        self.faults = []
        self.is_over = False
        for sock in (user, server):
            sock.setblocking(False)
        self.threads = [threading.Thread(target=self.run, args=(work,), daemon=True)
                        for work in (self.write, self.read)]
        for thread in self.threads:
            thread.start()

    def run(self, work):
        try:
            work()
        except Exception as why:  # noqa: BLE001 # a thread must not end unheard
            self.faults.append(repr(why))

    def write(self):
        while not self.is_over:
            self.times_sent.append(time.monotonic())
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self.user.send(struct.pack("!Q", self.sent).ljust(self.size, b"u"))
            self.sent += 1
            time.sleep(1 / self.rate)

    def read(self):
        while not self.is_over:
            for sock in select.select([self.user, self.server], [], [], 0.1)[0]:
                try:
                    data, sender = sock.recvfrom(65536)
                except (BlockingIOError, ConnectionError):
                    continue
                number = struct.unpack("!Q", data[:8])[0]
                count = self.there if sock is self.server else self.back
                count[number] = count.get(number, 0) + 1
                if sock is self.server:
                    with contextlib.suppress(BlockingIOError, ConnectionError):
                        sock.sendto(data, sender)

    def answered_since(self, moment):
        """Numbers sent after a time.monotonic() and answered."""
        return [n for n in list(self.back) if self.times_sent[n] > moment]

    def state(self):
        return (f"sent {self.sent}, {len(self.there)} came to the server and {len(self.back)} back, "
                f"faults {self.faults}")

    def stop(self):
        time.sleep(0.3)
        self.is_over = True
        for thread in self.threads:
            thread.join(5)
        assert not self.faults, self.faults
        doubled = [n for count in (self.there, self.back) for n, times in count.items() if times > 1]
        assert not doubled, f"datagrams that came more than once: {doubled[:20]}"
