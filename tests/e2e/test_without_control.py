# SPDX-License-Identifier: GPL-2.0-or-later
"""Static stability: control is gone from the first fault to the last. Users open new flows all the
time; meanwhile a backend, a path, an endpoint and a listener fail and come back, one after the other."""
import contextlib
import socket
import threading
import time

import pytest

from tests.lab import procs
from tests.lab.namers import Namers, ask
from tests.lab.site import DRAIN, Site
from tests.lab.stream import TcpStream, UdpStream
from tests.lab.trunkline import SLOW, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
PORT = 9000
HEALTH = "tcp,interval=200ms,timeout=150ms,rise=1,fall=2"
REGIONS = {"far": "server", "farther": "server2"}  # the nearer one first, and the node of its servers


class Users(threading.Thread):
    """One new connection after the other: which region answered each, or "none"."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site, self.answers, self.is_over = site, [], False
        self.start()

    def run(self):
        while not self.is_over:
            self.answers.append(self.ask())
            time.sleep(0.02)

    def ask(self):
        with contextlib.suppress(OSError), \
                procs.connect(self.site.space("user"), "10.77.0.2", PORT, 3 * SLOW) as sock:
            sock.settimeout(1 * SLOW)
            return ask(sock)
        return "none"

    def wait_all_from(self, region, count=15, seconds=20):
        """Until so many flows in a row, all begun after this call, were answered there; the seconds."""
        first, began = len(self.answers) + 1, time.monotonic()
        procs.wait_until(lambda: self.answers[first:][-count:] == [region] * count, seconds * SLOW,
                         lambda: f"{region} to answer all: {self.answers[-count:]}")
        return time.monotonic() - began

    def stop(self):
        self.is_over = True
        self.join()


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path, "two-regions", pair=False) as made:
        made.start_control()
        made.add_listener(binds=["10.77.0.2"], more=DRAIN)
        made.add_endpoint("endpoint", "far", more=DRAIN)
        made.add_endpoint("endpoint2", "farther", node="endpoint2", tunnel="10.77.0.6:7401", more=DRAIN)
        made.namers = {region: serve(made, region) for region in REGIONS}
        made.accelerator("web", "tcp+udp", str(PORT), [
            f"{region}={made.address(node)}" for region, node in REGIONS.items()],
                         more=["--health", HEALTH, "--failover-order", ",".join(REGIONS)])
        yield made
        for namers in made.namers.values():
            namers.stop()


def serve(site, region):
    namers = Namers()
    node = REGIONS[region]
    namers.serve(site.space(node), site.address(node), PORT, region)
    return namers


def lane_news(site):
    """What became of lanes, as the nodes logged it."""
    return {name: node.logged(" lane .*state=") for name, node in site.nodes.items()}


@pytest.fixture
def users(site):
    site.wait_up(2)
    made = Users(site)
    yield made
    made.stop()


def test_everything_fails_once_while_control_is_gone(site, users):
    tcp, udp = site.tcp(entrance="listener"), site.udp(entrance="listener")
    users.wait_all_from("far")
    long_flow = TcpStream(*tcp.pair())
    datagrams = UdpStream(udp.user(), udp.servers[0], 50)
    site.control.kill9()
    took = {}

    site.namers["far"].stop()
    took["backend failed"] = users.wait_all_from("farther")
    site.namers["far"] = serve(site, "far")
    took["backend is back"] = users.wait_all_from("far")

    site.wan.ctl("cut listener endpoint")
    took["path failed"] = users.wait_all_from("farther")
    site.wan.ctl("mend listener endpoint")
    mended = time.monotonic()
    took["path is back"] = users.wait_all_from("far")
    assert long_flow.moves(8 * SLOW), long_flow.state()
    procs.wait_until(lambda: len(datagrams.answered_since(mended)) > 10, 8 * SLOW, datagrams.state)
    long_flow.stop()

    site.nodes["endpoint"].stop()
    took["endpoint stopped"] = users.wait_all_from("farther")
    site.nodes["endpoint"].start()
    took["endpoint started"] = users.wait_all_from("far")

    site.nodes["listener"].stop()
    users.wait_all_from("none", count=3)
    site.nodes["listener"].start()
    took["listener started"] = users.wait_all_from("far")
    restarted = time.monotonic()
    procs.wait_until(lambda: len(datagrams.answered_since(restarted)) > 10, 8 * SLOW,
                     datagrams.state)
    datagrams.stop()
    print("seconds until all new flows went right:",
          ", ".join(f"{what} {seconds:.1f}" for what, seconds in took.items()),
          f"({len(users.answers)} flows)")

    def checks():
        return site.nodes["endpoint"].logged(" backend_health ")

    # Control comes back: it finds the nodes as it left them, and users notice nothing.
    before, lanes, checked = len(users.answers), lane_news(site), checks()
    site.control.start()
    site.wait_control()
    for name in site.nodes:
        site.wait_node(name, 15)
    site.wait_applied("web")
    users.wait_all_from("far")
    users.stop()
    answers = set(users.answers[before:])
    assert answers <= {"far", "farther"}
    assert "farther" not in answers or checks() != checked, "flows went elsewhere, and health was as before"
    assert lane_news(site) == lanes


@pytest.mark.parametrize("role", ["listener", "endpoint"])
def test_a_machine_that_lost_power_serves_again(site, users, role):
    """All processes at once, twice, without control and without a word to the peers."""
    users.wait_all_from("far")
    site.control.kill9()
    for _ in range(2):
        site.nodes[role].crash()
        users.wait_all_from("none" if role == "listener" else "farther", count=5)
        site.nodes[role].start()
        users.wait_all_from("far")
    users.stop()
    with socket.socket() as stranger, pytest.raises(OSError):  # control was not there at any time
        stranger.settimeout(1)
        with procs.entered(site.space("listener")):
            stranger.connect((site.address("control"), 7400))
