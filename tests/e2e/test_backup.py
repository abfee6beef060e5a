# SPDX-License-Identifier: GPL-2.0-or-later
"""Backup of control's state while it runs, restoring it, and what becomes of the nodes: they refuse to
go back, go on serving, and follow again when they are told to."""
import os
import shutil
import socket
import sqlite3
import stat

import pytest

from tests.lab import procs, trunkline
from tests.lab.namers import Namers, ask
from tests.lab.trunkline import LOOPBACK, SLOW, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")


class Installation(trunkline.Cluster):
    """A pair on loopback, and servers with names."""

    def __init__(self, folder):
        super().__init__(folder)
        self.namers, self.entrances, self.backends = Namers(), {}, {}
        for name in ("old", "new"):
            self.entrances[name], self.backends[name] = procs.free_port(), procs.free_port()
            self.namers.serve(None, LOOPBACK, self.backends[name], name)

    def make(self, name):
        self.accelerator(name, "tcp", self.entrances[name], [f"{LOOPBACK}:{self.backends[name]}"])
        self.wait_up()
        self.wait_served(name)

    def answers(self, name):
        try:
            with socket.create_connection((LOOPBACK, self.entrances[name]), 2) as user:
                user.settimeout(2)
                return ask(user) == name
        except OSError:
            return False

    def wait_served(self, name, is_served=True):
        procs.wait_until(lambda: self.answers(name) == is_served, 10 * SLOW,
                         lambda: f"{name} to be {'served' if is_served else 'gone'}")

    def backup(self, name="backup"):
        path = os.path.join(self.folder, name)
        return path, self.ctl("backup", path)

    def restore(self, path):
        """The finished program; control is stopped."""
        return procs.run([trunkline.program("trunkline-control"), "--state", self.control.state,
                          "--restore", path], check=False)

    def set_back(self, path):
        self.control.stop()
        done = self.restore(path)
        assert done.returncode == 0, done.stderr
        self.control.start()
        self.wait_control()
        return done

    def problems(self):
        return [f"{p['detail']}; {p['fix']}" for p in self.ctl("status")["problems"]]

    def wait_problem(self, words):
        return procs.wait_until(lambda: [p for p in self.problems() if words in p], 15 * SLOW,
                                lambda: f"a problem with {words!r}: {self.problems()}")

    def __exit__(self, *why):
        super().__exit__(*why)
        self.namers.stop()


@pytest.fixture
def cluster(tmp_path):
    with Installation(tmp_path) as made:
        yield made


def test_nodes_do_not_go_back_and_follow_again_when_told_to(cluster):
    cluster.start_pair()
    cluster.make("old")
    path, said = cluster.backup()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert said["revision"] == cluster.ctl("status")["revision"]
    # An hour goes by: an accelerator and a node more, a node's token.
    cluster.make("new")
    cluster.add_listener("late", "elsewhere")
    latest = cluster.ctl("accelerator", "show", "new")["revision"]
    cluster.set_back(path)

    # They refuse, say how to go on, and serve what they served, also after a restart.
    for name in ("listener", "endpoint"):
        cluster.wait_problem(f"{name} {name} refused config")
        assert all("trunkctl adopt" in line for line in cluster.nodes[name].logged("config_refused"))
        assert cluster.nodes[name].logged("config_refused")
    cluster.nodes["listener"].restart()
    cluster.wait_served("new")
    assert cluster.answers("old")
    assert cluster.wait_problem("restored from a backup")[0].count("trunkctl adopt") == 1
    # Nothing changes meanwhile, as its number would be given twice; rights may be taken away.
    refused = cluster.ctl_run("accelerator", "update", "old", "--idle-timeout", "9s", output="table")
    assert refused.returncode == 1 and "trunkctl adopt" in refused.stderr
    assert "trunkctl adopt" in cluster.ctl_run(
        "node", "token", "--role", "listener", "--region", "near", output="table").stderr
    # Who joined after the backup is told how to come back.
    late = cluster.nodes["late"]
    procs.wait_until(lambda: late.logged("control_denied"), 10 * SLOW, "late to be denied")
    assert "--join and a new token" in late.logged("control_denied")[0]

    answer = cluster.ctl("adopt")
    assert answer["revision"] > latest
    assert {n["node"]: n["was_ahead"] for n in answer["nodes"]} == {"listener": True, "endpoint": True}
    for name in ("listener", "endpoint"):
        cluster.wait_node(name, 15)
    cluster.wait_applied("old")
    cluster.wait_served("new", is_served=False)
    assert cluster.answers("old")
    assert not [p for p in cluster.problems() if "refused" in p or "restored" in p]
    audit = [entry["what"] for entry in cluster.ctl("audit")["items"]]
    assert f"restored from {path}" in audit
    assert "POST /v1/adopt" in audit and f"backup of revision {said['revision']}" in audit
    again = cluster.ctl_run("adopt", output="table")
    assert again.returncode == 1 and "nothing to adopt" in again.stderr

    late.stop()
    late.start("--join", cluster.token("listener", "elsewhere"))
    cluster.wait_node("late")
    cluster.make("new")
    cluster.ctl("wait", "--timeout", "20s")


def test_a_control_whose_files_were_set_back_is_not_followed(cluster):
    """Not by --restore: a copy of its state directory, as of a virtual machine."""
    cluster.start_pair()
    cluster.make("old")
    cluster.control.stop()
    copy = os.path.join(cluster.folder, "copy")
    shutil.copytree(cluster.control.state, copy)
    cluster.control.start()
    cluster.wait_control()
    for name in cluster.nodes:
        cluster.wait_node(name, 15)
    cluster.make("new")
    cluster.control.kill9()
    shutil.rmtree(cluster.control.state)
    shutil.copytree(copy, cluster.control.state)
    cluster.control.start()
    cluster.wait_control()
    cluster.wait_problem("trunkctl adopt lets nodes follow")
    assert cluster.answers("new") and cluster.answers("old")
    # It counts up to the number that they have, and is not taken for the one who gave it.
    cluster.ctl("accelerator", "update", "old", "--idle-timeout", "77s")
    said = cluster.wait_problem("is another than the one of that number")
    assert all("trunkctl adopt lets nodes follow" in line for line in said), said
    assert cluster.answers("new") and cluster.answers("old")
    cluster.ctl("adopt")
    cluster.wait_served("new", is_served=False)
    cluster.wait_served("old")


def test_an_upgraded_control_may_make_other_configs_of_the_same_objects(cluster):
    """Nodes have the number already: they are given another, and nothing is refused."""
    cluster.start_pair()
    cluster.make("old")
    cluster.control.stop()
    database = sqlite3.connect(os.path.join(cluster.control.state, "control.db"))
    with database:
        database.execute("UPDATE accelerators SET body = json_set(body, '$.udp_idle_timeout_s', 77)")
        database.execute("UPDATE meta SET value = 0 WHERE key = 'compile_format'")
    before = database.execute("SELECT max(number) FROM revisions").fetchone()[0]
    database.close()
    cluster.control.start()
    cluster.wait_control()
    cluster.ctl("wait", "--timeout", "20s")
    for name, daemon in cluster.nodes.items():
        config = cluster.ctl("node", "show", name)["config"]
        assert config["wanted"] == config["applied"] == before + 1, config
        assert not daemon.logged("config_refused")
    assert "made anew" in cluster.ctl("history")["items"][0]["what"]
    cluster.control.restart()
    cluster.wait_control()
    assert cluster.ctl("status")["revision"] == before + 1


def test_what_cannot_be_restored(cluster):
    cluster.start_control()
    path, _ = cluster.backup()
    assert "state_in_use" in cluster.restore(path).stderr
    cluster.token("listener", "near")
    whole = open(path, "rb").read()
    nowhere = cluster.ctl_run("backup", os.path.join(cluster.folder, "no/such/folder"), output="table")
    assert nowhere.returncode == 1 and "No such file" in nowhere.stderr
    cluster.control.stop()
    database = open(os.path.join(cluster.control.state, "control.db"), "rb").read()
    spoilt = os.path.join(cluster.folder, "spoilt")
    for bad in (whole[:-1], whole[:5000], whole + b"x", b"", whole[:5000] + b"!" + whole[5001:],
                whole.replace(b"trunkline-backup 1 ", b"trunkline-backup 2 "), database):
        with open(spoilt, "wb") as file:
            file.write(bad)
        done = cluster.restore(spoilt)
        assert done.returncode == 1 and "restore_failed" in done.stderr, done.stderr
        assert sorted(n for n in os.listdir(cluster.control.state) if n.startswith("control.db")) == \
            ["control.db"]
    assert open(os.path.join(cluster.control.state, "control.db"), "rb").read() == database
    cluster.control.start()
    cluster.wait_control()
    assert cluster.ctl("status")["revision"] == 1  # the token, which is not in the backup


def test_on_another_machine(cluster, tmp_path):
    """The backup and the identity's two files are enough. What was there before stays beside."""
    cluster.start_pair()
    cluster.make("old")
    path, _ = cluster.backup()
    cluster.control.kill9()
    lost = cluster.control.state + ".lost"
    os.rename(cluster.control.state, lost)
    done = cluster.restore(path)
    assert done.returncode == 0 and "identity_missing" in done.stderr
    for name in ("identity.key", "identity.crt"):
        shutil.copy(os.path.join(lost, name), cluster.control.state)
    done = cluster.restore(path)
    assert done.returncode == 0 and "identity_missing" not in done.stderr
    kept = [n for n in os.listdir(cluster.control.state) if n.startswith("control.db.replaced-")]
    assert len(kept) == 1
    cluster.control.start()
    cluster.wait_control()
    for name in cluster.nodes:
        cluster.wait_node(name, 15)
    cluster.ctl("adopt")  # no node is ahead, but changes are refused until it is said
    cluster.make("new")
    assert cluster.answers("old")


def test_a_lost_control_is_begun_anew(cluster):
    """Without a backup and without its key: nodes serve on, join the new one, and get their
    accelerators again."""
    cluster.start_pair()
    cluster.make("old")
    cluster.control.kill9()
    shutil.rmtree(cluster.control.state)
    cluster.control.start()
    cluster.wait_control()
    assert cluster.answers("old")
    for role, region in (("endpoint", trunkline.FAR), ("listener", trunkline.NEAR)):
        node = cluster.nodes[role]
        token = cluster.token(role, region)
        node.stop()
        node.start("--join", token)  # it speaks to no other control than the one that it joined
        procs.wait_until(lambda: node.logged("token_ignored"), 10 * SLOW, "a warning")
        assert "control.json" in node.logged("token_ignored")[0]
        node.stop()
        os.unlink(os.path.join(node.state, "control.json"))
        node.start("--join", token)
        cluster.wait_node(role)
    cluster.make("old")
