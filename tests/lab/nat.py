# SPDX-License-Identifier: GPL-2.0-or-later
"""A network address translator for one UDP server: clients send to `inside`, the server sees them
come from the address of a socket that rebind() replaces, as a NAT does when it forgets a mapping
or its line gets another address."""
import select
import socket
import threading

from tests.lab import procs


class Nat:
    def __init__(self, server, inside="127.0.0.2", outside="127.0.0.3"):
        self.server = server
        self.inside = self.open(inside)
        self.outside = self.open(outside)
        self.client = None
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def open(address):
        sock = procs.open_socket(None, socket.SOCK_DGRAM, bind=(address, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.setblocking(False)
        return sock

    @property
    def address(self):
        """HOST:PORT for clients."""
        return "{}:{}".format(*self.inside.getsockname())

    def rebind(self, outside="127.0.0.3"):
        """From now on another port, or address; what is sent to the old one is lost."""
        self.outside = self.open(outside)

    def run(self):
        outside = self.outside
        while not self.is_over:
            if outside is not self.outside:
                outside.close()
                outside = self.outside
            for sock in select.select([self.inside, outside], [], [], 0.01)[0]:
                self.pass_on(sock, outside)
        outside.close()
        self.inside.close()

    def pass_on(self, sock, outside):
        try:
            for _ in range(64):
                data, sender = sock.recvfrom(65535)
                if sock is outside:
                    self.inside.sendto(data, self.client)
                else:
                    self.client = sender
                    outside.sendto(data, self.server)
        except BlockingIOError:
            pass

    def stop(self):
        self.is_over = True
        self.thread.join()
