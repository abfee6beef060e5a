# SPDX-License-Identifier: GPL-2.0-or-later
"""Backends on loopback that send back what comes, and users who see whether they are served."""
import contextlib
import socket
import threading

from tests.lab.trunkline import SLOW


class Echo:
    """A backend that sends back what comes, and keeps connections open."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=self.socket.accept()[:1],
                                 daemon=True).start()

    @staticmethod
    def serve(connection):
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def close(self):
        self.socket.close()


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


def is_served(user, timeout=5):
    """An answer comes; not so when the connection was reset."""
    user.settimeout(timeout * SLOW)
    try:
        user.sendall(b"ping")
        return user.recv(4) == b"ping"
    except (ConnectionResetError, BrokenPipeError):
        return False


def udp_user(source, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    sock.connect(("127.0.0.1", port))
    sock.settimeout(3 * SLOW)
    return sock


def is_answered(user):
    user.send(b"mine")
    return user.recv(100) in (b"mine", b"ping")
