# SPDX-License-Identifier: GPL-2.0-or-later
"""A revision on its way to real nodes: waited for, refused by one, and taken when it can be."""
import os
import signal
import socket

import pytest

from tests.lab import procs, trunkline
from tests.lab.trunkctl import DONE, FAILED


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with trunkline.Cluster(tmp_path_factory.mktemp("rollout")) as made:
        made.start_pair(workers=2)
        yield made


def create(cluster, name, port):
    return cluster.ctl("accelerator", "create", name, "--protocol", "tcp", "--ports", str(port),
                       "--listen", trunkline.NEAR, "--backend", f"{trunkline.FAR}=127.0.0.1:9")


def test_wait_ends_when_every_worker_serves(cluster):
    """A worker that stands still has not taken the config, whatever its main process has."""
    listener = cluster.nodes["listener"]
    workers = [pid for pid in procs.descendants(listener.pid)
               if "worker" in procs.command_line(pid)]
    assert len(workers) == 2
    os.kill(workers[1], signal.SIGSTOP)
    try:
        port = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")
        revision = create(cluster, "web", port)["revision"]
        done = cluster.ctl_run("wait", "--timeout", "2s", output="table")
        assert done.returncode == FAILED and "listener listener: pending" in done.stderr
        states = {n["role"]: n["state"] for n in cluster.ctl("accelerator", "show", "web")["nodes"]}
        assert states == {"listener": "pending", "endpoint": "applied"}
    finally:
        os.kill(workers[1], signal.SIGCONT)
    done = cluster.ctl_run("wait", "--timeout", "60s", output="table")
    assert done.returncode == DONE, done.stderr
    assert done.stdout == f"revision {revision} is applied by all nodes\n"
    done = cluster.ctl_run("wait", "--revision", str(revision - 1), output="table")
    assert done.returncode == DONE and "listener listener: applied" in done.stderr


def test_a_refused_config_is_told_and_offered_again(cluster):
    """The port is somebody else's: the node keeps what it had, says so, and takes it later."""
    with procs.open_socket(None, bind=("0.0.0.0", 0)) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        create(cluster, "late", port)
        done = cluster.ctl_run("wait", "--timeout", "60s", output="table")
        assert done.returncode == FAILED
        doctor = cluster.ctl_run("doctor", output="table")
        assert doctor.returncode == FAILED and "refused config" in doctor.stdout
        assert "refused it" in done.stderr and f"{port}" in done.stderr
        problems = cluster.ctl("status")["problems"]
        assert any("refused config" in p["detail"] and str(port) in p["detail"] for p in problems)
        nodes = {n["role"]: n for n in cluster.ctl("accelerator", "show", "late")["nodes"]}
        assert nodes["endpoint"]["state"] == "applied"
        refused = nodes["listener"]
        assert refused["state"] == "refused" and str(port) in refused["reason"]
        assert refused["since"]
        # It is tried again, and is refused since the first time.
        log = cluster.nodes["listener"].log
        procs.wait_until(lambda: log().count("config_refused") >= 2, 30 * trunkline.SLOW,
                         "the config to be offered again")
        nodes = {n["role"]: n for n in cluster.ctl("accelerator", "show", "late")["nodes"]}
        assert nodes["listener"]["since"] == refused["since"]
    procs.wait_until(lambda: cluster.ctl_run("wait", "--timeout", "1s").returncode == DONE,
                     30 * trunkline.SLOW, "the config to be taken when the port is free")
    assert not [p for p in cluster.ctl("status")["problems"] if "refused" in p["detail"]]


def test_doctor_finds_a_good_installation_good(cluster):
    """Real nodes in one namespace: their clocks, buffers, tunnels, versions and configs."""
    cluster.ctl("wait")
    procs.wait_until(lambda: cluster.ctl_run("doctor").returncode == DONE, 30 * trunkline.SLOW,
                     "the tunnel to be up, and nothing to be wrong")
    doctor = cluster.ctl("doctor")
    assert doctor["wrong"] == 0 and doctor["nodes"] == 2
    assert not [f for f in doctor["findings"] if f["check"] != "limits" and f["node"]]  # of this machine
    assert "mtu" in doctor["checks"]
