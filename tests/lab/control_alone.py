# SPDX-License-Identifier: GPL-2.0-or-later
"""Control without nodes that run: they are written into its database, as if they had joined."""
import json
import os
import signal
import socket
import sqlite3

from tests.lab import procs, trunkline
from tests.lab.api import UnixConnection

NODES = [("tyo-1", 1, "tokyo"), ("osl-1", 2, "oslo"), ("rom-1", 2, "rome")]


class Control:
    """A control of a test, started and stopped at will."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.state = os.path.join(self.folder, "state")
        self.socket = os.path.join(self.folder, "api.sock")
        self.proc = None
        self.nodes_port = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")

    def start(self):
        self.proc = procs.Proc("control", [
            trunkline.program("trunkline-control"), "--state", self.state, "--api",
            f"unix:{self.socket}", "--nodes", f"127.0.0.1:{self.nodes_port}"],
            self.folder, log_mode="ab")
        procs.wait_until(self.answers, 10 * trunkline.SLOW, "control to answer")
        return self

    def answers(self):
        assert self.proc.is_alive(), self.proc.tail()
        try:
            return self.call("GET", "/v1/status")[0] == 200
        except OSError:
            return False

    def stop(self):
        assert not self.proc.stop(), "control left processes behind"
        with open(self.proc.log, encoding="utf-8", errors="replace") as log:
            said = log.read()
        assert not trunkline.SANITIZER.search(said), said[-4000:]

    def kill(self):
        os.kill(self.proc.pid, signal.SIGKILL)
        self.proc.stop()

    def call(self, method, path, body=None, headers=None):
        """Status, parsed answer, headers."""
        connection = UnixConnection(self.socket)
        try:
            data = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
            connection.request(method, path, data, headers or {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), dict(answer.getheaders())
        finally:
            connection.close()

    def get(self, path):
        status, answer, _ = self.call("GET", path)
        assert status == 200, answer
        return answer

    def add_nodes(self):
        """While it is stopped."""
        database = sqlite3.connect(os.path.join(self.state, "control.db"))
        for i, (name, role, region) in enumerate(NODES):
            database.execute(
                "INSERT INTO nodes (name, role, region, pin, door_secret, addresses, slots,"
                " version, joined_ms, last_seen_ms) VALUES (?, ?, ?, ?, ?, ?, 1, '0', 1, 0)",
                (name, role, region, bytes([i + 1]) * 32, bytes(32), f"192.0.2.{i + 1}:7401"))
        database.commit()
        database.close()
