# SPDX-License-Identifier: GPL-2.0-or-later
"""Endpoint groups: which region, which endpoint and which backend new flows go to, and what drains. Two
listeners; two endpoints in oslo and one, farther away, in rome; servers that tell their names."""
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

from tests.lab import openapi, procs, trunkline
from tests.lab.namers import Namers, ask
from tests.lab.site import DRAIN, is_quiet
from tests.lab.trunkline import SLOW, Cluster, is_built
from tests.lab.wan import Wan

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
NAMES = ["o1", "o2", "o3"]  # oslo's backends, on ports FIRST and up; rome has "r1"
FIRST = 9000
NODES = ("listener", "listener2", "oslo1", "oslo2", "rome1")


class Groups(Cluster):
    def __init__(self, folder):
        super().__init__(folder, Wan("groups", folder))
        self.ports = itertools.count(7000)
        self.namers = Namers()
        for number, name in enumerate(NAMES):
            self.namers.serve(self.space("osloserver"), self.address("osloserver"), FIRST + number, name)
        self.namers.serve(self.space("romeserver"), self.address("romeserver"), FIRST, "r1")
        self.start_control()
        for name in ("listener", "listener2"):
            self.add_listener(name, "near", name, more=DRAIN)
        for name in ("oslo1", "oslo2", "rome1"):
            self.add_endpoint(name, name.rstrip("12"), name, more=DRAIN)

    def backend(self, name):
        """As trunkctl has it."""
        if name == "r1":
            return f"rome={self.address('romeserver')}:{FIRST}"
        return f"oslo={self.address('osloserver')}:{FIRST + NAMES.index(name)}"

    def make(self, *names, protocol="tcp", more=()):
        port = next(self.ports)
        self.accelerator(f"a{port}", protocol, str(port), [self.backend(n) for n in names],
                         more=more)
        self.wait_up()
        return Service(self, port)

    def __exit__(self, *why):
        try:
            super().__exit__(*why)
        finally:
            self.namers.stop()
            self.wan.stop()


class Service:
    """An accelerator as the user sees it."""

    def __init__(self, cluster, port):
        self.cluster, self.port, self.name = cluster, port, f"a{port}"

    def update(self, *options):
        self.cluster.ctl("accelerator", "update", self.name, *options)
        self.cluster.wait_applied(self.name)

    def connect(self, listener="listener", port=None):
        sock = procs.connect(self.cluster.space("user"), self.cluster.address(listener),
                             port or self.port)
        sock.settimeout(10 * SLOW)
        return sock

    def datagrams(self, listener="listener", port=None):
        sock = procs.open_socket(self.cluster.space("user"), socket.SOCK_DGRAM)
        sock.connect((self.cluster.address(listener), port or self.port))
        sock.settimeout(10 * SLOW)
        return sock

    def taken(self, count, listener="listener"):
        """Which servers so many new connections reach: {name: connections}; "reset" for none."""
        taken = {}
        for _ in range(count):
            name = "reset"
            with contextlib.suppress(ConnectionError), self.connect(listener) as sock:
                name = ask(sock)
            taken[name] = taken.get(name, 0) + 1
        return taken

    def all_to(self, name, count=5, listener="listener", seconds=20):
        """So many connections, one after the other, go to that server: soon, as a node says that a
        config is applied a moment before its workers have it."""
        procs.wait_until(lambda: self.taken(count, listener) == {name: count}, seconds * SLOW,
                         lambda: f"{name} to be chosen: {self.taken(count, listener)}")

    def only_one(self):
        """The server that all connections go to, soon."""
        taken = procs.wait_until(lambda: only(self.taken(20)), 20 * SLOW,
                                 lambda: f"one server to be chosen: {self.taken(20)}")
        return taken


def only(taken):
    return next(iter(taken)) if len(taken) == 1 else None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Groups(tmp_path_factory.mktemp("groups")) as made:
        yield made


@contextlib.contextmanager
def drained(cluster, node):
    cluster.ctl("node", "drain", node)
    try:
        wait_config(cluster)
        yield
    finally:
        cluster.ctl("node", "undrain", node)
        wait_config(cluster)


def wait_config(cluster):
    """Until every node serves by its newest config."""
    procs.wait_until(lambda: all(n["config"]["wanted"] == n["config"]["applied"]
                                 for n in cluster.items("node", "list")), 10 * SLOW,
                     "all nodes to have applied their configs")


def test_dials_share_flows_and_0_drains(cluster):
    service = cluster.make("o1", "r1")
    service.all_to("o1", 20)
    service.update("--dial", "oslo=30")
    procs.wait_until(lambda: len(service.taken(30)) == 2, 20 * SLOW, "both groups to be chosen")
    taken = service.taken(200)
    assert 20 <= taken["o1"] <= 105  # 60 are due; beyond 6 standard deviations
    assert taken["o1"] + taken["r1"] == 200
    with contextlib.ExitStack() as stack:
        old = []
        while not old or ask(old[-1]) != "o1":
            old.append(stack.enter_context(service.connect()))
        service.update("--dial", "oslo=0")
        service.all_to("r1", 30)
        assert ask(old[-1]) == "o1"
        service.update("--dial", "rome=0")
        service.all_to("reset")
        assert ask(old[-1]) == "o1"
        service.update("--dial", "oslo=1", "--dial", "rome=0")
        service.all_to("o1", 20)  # the last takes the rest


def test_an_explicit_order_goes_before_the_nearest(cluster):
    service = cluster.make("o1", "r1", more=("--failover-order", "rome"))
    service.all_to("r1", 10)
    shown = cluster.ctl("accelerator", "show", service.name)
    assert shown["failover_order"] == ["rome"]
    service.update("--failover-order", "nearest")
    service.all_to("o1", 10)
    service.update("--failover-order", "rome,oslo")
    with drained(cluster, "rome1"):
        service.all_to("o1", 10)
    service.all_to("r1", 10)


def test_the_nearest_changes_with_the_round_trip_and_old_flows_stay(cluster):
    service = cluster.make("o1", "r1")
    with service.connect() as old:
        assert ask(old) == "o1"
        try:
            for node in ("oslo1", "oslo2"):
                cluster.wan.ctl(f"link listener {node} delay 150")
            began = time.monotonic()
            service.all_to("r1", 1, seconds=60)
            assert time.monotonic() - began > 9  # not at once: 10 s of being nearer
            assert ask(old) == "o1"
        finally:
            for node in ("oslo1", "oslo2"):
                cluster.wan.ctl(f"link listener {node} delay 10")
        service.all_to("o1", 1, seconds=60)


def test_a_group_out_of_reach_is_left_and_taken_again(cluster):
    service = cluster.make("o1", "r1")
    service.all_to("o1", 5)
    try:
        for node in ("oslo1", "oslo2"):
            cluster.wan.ctl(f"cut listener {node}")
        procs.wait_until(lambda: tunnels_down(cluster) == {"oslo1", "oslo2"}, 10 * SLOW,
                         "two tunnels to be down")
        service.all_to("r1", 10)
    finally:
        for node in ("oslo1", "oslo2"):
            cluster.wan.ctl(f"mend listener {node}")
    cluster.wait_up()
    service.all_to("o1", 10)


def tunnels_down(cluster):
    return {t["endpoint"] for t in cluster.items("tunnel", "list")
            if t["listener"] == "listener" and t["state"] == "down"}


def test_affinity_keeps_a_user_at_one_backend(cluster):
    service = cluster.make(*NAMES, protocol="tcp+udp")
    spread = service.taken(60)
    assert len(spread) == 3, spread
    service.update("--affinity", "source")
    name = service.only_one()
    service.all_to(name, 30, "listener2")
    for listener in ("listener", "listener2"):
        for _ in range(10):
            with service.datagrams(listener) as sock:
                assert ask(sock) == name
    # The other endpoint of the region chooses the same backend.
    for node in ("oslo1", "oslo2"):
        with drained(cluster, node):
            service.all_to(name, 10)
    # Without it another backend has the user, and with it again the same one.
    service.update("--weight", f"{cluster.backend(name)},0")
    other = procs.wait_until(
        lambda: next((n for n in [only(service.taken(20))] if n and n != name), None), 20 * SLOW,
        "another server to be chosen")
    assert other in NAMES
    service.update("--weight", f"{cluster.backend(name)},128")
    service.all_to(name, 20)


def test_weight_0_drains_a_backend(cluster):
    service = cluster.make("o1", "o2", protocol="tcp+udp")
    with contextlib.ExitStack() as stack:
        tcp, udp = {}, {}
        while len(tcp) < 2:
            sock = stack.enter_context(service.connect())
            tcp[ask(sock)] = sock
        while len(udp) < 2:
            sock = stack.enter_context(service.datagrams())
            udp[ask(sock)] = sock
        service.update("--weight", f"{cluster.backend('o1')},0")
        service.all_to("o2", 40)
        for name in ("o1", "o2"):
            assert ask(tcp[name]) == name
            assert ask(udp[name]) == name


class Dns:
    """back.test, for one second at a time, in the namespace of the endpoint that asks."""

    def __init__(self, folder, space, address):
        self.hosts = folder / "hosts"
        self.etc = pathlib.Path("/etc/netns") / space
        self.etc.mkdir(parents=True)
        (self.etc / "resolv.conf").write_text(f"nameserver {address}\n")
        self.hosts.write_text("")
        self.proc = procs.Proc("dnsmasq", [
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--no-daemon", f"--addn-hosts={self.hosts}", "--local-ttl=1", "--user=root",
            f"--listen-address={address}", "--bind-interfaces", "--local=/test/"], folder, space)
        self.proc.wait_for_port(address, 53)

    def set(self, *addresses):
        self.hosts.write_text("".join(f"{address} back.test\n" for address in addresses))
        os.kill(self.proc.pid, signal.SIGHUP)

    def stop(self):
        self.proc.stop()
        shutil.rmtree(self.etc)


def test_a_name_is_followed_and_its_addresses_share(cluster, tmp_path):
    here, there = cluster.address("rome1"), cluster.address("romeserver")
    cluster.namers.serve(cluster.space("rome1"), here, FIRST, "r2")
    dns = Dns(tmp_path, cluster.space("rome1"), here)
    try:
        dns.set(there)
        cluster.nodes["rome1"].restart()  # it reads resolv.conf when it starts
        cluster.wait_node("rome1")
        port = next(cluster.ports)
        cluster.accelerator(f"a{port}", "tcp", str(port), [f"rome=back.test:{FIRST}"])
        cluster.wait_up()
        service = Service(cluster, port)
        service.all_to("r1")
        dns.set(here)
        service.all_to("r2")
        dns.set(here, there)
        procs.wait_until(lambda: len(service.taken(20)) == 2, 20 * SLOW, "both to be chosen")
        taken = service.taken(100)
        assert taken["r1"] + taken["r2"] == 100
        assert min(taken.values()) >= 20  # 50 are due: 6 standard deviations
        service.update("--affinity", "source")
        name = service.only_one()
        dns.proc.stop()
        procs.wait_until(lambda: "backend_name_fails" in cluster.nodes["rome1"].log(), 30 * SLOW,
                         "the name to fail")
        service.all_to(name, 20)
    finally:
        dns.stop()


def wait_drain_line(process, log, words):
    procs.wait_until(lambda: words in log.read_text() or process.poll() is not None, 20 * SLOW,
                     lambda: f"{words!r}: {log.read_text()}")
    assert words in log.read_text(), log.read_text()


def wait_for_no_more_flows(cluster, service):
    """Until 20 new connections leave oslo1 alone."""
    def are_elsewhere():
        before = cluster.counter("oslo1", "tcp_flows_opened")
        service.taken(20)
        return cluster.counter("oslo1", "tcp_flows_opened") == before

    procs.wait_until(are_elsewhere, 30 * SLOW, "oslo1 to get no new flows")


def test_a_drained_endpoint_keeps_its_flows_and_is_waited_for(cluster, tmp_path):
    service = cluster.make("o1")
    log = tmp_path / "drain.log"
    with contextlib.ExitStack() as stack:
        socks = []

        def both_have():
            for _ in range(4):
                socks.append(stack.enter_context(service.connect()))
                assert ask(socks[-1]) == "o1"
            counters = cluster.all_counters("oslo1", "oslo2").values()
            return all(c["tcp_flows"] > 0 for c in counters)

        procs.wait_until(both_have, 30 * SLOW, "both endpoints to have flows")
        with open(log, "w", encoding="utf-8") as file:
            waiting = subprocess.Popen(
                [trunkline.program("trunkctl"), "--control", cluster.api, "node", "drain", "oslo1",
                 "--wait", "--timeout", "5m"], stdout=file, stderr=file,
                preexec_fn=procs.die_with_parent)
        stack.callback(waiting.wait)
        stack.callback(waiting.send_signal, signal.SIGKILL)
        wait_drain_line(waiting, log, "draining: ")
        wait_config(cluster)
        wait_for_no_more_flows(cluster, service)
        taken = cluster.counter("oslo1", "tcp_flows_opened")
        assert all(ask(sock) == "o1" for sock in socks)
        assert cluster.ctl("node", "show", "oslo1")["drain"] == "draining"
        cluster.control.restart()
        cluster.wait_control()
        cluster.wait_node("oslo1")
        cluster.wait_node("listener")
        assert cluster.ctl("node", "show", "oslo1")["drain"] == "draining"
        assert "up, draining" in cluster.ctl_run("node", "list", output="table").stdout
        service.all_to("o1", 40)
        assert all(ask(sock) == "o1" for sock in socks)
        assert cluster.counter("oslo1", "tcp_flows_opened") == taken
    # Now its flows are over. The first wait ended with control; another one ends well.
    # UDP flows of other tests are alive for a minute.
    done = procs.run([trunkline.program("trunkctl"), "--control", cluster.api, "node", "drain",
                      "oslo1", "--wait", "--timeout", "100s"], timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "node oslo1 is drained\n"
    cluster.ctl("node", "undrain", "oslo1")
    wait_config(cluster)

    def is_used_again():
        service.taken(10)
        return cluster.counter("oslo1", "tcp_flows_opened") > taken

    procs.wait_until(is_used_again, 20 * SLOW, "oslo1 to have flows again")


def test_without_endpoints_the_next_group_takes_all(cluster):
    service = cluster.make("o1", "r1")
    with drained(cluster, "oslo1"), drained(cluster, "oslo2"):
        service.all_to("r1", 10)
    service.all_to("o1", 10)


def is_closed(service):
    try:
        service.connect("listener2").close()
        return False
    except ConnectionRefusedError:
        return True


def test_a_drained_listener_refuses_new_users(cluster):
    service = cluster.make("o1", protocol="tcp+udp")
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(service.connect("listener2"))
        udp = stack.enter_context(service.datagrams("listener2"))
        assert ask(tcp) == ask(udp) == "o1"
        with drained(cluster, "listener2"):
            procs.wait_until(lambda: is_closed(service), 20 * SLOW, "the port to be closed")
            with service.datagrams("listener2") as new:
                new.send(b"who?\n")
                assert is_quiet(new, 1)
            assert ask(tcp) == ask(udp) == "o1"
            service.all_to("o1", 5)  # at the other one
            procs.wait_until(lambda: cluster.counter("listener2", "udp_refused_draining") > 0,
                             5 * SLOW, "the datagram to be counted")
        service.all_to("o1", 5, "listener2")


@pytest.mark.parametrize("protocol", ["tcp", "udp", "tcp+udp"])
@pytest.mark.parametrize("shifted", [True, False])
def test_lists_and_ranges_of_ports(cluster, protocol, shifted):
    first = {"tcp": 20000, "udp": 21000, "tcp+udp": 22000}[protocol] + (100 if shifted else 0)
    shift = 5000 if shifted else 0
    ports = [first, first + 1, first + 2, first + 10]
    host = cluster.address("osloserver")
    for port in ports:
        cluster.namers.serve(cluster.space("osloserver"), host, port + shift, f"at{port}")
    cluster.accelerator(f"p{first}", protocol, f"{first}-{first + 2},{first + 10}",
                        [f"oslo={host}" + (f":{first + shift}" if shifted else "")])
    cluster.wait_up()
    service = Service(cluster, first)
    for port in ports:
        if "tcp" in protocol:
            with service.connect(port=port) as sock:
                assert ask(sock) == f"at{port}"
        if "udp" in protocol:
            with service.datagrams(port=port) as sock:
                assert ask(sock) == f"at{port}"
    if protocol != "udp":
        with pytest.raises(ConnectionRefusedError):
            service.connect(port=first + 3)


# ---- explain flow: what it says is what happens


def explain(cluster, sock, *options):
    """Of that socket's flow, live or to come, which is bound to an address of the user."""
    host, port = sock.getsockname()
    told = cluster.ctl("explain", "flow", f"{host}:{port}", *options)
    openapi.check("POST", "/v1/explain/flow", 200, told, "application/json")
    return told


def bound(cluster, kind=socket.SOCK_STREAM):
    sock = procs.open_socket(cluster.space("user"), kind, bind=(cluster.address("user"), 0))
    sock.settimeout(10 * SLOW)
    return sock


def backend_of(told):
    """The name of the server that the answer says takes the flow."""
    taking = [b for b in told["endpoint"]["backends"] if b["verdict"] == "takes"]
    assert len(taking) == 1, told
    if told["listener"]["endpoint"].startswith("rome"):
        return "r1"
    return NAMES[taking[0]["port"] - FIRST]


def verdicts(told):
    return {g["region"]: g["verdict"] for g in told["listener"]["groups"]}


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_explain_flow_foretells_where_flows_go(cluster, protocol):
    """For flows that are not there yet, by the user's address and port alone; then for the same ones, live."""
    web = cluster.make(*NAMES, "r1", protocol=protocol, more=("--dial", "oslo=50"))
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    seen, count = set(), 0
    while count < 8 or (count < 64 and ("r1" not in seen or len(seen) < 3)):
        count += 1
        with bound(cluster, kind) as sock:
            told = explain(cluster, sock, "--to", web.name, "--at", "listener")
            assert told["verdict"] == "taken" and not told["live"], told
            assert told["port"] == web.port and told["protocol"] == protocol
            sock.connect((cluster.address("listener"), web.port))
            name = ask(sock)
            assert backend_of(told) == name
            seen.add(name)
            oslo = told["listener"]["groups"][0]
            assert oslo["region"] == "oslo" and oslo["dial"] == 50
            assert oslo["verdict"] == ("takes" if oslo["share"] < 50 else "passes")
            assert verdicts(told)["rome"] == ("not-asked" if oslo["share"] < 50 else "takes")
            # Without another word where there is only one: a UDP flow of a test before may have the same port.
            live = explain(cluster, sock, *(() if protocol == "tcp" else ("--to", web.name)))
            assert live["live"] and live["accelerator"] == web.name and live["port"] == web.port
            assert live["listener"]["node"] == "listener" and live["endpoint"]["live"]
            assert live["listener"]["endpoint"] == told["listener"]["endpoint"]
            assert backend_of(live) == name
            lane = live["listener"]["lane"]
            assert lane["up"] and lane["rtt_us"] > 15000
            assert lane["remote"].startswith(cluster.address(live["listener"]["endpoint"]))
    assert "r1" in seen and len(seen) > 2


def test_explain_flow_says_why_not(cluster):
    web = cluster.make(*NAMES, "r1")
    with bound(cluster) as sock:
        told = explain(cluster, sock, "--to", str(web.port))
        assert told["accelerator"] == web.name and told["other_listeners"] == ["listener2"]
        web.update("--weight", f"{cluster.backend(backend_of(told))},0")
        was = backend_of(told)

        def moved():
            told = explain(cluster, sock, "--to", web.name)
            states = {b["port"]: b["verdict"] for b in told["endpoint"]["backends"]}
            return backend_of(told) != was and states[FIRST + NAMES.index(was)] == "weight-0"

        if was != "r1":
            procs.wait_until(moved, 10 * SLOW, "the backend to be left")
        web.update("--dial", "oslo=0")
        procs.wait_until(lambda: verdicts(explain(cluster, sock, "--to", web.name)) == {
            "oslo": "dial-0", "rome": "takes"}, 10 * SLOW, "the group to be left")
        web.update("--dial", "rome=0")
        procs.wait_until(lambda: explain(cluster, sock, "--to", web.name)["verdict"] == "no-lane",
                         10 * SLOW, "no group to be left")
        told = explain(cluster, sock, "--to", web.name)
        assert told["endpoint"] is None and told["listener"]["lane"] is None
        assert web.taken(1) == {"reset": 1}


def test_explain_flow_when_nobody_knows(cluster):
    web = cluster.make("o1")
    done = cluster.ctl_run("explain", "flow", "192.0.2.1:1", output="table")
    assert done.returncode == 3 and "name what it goes to by --to" in done.stdout
    for wrong, part in (("--to nothing", "no accelerator"), ("--to 1", "no accelerator has port 1"),
                        ("--at oslo1", "no listener"), (f"--to {web.name} --protocol udp", "only tcp")):
        done = cluster.ctl_run("explain", "flow", "192.0.2.1:1", *wrong.split(), output="table")
        assert done.returncode in (1, 3) and part in done.stderr, done.stderr
    done = cluster.ctl_run("explain", "flow", "192.0.2.1:1", "--to", web.name, output="table")
    assert done.returncode == 0 and "the flow's hash chose it" in done.stdout
    web.update("--deny", "192.0.2.0/24")
    procs.wait_until(lambda: "deny lists are against" in cluster.ctl_run(
        "explain", "flow", "192.0.2.1:1", "--to", web.name, output="table").stdout,
                     10 * SLOW, "the list to be told")
    # Personal data stays where it was asked.
    assert "192.0.2.1" not in cluster.control.log() + cluster.nodes["listener"].log()
    assert "192.0.2.1" not in json.dumps(cluster.ctl("audit"))
