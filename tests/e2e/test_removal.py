# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of flows whose accelerator is taken away, at once or by another at its port."""
import contextlib
import socket
import time

import pytest

from tests.lab import procs
from tests.lab.site import echoes, is_reset
from tests.lab.trunkctl import FAILED
from tests.lab.trunkline import FAR, NEAR, SLOW, Cluster, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
HERE = "127.0.0.1"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("removal")) as made:
        made.start_pair(more=("--drain", "1"))
        yield made


@contextlib.contextmanager
def server(kind):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind((HERE, 0))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        sock.settimeout(5 * SLOW)
        yield sock, sock.getsockname()[1]


def refuses(port):
    try:
        socket.create_connection((HERE, port), 5 * SLOW).close()
        return False
    except ConnectionRefusedError:
        return True


def open_pair(port, backend):
    user = socket.create_connection((HERE, port), 5 * SLOW)
    accepted = backend.accept()[0]
    user.settimeout(5 * SLOW)
    accepted.settimeout(5 * SLOW)
    return user, accepted


def test_now_ends_flows_at_once(cluster):
    with server(socket.SOCK_STREAM) as (sock, backend):
        port = procs.free_port()
        cluster.accelerator("keeps-the-lane", "tcp", str(procs.free_port()), [f"{HERE}:{backend}"])
        cluster.accelerator("now", "tcp", str(port), [f"{HERE}:{backend}"])
        cluster.wait_up()
        user, accepted = open_pair(port, sock)
        assert echoes(user, accepted)
        cluster.ctl("accelerator", "delete", "now", "--now")
        assert is_reset(user, 1 * SLOW) is True
        assert is_reset(accepted, 1 * SLOW) is True
        cluster.ctl("accelerator", "delete", "keeps-the-lane")


def test_a_disabled_one_keeps_its_ports_and_its_flows_for_a_while(cluster):
    """The only accelerator of its tunnel: what is enabled within the drain time goes on."""
    with server(socket.SOCK_STREAM) as (sock, backend):
        port = procs.free_port()
        cluster.accelerator("off", "tcp", str(port), [f"{HERE}:{backend}"])
        cluster.wait_up()
        user, accepted = open_pair(port, sock)
        cluster.ctl("accelerator", "disable", "off")
        cluster.wait_applied("off")
        assert refuses(port)
        assert echoes(user, accepted)
        done = cluster.ctl_run("accelerator", "create", "other", "--protocol", "tcp", "--ports",
                               str(port), "--listen", NEAR, "--backend", f"{FAR}={HERE}:9")
        assert done.returncode == FAILED and 'belongs to accelerator "off"' in done.stderr
        assert not cluster.ctl("accelerator", "show", "off")["enabled"]
        assert [t["state"] for t in cluster.items("tunnel", "list")] == ["up"]
        cluster.ctl("accelerator", "enable", "off")
        cluster.wait_applied("off")
        assert echoes(user, accepted)
        other, accepted_too = open_pair(port, sock)
        assert echoes(other, accepted_too)
        cluster.ctl("accelerator", "disable", "off", "--now")
        assert is_reset(user, 1 * SLOW) is True
        assert is_reset(accepted, 1 * SLOW) is True
        assert refuses(port)
        cluster.ctl("accelerator", "delete", "off")


def test_datagrams_after_a_replacement_reach_the_new_accelerator(cluster):
    """The user's socket and the listener's port are those of the old accelerator's flow."""
    with server(socket.SOCK_DGRAM) as (one, first), server(socket.SOCK_DGRAM) as (two, second):
        port = procs.free_port(socket.SOCK_DGRAM)
        cluster.accelerator("keeps-the-lane", "udp", str(procs.free_port()), [f"{HERE}:{first}"])
        cluster.accelerator("before", "udp", str(port), [f"{HERE}:{first}"])
        cluster.wait_up()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as user:
            user.connect((HERE, port))
            user.settimeout(1)
            user.send(b"one")
            data, seen = one.recvfrom(100)
            assert data == b"one"
            cluster.ctl("accelerator", "delete", "before")
            cluster.accelerator("after", "udp", str(port), [f"{HERE}:{second}"])
            time.sleep(1)
            user.send(b"two")
            data, seen = two.recvfrom(100)
            assert data == b"two"
            two.sendto(b"answer", seen)
            assert user.recv(100) == b"answer"
        cluster.ctl("accelerator", "delete", "after")
        cluster.ctl("accelerator", "delete", "keeps-the-lane")
