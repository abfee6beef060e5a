# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that answer with their names, over TCP and UDP, in one thread.

    namers = Namers()
    namers.serve(space, "10.77.0.7", 9000, "one")
    ask(user)                                   # of a connected socket: "one"
"""
import contextlib
import selectors
import socket
import threading

from tests.lab import procs


class Namers:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.wake, self.waking = socket.socketpair()
        self.selector.register(self.wake, selectors.EVENT_READ, None)
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def serve(self, space, address, port, name):
        """On that port of both protocols."""
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            sock = procs.open_socket(space, kind, procs.family_of(address), (address, port))
            if kind == socket.SOCK_STREAM:
                sock.listen(1024)
            sock.setblocking(False)
            act = self.accept if kind == socket.SOCK_STREAM else self.answer_datagram
            with self.lock:
                self.selector.register(sock, selectors.EVENT_READ, (act, name.encode()))
        self.waking.send(b"x")

    def accept(self, sock, name):
        peer = sock.accept()[0]
        peer.setblocking(False)
        self.selector.register(peer, selectors.EVENT_READ, (self.answer, name))

    def answer(self, sock, name):
        data = b""
        with contextlib.suppress(ConnectionError):
            data = sock.recv(4096)
        if data:
            sock.send(name + b"\n")
        else:
            self.selector.unregister(sock)
            sock.close()

    @staticmethod
    def answer_datagram(sock, name):
        _, seen = sock.recvfrom(65535)
        sock.sendto(name + b"\n", seen)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    if not self.wake.recv(64):
                        return
                    continue
                act, name = key.data
                with self.lock, contextlib.suppress(OSError):
                    act(key.fileobj, name)

    def stop(self):
        self.waking.close()
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


def ask(sock):
    """The name of the server at the other end of a connected socket."""
    sock.send(b"who?\n")
    name = sock.recv(64)
    while sock.type == socket.SOCK_STREAM and name and not name.endswith(b"\n"):
        name += sock.recv(64)
    if not name:
        raise ConnectionResetError("the connection ended")
    return name.decode().strip()
