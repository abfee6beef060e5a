# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects in files: trunkctl apply, diff, get and explain, on a real control."""
import json

import pytest
import yaml

from tests.lab import procs, trunkline
from tests.lab.control_alone import Control
from tests.lab.trunkctl import DONE, FAILED, NOT_FOUND

DIFFERS = 5
GOOD = """\
# two services, and what is set for a tunnel
kind: Accelerator
name: web
protocol: tcp
ports: [443, 8000-8010]
listen: [tokyo]
endpoint_groups:
  - region: oslo
    backends:
      - host: 10.0.0.1
        port: 80
---
- kind: Accelerator
  name: game
  protocol: udp
  ports: ["5000"]
  listen: [tokyo]
  endpoint_groups:
    - region: rome
      backends: [{host: game.example, weight: 7}]
- {kind: Tunnel, listener: tyo-1, endpoint: osl-1, congestion: "fixed:2000kbit"}
"""
BAD = """\
kind: Accelerator
name: web
protocol: tpc
ports: [443]
lisen: [tokyo]
listen: [tokyo]
endpoint_groups:
  - region: oslo
    backends:
      - host: 10.0.0.1
        weight: 256
---
kind: Accelerator
name: game
protocol: udp
ports: ["5000"]
listen:
  - tokio
endpoint_groups:
  - region: rome
    backends: [{host: game.example}]
---
kind: Tunnel
listener: tyo-2
endpoint: osl-1
"""
BAD_LINES = [
    "3:11: protocol: must be one of tcp, udp, tcp+udp; did you mean 'tcp'?",
    "5:1: lisen: unknown key; did you mean 'listen'?",
    "11:17: endpoint_groups[0].backends[0].weight: must be a whole number, 0..255",
    '18:5: no listener has joined in region "tokio"; did you mean "tokyo"?',
    '24:11: there is no node "tyo-2"; did you mean "tyo-1"?',
]


LABELLED = """\
kind: Accelerator
name: web
protocol: tcp
ports: [443]
listen: [tokyo]
labels:
  env: prod
  example.com/tier: 1
comment: bis Mai, für Sølvi
endpoint_groups:
  - region: oslo
    backends: [{host: 10.0.0.1}]
"""


class Operator:
    """trunkctl beside a control."""

    def __init__(self, control, folder):
        self.control, self.folder = control, folder

    def run(self, *args, text=None):
        """With a file of that text where args have FILE."""
        name = str(self.folder / "objects.yaml")
        if text is not None:
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
        args = [name if arg == "FILE" else arg for arg in args]
        return procs.run([trunkline.program("trunkctl"), "--control",
                          f"unix:{self.control.socket}", *args], check=False)

    def revision(self):
        return self.control.get("/v1/status")["revision"]

    def state(self):
        done = self.run("get", "-o", "json")
        assert done.returncode == DONE, done.stderr
        return json.loads(done.stdout)["items"]


@pytest.fixture
def operator(tmp_path):
    control = Control(tmp_path).start()
    control.stop()
    control.add_nodes()
    control.start()
    yield Operator(control, tmp_path)
    if control.proc.is_alive():
        control.stop()


def test_a_file_is_one_revision_and_comes_back_unchanged(operator):
    before = operator.revision()
    done = operator.run("diff", "-f", "FILE", text=GOOD)
    assert done.returncode == DIFFERS and '+ ports: ["443", "8000-8010"]' in done.stdout
    done = operator.run("apply", "--dry-run", "-f", "FILE", text=GOOD)
    assert done.returncode == DONE and "accelerator web would be created" in done.stdout
    assert operator.revision() == before
    done = operator.run("apply", "-f", "FILE", text=GOOD)
    assert done.stdout == ("accelerator web created\naccelerator game created\n"
                           f"tunnel tyo-1/osl-1 created\nrevision {before + 1}\n"), done.stderr
    for form in "yaml", "json":
        stated = operator.run("get", "-o", form).stdout
        assert operator.run("diff", "--prune", "-f", "FILE", text=stated).returncode == DONE
        done = operator.run("apply", "--prune", "-f", "FILE", text=stated)
        assert done.returncode == DONE and done.stdout.count(" unchanged\n") == 3, done.stdout
    assert operator.revision() == before + 1
    assert list(yaml.safe_load_all(operator.run("get", "-o", "yaml").stdout)) == operator.state()
    only = yaml.safe_load(operator.run("get", "tunnel", "tyo-1/osl-1", "-o", "yaml").stdout)
    assert only == {"kind": "Tunnel", "listener": "tyo-1", "endpoint": "osl-1",
                    "congestion": "fixed:2mbit", "trace": False}


def test_five_errors_are_told_at_their_places_and_nothing_is_done(operator):
    before, state = operator.revision(), operator.state()
    done = operator.run("apply", "-f", "FILE", text=BAD)
    name = str(operator.folder / "objects.yaml")
    assert done.returncode == FAILED and done.stdout == ""
    assert done.stderr.splitlines() == [f"{name}:{line}" for line in BAD_LINES] + [
        f"trunkctl: 5 errors in {name}: nothing was changed"]
    assert operator.revision() == before and operator.state() == state
    done = operator.run("apply", "-f", "FILE", text="kind: Accelerator\nname: [web\n")
    assert done.returncode == FAILED and f"{name}:3:1: " in done.stderr


def test_what_the_file_does_not_state_stays_unless_pruned(operator):
    assert operator.run("apply", "-f", "FILE", text=GOOD).returncode == DONE
    web = GOOD.split("---")[0]
    done = operator.run("apply", "-f", "FILE", text=web)
    assert done.stdout == "accelerator web unchanged\n"
    assert len(operator.state()) == 3
    done = operator.run("diff", "--prune", "-f", "FILE", text=web.replace("port: 80", "port: 81"))
    assert "accelerator game deleted" in done.stdout
    assert "- endpoint_groups[oslo].backends[10.0.0.1:80]" in done.stdout
    done = operator.run("apply", "--prune", "-f", "FILE", text=web)
    assert done.stdout.splitlines()[:3] == [
        "accelerator web unchanged", "accelerator game deleted", "tunnel tyo-1/osl-1 deleted"]
    assert [item["name"] for item in operator.state()] == ["web"]


def test_ports_change_hands_in_one_change(operator):
    """Neither accelerator could take the other's port alone."""
    assert operator.run("apply", "-f", "FILE", text=GOOD.replace("udp", "tcp")).returncode == DONE
    swapped = GOOD.replace("udp", "tcp").replace("443, 8000-8010", "5000").replace(
        '"5000"', '"443"', 1)
    done = operator.run("apply", "-f", "FILE", text=swapped)
    assert done.returncode == DONE, done.stderr
    assert {i["name"]: i["ports"] for i in operator.state() if "name" in i} == {
        "web": ["5000"], "game": ["443"]}


def ports_of(operator, name):
    return [item["ports"] for item in operator.state() if item.get("name") == name]


def test_history_tells_who_did_what_and_rollback_undoes_it(operator):
    operator.run("apply", "-f", "FILE", text=GOOD)
    first = operator.revision()
    operator.run("apply", "--prune", "-f", "FILE",
                 text=GOOD.split("---")[0].replace("443", "444"))
    done = operator.run("history")
    assert done.stdout.splitlines()[1].split(None, 1)[0] == str(first + 1)
    assert "applied: 1 updated, 2 deleted" in done.stdout and "uid 0 (root)" in done.stdout
    done = operator.run("history", str(first + 1))
    assert '- ports: ["443", "8000-8010"]\n+ ports: ["444", "8000-8010"]\n' in done.stdout
    assert "tunnel tyo-1/osl-1 deleted" in done.stdout
    assert operator.run("history", "99").returncode == NOT_FOUND

    before = operator.state()
    done = operator.run("rollback", str(first), "--dry-run")
    assert done.returncode == DONE and "accelerator game created" in done.stdout
    assert operator.state() == before
    done = operator.run("rollback", str(first))
    assert done.returncode == DONE and "Nodes and tokens are not rolled back" in done.stderr
    assert operator.run("diff", "--prune", "-f", "FILE", text=GOOD).returncode == DONE
    done = operator.run("rollback", str(first + 1))
    assert done.returncode == DONE and operator.state() == before


def test_a_rollback_says_what_it_cannot_bring_back(operator):
    operator.run("apply", "-f", "FILE", text=GOOD)
    first = operator.revision()
    assert operator.run("node", "remove", "tyo-1").returncode == DONE
    operator.run("apply", "--prune", "-f", "FILE", text="items: []")
    done = operator.run("rollback", str(first))
    assert done.returncode == DONE
    assert "node tyo-1 was removed since: it does not come back" in done.stderr
    assert "what was set for its tunnel is not restored" in done.stderr
    assert ports_of(operator, "web") and ports_of(operator, "game")


def test_a_change_that_nobody_confirms_is_undone(operator):
    operator.run("apply", "-f", "FILE", text=GOOD)
    changed = GOOD.replace("443", "444")
    done = operator.run("apply", "--confirm", "5s", "-f", "FILE", text=changed)
    assert done.returncode == DONE and (
        f"unless you say: trunkctl confirm {operator.control.get('/v1/status')['revision']}\n" in done.stderr)
    assert "is undone at" in operator.run("status").stdout
    done = operator.run("accelerator", "delete", "game")
    assert done.returncode == FAILED and "waits for confirmation" in done.stderr
    assert ports_of(operator, "web") == [["444", "8000-8010"]]
    procs.wait_until(lambda: ports_of(operator, "web") == [["443", "8000-8010"]],
                     20 * trunkline.SLOW, "the change to be undone")
    assert "was not confirmed in 5 s: rolled back" in operator.run("history").stdout
    assert "is undone at" not in operator.run("status").stdout

    operator.run("apply", "--confirm", "1h", "-f", "FILE", text=changed)
    waits = operator.control.get("/v1/status")["confirmation"]["revision"]
    assert operator.run("confirm", str(waits - 1)).returncode == NOT_FOUND
    assert operator.run("confirm", str(waits)).returncode == DONE
    assert operator.control.get("/v1/status")["confirmation"] is None
    assert operator.run("confirm").returncode == NOT_FOUND
    assert ports_of(operator, "web") == [["444", "8000-8010"]]


def test_the_wait_for_confirmation_outlives_control(operator):
    operator.run("apply", "-f", "FILE", text=GOOD)
    operator.run("apply", "--confirm", "1h", "-f", "FILE", text=GOOD.replace("443", "444"))
    waits = operator.control.get("/v1/status")["confirmation"]
    operator.control.kill()
    operator.control.start()
    again = operator.control.get("/v1/status")["confirmation"]
    assert {**again, "seconds_left": 0} == {**waits, "seconds_left": 0}
    assert 3000 < again["seconds_left"] <= 3600
    operator.run("rollback", str(waits["rolls_back_to"]))
    # One whose time runs out while control is away is undone as soon as it is back.
    operator.run("apply", "--confirm", "1s", "-f", "FILE", text=GOOD.replace("443", "445"))
    operator.control.kill()
    operator.control.start()
    procs.wait_until(lambda: ports_of(operator, "web") == [["443", "8000-8010"]],
                     20 * trunkline.SLOW, "the change to be undone")


def test_wait_tells_who_is_missing(operator):
    operator.run("apply", "-f", "FILE", text=GOOD)
    done = operator.run("wait", "--timeout", "1s")
    assert done.returncode == FAILED
    assert "listener tyo-1: down" in done.stderr
    assert "3 nodes did not apply it in time" in done.stderr
    assert operator.run("wait", "--revision", "99").returncode == NOT_FOUND


def test_of_two_writers_one_is_told_to_look_again(operator):
    operator.run("apply", "-f", "FILE", text=GOOD)
    for path, patch in [("/v1/accelerators/web", {"class": "bulk"}),
                        ("/v1/tunnels/tyo-1/osl-1", {"trace": True})]:
        _, _, headers = operator.control.call("GET", path)
        seen = {"If-Match": headers["ETag"]}
        status, _, headers = operator.control.call("PATCH", path, patch, seen)
        assert status == 200 and headers["ETag"] != seen["If-Match"]
        status, problem, _ = operator.control.call("PATCH", path, patch, seen)
        assert status == 412 and "look at it again" in problem["fix"]
    web = operator.state()[1]
    status, problem, _ = operator.control.call(
        "POST", "/v1/accelerators", {k: v for k, v in web.items() if k != "kind"},
        {"If-None-Match": "*"})
    assert status == 412 and "is there by now" in problem["detail"]
    _, _, headers = operator.control.call("GET", "/v1/objects")
    body = {"items": [], "prune": True}
    assert operator.run("accelerator", "update", "web", "--class", "auto").returncode == DONE
    status, _, _ = operator.control.call("POST", "/v1/apply", body, {"If-Match": headers["ETag"]})
    assert status == 412 and len(operator.state()) == 3


def test_a_request_with_a_key_is_done_once_whatever_happens(operator):
    body = {"role": "listener", "region": "tokyo"}
    first = operator.control.call("POST", "/v1/node-tokens", body, {"Idempotency-Key": "once"})[:2]
    operator.control.kill()
    operator.control.start()
    again = operator.control.call("POST", "/v1/node-tokens", body, {"Idempotency-Key": "once"})[:2]
    assert first == again and first[0] == 201
    assert operator.run("history").stdout.count("token for") == 1
    status, problem, _ = operator.control.call(
        "POST", "/v1/node-tokens", {**body, "region": "oslo"}, {"Idempotency-Key": "once"})
    assert status == 422 and problem["type"] == "urn:trunkline:problem:key-reused"


def test_explain_needs_no_control(operator):
    operator.control.stop()
    assert "Accelerator" in operator.run("explain").stdout
    done = operator.run("explain", "accelerator.endpoint_groups.backends.weight")
    assert "LIMITS    0..255" in done.stdout and "DEFAULT   128" in done.stdout
    done = operator.run("explain", "tunnel.congstion")
    assert done.returncode == NOT_FOUND and 'did you mean "congestion"?' in done.stderr


def test_labels_and_comments(operator):
    """As text, whatever they look like; found by, changed one by one, and at their line when wrong."""
    def labels():
        return operator.state()[0]["labels"]

    assert operator.run("apply", "-f", "FILE", text=LABELLED).returncode == DONE
    assert labels() == {"env": "prod", "example.com/tier": "1"}
    assert operator.state()[0]["comment"] == "bis Mai, für Sølvi"
    stated = operator.run("get", "-o", "yaml").stdout
    assert operator.run("diff", "-f", "FILE", text=stated).returncode == DONE
    done = operator.run("accelerator", "update", "web", "--label", "env=dev,spare=",
                        "--remove-label", "example.com/tier")
    assert done.returncode == DONE and labels() == {"env": "dev", "spare": ""}, done.stderr
    for selector, is_found in (("env=dev", True), ("env=prod", False), ("spare=,env!=prod", True),
                               ("tier!=1", True), ("tier=1", False)):
        done = operator.run("accelerator", "list", "--label", selector, "-o", "json")
        assert bool(json.loads(done.stdout)["items"]) == is_found, selector
    done = operator.run("apply", "-f", "FILE", text=LABELLED.replace("env: prod", "-env: prod"))
    assert done.returncode == FAILED and "objects.yaml:7:3: " in done.stderr, done.stderr
    done = operator.run("diff", "-f", "FILE", text=LABELLED)
    assert done.returncode == DIFFERS and "labels.env" in done.stdout, done.stdout
