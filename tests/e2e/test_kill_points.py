# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 at each call by which a daemon writes: what was acknowledged is there afterwards, what was
not is there as a whole or not at all."""
import contextlib
import http.client
import itertools
import os
import re
import shutil
import socket
import sqlite3
import tempfile

import pytest

from tests.lab import killpoint, procs, trunkline
from tests.lab.control_alone import Control
from tests.lab.trunkline import SLOW, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")


def accelerator(number):
    return {"name": f"a{number}", "protocol": "tcp", "ports": [str(1000 + number)], "listen": ["tokyo"],
            "endpoint_groups": [{"region": "oslo", "backends": [{"host": "192.0.2.10"}]}]}


class Writer:
    """Changes, one after the other, by a control that is killed again and again."""

    def __init__(self, folder):
        self.control = Control(folder).start_with_nodes()
        self.numbers = itertools.count()
        self.names = set()
        self.revision = 0

    def create(self, number):
        """Acknowledged?"""
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, answer, _ = self.control.call("POST", "/v1/accelerators", accelerator(number),
                                                  {"Idempotency-Key": f"key-{number}"})
            assert status == 201, answer
            return True
        return False

    def start_again(self):
        self.control.proc.stop()
        self.control.start()

    def check(self, number, was_acknowledged):
        """All that was acknowledged; of the one that was under way all or nothing, and to repeat it
        does it once."""
        found = {item["name"] for item in self.control.get("/v1/accelerators")["items"]}
        name = f"a{number}"
        assert found in ([self.names | {name}] if was_acknowledged
                         else [self.names, self.names | {name}]), (found, name)
        revision = self.control.get("/v1/status")["revision"]
        assert revision == self.revision + (name in found)
        shown = self.control.get(f"/v1/revisions/{revision}") if name in found else None
        assert not shown or shown["changes"][0]["name"] == name
        assert self.create(number)
        self.names.add(name)
        self.revision += 1
        assert self.control.get("/v1/status")["revision"] == self.revision
        assert len(self.control.get("/v1/accelerators")["items"]) == len(self.names)

    def kill_while_creating(self, call):
        """At each such call of one change; how many there are."""
        for nth in itertools.count(1):
            number = next(self.numbers)
            with killpoint.at(self.control.proc.pid, call, nth) as point:
                was_acknowledged = self.create(number)
                if not was_acknowledged:
                    self.control.proc.popen.wait(10)
            if not point.was_hit:
                assert was_acknowledged
                self.check(number, True)
                return nth - 1
            self.start_again()
            self.check(number, was_acknowledged)


def test_control_loses_no_acknowledged_change(tmp_path):
    """At each write to the database, its sync, each line of the log and the audit log, the answer."""
    writer = Writer(tmp_path)
    points = {call: writer.kill_while_creating(call)
              for call in ("pwrite64", "fdatasync", "write", "sendmsg")}
    print("killed at", points, "in", len(writer.names), "changes")
    assert points["pwrite64"] >= 8 and min(points.values()) >= 1
    writer.control.stop()


def test_control_killed_while_it_ends_or_starts(tmp_path):
    """When it ends and when it starts after a crash, the log becomes a part of the database."""
    writer = Writer(tmp_path)
    hits = starts = 0
    for nth, call in itertools.product((1, 2, 4), ("pwrite64", "fdatasync", "unlink")):
        number = next(writer.numbers)
        assert writer.create(number)
        with killpoint.at(writer.control.proc.pid, call, nth) as point:
            writer.control.proc.popen.terminate()
            writer.control.proc.popen.wait(20)
        hits += point.was_hit
        command = [trunkline.program("trunkline-control"), "--state", writer.control.state, "--api",
                   f"unix:{writer.control.socket}", "--nodes", f"127.0.0.1:{writer.control.nodes_port}"]
        if point.was_hit and has_log(writer.control.state):
            starts += killpoint.run(command, call, 1, 3 * SLOW)
        writer.start_again()
        writer.check(number, True)
    print("killed at", hits, "ends and", starts, "starts")
    assert hits >= 4 and starts >= 2
    writer.control.stop()


def has_log(state):
    """Has SQLite's log changes that a start takes over?"""
    log = os.path.join(state, "control.db-wal")
    return os.path.exists(log) and os.path.getsize(log) > 0


def accelerators_of(database):
    """Of a copy, as SQLite takes the log into a database that it opens."""
    with tempfile.TemporaryDirectory() as folder:
        for path in (database, database + "-wal"):
            if os.path.exists(path):
                shutil.copy(path, os.path.join(folder, "copy" + path[len(database):]))
        return read_accelerators(os.path.join(folder, "copy"))


def read_accelerators(database):
    with contextlib.closing(sqlite3.connect(database)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {name for name, in opened.execute("SELECT name FROM accelerators")}


def test_a_restore_that_is_killed_is_done_or_not(tmp_path):
    """The database of a control that was killed, with its log, or the backup's; and the old one is
    not lost in any case."""
    writer = Writer(tmp_path)
    assert writer.create(1)
    connection = writer.control.connect()
    connection.request("POST", "/v1/backup")
    backup = tmp_path / "backup"
    backup.write_bytes(connection.getresponse().read())
    connection.close()
    assert writer.create(2)
    writer.control.kill()
    state, before = writer.control.state, str(tmp_path / "before")
    shutil.copytree(state, before)
    points = 0
    for call in ("pwrite64", "fsync", "fdatasync", "link", "rename", "unlink", "sendfile"):
        for nth in itertools.count(1):
            shutil.rmtree(state)
            shutil.copytree(before, state)
            was_killed = killpoint.run([trunkline.program("trunkline-control"), "--state", state,
                                        "--restore", str(backup)], call, nth)
            database = os.path.join(state, "control.db")
            kept = [os.path.join(state, n) for n in os.listdir(state) if re.search(r"replaced-\d+$", n)]
            is_done = kept and not os.path.samefile(kept[0], database)
            assert accelerators_of(database) == ({"a1"} if is_done else {"a1", "a2"})
            assert not kept or accelerators_of(kept[0]) == {"a1", "a2"}
            if not was_killed:
                assert is_done and nth > 1
                break
            points += 1
    print("killed at", points, "points")
    assert points >= 15


@pytest.fixture
def cluster(tmp_path):
    with trunkline.Cluster(tmp_path) as made:
        yield made


def test_a_node_has_the_config_that_it_acknowledged(cluster):
    """While it saves a config; it starts again without control."""
    cluster.start_pair()
    port = procs.free_port(socket.SOCK_STREAM, None, "127.0.0.1")
    cluster.accelerator("web", "tcp", str(port), ["127.0.0.1:9"])
    listener, timeouts, points = cluster.nodes["listener"], itertools.count(100), 0
    for call in ("rename", "fsync", "write"):
        for nth in (1, 2):
            before = cluster.call("GET", "/v1/nodes/listener")["config"]["applied"]
            with killpoint.at(listener.pid, call, nth) as point:
                cluster.ctl("accelerator", "update", "web", "--idle-timeout", f"{next(timeouts)}s")
                wanted = cluster.call("GET", "/v1/nodes/listener")["config"]["wanted"]
                procs.wait_until(lambda: procs.identity(listener.pid) is None or cluster.call(
                    "GET", "/v1/nodes/listener")["config"]["applied"] == wanted, 10 * SLOW, "an end")
                applied = cluster.call("GET", "/v1/nodes/listener")["config"]["applied"]
            if point.was_hit:
                points += 1
                listener.proc.stop()
                cluster.control.pause()
                said = len(listener.logged("config_applied"))
                listener.start()
                line = procs.wait_until(lambda: listener.logged("config_applied")[said:], 10 * SLOW,
                                        "the saved config")[0]
                assert f" revision={wanted} " in line or (applied == before and f" revision={before} " in line)
                assert not listener.logged("saved_config_unusable")
                cluster.control.resume()
            cluster.wait_node("listener")
            cluster.wait_applied("web")
    assert points >= 4
