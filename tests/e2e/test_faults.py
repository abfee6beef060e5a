# SPDX-License-Identifier: GPL-2.0-or-later
"""Each fault with its outcome and its counter: processes killed and stopped, lines cut and made
bad, strangers. (Those who may not join, or no longer: test_node.py and test_control_nodes.py.)"""
import contextlib
import os
import random
import socket
import struct
import threading
import time

import pytest

from tests.lab import procs
from tests.lab.clock import Stopwatch
from tests.lab.site import DRAIN, Site, echoes, is_reset, reset
from tests.lab.stream import TcpStream, UdpStream
from tests.lab.trunkline import SLOW, TUNNEL_PORT, has_sanitizers, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
MIB = 1 << 20


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture(scope="module")
def tcp(site):
    return site.tcp()


@pytest.fixture(scope="module")
def udp(site):
    return site.udp()


@pytest.fixture(autouse=True)
def all_is_well_again(request):
    yield
    if "site" in request.fixturenames:
        made = request.getfixturevalue("site")
        for node in [made.control, *made.nodes.values()]:
            if not node.proc:
                node.start()
        made.wait_control()
        made.wait_up()


def close(*socks):
    for sock in socks:
        sock.close()


def works_soon(service, within):
    """A new connection crosses; the seconds until it did."""
    watch = Stopwatch()
    while True:
        with contextlib.suppress(OSError), service.connect(timeout=1) as user:
            with service.accept(timeout=1) as server:
                assert echoes(user, server)
                return watch.seconds()
        assert watch.seconds() < within, f"nothing crosses after {within} s"
        time.sleep(0.02)


# ---- processes


@pytest.mark.parametrize("role", ["listener", "endpoint"])
def test_a_killed_worker_ends_its_own_flows_alone(site, tcp, role):
    flows = [tcp.pair() for _ in range(16)]
    assert all(echoes(*flow) for flow in flows)
    node = site.nodes[role]
    victim = node.workers()[0]
    with site.counts(role, worker_restarts=1):
        refused, is_over = [], threading.Event()

        def knock():
            while not is_over.is_set():
                try:
                    tcp.connect(timeout=1).close()
                except ConnectionRefusedError as why:
                    refused.append(why)
                except OSError:
                    pass  # reset while no lane is up: the port is there
                time.sleep(0.05)

        knocker = threading.Thread(target=knock)
        knocker.start()
        before, watch = len(node.logged("lane .*state=up")), Stopwatch()
        os.kill(victim, 9)
        time.sleep(1 * SLOW)
        ended = []
        for user, server in flows:
            user_is_over = [end for end in (user, server) if has_ended(end)]
            assert len(user_is_over) in (0, 2), "one end alone has ended"
            ended.append(bool(user_is_over))
        assert any(ended), "no flow was that worker's"
        assert not all(ended), "every flow has ended"
        for (user, server), is_gone in zip(flows, ended):
            if not is_gone:
                assert echoes(user, server)
        procs.wait_until(lambda: len(node.workers()) == 2 and victim not in node.workers(),
                         2 * SLOW, "another worker")
        procs.wait_until(lambda: len(node.logged("lane .*state=up")) > before, 2 * SLOW, "its lane")
        assert watch.seconds() < 2 * SLOW
        is_over.set()
        knocker.join()
        assert not refused
        drain_backlog(tcp)
    late = [tcp.pair() for _ in range(16)]
    assert all(echoes(*flow) for flow in late)
    close(*(sock for flow in flows + late for sock in flow))


def has_ended(sock):
    """By a reset; an orderly end is a fault."""
    sock.setblocking(False)
    try:
        assert sock.recv(1) != b"", "an orderly end"
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    finally:
        sock.settimeout(10 * SLOW)
    return False


def drain_backlog(service, number=0):
    """Connections that nobody wants any more."""
    server = service.servers[number]
    server.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        while True:
            server.accept()[0].close()
    server.settimeout(5 * SLOW)


def test_a_killed_endpoint_resets_its_flows_and_comes_back(site, tcp, udp):
    flow = tcp.pair()
    assert echoes(*flow)
    with udp.user() as user:
        udp.ask(user)
        site.nodes["endpoint"].crash()
        assert is_reset(flow[1], 1) is True  # the server learns it from the kernel
        site.wait_state(("down",), 5)
        with site.counts("listener", tcp_refused_no_lane=2):
            for _ in range(2):
                watch = Stopwatch()
                with pytest.raises(ConnectionResetError), tcp.connect() as late:
                    late.recv(1)
                assert watch.seconds() < 0.5 * SLOW
        assert is_reset(flow[0], 5 * SLOW) is True  # when control misses it too
        site.nodes["endpoint"].start()
        works_soon(tcp, 7 * SLOW)  # the listener tries again every 5 s at most
        user.settimeout(0.2)
        procs.wait_until(lambda: succeeds(udp, user), 3 * SLOW, "UDP to go on")
    close(*flow)


def succeeds(service, user):
    with contextlib.suppress(OSError):
        service.servers[0].settimeout(0.3)
        user.send(b"again")
        got, seen = service.servers[0].recvfrom(100)
        service.servers[0].sendto(got, seen)
        return user.recv(100) == b"again"
    return False


def test_a_killed_listener_comes_back_and_the_endpoint_lets_go(site, tcp):
    flow = tcp.pair()
    assert echoes(*flow)
    site.nodes["listener"].crash()
    assert is_reset(flow[0], 1) is True
    site.nodes["listener"].start()
    assert is_reset(flow[1], 4 * SLOW) is True  # by the new instance id, long before 30 s
    works_soon(tcp, 3 * SLOW)
    close(*flow)


def test_another_endpoint_takes_over(tmp_path):
    """Two regions have the accelerator; the nearer one's endpoint is killed."""
    with Site(tmp_path, "two-regions", pair=False) as site:
        site.start_control()
        site.add_listener(binds=["10.77.0.2"], more=DRAIN)
        site.add_endpoint("endpoint", "far", more=DRAIN)
        site.add_endpoint("endpoint2", "farther", node="endpoint2", tunnel="10.77.0.6:7401",
                          more=DRAIN)
        port = next(site.ports)
        near = site.server_socket(socket.SOCK_STREAM, "10.77.0.4", port)
        far = site.server_socket(socket.SOCK_STREAM, "10.77.0.7", port, "server2")
        site.accelerator("both", "tcp", str(port), ["far=10.77.0.4", "farther=10.77.0.7"])
        site.wait_up(2)

        def goes_to(server):
            with contextlib.suppress(OSError), \
                    procs.connect(site.space("user"), "10.77.0.2", port, 2) as user:
                server.settimeout(0.5 * SLOW)
                with server.accept()[0] as taken:
                    user.settimeout(2)
                    taken.settimeout(2)
                    return echoes(user, taken)
            return False

        assert goes_to(near)
        site.nodes["endpoint"].crash()
        killed = time.monotonic()
        procs.wait_until(lambda: goes_to(far), 4 * SLOW, "new flows to go to the other region")
        print(f"another region after {time.monotonic() - killed:.2f} s")
        site.nodes["endpoint"].start()
        site.wait_up(2)
        procs.wait_until(lambda: goes_to(near), 15 * SLOW, "the nearer region to be taken again")


def test_control_killed_and_nodes_restarted_meanwhile(site, tcp, udp):
    flow = tcp.pair()
    site.control.kill9()
    try:
        assert echoes(*flow)
        late = tcp.pair()
        assert echoes(*late)
        done = site.ctl_run("accelerator", "list")
        assert done.returncode == 4 and done.stderr.count("\n") <= 2
        for name in ("endpoint", "listener"):
            site.nodes[name].restart()
        works_soon(tcp, 10 * SLOW)
        with udp.user() as user:
            procs.wait_until(lambda: succeeds(udp, user), 3 * SLOW, "UDP")
    finally:
        site.control.start()
        site.wait_control()
        close(*flow)
    close(*late)
    for name in site.nodes:
        site.wait_node(name, 15)


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of its own, on which space can run out."""
    os.makedirs(folder, exist_ok=True)
    procs.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder])
    try:
        yield
    finally:
        procs.run(["umount", "-l", folder])


def test_controls_disk_full(tmp_path):
    """Traffic goes on, changes are refused with the reason, and what was acknowledged is there
    after a crash."""
    folder = tmp_path / "trunkline" / "control"
    with small_disk(folder, "2m"), Site(tmp_path, workers=1, binds=["10.77.0.2"]) as site:
        tcp = site.tcp()
        flow = tcp.pair()
        assert echoes(*flow)
        with open(folder / "ballast", "wb") as file, contextlib.suppress(OSError):
            while True:
                os.write(file.fileno(), bytes(4096))
        acknowledged, refusal = {"tcp" + str(tcp.port)}, None
        for number in range(200):
            done = site.ctl_run("accelerator", "create", f"a{number}", "--protocol", "tcp",
                                "--ports", str(20000 + number), "--listen", "near",
                                "--backend", "far=10.77.0.4", output="table")
            if done.returncode:
                refusal = done
                break
            acknowledged.add(f"a{number}")
        assert refusal and refusal.returncode == 1
        assert "full" in refusal.stderr, refusal.stderr
        assert echoes(*flow)
        late = tcp.pair()
        assert echoes(*late)
        site.nodes["endpoint"].restart()
        works_soon(tcp, 10 * SLOW)
        site.control.kill9()
        os.unlink(folder / "ballast")
        site.control.start()
        site.wait_control()
        assert {a["name"] for a in site.items("accelerator", "list")} == acknowledged
        site.accelerator("later", "tcp", "30000", ["10.77.0.4"])
        close(*flow, *late)


def test_a_killed_backend_resets_its_users_and_another_takes_over(site):
    service = site.tcp(weights=(255, 1))
    flows = []
    while len(flows) < 3:
        with contextlib.suppress(TimeoutError):
            flows.append(service.pair(0))
    assert all(echoes(*flow) for flow in flows)
    service.close(0)
    watch = Stopwatch()
    for _, server in flows:
        reset(server)  # as the kernel does for a killed process
    for user, _ in flows:
        assert is_reset(user, 1 * SLOW) is True
    assert watch.seconds() < 0.4 * SLOW  # a tunnel trip is 0.02 s
    drain_backlog(service, 1)
    with site.counts("endpoint", backend_refused=(1, 5)):
        for _ in range(5):  # after the refusal by the first
            user, server = service.pair(1)
            assert echoes(user, server)
            close(user, server)
    close(*(user for user, _ in flows))


# ---- the line


def test_lines_cut_and_daemons_stopped(tmp_path):
    """Several tunnels side by side, because the faults are long: one path is cut for 3 s and then
    for 20 s, one endpoint and one listener are stopped for 2 s (longer, and they are taken for dead). One
    endpoint and one listener are killed and do not come back: the endpoint's flows are let go of as soon as control
    misses it too (by a listener that was not stopped: 2 s and a report's second may be too long an absence to be
    told), the listener's with its lane after 30 s."""
    cut_s = (3, 5) if has_sanitizers() else (3, 20)
    with Site(tmp_path, FOUR_TUNNELS, pair=False) as site:
        site.start_control()
        for number in range(1, 5):
            site.add_listener(f"listener{number}", f"near{number}", f"listener{number}",
                              binds=[f"10.77.1.{number}"], more=DRAIN)
            site.add_endpoint(f"endpoint{number}", f"far{number}", f"endpoint{number}",
                              tunnel=f"10.77.2.{number}:7401", more=DRAIN)
        tcp = [site.tcp(region=f"far{n}", listen=f"near{n}", entrance=f"listener{n}")
               for n in range(1, 5)]
        udp = [site.udp(region=f"far{n}", listen=f"near{n}", entrance=f"listener{n}")
               for n in range(1, 5)]
        site.wait_up()
        streams = [TcpStream(*service.pair(), seed=10 * n) for n, service in enumerate(tcp[:3])]
        datagrams = [UdpStream(service.user(), service.servers[0], 50) for service in udp[:3]]
        to_dead = site.tcp(region="far4", listen="near2", entrance="listener2").pair()
        from_dead = site.tcp(region="far3", listen="near4", entrance="listener4").pair()
        assert echoes(*to_dead) and echoes(*from_dead)

        def cut(seconds):
            site.wan.ctl("cut listener1 endpoint1")
            time.sleep(seconds)
            site.wan.ctl("mend listener1 endpoint1")

        def cut_twice():
            for seconds in cut_s:
                cut(seconds)
                assert streams[0].moves(8 * SLOW), f"after {seconds} s: {streams[0].state()}"

        def stop(name, stream):
            site.nodes[name].pause()
            time.sleep(2)
            site.nodes[name].resume()
            assert stream.moves(8 * SLOW), f"{name} was stopped: {stream.state()}"

        def let_go():
            assert is_reset(to_dead[0], 6 * SLOW) is True

        site.nodes["endpoint4"].crash()  # without a word to its peers
        site.nodes["listener4"].crash()
        works = [threading.Thread(target=guarded, args=(faults := [], work, *args))
                 for work, *args in ((let_go,), (cut_twice,), (stop, "endpoint2", streams[1]),
                                     (stop, "listener3", streams[2]))]
        for work in works:
            work.start()
        for work in works:
            work.join()
        assert not faults, faults
        mended = time.monotonic()
        procs.wait_until(lambda: min(len(stream.answered_since(mended)) for stream in datagrams) > 10,
                         8 * SLOW, lambda: [stream.state() for stream in datagrams])
        for stream in datagrams:
            stream.stop()
        for stream in streams:
            stream.stop()
        # Those that were cut off or stopped went on; only the dead peers' are gone.
        living = [name for name in site.nodes if name[-1] != "4"]

        def lost(what):
            return {name: counted[what] for name, counted in site.all_counters(*living).items()}

        assert lost("tcp_flows_dead_peer") == {name: int(name == "listener2") for name in living}
        of_dead = {name: int(name in ("listener2", "endpoint3")) for name in living}
        procs.wait_until(lambda: lost("lanes_lost") == of_dead, 30 * SLOW,
                         lambda: f"the lanes to the dead to be over: {lost('lanes_lost')}")
        assert is_reset(from_dead[1], 5 * SLOW) is True  # a backend waits as long as the lane
        close(*to_dead, *from_dead)


def guarded(faults, work, *args):
    try:
        work(*args)
    except Exception as why:  # noqa: BLE001 # any fault of a thread is the test's
        faults.append(repr(why))


FOUR_TUNNELS = "\n".join(
    ["node user 10.77.0.1", "node server 10.77.0.4", "node control 10.77.0.5"]
    + [line for n in range(1, 5) for line in (
        f"node listener{n} 10.77.1.{n}", f"node endpoint{n} 10.77.2.{n}",
        f"link user listener{n} delay 1", f"link endpoint{n} server delay 0.2",
        f"link control listener{n} delay 1", f"link control endpoint{n} delay 1")]
    + [f"link listener{n} endpoint{n} delay 20 rate 100" for n in range(1, 5)]
    + ["link listener2 endpoint4 delay 20", "link listener4 endpoint3 delay 20", ""])


BAD_LINE = "corrupt 2 dup 5 reorder 10 hold 15 replay 3 loss 1"
GOOD_LINE = "corrupt 0 dup 0 reorder 0 replay 0 loss 0"


def test_a_bad_line_changes_loses_and_doubles_nothing(site, tcp):
    """Datagrams have a second, so that few are late where the machine is slow."""
    udp = site.udp(more=("--deadline", "1000"))
    before = {way: site.wan.stats(*way) for way in BOTH_WAYS}
    with site.counts("listener", packets_forged=(1, 10**9), packets_replayed=(1, 10**9)), \
            site.counts("endpoint", packets_forged=(1, 10**9), packets_replayed=(1, 10**9)):
        site.wan.ctl(f"link listener endpoint {BAD_LINE}")
        try:
            streams = [TcpStream(*tcp.pair(), rate_bytes=2 * MIB, seed=n) for n in range(3)]
            datagrams = UdpStream(udp.user(), udp.servers[0], 200, 500)
            fragments = UdpStream(large := site.udp().user(), large_server(site), 20, 9000)
            time.sleep(6)
        finally:
            site.wan.ctl(f"link listener endpoint {GOOD_LINE}")
        for stream in streams:
            stream.stop(60)
        time.sleep(2)  # what is replayed comes seconds later
        datagrams.stop()
        fragments.stop()
        large.close()
    assert len(datagrams.back) > 0.7 / SLOW * datagrams.sent, datagrams.state()
    for way in BOTH_WAYS:
        after = site.wan.stats(*way)
        quiet = [fault for fault in ("corrupted", "doubled", "reordered", "replayed", "lost")
                 if after[fault] - before[way][fault] < 5]
        assert not quiet, f"these hardly ever fired: {quiet}"


BOTH_WAYS = [("listener", "endpoint"), ("endpoint", "listener")]


def large_server(site):
    return site.sockets[-1]


# ---- strangers


class Capture:
    """Every packet that comes to or leaves a namespace."""

    def __init__(self, space):
        with procs.entered(space):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.sock.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.close()

    def packets(self):
        """(is outgoing, IP packet) of those since the last call."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data, where = self.sock.recvfrom(70000)
                found.append((where[2] == socket.PACKET_OUTGOING, data))
        return found


UDP_PROTOCOL, IP_BYTES, UDP_BYTES = 17, 20, 8


def udp_of(packet):
    """(source, destination, source port, destination port, payload) of an IPv4 packet with UDP."""
    if packet[0] >> 4 != 4 or packet[9] != UDP_PROTOCOL:
        return None
    ports = struct.unpack("!HH", packet[IP_BYTES:IP_BYTES + 4])
    return (socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]), *ports,
            packet[IP_BYTES + UDP_BYTES:])


def send_from(raw, source, port, target, target_port, payload):
    """A UDP packet with that sender; the kernel fills in length and checksum of IP."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, UDP_PROTOCOL, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    raw.sendto(head + struct.pack("!HHHH", port, target_port, UDP_BYTES + len(payload), 0) + payload,
               (target, 0))


def tunnel_packets(site, service, count=200):
    """Real packets of the tunnel, as the endpoint's host sees them: (is incoming, UDP parts)."""
    with Capture(site.space("endpoint")) as capture:
        flow = service.pair()
        found = []
        while len(found) < count:
            assert echoes(*flow, os.urandom(3000))
            found += [(not out, parts) for out, packet in capture.packets()
                      if (parts := udp_of(packet)) and TUNNEL_PORT in parts[2:4]]
        close(*flow)
    return found


def test_strangers_get_no_answer(site, tcp):
    """Random bytes, truncated and changed copies of real packets, from a stranger's address and from
    the peer's own, to the tunnel ports of both nodes."""
    real = tunnel_packets(site, tcp)
    to_endpoint = [parts for incoming, parts in real if incoming]
    to_listener = [parts for incoming, parts in real if not incoming]
    assert to_endpoint and to_listener
    listener_port = to_endpoint[0][2]
    chooser = random.Random(3)
    flow = tcp.pair()
    memory = {name: site.nodes[name].resident_bytes() for name in site.nodes}
    junk = []
    for parts in to_endpoint[:60] + to_listener[:60]:
        payload = parts[4]
        changed = bytearray(payload)
        changed[chooser.randrange(len(changed))] ^= 1 << chooser.randrange(8)
        junk += [payload[:chooser.randrange(len(payload))], bytes(changed), payload + b"x", payload]
    junk += [chooser.randbytes(chooser.randrange(1, 1400)) for _ in range(1000)]
    junk += [bytes([first]) + chooser.randbytes(1199) for first in range(256)]
    counted = ("packets_unknown", "packets_malformed", "packets_forged", "packets_replayed",
               "handshake_packets_dropped")
    before = site.all_counters()
    with Capture(site.space("user")) as capture, procs.entered(site.space("user")):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for repeat in range(3):
            for payload in junk:
                sock.sendto(payload, ("10.77.0.3", TUNNEL_PORT))
                sock.sendto(payload, ("10.77.0.2", listener_port))
            time.sleep(0.3)
        sock.close()
        heard = [udp_of(packet) for out, packet in capture.packets() if not out]
    assert not [parts for parts in heard if parts], "a stranger was answered"
    with procs.entered(site.space("listener")):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for payload in junk:
        # Those that are a byte longer than the largest that was sent do not fit the device.
        if 0 < len(payload) <= 1500 - 28 and payload not in [parts[4] for parts in to_endpoint]:
            send_from(raw, "10.77.0.2", listener_port, "10.77.0.3", TUNNEL_PORT, payload)
    raw.close()
    assert echoes(*flow)
    for name, after in site.all_counters().items():
        risen = sum(after[c] - before[name][c] for c in counted)
        assert risen > 2.5 * len(junk), f"{name} counted {risen}"
        grown = site.nodes[name].resident_bytes() - memory[name]
        assert grown < (64 if has_sanitizers() else 4) * MIB, f"{name} grew by {grown} bytes"
    assert echoes(*flow)
    close(*flow)
