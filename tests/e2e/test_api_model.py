# SPDX-License-Identifier: GPL-2.0-or-later
"""Random sequences of API calls, held against a model of what control promises.

The seed is fixed (or SEED in the environment) and the number of examples with it, so that a failure
can be repeated; Hypothesis makes a failing sequence as short as it can.
"""
import copy
import os
import tempfile

import hypothesis
from hypothesis import stateful, strategies

from tests.lab.control_alone import Control

SEED = int(os.environ.get("SEED", "20261121"))
NAMES = strategies.sampled_from(["web", "game", "voice"])
PORTS = strategies.sampled_from(["80", "81", "443"])
LISTEN = strategies.sampled_from(["tokyo", "tokio"])
CONGESTION = strategies.sampled_from(["bbr", "cubic", "fixed:2mbit"])
WEIGHTS = strategies.integers(0, 255)
DEFAULTS = {"congestion": "bbr", "trace": False}


# Blocks in their one form, and as they may be written.
BLOCKS = {"10.0.0.0/8": "10.0.0.0/8", "10.1.0.0/16": "::ffff:10.1.0.0/112",
          "2001:db8::/32": "2001:DB8::/32", "192.0.2.1/32": "192.0.2.1"}
LISTS = strategies.lists(strategies.sampled_from(sorted(BLOCKS)), max_size=2)
LIMITS = strategies.builds(
    lambda flows, new, size: {
        "source": {"flows": flows, "new_flows_per_s": new, "bytes_per_s": size},
        "accelerator": {"flows": new, "new_flows_per_s": flows, "bytes_per_s": 0},
        "backend": {"flows": new, "bytes_per_s": size}},
    strategies.sampled_from([0, 5, 1000000000]), strategies.integers(0, 9),
    strategies.sampled_from([0, 65536, 10000000000]))


KEYS = strategies.sampled_from(["env", "example.com/tier"])
LABELS = strategies.dictionaries(KEYS, strategies.sampled_from(["", "prod", "dev"]), max_size=2)
COMMENTS = strategies.sampled_from(["", "bis Mai, für Sølvi", "no"])


def accelerator(name, port, listen, weight, allow, deny, enabled, limits, labels, comment):
    return {"name": name, "protocol": "tcp", "ports": [port], "listen": [listen],
            "enabled": enabled, "limits": limits, "allow": list(allow), "deny": list(deny),
            "labels": labels, "comment": comment,
            "endpoint_groups": [{"region": "oslo", "backends": [
                {"host": "10.0.0.1", "weight": weight}, {"host": "10.0.0.2", "weight": 1}]}]}


def written(one):
    """As somebody writes it whose blocks are not in their one form."""
    return {**one, **{key: [BLOCKS[block] for block in one[key]] for key in ("allow", "deny")}}


def is_good(one):
    """No block stands twice, in one list or in both."""
    blocks = one["allow"] + one["deny"]
    return len(set(blocks)) == len(blocks)


ACCELERATORS = strategies.builds(accelerator, NAMES, PORTS, LISTEN, WEIGHTS, LISTS, LISTS,
                                 strategies.booleans(), LIMITS, LABELS, COMMENTS)
TUNNELS = strategies.builds(lambda congestion, trace: {"congestion": congestion, "trace": trace},
                            CONGESTION, strategies.booleans())


class Calls(stateful.RuleBasedStateMachine):
    """The model: accelerators by name, what is set for the tunnel, and all states by revision."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.control = Control(self.folder.name).start()
        self.control.stop()
        self.control.add_nodes()
        self.control.start()
        self.accelerators, self.tunnel = {}, dict(DEFAULTS)
        self.revision = self.control.get("/v1/status")["revision"]
        self.states = {}
        self.keys = 0

    def teardown(self):
        self.control.stop()
        self.folder.cleanup()

    def call(self, method, path, body=None, headers=None):
        status, answer, _ = self.control.call(method, path, body, headers)
        return status, answer

    def changed(self):
        """One revision more."""
        self.revision += 1
        self.remember()

    def remember(self):
        self.states[self.revision] = copy.deepcopy((self.accelerators, self.tunnel))

    def can_be(self, wanted):
        """Could these stand beside each other?"""
        taken = [a["ports"][0] for a in wanted.values()]
        return (all(a["listen"] == ["tokyo"] and is_good(a) for a in wanted.values())
                and len(set(taken)) == len(taken))

    @stateful.rule(one=ACCELERATORS)
    def create(self, one):
        status, _ = self.call("POST", "/v1/accelerators", written(one))
        wanted = {**self.accelerators, one["name"]: one}
        if one["name"] in self.accelerators:
            assert status == 409
        elif self.can_be(wanted):
            assert status == 201
            self.accelerators = wanted
            self.changed()
        else:
            assert status in (409, 422)

    @stateful.rule(one=ACCELERATORS, is_current=strategies.booleans())
    def update(self, one, is_current):
        name = one["name"]
        status, now, = self.call("GET", f"/v1/accelerators/{name}")
        assert (status == 200) == (name in self.accelerators)
        tag = now["revision"] if status == 200 and is_current else 0
        patch = {key: value for key, value in written(one).items() if key != "name"}
        status, _ = self.call("PATCH", f"/v1/accelerators/{name}", patch,
                              {"If-Match": f'"{tag}"'})
        wanted = {**self.accelerators, name: one}
        if name not in self.accelerators:
            assert status == 404
        elif not is_current:
            assert status == 412
        elif not self.can_be(wanted):
            assert status in (409, 422)
        else:
            assert status == 200
            if wanted != self.accelerators:
                self.accelerators = wanted
                self.changed()

    @stateful.rule(key=KEYS, value=strategies.sampled_from(["", "prod", "dev"]),
                   is_not=strategies.booleans())
    def find(self, key, value, is_not):
        """An accelerator without the label is not equal to anything."""
        term = f"{key}{'!' if is_not else ''}={value}"
        found = self.control.get(f"/v1/accelerators?label={term}")["items"]
        wanted = [name for name, one in self.accelerators.items()
                  if (one["labels"].get(key) == value) != is_not]
        assert [one["name"] for one in found] == sorted(wanted)

    @stateful.rule(name=NAMES)
    def delete(self, name):
        status, _ = self.call("DELETE", f"/v1/accelerators/{name}")
        assert status == (200 if name in self.accelerators else 404)
        if self.accelerators.pop(name, None):
            self.changed()

    @stateful.rule(setting=TUNNELS)
    def set_tunnel(self, setting):
        status, _ = self.call("PATCH", "/v1/tunnels/tyo-1/osl-1", setting)
        assert status == (200 if self.accelerators else 404)
        if self.accelerators and setting != self.tunnel:
            self.tunnel = setting
            self.changed()

    @stateful.rule(several=strategies.lists(ACCELERATORS, max_size=3,
                                            unique_by=lambda a: a["name"]),
                   setting=strategies.none() | TUNNELS, prune=strategies.booleans(),
                   dry_run=strategies.booleans(), is_repeated=strategies.booleans())
    def apply(self, several, setting, prune, dry_run, is_repeated):
        items = [{"kind": "Accelerator", **written(one)} for one in several]
        if setting:
            items.append({"kind": "Tunnel", "listener": "tyo-1", "endpoint": "osl-1", **setting})
        self.keys += 1
        headers = {"Idempotency-Key": f"key-{self.keys}"}
        body = {"items": items, "prune": prune, "dry_run": dry_run}
        status, answer = self.call("POST", "/v1/apply", body, headers)
        wanted = {} if prune else dict(self.accelerators)
        touched = {one["name"]: one for one in several}
        wanted.update(touched)
        tunnel = setting or (dict(DEFAULTS) if prune else self.tunnel)
        assert status == (200 if self.can_be(wanted) else 422), answer
        if status == 200 and is_repeated:
            assert self.call("POST", "/v1/apply", body, headers) == (status, answer)
        if status == 200 and not dry_run and (wanted, tunnel) != (self.accelerators, self.tunnel):
            self.accelerators, self.tunnel = wanted, tunnel
            self.changed()

    @stateful.rule(data=strategies.data())
    def roll_back(self, data):
        if not self.states:
            return
        revision = data.draw(strategies.sampled_from(sorted(self.states)))
        status, answer = self.call("POST", "/v1/rollback", {"revision": revision})
        assert status == 200 and answer["warnings"] == []
        self.accelerators, self.tunnel = copy.deepcopy(self.states[revision])
        self.changed()

    @stateful.rule(is_killed=strategies.booleans())
    def restart(self, is_killed):
        if is_killed:
            self.control.kill()
        else:
            self.control.stop()
        self.control.start()

    @stateful.invariant()
    def control_has_what_the_model_has(self):
        stated = self.control.get("/v1/objects")
        assert stated["revision"] == self.revision
        accelerators = {}
        tunnel = dict(DEFAULTS)
        for item in stated["items"]:
            if item["kind"] == "Accelerator":
                accelerators[item["name"]] = {key: item[key] for key in (
                    "name", "protocol", "ports", "listen", "enabled", "allow",
                    "deny", "labels")}
                accelerators[item["name"]]["comment"] = item.get("comment", "")
                groups = [{"region": group["region"], "backends": [
                    {"host": b["host"], "weight": b["weight"]} for b in group["backends"]]}
                    for group in item["endpoint_groups"]]
                accelerators[item["name"]]["endpoint_groups"] = groups
                accelerators[item["name"]]["limits"] = item["limits"]
            else:
                tunnel = {key: item[key] for key in DEFAULTS}
        assert accelerators == self.accelerators and tunnel == self.tunnel


def test_random_calls_keep_to_the_model():
    print(f"repeat with SEED={SEED}")
    hypothesis.seed(SEED)(stateful.run_state_machine_as_test)(
        Calls, settings=hypothesis.settings(
            max_examples=25, stateful_step_count=30, deadline=None, database=None,
            suppress_health_check=list(hypothesis.HealthCheck)))
