# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to the way that a lane's packets go: its MTU changes, or a NAT gives the listener
another address, while users' flows use it."""
import contextlib
import socket
import time

import pytest

from tests.lab import procs
from tests.lab.nat import Nat
from tests.lab.site import DRAIN, Site
from tests.lab.stream import TcpStream, UdpStream
from tests.lab.trunkline import SLOW, Cluster, is_built

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


def wait_packet_bytes(site, least, most):
    procs.wait_until(lambda: all(least <= size <= most for size in packet_bytes(site)), 10 * SLOW,
                     lambda: f"packets of {least} to {most} bytes: {packet_bytes(site)}")


def test_packets_follow_the_paths_mtu_and_flows_go_on(site):
    tcp, udp = site.tcp(), site.udp()
    stream = TcpStream(*tcp.pair(), rate_bytes=4 * MIB)
    datagrams = UdpStream(udp.user(), udp.servers[0], rate=100, size=1380)
    wait_packet_bytes(site, 1472, 1472)  # of the device's 1,500
    with site.counts("listener", path_mtu_black_holes=1), \
            site.counts("endpoint", path_mtu_black_holes=1):
        site.wan.ctl("link listener endpoint mtu 1350")
        assert stream.moves(2 * SLOW), stream.state()
        wait_packet_bytes(site, 1300, 1350 - HEADERS)
    assert stream.moves(1 * SLOW), stream.state()
    stream.stop()
    datagrams.stop()
    # While it fell, six large ones were lost each way, and what was on the way then.
    assert len(datagrams.back) >= 0.8 * datagrams.sent, datagrams.state()
    # No device refused a batch: segmentation is in use still.
    assert all(counted["tunnel_segmentation_off"] == 0 for counted in site.all_counters().values())


def test_a_device_whose_mtu_shrinks_is_noticed_at_once(site):
    wait_packet_bytes(site, 1300, 1472)
    stream = TcpStream(*site.tcp().pair(), rate_bytes=4 * MIB)
    assert stream.moves(2 * SLOW), stream.state()
    procs.run(["ip", "-n", site.space("listener"), "link", "set", "wan0", "mtu", "1280"])
    try:
        assert stream.moves(1 * SLOW), stream.state()
        procs.wait_until(lambda: 1200 <= packet_bytes(site)[0] <= 1280 - HEADERS, 10 * SLOW,
                         lambda: f"smaller packets: {packet_bytes(site)}")
        stream.stop()
        # The batches were refused for their size: that is no word about segmentation.
        counters = site.counters("listener")
        assert counters["tunnel_segmentation_off"] == 0
        assert counters["tunnel_send_failed"] > 0
    finally:
        procs.run(["ip", "-n", site.space("listener"), "link", "set", "wan0", "mtu", "1500"])


def server_and_user(cluster, kind, number):
    """An accelerator on loopback; its server, listening, and how its users reach it."""
    name = "tcp" if kind == socket.SOCK_STREAM else "udp"
    server = procs.open_socket(None, kind, bind=("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        server.listen()
    server.settimeout(10 * SLOW)
    port = procs.free_port(kind)
    cluster.accelerator(f"{name}{number}", name, str(port),
                        [f"127.0.0.1:{server.getsockname()[1]}"])
    return server, ("127.0.0.1", port)


@pytest.mark.parametrize("outside", ["127.0.0.3", "127.0.0.4"], ids=["port", "address"])
def test_flows_outlive_a_nat_that_forgets_them(tmp_path, outside):
    with Cluster(tmp_path) as cluster, contextlib.ExitStack() as stack:
        port = procs.free_port(socket.SOCK_DGRAM)
        nat = Nat(("127.0.0.1", port))
        stack.callback(nat.stop)
        cluster.start_control()
        cluster.add_listener(workers=2, more=("--tunnel", "127.0.0.1:0", *DRAIN))
        cluster.add_endpoint(workers=2, tunnel=f"127.0.0.1:{port}",
                             more=("--advertise", nat.address, *DRAIN))
        tcp, tcp_entrance = server_and_user(cluster, socket.SOCK_STREAM, 1)
        udp, udp_entrance = server_and_user(cluster, socket.SOCK_DGRAM, 2)
        cluster.wait_up()
        streams = []
        for seed in range(4):  # over both workers' lanes
            user = procs.connect(None, *tcp_entrance)
            streams.append(TcpStream(user, tcp.accept()[0], seed=10 * seed))
        user = procs.open_socket(None, socket.SOCK_DGRAM)
        user.connect(udp_entrance)
        datagrams = UdpStream(user, udp, rate=200, size=300)
        assert all(stream.moves(2 * SLOW) for stream in streams)
        forgot = time.monotonic()
        nat.rebind(outside)
        for stream in streams:
            assert stream.moves(2 * SLOW), stream.state()
        time.sleep(1 * SLOW)
        assert datagrams.answered_since(forgot), datagrams.state()
        procs.wait_until(lambda: address_changes(cluster) == 2, 3 * SLOW,
                         lambda: f"two lanes to have moved, it was {address_changes(cluster)}")
        for stream in streams:
            stream.stop()
        datagrams.stop()
        # What was on the way, and until the challenge was answered.
        lost = datagrams.sent - len(datagrams.back)
        assert lost <= 0.5 * SLOW * datagrams.rate, datagrams.state()


def address_changes(cluster):
    """Of the endpoint's lanes, as it has followed the listener."""
    figures = cluster.ctl("tunnel", "show", "listener", "endpoint")["figures"]
    return figures["endpoint"]["address_changes"] if figures["endpoint"] else 0


# As site.scn without what this test does not need; the endpoint has a second address.
TWO_ADDRESSES = """
node user 10.77.0.1
node listener 10.77.0.2
node endpoint 10.77.0.3,10.77.0.13
node server 10.77.0.4
node control 10.77.0.5
link user listener delay 1 rate 1000
link listener endpoint delay 20 rate 1000
link endpoint server delay 0.2 rate 1000
link control listener delay 1
link control endpoint delay 1
"""


def endpoint_address(cluster):
    """As control tells it to the listener."""
    return cluster.ctl("node", "show", "endpoint")["addresses"][0].rpartition(":")[0]


def test_flows_follow_the_endpoint_to_its_new_address(tmp_path):
    """An endpoint without --advertise is known by the address that control sees: when that becomes another, the listener
    moves its lanes there, and the old one may go."""
    with Site(tmp_path, TWO_ADDRESSES, pair=False) as site:
        site.start_control()
        site.add_listener(more=DRAIN)
        # Its connections to servers are not what moves.
        site.add_endpoint(tunnel="0.0.0.0:7401", more=("--source", "10.77.0.13", *DRAIN))
        tcp, udp = site.tcp(), site.udp()
        assert endpoint_address(site) == "10.77.0.3"
        stream = TcpStream(*tcp.pair())
        datagrams = UdpStream(udp.user(), udp.servers[0], rate=100, size=300)
        assert stream.moves(5 * SLOW), stream.state()

        ip = ("ip", "-n", site.space("endpoint"))
        procs.run([*ip, "route", "replace", "10.77.0.5/32", "dev", "wan0", "src", "10.77.0.13"])
        site.control.restart()  # its nodes connect again
        site.wait_control()
        procs.wait_until(lambda: endpoint_address(site) == "10.77.0.13", 30 * SLOW,
                         lambda: f"another address of the endpoint: {endpoint_address(site)}")
        procs.wait_until(lambda: moves_of_listener(site) == 1, 30 * SLOW,
                         lambda: f"the listener to move its lane once, not {moves_of_listener(site)}")
        moved = time.monotonic()
        procs.run([*ip, "address", "del", "10.77.0.3/32", "dev", "wan0"])
        assert stream.moves(5 * SLOW), stream.state()
        procs.wait_until(lambda: datagrams.answered_since(moved), 10 * SLOW, datagrams.state)
        stream.stop()
        datagrams.stop()
        assert site.items("tunnel", "list")[0]["state"] == "up"


def moves_of_listener(cluster):
    figures = cluster.ctl("tunnel", "show", "listener", "endpoint")["figures"]
    return figures["listener"]["address_changes"] if figures["listener"] else 0
