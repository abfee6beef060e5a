# SPDX-License-Identifier: GPL-2.0-or-later
"""Control without nodes that run: they are written into its database, as if they had joined. Each
answer of its API is held against doc/openapi.yaml."""
import http.client
import json
import os
import signal
import socket
import sqlite3
import ssl

from tests.lab import openapi, procs, trunkline
from tests.lab.api import UnixConnection

NODES = [("tyo-1", 1, "tokyo"), ("osl-1", 2, "oslo"), ("rom-1", 2, "rome")]


def any_certificate():
    """For TLS with a server whose key is checked elsewhere."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Control:
    """A control of a test, started and stopped at will."""

    def __init__(self, folder, *options):
        self.folder = str(folder)
        self.state = os.path.join(self.folder, "state")
        self.socket = os.path.join(self.folder, "api.sock")
        self.options = options
        self.proc = None
        self.nodes_port = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")
        self.port = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")

    def start(self):
        self.proc = procs.Proc("control", [
            trunkline.program("trunkline-control"), "--state", self.state, "--api",
            f"unix:{self.socket}", "--nodes", f"127.0.0.1:{self.nodes_port}", *self.options],
            self.folder, log_mode="ab")
        procs.wait_until(self.answers, 10 * trunkline.SLOW, "control to answer")
        return self

    def start_with_nodes(self):
        self.start().stop()
        self.add_nodes()
        return self.start()

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

    def connect(self, token=None):
        """Over TLS with a token, over the UNIX socket without; to be closed."""
        if token is None:
            return UnixConnection(self.socket)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10,
                                           context=any_certificate())

    def call(self, method, path, body=None, headers=None, token=None):
        """Status, parsed answer (text when it is no JSON), headers. With a token over TLS; "" stands for none there."""
        connection = self.connect(token)
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            data = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            kind, data = answer.getheader("Content-Type"), answer.read()
            parsed = json.loads(data) if "json" in kind else data.decode("latin-1")
        finally:
            connection.close()
        openapi.check(method, path, answer.status, parsed, kind.partition(";")[0])
        return answer.status, parsed, dict(answer.getheaders())

    def get(self, path):
        status, answer, _ = self.call("GET", path)
        assert status == 200, answer
        return answer

    def make_token(self, name, role, **more):
        status, made, _ = self.call("POST", "/v1/tokens", {"name": name, "role": role, **more})
        assert status == 201, made
        return made["token"]

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


def expect_problem(answered, status, kind, field=None):
    code, problem, headers = answered
    assert code == status == problem["status"], problem
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == f"urn:trunkline:problem:{kind}", problem
    assert problem.get("field") == field, problem
    assert problem["detail"] and "\n" not in problem["detail"]
    return problem
