# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic that goes on while something happens to the network, and knows what it should be: a TCP
flow with bytes of a known sequence in both directions, and a UDP flow of numbered datagrams. A
stream stops at its first fault, and whoever asks it for anything then is told what that was."""
import contextlib
import random
import select
import socket
import struct
import threading
import time

from tests.lab.clock import Stopwatch
from tests.lab.procs import ProgramError

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


class Stream:
    """Threads that write and read until stop() or the first fault."""

    def __init__(self):
        self.is_over = False
        self.fault = None
        self.lock = threading.Lock()
        self.threads = []

    def begin(self, work, *arguments):
        self.threads.append(threading.Thread(target=self.run, args=(work, *arguments), daemon=True))

    def start(self):
        for thread in self.threads:
            thread.start()

    def run(self, work, *arguments):
        try:
            work(*arguments)
        except Exception as why:  # noqa: BLE001 # a thread must not end unheard
            self.fail(f"{work.__name__}{arguments}: {why!r}")

    def fail(self, why):
        """What the others meet from now on comes of this."""
        with self.lock:
            self.fault = self.fault or why
        self.is_over = True
        self.halt()

    def halt(self):
        """Makes threads return that wait for a socket."""

    def check(self):
        if self.fault:
            raise ProgramError(f"the stream has stopped: {self.state()}")

    def join(self, timeout):
        self.is_over = True
        for thread in self.threads:
            thread.join(timeout)
            if thread.is_alive():
                self.fail(f"it has not ended within {timeout} s")
        self.check()


class TcpStream(Stream):
    """Both sockets of a flow. A byte lost, doubled or changed, and an end that nobody asked for, is a
    fault. Direction 0 goes to the server, 1 to the user."""

    def __init__(self, user, server, rate_bytes=1 << 20, seed=1):
        super().__init__()
        self.ends = (user, server)
        self.rate = rate_bytes
        self.sent, self.received = [0, 0], [0, 0]
        for sock in self.ends:
            sock.settimeout(60)
        for way in (0, 1):
            self.begin(self.write, way, seed + way)
            self.begin(self.read, way, seed + way)
        self.start()

    def write(self, way, seed):
        sock, sequence = self.ends[way], Sequence(seed)
        while not self.is_over:
            sock.sendall(sequence.take(BLOCK))
            self.sent[way] += BLOCK
            time.sleep(BLOCK / self.rate)
        sock.shutdown(socket.SHUT_WR)

    def read(self, way, seed):
        sock, sequence = self.ends[1 - way], Sequence(seed)
        while piece := sock.recv(1 << 18):
            if piece != sequence.take(len(piece)):
                raise ProgramError(f"other bytes than sent behind byte {self.received[way]}")
            self.received[way] += len(piece)
        if not self.is_over:
            raise ProgramError(f"a FIN that nobody sent behind byte {self.received[way]}")

    def halt(self):
        for sock in self.ends:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def moves(self, seconds):
        """Both directions get something new within the time."""
        before, watch = list(self.received), Stopwatch()
        while watch.seconds() < seconds:
            self.check()
            if all(now > then for now, then in zip(self.received, before)):
                return True
            time.sleep(0.01)
        return False

    def stop(self, timeout=30):
        """Ends both directions by FIN; then every byte must have come."""
        self.join(timeout)
        for sock in self.ends:
            sock.close()
        assert self.sent == self.received, self.state()
        assert min(self.received) > 0

    def state(self):
        return f"sent {self.sent}, received {self.received}, fault: {self.fault}"


class UdpStream(Stream):
    """Numbered datagrams from a user to a server socket, echoed back. They may be lost; one that comes
    twice, or was never sent, is a fault."""

    def __init__(self, user, server, rate=200, size=200):
        super().__init__()
        self.user, self.server = user, server
        self.rate, self.size = rate, size
        self.sent = 0
        self.there, self.back = set(), set()
        self.times_sent = []
        for sock in (user, server):
            sock.setblocking(False)
        self.begin(self.write)
        self.begin(self.read)
        self.start()

    def datagram(self, number):
        return struct.pack("!Q", number).ljust(self.size, b"u")

    def write(self):
        while not self.is_over:
            self.times_sent.append(time.monotonic())
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self.user.send(self.datagram(self.sent))
            self.sent += 1
            time.sleep(1 / self.rate)

    def read(self):
        while not self.is_over:
            for sock in select.select([self.user, self.server], [], [], 0.1)[0]:
                try:
                    data, sender = sock.recvfrom(65536)
                except (BlockingIOError, ConnectionError):
                    continue
                self.note(data, self.there if sock is self.server else self.back)
                if sock is self.server:
                    with contextlib.suppress(BlockingIOError, ConnectionError):
                        sock.sendto(data, sender)

    def note(self, data, seen):
        number = struct.unpack_from("!Q", data)[0]
        whither = "at the server" if seen is self.there else "back at the user"
        if number >= len(self.times_sent) or data != self.datagram(number):
            raise ProgramError(f"a datagram that was never sent came {whither}: {data[:32]!r}")
        if number in seen:
            raise ProgramError(f"datagram {number} came a second time {whither}")
        seen.add(number)

    def answered_since(self, moment):
        """Numbers sent after a time.monotonic() and answered."""
        self.check()
        return [n for n in list(self.back) if self.times_sent[n] > moment]

    def stop(self):
        time.sleep(0.3)
        self.join(5)

    def state(self):
        return (f"sent {self.sent}, {len(self.there)} came to the server and {len(self.back)} back, "
                f"fault: {self.fault}")
