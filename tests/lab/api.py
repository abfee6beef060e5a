# SPDX-License-Identifier: GPL-2.0-or-later
"""Control's API over its UNIX socket, without a process for each call."""
import http.client
import json
import socket


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def call(socket_path, method, path, body=None):
    """The answer, parsed; OSError when nobody answers, AssertionError when it is not 200."""
    connection = UnixConnection(socket_path)
    try:
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    assert answer.status == 200, f"{method} {path}: {answer.status} {text}"
    return json.loads(text)
