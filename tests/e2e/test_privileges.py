# SPDX-License-Identifier: GPL-2.0-or-later
"""Daemons started as root where the user `trunkline` exists: who they are then, and that low ports
and restarts go on working."""
import os
import shutil
import signal
import tempfile

import pytest

from tests.e2e.test_node import is_listening, try_port, wait_served
from tests.lab import procs, trunkline
from tests.lab.echoes import Echo

pytestmark = pytest.mark.skipif(not trunkline.is_built(), reason="the daemons are not built")

USER, UID, LOW_PORT = "trunkline", 64998, 777
NET_BIND_SERVICE = 1 << 10  # capability.h
IN_NAMESPACE = """
mount --make-rprivate / && mount --bind "$1/passwd" /etc/passwd &&
mount --bind "$1/group" /etc/group && shift && exec "$@"
"""


@pytest.fixture
def folder():
    """One that the user may enter, as /var/lib is."""
    made = tempfile.mkdtemp(dir="/var/tmp", prefix="trunkline-test-")
    os.chmod(made, 0o755)
    for name, line in (("passwd", f"{USER}:x:{UID}:{UID}::/:/bin/false\n"),
                       ("group", f"{USER}:x:{UID}:\n")):
        with open(f"/etc/{name}", encoding="utf-8") as old:
            text = "".join(l for l in old if not l.startswith(f"{USER}:"))
        with open(os.path.join(made, name), "w", encoding="utf-8") as new:
            new.write(text + line)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def cluster(folder, monkeypatch):
    class Daemon(trunkline.Daemon):
        """In a mount namespace in which the user exists."""

        def __init__(self, *args):
            super().__init__(*args)
            self.args = ["unshare", "-m", "sh", "-c", IN_NAMESPACE, "sh", folder, *self.args]

    monkeypatch.setattr(trunkline, "Daemon", Daemon)
    with trunkline.Cluster(folder) as made:
        yield made


def status(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return line.split()[1:]
    raise KeyError(field)


def test_root_becomes_its_user_and_keeps_low_ports(cluster):
    echo = Echo()
    cluster.start_pair()
    cluster.accelerator("low", "tcp+udp", str(LOW_PORT), [f"127.0.0.1:{echo.port}"])
    cluster.wait_up()
    try_port(LOW_PORT)
    for daemon in (cluster.control, *cluster.nodes.values()):
        assert os.stat(daemon.state).st_uid == UID
        for pid in daemon.processes():
            assert set(status(pid, "Uid")) == set(status(pid, "Gid")) == {str(UID)}
            assert set(status(pid, "Groups")) <= {str(UID)}
            allowed = NET_BIND_SERVICE if pid == daemon.pid else 0
            assert int(status(pid, "CapEff")[0], 16) & ~allowed == 0
            assert status(pid, "NoNewPrivs") == ["1"]
    listener = cluster.nodes["listener"]
    os.kill(listener.workers()[0], signal.SIGKILL)
    wait_served(LOW_PORT)
    listener.restart()
    wait_served(LOW_PORT)
    cluster.ctl("accelerator", "delete", "low")
    procs.wait_until(lambda: not is_listening(LOW_PORT), 5, "the port to close")
    cluster.accelerator("low", "tcp", str(LOW_PORT), [f"127.0.0.1:{echo.port}"])
    wait_served(LOW_PORT)
    echo.close()
