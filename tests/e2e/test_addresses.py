# SPDX-License-Identifier: GPL-2.0-or-later
"""An endpoint with several addresses answers from the one that the listener was told: what stands
between them knows no other."""
import socket
import struct
import time

import pytest

from tests.lab import procs
from tests.lab.trunkline import Cluster, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")


def senders(port, seconds):
    """The IPv4 addresses that send from this UDP port on loopback, with how many packets."""
    seen, end = {}, time.monotonic() + seconds
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as sniffer:
        sniffer.bind(("lo", 0x0800))
        sniffer.settimeout(0.1)
        while time.monotonic() < end:
            try:
                packet = sniffer.recv(65535)
            except TimeoutError:
                continue
            start = 4 * (packet[0] & 15)
            if packet[9] == socket.IPPROTO_UDP and \
                    struct.unpack_from("!H", packet, start)[0] == port:
                source = socket.inet_ntoa(packet[12:16])
                seen[source] = seen.get(source, 0) + 1
    return seen


@pytest.mark.parametrize("tunnel", ["0.0.0.0", "[::]"])
def test_answers_of_the_tunnel_port_come_from_the_advertised_address(tmp_path, tunnel):
    with Cluster(tmp_path) as cluster:
        port = procs.free_port(socket.SOCK_DGRAM)
        cluster.start_control()
        cluster.add_listener(more=("--tunnel", "127.0.0.1:0"))
        cluster.add_endpoint(tunnel=f"{tunnel}:{port}", more=("--advertise", f"127.0.0.2:{port}"))
        cluster.accelerator("web", "tcp", str(procs.free_port()), ["127.0.0.1:9"])
        cluster.nodes["listener"].stop()
        cluster.nodes["listener"].start()  # with the handshake, from its first packet on
        seen = senders(port, 3)
        cluster.wait_up()
        assert seen.get("127.0.0.2", 0) >= 5
        assert set(seen) == {"127.0.0.2"}
