# SPDX-License-Identifier: GPL-2.0-or-later
"""A node's main process on loopback: joining and being refused, configs that cannot be applied,
serving without control, restarts of its processes, and its end."""
import contextlib
import json
import os
import re
import signal
import socket
import time

import pytest

from tests.lab import procs, trunkline
from tests.lab.clock import Stopwatch
from tests.lab.echoes import Echo

pytestmark = pytest.mark.skipif(not trunkline.is_built(), reason="the daemons are not built")


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def cluster(tmp_path):
    with trunkline.Cluster(tmp_path) as made:
        yield made


def serve(cluster, echo, workers=1, name="echo"):
    """A pair with an accelerator before the backend; its port."""
    cluster.start_pair(workers=workers)
    port = procs.free_port()
    cluster.accelerator(name, "tcp", str(port), [f"127.0.0.1:{echo.port}"])
    cluster.wait_up()
    return port


def talk(connection, words=b"hello"):
    connection.sendall(words)
    got = b""
    while len(got) < len(words):
        part = connection.recv(65536)
        if not part:
            raise EOFError
        got += part
    assert got == words


def try_port(port, words=b"hello", timeout=5, address="127.0.0.1"):
    with socket.create_connection((address, port), timeout) as connection:
        talk(connection, words)


def wait_served(port, timeout=10, address="127.0.0.1"):
    def is_served():
        with contextlib.suppress(OSError, EOFError):
            try_port(port, address=address)
            return True
        return False

    procs.wait_until(is_served, timeout * trunkline.SLOW, f"port {port} to be served")


def start_alone(cluster, role, token, *more):
    """A daemon that is expected to end by itself: its exit status and log."""
    daemon = trunkline.Daemon(cluster, role, f"alone-{role}-{len(cluster.nodes)}", role,
                              ["--workers", "1", *more])
    daemon.start("--join", token)
    status = daemon.proc.wait(10 * trunkline.SLOW)
    daemon.proc.forget()
    daemon.proc = None
    return status, daemon


def last_lines(daemon, level="error"):
    return [line for line in daemon.log().splitlines() if f" {level} " in line]


# ---- the command line

@pytest.mark.parametrize("role", ["listener", "endpoint"])
def test_the_command_line_is_judged_whole(tmp_path, role):
    daemon = trunkline.program(f"trunkline-{role}")
    config = tmp_path / "node.yaml"
    config.write_text("state: /nowhere\nworkers: 1000\napi: 127.0.0.1:80\n")
    checked = procs.run([daemon, "-t", "--config", str(config)], check=False)
    assert checked.returncode == 1 and checked.stdout == ""
    assert f"{config}:2:" in checked.stderr and f"{config}:3:" in checked.stderr
    config.write_text("state: /nowhere\nuser-cc: nonesuch\nmemory: 1T\n")
    checked = procs.run([daemon, "-t", "--config", str(config)], check=False)
    assert checked.returncode == 1 and f"{config}:3:" in checked.stderr
    assert re.search(rf"{config}:2:\d+: user-cc: .* reno", checked.stderr)
    config.write_text(f"state: {tmp_path}/state\nworkers: 2\ndrain: 5\nmemory: 64M\n"
                      "user-cc: reno\n")
    assert procs.run([daemon, "-t", "--config", str(config)], check=False).returncode == 0
    assert not os.path.exists(tmp_path / "state")
    for words in (["--api", "127.0.0.1:80"], ["--name", "no spaces"], ["--workers", "65"],
                  ["--tunnel", "127.0.0.1"], ["--user-cc", "nonesuch"], ["--memory", "1T"],
                  ["--memory", "31M", "--workers", "2"]):
        done = procs.run([daemon, "--state", str(tmp_path / "state"), *words], check=False)
        assert done.returncode == 2 and done.stderr and done.stdout == "", words
    assert procs.run([daemon], check=False).returncode == 2
    assert procs.run([daemon, "--version"]).stdout.startswith(f"trunkline-{role} ")


def test_the_legs_outside_have_the_congestion_control_asked_for(cluster, echo):
    cluster.start_pair(more=("--user-cc", "reno"))
    port = procs.free_port()
    cluster.accelerator("echo", "tcp", str(port), [f"127.0.0.1:{echo.port}"])
    cluster.wait_up()
    with socket.create_connection(("127.0.0.1", port)) as user:
        user.sendall(b"x")
        assert user.recv(1) == b"x"
        for ours in (f"sport = :{port}", f"dport = :{echo.port}"):
            shown = procs.run(["ss", "-tinH", "state", "established", ours]).stdout
            assert " reno " in shown, shown


# ---- joining

def test_a_token_serves_once_and_the_state_directory_from_then_on(cluster):
    cluster.start_control()
    token = cluster.token("listener", "near")
    cluster.nodes["l1"] = first = trunkline.Daemon(
        cluster, "listener", "l1", "l", ["--name", "l1", "--bind", "127.0.0.1", "--workers", "1"])
    first.start("--join", token)
    cluster.wait_node("l1")
    assert os.stat(first.state).st_mode & 0o077 == 0
    for name in os.listdir(first.state):
        assert os.stat(os.path.join(first.state, name)).st_mode & 0o077 == 0, name
    first.restart()
    cluster.wait_node("l1")
    first.stop()
    first.start("--join", token)  # as in a service's file: it was used, and is not needed
    cluster.wait_node("l1")
    status, second = start_alone(cluster, "listener", token, "--name", "l2")
    assert status == 1
    assert len(last_lines(second)) == 1 and "join_denied" in second.log()


def test_an_old_token_takes_no_address_back_and_a_new_one_tells_one(cluster):
    """Control was where nobody is now: so says the token in the service's file."""
    control = cluster.start_control("control", "--advertise", f"127.0.0.1:{procs.free_port()}")
    old = cluster.token("listener", "near")
    control.stop()
    del control.args[-2:]
    control.start()
    cluster.wait_control()
    l1 = cluster.add_listener("l1")
    path = os.path.join(l1.state, "control.json")

    def known():
        with open(path, encoding="utf-8") as file:
            return [a["address"] for a in json.load(file)["addresses"]]

    procs.wait_until(lambda: os.path.exists(path), 5 * trunkline.SLOW, path)
    was = known()
    l1.stop()
    l1.start("--join", old)
    cluster.wait_node("l1")
    assert known()[:len(was)] == was
    gone = f"127.0.0.1:{procs.free_port()}"
    l1.stop()
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**content, "addresses": [{"address": gone}]}, file)
    l1.start("--join", cluster.token("listener", "near"))
    procs.wait_until(lambda: known()[:1 + len(was)] == [gone, *was], 10 * trunkline.SLOW,
                     lambda: f"{was} behind {gone}: {known()}")


@pytest.mark.parametrize("spoil, words", [
    (lambda token: token[:-4], "token_unusable"),
    (lambda token: "nonsense", "token_unusable"),
])
def test_a_token_that_is_none(cluster, spoil, words):
    cluster.start_control()
    status, daemon = start_alone(cluster, "listener", spoil(cluster.token("listener", "near")))
    assert status == 1
    assert [words in line for line in last_lines(daemon)] == [True]


def test_a_token_of_the_other_role(cluster):
    cluster.start_control()
    status, daemon = start_alone(cluster, "listener", cluster.token("endpoint", "far"))
    assert status == 1
    assert ["endpoint" in line for line in last_lines(daemon)] == [True]


def test_a_name_that_is_taken(cluster):
    cluster.start_control()
    cluster.add_listener("l1")
    status, daemon = start_alone(cluster, "listener", cluster.token("listener", "near"), "--name",
                                 "l1")
    assert status == 1
    assert ["join_denied" in line for line in last_lines(daemon)] == [True]


def test_a_control_with_another_key(cluster, tmp_path):
    """Somebody else answers at control's address."""
    control = cluster.start_control()
    token = cluster.token("listener", "near")
    control.stop()
    for name in ("identity.key", "identity.crt"):
        os.unlink(os.path.join(control.state, name))
    control.start()
    cluster.wait_control()
    status, daemon = start_alone(cluster, "listener", token)
    assert status == 1
    assert ["join_failed" in line for line in last_lines(daemon)] == [True]


def test_without_token_or_with_a_state_in_use(cluster):
    cluster.start_control()
    first = cluster.add_listener("l1")
    second = trunkline.Daemon(cluster, "listener", "second", "l", ["--workers", "1"]).start()
    assert second.proc.wait(5) == 1
    assert "not_joined" in second.log()
    second.proc.forget()
    again = procs.run([*first.args], check=False)
    assert again.returncode == 1 and "state_in_use" in again.stderr
    assert again.stdout == ""


def test_an_identity_that_others_may_read(cluster):
    cluster.start_control()
    l1 = cluster.add_listener("l1")
    l1.stop()
    os.chmod(os.path.join(l1.state, "identity.key"), 0o644)
    l1.start()
    assert l1.proc.wait(5 * trunkline.SLOW) == 1
    assert "identity_unusable" in l1.log()
    l1.proc.forget()
    l1.proc = None


# ---- configs

def test_a_taken_port_refuses_the_config_and_the_old_one_stays(cluster, echo):
    port = serve(cluster, echo)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = taken.getsockname()[1]
        cluster.accelerator("blocked", "tcp", str(other), [f"127.0.0.1:{echo.port}"], wait=False)

        def is_refused():
            shown = cluster.ctl("accelerator", "show", "blocked")
            return [n for n in shown["nodes"] if n["state"] == "refused"]

        refused = procs.wait_until(is_refused, 5 * trunkline.SLOW, "the refusal")
        assert "blocked" in refused[0]["reason"] and str(other) in refused[0]["reason"]
        assert "Address already in use" in refused[0]["reason"]
        try_port(port)
    cluster.ctl("accelerator", "update", "blocked", "--ports", str(procs.free_port()))
    cluster.wait_applied("blocked")
    try_port(port)


def test_a_refused_config_still_ends_removed_peers(cluster, echo):
    """A port that cannot be opened stops the rest of a change, never the removal of a node."""
    serve(cluster, echo)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = taken.getsockname()[1]
        cluster.accelerator("blocked", "tcp", str(other), [f"127.0.0.1:{echo.port}"], wait=False)
        daemon = cluster.nodes.pop("endpoint")
        cluster.ctl("node", "remove", "endpoint")
        procs.wait_until(lambda: "removed_peers_dropped" in cluster.nodes["listener"].log(),
                         5 * trunkline.SLOW, "the listener to let the endpoint go")
        procs.wait_until(lambda: "state=over" in cluster.nodes["listener"].log(),
                         5 * trunkline.SLOW, "the end of the tunnel")
    assert daemon.proc.wait(5 * trunkline.SLOW) == 1
    daemon.proc.forget()


def test_a_change_touches_no_other_flow_or_port(cluster, echo):
    port = serve(cluster, echo, workers=2)
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        talk(connection)
        for i in range(3):
            more = procs.free_port()
            watch = Stopwatch()
            cluster.accelerator(f"more{i}", "tcp+udp", str(more), [f"127.0.0.1:{echo.port}"])
            assert watch.seconds() < 2 * trunkline.SLOW
            wait_served(more)
            cluster.ctl("accelerator", "delete", f"more{i}")
            procs.wait_until(lambda at=more: not is_listening(at), 5, f"port {more} to close")
            talk(connection)


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_ten_thousand_ports_are_ten_thousand_sockets(cluster, echo):
    cluster.start_pair(workers=2, binds=["127.0.0.77"])  # an address that nothing else is on
    listener = cluster.nodes["listener"]

    def sockets():
        counts = []
        for pid in (listener.pid, *listener.workers()):
            with contextlib.suppress(FileNotFoundError):  # a worker that was killed just now
                counts.append(len(os.listdir(f"/proc/{pid}/fd")))
        return counts

    before = sockets()
    cluster.accelerator("wide", "tcp", "10000-19999", [f"127.0.0.1:{echo.port}"])
    wanted = [before[0] + 10000, before[1] + 5000, before[2] + 5000]
    procs.wait_until(lambda: all(a >= b for a, b in zip(sockets(), wanted)), 5, "the sockets")
    assert sockets()[0] == wanted[0]
    cluster.wait_up()
    os.kill(listener.workers()[0], signal.SIGKILL)
    procs.wait_until(lambda: sum(n > 5000 for n in sockets()) == 3, 5, "the new worker's sockets")
    # The lowest port is the backend's; worker 0, which was killed, has it.
    wait_served(10000, 2, "127.0.0.77")
    cluster.ctl("accelerator", "delete", "wide")
    procs.wait_until(lambda: sockets()[0] == before[0] and max(sockets()[1:]) < 100, 5,
                     "the sockets to be closed")


# ---- without control

def test_serving_goes_on_without_control_and_across_restarts(cluster, echo):
    port = serve(cluster, echo)
    cluster.control.kill9()
    try_port(port)
    for name in ("listener", "endpoint"):
        cluster.nodes[name].restart()
        wait_served(port)
    cluster.control.start()
    cluster.wait_control()
    for name in ("listener", "endpoint"):
        cluster.wait_node(name)
    cluster.wait_up()
    try_port(port)


def test_a_saved_config_waits_for_its_port(cluster, echo):
    port = serve(cluster, echo)
    listener = cluster.nodes["listener"]
    cluster.control.stop()
    listener.stop()
    with socket.create_server(("127.0.0.1", port)):
        listener.start()
        listener.proc.wait_for_line("saved_config_waits")
        time.sleep(1.5)
        assert listener.log().count("saved_config_waits") == 1
    wait_served(port)


def test_a_spoilt_saved_config_is_not_used(cluster, echo):
    port = serve(cluster, echo)
    listener = cluster.nodes["listener"]
    listener.stop()
    path = os.path.join(listener.state, "node.config")
    with open(path, "r+b") as file:
        file.seek(-20, os.SEEK_END)
        file.write(b"#")
    listener.start()
    wait_served(port)  # control sent it again
    assert "saved_config_unusable" in listener.log()


# ---- processes

def lanes_up(cluster, role):
    return cluster.nodes[role].logged("lane .*state=up")


@pytest.mark.parametrize("role", ["listener", "endpoint"])
def test_a_killed_worker_is_back_within_two_seconds(cluster, echo, role):
    port = serve(cluster, echo, workers=2)
    victim = cluster.nodes[role].workers()[0]
    before, watch = len(lanes_up(cluster, role)), Stopwatch()
    os.kill(victim, signal.SIGKILL)
    while len(lanes_up(cluster, role)) == before:
        assert watch.seconds() < 2 * trunkline.SLOW, "no lane of another worker"
        assert is_listening(port), "the port closed"
        time.sleep(0.05)
    cluster.wait_reports(*cluster.nodes)
    cluster.wait_up()
    for _ in range(20):
        try_port(port)
    assert victim not in cluster.nodes[role].workers()


@pytest.mark.parametrize("role", ["listener", "endpoint"])
def test_a_killed_keys_process_disturbs_no_flow(cluster, echo, role):
    port = serve(cluster, echo)
    daemon = cluster.nodes[role]
    keys = [pid for pid in procs.children(daemon.pid) if "keys" in procs.command_line(pid)]
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        talk(connection)
        os.kill(keys[0], signal.SIGKILL)
        talk(connection)
        cluster.wait_node(role)
        talk(connection)
    os.kill(daemon.workers()[0], signal.SIGKILL)  # its lane needs the new keys process
    wait_served(port)


# ---- the end

def test_sigterm_lets_flows_end(cluster, echo):
    port = serve(cluster, echo)
    listener = cluster.nodes["listener"]
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        talk(connection)
        listener.proc.send_signal(signal.SIGTERM)
        procs.wait_until(lambda: not is_listening(port), 5, "the port to close")
        talk(connection)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(10) == b""
    assert listener.proc.wait(5 * trunkline.SLOW) == 0
    assert "drain_over" not in listener.log()


def test_sigterm_ends_flows_that_stay(cluster, echo):
    port = serve(cluster, echo)
    listener = cluster.nodes["listener"]
    listener.stop()
    listener.start("--drain", "1")
    wait_served(port)
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        talk(connection)
        watch = Stopwatch()
        listener.proc.send_signal(signal.SIGTERM)
        with pytest.raises((ConnectionResetError, EOFError)):
            while True:
                talk(connection)
                time.sleep(0.05)
        assert watch.passed() > 0.8 and watch.seconds() < 3 * trunkline.SLOW
    assert listener.proc.wait(5) == 0


def test_sigterm_just_after_the_start(cluster):
    cluster.start_control()
    l1 = cluster.add_listener("l1")
    for _ in range(5):
        l1.stop()
        seen = l1.log().count(" started ")
        l1.start()
        procs.wait_until(lambda: l1.log().count(" started ") > seen, 5, "the start")
        watch = Stopwatch()
        l1.proc.send_signal(signal.SIGTERM)
        assert l1.proc.wait(5 * trunkline.SLOW) == 0
        assert watch.seconds() < 3 * trunkline.SLOW
        l1.proc.forget()
        l1.proc = None
        l1.start()
        cluster.wait_node("l1")


def test_a_second_sigterm_ends_at_once(cluster, echo):
    port = serve(cluster, echo)
    endpoint = cluster.nodes["endpoint"]
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        talk(connection)
        endpoint.proc.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert endpoint.proc.is_alive()
        endpoint.proc.send_signal(signal.SIGTERM)
        assert endpoint.proc.wait(2 * trunkline.SLOW) == 0
        with pytest.raises((ConnectionResetError, EOFError)):
            talk(connection)


@pytest.mark.parametrize("role", ["listener", "endpoint"])
def test_a_removed_node_ends_its_tunnels_and_itself(cluster, echo, role):
    port = serve(cluster, echo)
    daemon = cluster.nodes.pop(role)
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        talk(connection)
        watch = Stopwatch()
        cluster.ctl("node", "remove", role)
        with pytest.raises((ConnectionResetError, EOFError)):
            while True:
                talk(connection)
                time.sleep(0.02)
        assert watch.seconds() < 1 * trunkline.SLOW
    assert daemon.proc.wait(5) == 1
    assert len(last_lines(daemon)) == 1 and "node_removed" in daemon.log()
    assert not {"node.config", "control.json"} & set(os.listdir(daemon.state))
    daemon.proc.forget()
