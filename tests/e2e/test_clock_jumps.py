# SPDX-License-Identifier: GPL-2.0-or-later
"""The wall clock of a daemon is set an hour ahead and back: nothing but its time stamps changes."""
import os
import re
import struct
import time

import pytest

from tests.lab import procs, trunkline
from tests.lab.namers import Namers, ask
from tests.lab.site import DRAIN, Site
from tests.lab.stream import TcpStream, UdpStream
from tests.lab.trunkline import SLOW, is_built
from tests.lab.wan import ROOT

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
HOUR = 3600
PORT = 9000
HEALTH = "tcp,interval=1s,timeout=1s,rise=1,fall=3"
NEWS = r" (lane|tunnel_established|node_up|node_down|control_connected|control_unreachable|backend_health" \
       r"|config_applied|config_refused|process_died|process_broke_rules|sandbox_killed|worker_ends) "


class Clock:
    """Of one daemon and its processes."""

    def __init__(self, library, path):
        self.path = path
        self.set(0)
        self.environment = {"LD_PRELOAD": library, "CLOCK_JUMP_FILE": path,
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def set(self, seconds):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("=q", seconds))


class Clocked(Site):
    """Each daemon has a clock of its own."""

    def __init__(self, folder):
        library = str(folder / "clock_jump.so")
        procs.run(["cc", "-shared", "-fPIC", "-o", library,
                   os.path.join(ROOT, "tests/lab/clock_jump.c")])
        self.clocks = {name: Clock(library, str(folder / f"{name}.clock"))
                       for name in ("control", "listener", "endpoint")}
        super().__init__(folder, pair=False)
        self.start_control()
        self.add_listener(binds=["10.77.0.2"], more=DRAIN)
        self.add_endpoint(more=DRAIN)
        for daemon in (self.control, *self.nodes.values()):
            daemon.environment = self.clocks[daemon.name].environment
            daemon.restart()
        self.wait_control()
        for name in self.nodes:
            self.wait_node(name, 15)

    def daemon(self, name):
        return self.control if name == "control" else self.nodes[name]

    def news(self):
        return {name: [re.sub(r"^\S+ ", "", line) for line in self.daemon(name).logged(NEWS)]
                for name in self.clocks}

    def last_stamp(self, name):
        """UNIX time of the daemon's last line of log."""
        stamp = self.daemon(name).log().splitlines()[-1].split(".")[0]
        return time.mktime(time.strptime(stamp + "UTC", "%Y-%m-%dT%H:%M:%S%Z")) - time.timezone


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Clocked(tmp_path_factory.mktemp("clocks")) as made:
        yield made


@pytest.fixture(scope="module")
def load(site):
    """An accelerator whose backend's health is asked for, and flows that live for the whole module."""
    made = {"namers": Namers()}
    made["namers"].serve(site.space("server"), site.address("server"), PORT, "here")
    site.accelerator("web", "tcp", str(PORT), [site.address("server")], more=["--health", HEALTH])
    tcp, udp = site.tcp(), site.udp()
    site.wait_up()
    made["tcp"], made["udp"] = TcpStream(*tcp.pair()), UdpStream(udp.user(), udp.servers[0], 50)
    yield made
    made["tcp"].stop()
    made["udp"].stop()
    made["namers"].stop()


def all_is_as_ever(site, load):
    moment = time.monotonic()
    assert load["tcp"].moves(5 * SLOW), load["tcp"].state()
    procs.wait_until(lambda: len(load["udp"].answered_since(moment)) > 20, 5 * SLOW, load["udp"].state)
    with procs.connect(site.space("user"), site.address("listener"), PORT) as user:
        user.settimeout(5)
        assert ask(user) == "here"
    site.wait_reports(*site.nodes)
    status = site.ctl("status")
    assert status["nodes"] == {"up": 2, "down": 0} and status["tunnels"]["up"] == 1, status


def news_without_configs(site):
    return {name: [line for line in lines if "config_applied" not in line]
            for name, lines in site.news().items()}


JUMPS = [{"control": HOUR}, {"control": -HOUR, "listener": HOUR}, {"listener": -HOUR, "endpoint": HOUR},
         {"endpoint": -HOUR, "control": HOUR}]  # those that are not named are right again


def test_jumps_change_time_stamps_alone(site, load):
    """Flows, lanes, reports, health, changes, and a token that was made before."""
    all_is_as_ever(site, load)
    before = news_without_configs(site)
    assert all(before.values()), before  # lanes, nodes and connections: what is not heard cannot change
    token = site.ctl("node", "token", "--role", "listener", "--region", "near", "--ttl", "120s")["token"]
    for number, jumps in enumerate(JUMPS):
        for name, clock in site.clocks.items():
            clock.set(jumps.get(name, 0))
        all_is_as_ever(site, load)
        site.ctl("accelerator", "update", "web", "--udp-flows-per-source", str(2000 + number))
        site.wait_applied("web")
        for name in site.clocks:
            assert abs(site.last_stamp(name) - time.time() - jumps.get(name, 0)) < 60, name
    assert news_without_configs(site) == before
    # Control's clock is an hour ahead, and the token good for two minutes.
    late = trunkline.Daemon(site, "listener", "late", "listener", ["--name", "late", "--bind", "10.77.0.2",
                                                                   "--workers", "1", *DRAIN])
    site.nodes["late"] = late
    late.start("--join", token)
    site.wait_node("late")
