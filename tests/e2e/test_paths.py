# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to the way that a lane's packets go: its MTU changes while users' flows use it."""
import pytest

from tests.lab import procs
from tests.lab.site import REPORT_S, Site
from tests.lab.stream import TcpStream, UdpStream
from tests.lab.trunkline import SLOW, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
MIB = 1 << 20
HEADERS = 28  # of IPv4 and UDP


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site"), workers=1) as made:
        yield made


def packet_bytes(site):
    """Of the only lane, each way; 0 while that side has not told."""
    lane, = site.ctl("tunnel", "show", "listener", "endpoint")["lane_list"]
    return [lane["packet_bytes"][way] or 0 for way in ("to_endpoint", "to_listener")]


def wait_packet_bytes(site, least, most, timeout):
    procs.wait_until(lambda: all(least <= size <= most for size in packet_bytes(site)),
                     timeout * SLOW,
                     lambda: f"packets of {least} to {most} bytes: {packet_bytes(site)}")


def test_packets_follow_the_paths_mtu_and_flows_go_on(site):
    tcp, udp = site.tcp(), site.udp()
    stream = TcpStream(*tcp.pair(), rate_bytes=4 * MIB)
    datagrams = UdpStream(udp.user(), udp.servers[0], rate=100, size=1380)
    wait_packet_bytes(site, 1472, 1472, 2 + REPORT_S)  # of the device's 1,500
    with site.counts("listener", path_mtu_black_holes=1), \
            site.counts("endpoint", path_mtu_black_holes=1):
        site.wan.ctl("link listener endpoint mtu 1350")
        assert stream.moves(2 * SLOW), stream.state()
        wait_packet_bytes(site, 1300, 1350 - HEADERS, 3 + REPORT_S)
    assert stream.moves(1 * SLOW), stream.state()
    stream.stop()
    datagrams.stop()
    # While it fell, six large ones were lost each way, and what was on the way then.
    assert len(datagrams.back) >= 0.8 * datagrams.sent, datagrams.state()
    # No device refused a batch: segmentation is in use still.
    assert site.counters("listener")["tunnel_segmentation_off"] == 0
    assert site.counters("endpoint")["tunnel_segmentation_off"] == 0
