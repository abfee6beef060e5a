# SPDX-License-Identifier: GPL-2.0-or-later
"""Control's side of the nodes' connections, by nodes that a test speaks for itself: who is let in,
what each is told, and what strangers get."""
import contextlib
import json
import os
import socket
import ssl
import struct
import subprocess
import time

import pytest

from tests.lab import procs, trunkline
from tests.lab.clock import Stopwatch
from tests.lab.control_alone import Control, expect_problem
from tests.lab.wan import header_number

PROTOCOL = header_number("model/messages.h", "CONTROL_PROTOCOL")

WEB = {"name": "web", "protocol": "tcp", "ports": ["80"], "listen": ["tokyo"],
       "endpoint_groups": [{"region": "oslo", "backends": [{"host": "192.0.2.10"}]}]}


class Identity:
    """A key and certificate as every daemon makes them: by a control that is started once."""

    def __init__(self, folder):
        os.makedirs(folder)
        Control(folder).start().stop()
        self.certificate = os.path.join(folder, "state", "identity.crt")
        self.key = os.path.join(folder, "state", "identity.key")


class Node:
    """One connection to control."""

    def __init__(self, control, identity, role="listener", name="tyo-1"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(identity.certificate, identity.key)
        plain = socket.create_connection(("127.0.0.1", control.nodes_port), 10)
        self.tls = context.wrap_socket(plain)
        self.role, self.name = role, name

    def send(self, message):
        text = json.dumps(message).encode()
        self.tls.sendall(struct.pack(">I", len(text)) + text)

    def take(self, count):
        got = b""
        while len(got) < count:
            part = self.tls.recv(count - len(got))
            if not part:
                raise EOFError
            got += part
        return got

    def receive(self, kind):
        text = self.take(struct.unpack(">I", self.take(4))[0])
        message = json.loads(text)
        assert message["type"] == kind, message
        return message

    def is_closed(self):
        try:
            return self.tls.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True

    def hello(self, token=None, **changes):
        message = {"type": "hello", "protocol": PROTOCOL, "role": self.role, "name": self.name, "slots": 2,
                   "instance": 1, "version": "0.1", "incarnation": 0, "revision": 0}
        if self.role == "endpoint":
            message["tunnel"] = "0.0.0.0:7401"
        if token:
            message["secret"] = secret_of(token)
        self.send({**message, **changes})

    def join(self, token=None, **changes):
        self.hello(token, **changes)
        self.receive("welcome")
        return self.receive("config")

    def apply(self, config):
        self.send({"type": "applied", "incarnation": config["incarnation"],
                   "revision": config["revision"]})

    def report(self, machine=None, **tunnel):
        self.send({"type": "report", "tunnels": [tunnel] if tunnel else [], "machine": machine or {}})

    def close(self):
        self.tls.close()


def secret_of(token):
    """The 32 bytes after role, region and pin; see model/join_token.c."""
    import base64

    text = token[len("tlj1_"):]
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    start = 2 + data[1] + 32
    return base64.urlsafe_b64encode(data[start:start + 32]).decode().rstrip("=")


def make_token(control, role, region, ttl_s=3600):
    status, answer, _ = control.call("POST", "/v1/node-tokens",
                                     {"role": role, "region": region, "ttl_s": ttl_s})
    assert status == 201, answer
    return answer["token"]


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("identities")
    return [Identity(str(folder / str(i))) for i in range(3)]


@pytest.fixture
def control(tmp_path):
    control = Control(tmp_path).start()
    yield control
    control.stop()


def node_state(control, name):
    return control.get(f"/v1/nodes/{name}")["state"]


def wait_state(control, name, state, timeout=3):
    procs.wait_until(lambda: node_state(control, name) == state, timeout * trunkline.SLOW,
                     f"{name} to be {state}")


def join_pair(control, identities):
    listener = Node(control, identities[0])
    listener.join(make_token(control, "listener", "tokyo"))
    endpoint = Node(control, identities[1], "endpoint", "osl-1")
    endpoint.join(make_token(control, "endpoint", "oslo"))
    return listener, endpoint


def test_a_pair_joins_and_gets_its_configs(control, identities):
    listener, endpoint = join_pair(control, identities)
    nodes = {n["name"]: n for n in control.get("/v1/nodes")["items"]}
    assert nodes["tyo-1"]["state"] == "up" and nodes["tyo-1"]["region"] == "tokyo"
    assert nodes["osl-1"]["addresses"] == ["127.0.0.1:7401"]
    watch = Stopwatch()
    assert control.call("POST", "/v1/accelerators", WEB)[0] == 201
    first, second = listener.receive("config"), endpoint.receive("config")
    assert watch.seconds() < 1 * trunkline.SLOW
    assert first["peers"][0]["pin"] == nodes["osl-1"]["pin"]
    assert first["peers"][0]["door_key"] == second["peers"][0]["door_key"]
    assert first["accelerators"][0]["groups"] == \
        [{"region": "oslo", "traffic_dial_percent": 100, "endpoints": ["osl-1"]}]
    assert second["accelerators"][0]["listeners"] == ["tyo-1"]
    assert {n["state"] for n in control.get("/v1/accelerators/web")["nodes"]} == {"pending"}
    listener.apply(first)
    endpoint.send({"type": "refused", "incarnation": second["incarnation"],
                   "revision": second["revision"], "reason": "out of ports"})
    procs.wait_until(lambda: {n["state"]: n["reason"] for n in control.get(
        "/v1/accelerators/web")["nodes"]} == {"applied": None, "refused": "out of ports"}, 3,
        "both answers")
    assert any("out of ports" in p["detail"] for p in control.get("/v1/status")["problems"])
    control.call("PATCH", "/v1/accelerators/web?now=true", {"ports": ["81"]})
    assert listener.receive("config")["drain_s"] == 0
    endpoint.apply(endpoint.receive("config"))
    control.call("DELETE", "/v1/accelerators/web")
    last = listener.receive("config")
    assert last.get("accelerators", []) == [] and last["drain_s"] == 30
    assert last["incarnation"] == first["incarnation"] and last["revision"] > first["revision"]
    assert endpoint.receive("config").get("accelerators", []) == []


def test_measurements_of_both_sides(control, identities):
    listener, endpoint = join_pair(control, identities)
    control.call("POST", "/v1/accelerators", WEB)
    tunnel = {"listener": "tyo-1", "endpoint": "osl-1", "state": "up", "since_ms": 1700000000000,
              "lane_total": 2, "rtt_last_second_us": 111, "rtt": {"now_us": 100, "min_us": 90}}
    listener.report(**tunnel, traffic={"packets_sent": 100, "packets_lost": 1, "sent_bps": 2000000},
                    figures={"congestion_window_bytes": 12000, "ecn_marks": 2})
    endpoint.report(**tunnel, traffic={"packets_sent": 100, "packets_lost": 3})

    def shown():
        tunnels = control.get("/v1/tunnels")["items"]
        return tunnels and tunnels[0]["loss"]["to_listener"] and tunnels[0]

    found = procs.wait_until(shown, 3, "both reports")
    assert found["state"] == "up" and found["loss"] == {"to_endpoint": 0.01, "to_listener": 0.03}
    assert found["rtt_us"]["min"] == 90 and found["mbps"]["to_endpoint"] == 2
    assert found["rtt_history_us"] == [111]
    figures = control.get("/v1/tunnels/tyo-1/osl-1")["figures"]
    assert figures["listener"]["congestion_window_bytes"] == 12000
    assert figures["listener"]["ecn_marks"] == 2 and figures["endpoint"]["ecn_marks"] == 0


def test_the_same_key_comes_back(control, identities):
    listener, endpoint = join_pair(control, identities)
    control.call("POST", "/v1/accelerators", WEB)
    config = listener.receive("config")
    listener.close()
    wait_state(control, "tyo-1", "down")
    control.stop()
    control.start()
    again = Node(control, identities[0])
    assert again.join(incarnation=config["incarnation"], revision=config["revision"])["seed"] \
        == config["seed"]
    assert control.get("/v1/nodes/tyo-1")["config"]["applied"] == config["revision"]
    newer = Node(control, identities[0])
    newer.join()
    assert again.is_closed()
    assert node_state(control, "tyo-1") == "up"
    endpoint.close()


def test_a_changed_address_reaches_the_peers(control, identities):
    listener, endpoint = join_pair(control, identities)
    control.call("POST", "/v1/accelerators", WEB)
    listener.receive("config")
    endpoint.close()
    moved = Node(control, identities[1], "endpoint", "osl-1")
    moved.join(advertise="192.0.2.77:9000")
    assert listener.receive("config")["peers"][0]["addresses"] == ["192.0.2.77:9000"]
    assert "192.0.2.77:9000" in control.get("/v1/revisions")["items"][0]["what"]


def denied(control, identity, token, role="listener", name="new", **changes):
    node = Node(control, identity, role, name)
    node.hello(token, **changes)
    reason = node.receive("denied")["reason"]
    assert node.is_closed()
    return reason


def test_tokens_that_do_not_open(control, identities):
    token = make_token(control, "listener", "tokyo")
    other = make_token(control, "listener", "lima", ttl_s=1)
    assert "trunkctl node token" in denied(control, identities[0], None)
    assert "trunkctl node token" in denied(control, identities[0], None, secret="A" * 42 + "E")
    assert "for a listener" in denied(control, identities[0], token, "endpoint")
    assert "protocol" in denied(control, identities[0], token, protocol=99)
    time.sleep(1.2)
    assert "expired" in denied(control, identities[0], other)
    Node(control, identities[0]).join(token)
    assert "used by node tyo-1" in denied(control, identities[1], token)
    third = make_token(control, "listener", "tokyo")
    reason = denied(control, identities[1], third, name="tyo-1")
    assert "--name" in reason and "trunkctl node remove tyo-1" in reason
    assert "another --state" in denied(control, identities[0], third, "endpoint")
    assert len(control.get("/v1/nodes")["items"]) == 1
    Node(control, identities[1], name="tyo-2").join(third)


def test_a_removed_node_is_told_and_let_go(control, identities):
    listener, endpoint = join_pair(control, identities)
    control.call("POST", "/v1/accelerators", WEB)
    listener.receive("config")
    endpoint.receive("config")
    watch = Stopwatch()
    assert control.call("DELETE", "/v1/nodes/tyo-1")[0] == 200
    listener.receive("removed")
    last = endpoint.receive("config")
    assert last.get("peers", []) == [] and last["drain_s"] == 0
    assert listener.is_closed()
    assert watch.seconds() < 2 * trunkline.SLOW
    assert "removed" in denied(control, identities[0], None, name="tyo-1")
    expect_problem(control.call("GET", "/v1/tunnels/tyo-1/osl-1"), 404, "not-found")


def test_silence_is_down(control, identities):
    listener, _ = join_pair(control, identities)
    time.sleep(5.5)
    wait_state(control, "tyo-1", "down")
    listener.report()
    wait_state(control, "tyo-1", "up")


def open_sockets(control):
    count = 0
    for name in os.listdir(f"/proc/{control.proc.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += "socket" in os.readlink(f"/proc/{control.proc.pid}/fd/{name}")
    return count


def test_strangers_get_nothing_and_go(control, identities):
    listener, _ = join_pair(control, identities)
    before = open_sockets(control)
    held = []
    for i in range(150):
        stranger = socket.create_connection(("127.0.0.1", control.nodes_port), 5)
        stranger.sendall(os.urandom(i * 37 % 4096) if i % 3 else b"GET / HTTP/1.1\r\n\r\n")
        held.append(stranger)
    assert control.get("/v1/status")["nodes"]["up"] == 2
    assert open_sockets(control) < before + 64 + 5  # those of the API come and go
    for changes in [{"name": "a b"}, {"slots": 0}, {"role": "cook"}, {"x": 1}, {"instance": -1}]:
        assert denied(control, identities[2], None, **changes)
    node = Node(control, identities[2])
    node.send({"type": "report"})
    assert "hello" in node.receive("denied")["reason"]
    node = Node(control, identities[2])
    node.tls.sendall(struct.pack(">I", 17 * 1024))
    assert node.is_closed()
    node = Node(control, identities[2])
    node.tls.sendall(struct.pack(">I", 0))
    assert node.is_closed()
    for stranger in held:
        stranger.close()
    listener.send({"type": "hello"})
    assert listener.receive("denied")
    procs.wait_until(lambda: open_sockets(control) < before + 5, 5 * trunkline.SLOW,
                     "the strangers' sockets to be closed")
    Node(control, identities[0]).join()


def test_a_client_without_a_key_or_with_old_tls(control):
    def attempt(*arguments):
        return subprocess.run(["openssl", "s_client", "-connect",
                               f"127.0.0.1:{control.nodes_port}", *arguments],
                              input="", capture_output=True, text=True, timeout=20, check=False)

    assert attempt("-tls1_2").returncode != 0
    attempt("-tls1_3")
    assert control.get("/v1/status")["nodes"] == {"up": 0, "down": 0}


def test_the_keys_process_is_started_again(control, identities):
    listener, _ = join_pair(control, identities)
    pin = control.get("/v1/status")["pin"]
    keys = [pid for pid in procs.children(control.proc.pid)
            if "--role keys" in procs.command_line(pid)]
    assert len(keys) == 1
    os.kill(keys[0], 9)
    assert listener.is_closed()
    wait_state(control, "tyo-1", "down")

    def comes_back():
        try:
            Node(control, identities[0]).join()
            return True
        except (OSError, EOFError):
            return False

    procs.wait_until(comes_back, 5, "the listener to be back")
    assert control.get("/v1/status")["pin"] == pin


def found(control, check):
    """Of nodes; what control says of its own machine is another on each."""
    return [f for f in control.get("/v1/doctor")["findings"] if f["check"] == check and f["node"]]


def test_doctor_says_what_is_wrong_with_machines(control, identities):
    """A node whose clock is an hour late, and whose kernel gives it little; then one that is well."""
    listener, endpoint = join_pair(control, identities)
    with contextlib.closing(listener), contextlib.closing(endpoint):
        control.get("/v1/doctor")
        machine = {"clock_ms": int((time.time() - 3600) * 1000), "rmem_max_bytes": 212992,
                   "wmem_max_bytes": 212992, "tunnel_buffer_bytes": 8 << 20,
                   "tunnel_granted_bytes": 212992, "files_max": 1024, "port_first": 32768,
                   "port_last": 33000, "udp_gro": True, "udp_segment": False}
        endpoint.report(machine)
        procs.wait_until(lambda: found(control, "clock"), 5 * trunkline.SLOW, "a finding")
        assert "3600" in found(control, "clock")[0]["detail"]
        assert "behind control's" in found(control, "clock")[0]["detail"]
        limits = {f["detail"].split(":")[0]: f for f in found(control, "limits")}
        assert len(limits) == 4
        assert {f["level"] for f in limits.values()} == {"wrong", "notice"}
        assert any("net.core.rmem_max=8388608" in f["fix"] for f in limits.values())
        versions = found(control, "version")
        assert [f["node"] for f in versions] == ["osl-1", "tyo-1"]
        well = {"clock_ms": int(time.time() * 1000), "files_max": 1 << 20, "udp_gro": True,
                "udp_segment": True}
        endpoint.report(well)
        procs.wait_until(lambda: not found(control, "clock"), 5 * trunkline.SLOW, "a good clock")
        assert not found(control, "limits")
