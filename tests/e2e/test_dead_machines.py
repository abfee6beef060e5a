# SPDX-License-Identifier: GPL-2.0-or-later
"""An endpoint's machine that is gone without a word (all its links drop everything) against lines that are cut: flows
of the first are reset within seconds; those on the others live, those of a listener that was cut off too."""
import time

import pytest

from tests.lab import procs
from tests.lab.clock import Stopwatch
from tests.lab.site import Site, echoes, is_reset
from tests.lab.trunkline import SLOW, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
LINKS = {"listener": ["user", "endpoint", "control"], "endpoint": ["listener", "server", "control"]}
CUT_S = 5  # longer than a machine's death takes to be known, shorter than a lane waits


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture(scope="module")
def tcp(site):
    return site.tcp()


@pytest.fixture(scope="module")
def udp(site):
    return site.udp(more=("--udp-failover", "off"))


def change(site, verb, *links):
    for one, other in links:
        site.wan.ctl(f"{verb} {one} {other}")


def state(site, node):
    return site.ctl("node", "show", node)["state"]


def wait_node(site, node, wanted):
    procs.wait_until(lambda: state(site, node) == wanted, 15 * SLOW, f"{node} to be {wanted}")


def are_all_up(site):
    for node in LINKS:
        wait_node(site, node, "up")
    site.wait_up()


def test_an_endpoint_that_is_gone_takes_its_tcp_flows_along(site, tcp, udp):
    are_all_up(site)
    user, server = tcp.pair()
    assert echoes(user, server)
    with udp.user() as talker, site.counts("listener", tcp_flows_dead_peer=1, lanes_lost=0):
        udp.ask(talker)
        links = [("endpoint", other) for other in LINKS["endpoint"]]
        change(site, "cut", *links)
        watch = Stopwatch()
        assert is_reset(user, 10 * SLOW) is True
        passed = watch.seconds()
        print(f"the endpoint's machine is gone: reset after {watch.passed():.2f} s")
        wait_node(site, "endpoint", "down")
        change(site, "mend", *links)
        # It was there after all, and hears of what became of its flows.
        assert is_reset(server, 15 * SLOW) is True
        udp.ask(talker)  # no new flow: this accelerator's do not move
    assert passed < 5 * SLOW
    assert [line for line in site.nodes["listener"].logged("peer_gone")
            if "peer=endpoint" in line and "tcp_flows_reset=1" in line]
    are_all_up(site)
    user, server = tcp.pair()
    assert echoes(user, server)


def test_users_of_a_listener_that_was_cut_off_keep_their_flows(site, tcp):
    """Nobody can send them elsewhere, and a backend can wait."""
    are_all_up(site)
    user, server = tcp.pair()
    assert echoes(user, server)
    uplink = [("listener", "endpoint"), ("listener", "control")]
    with site.counts("listener", tcp_flows_dead_peer=0), \
            site.counts("endpoint", tcp_flows_dead_peer=0):
        change(site, "cut", *uplink)
        wait_node(site, "listener", "down")
        time.sleep(2)
        change(site, "mend", *uplink)
        assert echoes(user, server)


@pytest.mark.parametrize("cut", [
    [("listener", "endpoint")],
    [("listener", "endpoint"), ("control", "listener"), ("control", "endpoint")],
], ids=["the path", "the path and control"])
def test_flows_outlive_a_line_that_is_cut(site, tcp, cut):
    are_all_up(site)
    user, server = tcp.pair()
    assert echoes(user, server)
    with site.counts("listener", tcp_flows_dead_peer=0), \
            site.counts("endpoint", tcp_flows_dead_peer=0):
        change(site, "cut", *cut)
        time.sleep(CUT_S)
        change(site, "mend", *cut)
        assert echoes(user, server)
        are_all_up(site)
        assert echoes(user, server)


def test_control_that_is_cut_off_ends_no_flow(site, tcp):
    """Nor does it together with a short break of the path."""
    are_all_up(site)
    user, server = tcp.pair()
    with site.counts("listener", tcp_flows_dead_peer=0):
        change(site, "cut", ("control", "endpoint"))
        wait_node(site, "endpoint", "down")
        assert echoes(user, server)
        change(site, "cut", ("listener", "endpoint"))
        time.sleep(0.8)
        change(site, "mend", ("listener", "endpoint"))
        for _ in range(20):
            assert echoes(user, server)
            time.sleep(0.1)
        change(site, "mend", ("control", "endpoint"))
        are_all_up(site)
        assert echoes(user, server)
