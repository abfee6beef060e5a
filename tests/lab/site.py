# SPDX-License-Identifier: GPL-2.0-or-later
"""A network with Trunkline up, and servers that live in the test, so that it sees both ends of a
flow.

    with Site(folder) as site:
        service = site.tcp()                  # an accelerator, and a server behind it
        user, server = service.pair()         # the two ends of a flow, as sockets
        with site.counts("listener", tcp_flows_reset=1):
            reset(user)
"""
import contextlib
import itertools
import select
import socket
import struct

from tests.lab import procs
from tests.lab.clock import PATIENCE
from tests.lab.trunkline import SLOW, Cluster
from tests.lab.wan import Wan

V4, V6 = socket.AF_INET, socket.AF_INET6
DRAIN = ("--drain", "1")  # a test's end waits for no flow that it left open


def reset(sock):
    """Ends a connection by RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def receive(sock, count):
    """Exactly so many bytes."""
    got = bytearray()
    while len(got) < count:
        piece = sock.recv(min(count - len(got), 1 << 20))
        if not piece:
            raise procs.ProgramError(f"the connection ended after {len(got)} of {count} bytes")
        got += piece
    return bytes(got)


def receive_all(sock):
    got = bytearray()
    while piece := sock.recv(1 << 20):
        got += piece
    return bytes(got)


def echoes(user, server, data=b"ping"):
    """Crosses both ways."""
    user.sendall(data)
    there = receive(server, len(data))
    server.sendall(there[::-1])
    return receive(user, len(data)) == data[::-1]


def is_reset(sock, timeout):
    """Waits for the end of a connection, True when it is a reset, False when it is orderly; fails
    when it does not come."""
    sock.settimeout(PATIENCE * timeout)
    try:
        while sock.recv(65536):
            pass
        return False
    except ConnectionResetError:
        return True
    except TimeoutError as late:
        raise procs.ProgramError(f"the connection has not ended within {PATIENCE * timeout} s") from late


def is_quiet(sock, seconds=0.2):
    """Nothing comes, and it has not ended."""
    return not select.select([sock], [], [], seconds)[0]


class TcpService:
    def __init__(self, site, entrance, port, servers):
        self.site, self.entrance, self.port, self.servers = site, entrance, port, servers

    def connect(self, address=None, timeout=10):
        user = procs.connect(self.site.space("user"), address or self.entrance, self.port, timeout)
        user.settimeout(10 * SLOW)
        return user

    def accept(self, number=0, timeout=10):
        self.servers[number].settimeout(timeout * SLOW)
        server = self.servers[number].accept()[0]
        server.settimeout(10 * SLOW)
        return server

    def pair(self, number=0):
        """A flow's two ends."""
        user = self.connect()
        try:
            return user, self.accept(number)
        except OSError:
            user.close()
            raise

    def close(self, number=0):
        """From now on this server refuses."""
        self.servers[number].close()


class UdpService:
    def __init__(self, site, entrance, port, servers):
        self.site, self.entrance, self.port, self.servers = site, entrance, port, servers

    def user(self, address=None):
        """A new conversation's socket."""
        address = address or self.entrance
        sock = procs.open_socket(self.site.space("user"), socket.SOCK_DGRAM,
                                 procs.family_of(address))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.settimeout(3 * SLOW)
        sock.connect((address, self.port))
        return sock

    def ask(self, user, data=b"ping", number=0):
        """There and back; the address from which the server saw it."""
        server = self.servers[number]
        user.send(data)
        got, seen = server.recvfrom(65535)
        assert got == data
        server.sendto(got[::-1], seen)
        assert user.recv(65535) == data[::-1]
        return seen


class Site(Cluster):
    """One listener and one endpoint on the network site.scn, unless told otherwise."""

    def __init__(self, folder, scenario="site", workers=2, binds=None, pair=True):
        wan = Wan(scenario, folder)
        super().__init__(folder, wan)
        self.ports = itertools.count(10000)
        self.sockets = []
        if not pair:
            return
        try:
            self.start_pair(workers=workers, binds=binds or ["0.0.0.0", "[::]"], more=DRAIN)
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind, *unused):
        try:
            super().__exit__(kind, *unused)
        finally:
            self.wan.stop()

    def close(self):
        with contextlib.suppress(AssertionError):
            self.stop()
        self.wan.stop()

    # ---- services

    def server_socket(self, kind, address, port, node="server"):
        sock = procs.open_socket(self.space(node), kind, procs.family_of(address), (address, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(4096)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.settimeout(5 * SLOW)
        self.sockets.append(sock)
        return sock

    def serve(self, kind, user=V4, server=V4, weights=(None,), more=(), region="far",
              listen="near", node="server", entrance="listener"):
        """A new accelerator with as many servers as there are weights, each on its own port."""
        ports = [next(self.ports) for _ in weights]
        address = self.wan.address(node, server)
        sockets = [self.server_socket(kind, address, port, node) for port in ports]
        host = f"[{address}]" if ":" in address else address
        backends = [f"{host}:{port}" + (f",weight={weight}" if weight is not None else "")
                    for port, weight in zip(ports, weights)]
        protocol = "tcp" if kind == socket.SOCK_STREAM else "udp"
        self.accelerator(f"{protocol}{ports[0]}", protocol, str(ports[0]), backends, region=region,
                         listen=listen, more=more)
        self.wait_lanes()
        service = TcpService if protocol == "tcp" else UdpService
        return service(self, self.wan.address(entrance, user), ports[0], sockets)

    def tcp(self, **more):
        return self.serve(socket.SOCK_STREAM, **more)

    def udp(self, **more):
        return self.serve(socket.SOCK_DGRAM, **more)

    def wait_lanes(self):
        """Tunnels stay up once they are, so only the first accelerator waits for the report."""
        if any(t["state"] != "up" for t in self.items("tunnel", "list")):
            self.wait_up()

    # ---- counters

    @contextlib.contextmanager
    def counts(self, node, **expected):
        """What is done within makes the node's counters rise by this much: a number, or (least,
        most)."""
        before = self.counters(node)
        yield
        self.wait_counts(node, before, expected)

    def wait_counts(self, node, before, expected, timeout=8):
        risen = {}

        def is_there():
            now = self.counters(node)
            risen.update({name: now[name] - before[name] for name in expected})
            return all(risen[n] >= least(want) for n, want in expected.items())

        procs.wait_until(is_there, timeout * SLOW,
                         lambda: f"counters of {node} to rise by {expected}, they rose by {risen}")
        wrong = {name: risen[name] for name, want in expected.items() if risen[name] > most(want)}
        assert not wrong, f"counters of {node} were to rise by {expected}, they rose by {risen}"


def least(want):
    return want[0] if isinstance(want, tuple) else want


def most(want):
    return want[1] if isinstance(want, tuple) else want
