# SPDX-License-Identifier: GPL-2.0-or-later
"""Control with real nodes on loopback: who is let in, who is not, and what changes touch."""
import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

from tests.lab import procs, trunkline
from tests.lab.clock import Stopwatch
from tests.lab.trunkline import SLOW

PAGE = b"a page of the backend\n" * 1000


@pytest.fixture
def web(tmp_path):
    """Port of an HTTP server on loopback."""
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "page").write_bytes(PAGE)
    port = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")
    server = procs.Proc("www", [sys.executable, "-m", "http.server", str(port), "--bind",
                                "127.0.0.1", "--directory", str(folder)], str(tmp_path))
    yield port
    server.stop()


@pytest.fixture
def cluster(tmp_path):
    with trunkline.Cluster(tmp_path) as made:
        yield made


def fetch(port):
    return subprocess.run(["curl", "-s", "-m", "5", f"http://127.0.0.1:{port}/page"],
                          capture_output=True, check=False).stdout


def serve(cluster, web):
    """A pair with an accelerator in front of the server; the accelerator's port."""
    cluster.start_pair()
    port = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")
    cluster.accelerator("web", "tcp", str(port), [f"127.0.0.1:{web}"])
    cluster.wait_up()
    procs.wait_until(lambda: fetch(port) == PAGE, 5 * SLOW, "the page")
    return port


def log_lines(daemon, word):
    return [line for line in daemon.log().splitlines() if word in line]


def join_fails(cluster, role, folder, token, name=None):
    """The daemon ends with one error line, which is returned."""
    daemon = trunkline.Daemon(cluster, role, folder, role, ["--name", name or folder,
                                                            "--workers", "1"])
    daemon.start("--join", token)
    procs.wait_until(lambda: not daemon.proc.is_alive(), 10 * SLOW,
                     lambda: f"{folder} to end: {daemon.log()}")
    daemon.stop()
    errors = log_lines(daemon, " error ")
    assert len(errors) == 1, errors
    return errors[0]


def test_tokens_open_once_for_their_role(cluster):
    cluster.start_control()
    token = cluster.token("listener", "near")
    assert "is for a listener" in join_fails(cluster, "endpoint", "wrong", token)
    assert not log_lines(cluster.control, "node_denied")  # the daemon saw it by itself
    listener = trunkline.Daemon(cluster, "listener", "first", "listener", ["--name", "first",
                                                                           "--workers", "1"])
    cluster.nodes["first"] = listener
    listener.start("--join", token)
    cluster.wait_node("first")
    assert "used by node first" in join_fails(cluster, "listener", "second", token)
    assert len(log_lines(cluster.control, "node_denied")) == 1
    fresh = cluster.token("listener", "near")
    assert "trunkctl node remove first" in join_fails(cluster, "listener", "third", fresh, "first")
    assert len(log_lines(cluster.control, "node_denied")) == 2
    assert "copy it whole" in join_fails(cluster, "listener", "fourth", fresh[:-1])


def test_another_control_at_the_address_is_seen(cluster):
    """Wrong pin: nodes speak to no control but the one that they joined."""
    cluster.start_pair()
    cluster.control.stop()
    shutil.rmtree(cluster.control.state)
    cluster.control.start()
    cluster.wait_control()
    for daemon in cluster.nodes.values():
        procs.wait_until(lambda: log_lines(daemon, "control_unreachable"), 10 * SLOW,
                         lambda: daemon.log())
    assert cluster.ctl("status")["nodes"] == {"up": 0, "down": 0}


def test_a_denial_is_logged_once(cluster):
    """Control lost its database, not its key: it knows nobody and says so at each attempt."""
    cluster.start_pair()
    cluster.control.stop()
    for name in os.listdir(cluster.control.state):
        if name.startswith("control.db"):
            os.unlink(os.path.join(cluster.control.state, name))
    cluster.control.start()
    cluster.wait_control()
    listener = cluster.nodes["listener"]
    procs.wait_until(lambda: len(log_lines(cluster.control, "node_denied")) >= 6, 20 * SLOW,
                     "three attempts of each")
    assert len(log_lines(listener, "control_denied")) == 1
    unreachable = log_lines(listener, "control_unreachable")
    assert len(unreachable) <= 2 and all("refused" in line or "closed" in line
                                         for line in unreachable), unreachable


def test_a_removed_nodes_flows_end_within_a_second(cluster, web):
    port = serve(cluster, web)
    with socket.create_connection(("127.0.0.1", port), 5) as user:
        user.sendall(b"GET /page HTTP/1.0\r\n")
        time.sleep(0.2)
        watch = Stopwatch()
        cluster.ctl("node", "remove", "endpoint")
        with pytest.raises(ConnectionResetError):
            user.recv(65536)
        assert watch.seconds() < 1 * SLOW
    endpoint = cluster.nodes["endpoint"]
    procs.wait_until(lambda: not endpoint.proc.is_alive(), 5 * SLOW, "the endpoint to end")
    endpoint.proc.stop()
    endpoint.proc = None
    assert len(log_lines(endpoint, "node_removed")) == 1
    assert fetch(port) == b""


def test_changes_touch_no_flow_that_they_do_not_concern(cluster, web):
    port = serve(cluster, web)
    other = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")
    with socket.create_connection(("127.0.0.1", port), 5) as user:
        user.sendall(b"GET /page HTTP/1.0\r\n")
        cluster.accelerator("other", "tcp", str(other), [f"127.0.0.1:{web}"])
        watch = Stopwatch()
        assert fetch(other) == PAGE
        assert watch.seconds() < 1 * SLOW
        cluster.ctl("accelerator", "update", "other", "--idle-timeout", "9s")
        cluster.ctl("accelerator", "delete", "other")
        user.sendall(b"\r\n")
        got = b""
        while part := user.recv(65536):
            got += part
    assert got.endswith(PAGE)
