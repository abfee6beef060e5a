# SPDX-License-Identifier: GPL-2.0-or-later
"""What users and servers see of Trunkline: each flow at both of its ends. Half the tests could be
done with nothing between; with Trunkline they must come out the same."""
import asyncio
import contextlib
import hashlib
import os
import random
import re
import socket
import subprocess
import threading
import time

import pytest
import websockets

from tests.lab import procs, programs
from tests.lab.clock import Stopwatch
from tests.lab.site import (DRAIN, V4, V6, Site, echoes, is_quiet, is_reset, receive,
                            receive_all, reset)
from tests.lab.trunkline import SLOW, Cluster, has_sanitizers, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
MIB = 1 << 20


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as made:
        yield made


# ---- many bytes, many connections


def test_a_gibibyte_arrives_unchanged(tmp_path):
    """On loopback, where the machine is the limit; its nginx has one process."""
    size = (64 if has_sanitizers() else 1024) * MIB
    with Cluster(tmp_path) as cluster:
        port = procs.free_port()
        nginx = programs.Nginx(tmp_path, [("127.0.0.1", port)])
        digest = nginx.add_file("big", size)
        entrance = procs.free_port()
        cluster.start_pair()
        cluster.accelerator("web", "tcp", str(entrance), [f"127.0.0.1:{port}"])
        cluster.wait_up()
        began = time.monotonic()
        with subprocess.Popen(
                ["curl", "-sS", "--fail", "--max-time", "60",
                 programs.url("127.0.0.1", entrance, "big")],
                stdout=subprocess.PIPE, preexec_fn=procs.die_with_parent) as curl:
            got = hashlib.sha256()
            while block := curl.stdout.read(MIB):
                got.update(block)
            assert curl.wait() == 0
        print(f"{size / MIB:.0f} MiB in {time.monotonic() - began:.1f} s")
        assert got.hexdigest() == digest


SIZES = [0, 1, 100, 1500, 20000, 65536, 100000, 300000]


def test_a_thousand_connections_at_once(site, tmp_path):
    """All of them are open before the first asks."""
    count = 200 if has_sanitizers() else 1000
    server = site.wan.address("server")
    port = next(site.ports)
    nginx = programs.Nginx(tmp_path, [(server, port)], site.space("server"))
    digests = {size: nginx.add_file(f"of{size}", size) for size in SIZES}
    site.accelerator("many", "tcp", str(port), [server])
    site.wait_lanes()
    entrance = (site.wan.address("listener"), port)
    sizes = random.Random(1).choices(SIZES, k=count)

    async def fetch(sock, size):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, f"GET /of{size} HTTP/1.0\r\nHost: lab\r\n\r\n".encode())
        answer = bytearray()
        while piece := await loop.sock_recv(sock, 1 << 18):
            answer += piece
        head, _, body = bytes(answer).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        return hashlib.sha256(body).hexdigest() == digests[size]

    async def fetch_all(socks):
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.sock_connect(sock, entrance) for sock in socks))
        return await asyncio.wait_for(
            asyncio.gather(*(fetch(sock, size) for sock, size in zip(socks, sizes))), 60 * SLOW)

    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(procs.open_socket(site.space("user"))) for _ in sizes]
        for sock in socks:
            sock.setblocking(False)
        assert all(asyncio.run(fetch_all(socks)))


def test_uploads_at_once_arrive_unchanged(site):
    service = site.tcp()
    bodies = [os.urandom(size) for size in [0, 1, 20000, 300000, 2 * MIB, 5 * MIB] * 4]
    users, servers = zip(*(service.pair() for _ in bodies))

    def upload(user, body):
        user.sendall(body)
        user.shutdown(socket.SHUT_WR)

    threads = [threading.Thread(target=upload, args=pair) for pair in zip(users, bodies)]
    for thread in threads:
        thread.start()
    for server, body, user in zip(servers, bodies, users):
        assert receive_all(server) == body
        server.close()
        assert user.recv(1) == b""
    for thread in threads:
        thread.join()
    for user in users:
        user.close()


# ---- how connections end


def test_the_user_may_finish_first(site):
    user, server = site.tcp().pair()
    with user, server:
        user.sendall(b"question")
        user.shutdown(socket.SHUT_WR)
        assert receive_all(server) == b"question"
        assert is_quiet(user)
        answer = os.urandom(MIB)
        threading.Thread(target=lambda: (server.sendall(answer), server.close())).start()
        assert receive_all(user) == answer


def test_the_server_may_finish_first(site):
    user, server = site.tcp().pair()
    with user, server:
        server.sendall(b"greeting")
        server.shutdown(socket.SHUT_WR)
        assert receive_all(user) == b"greeting"
        assert is_quiet(server)
        body = os.urandom(MIB)
        threading.Thread(target=lambda: (user.sendall(body), user.close())).start()
        assert receive_all(server) == body


def test_a_fin_stays_a_fin(site):
    """In both directions, with the other way open all the while; then the flow is gone."""
    service = site.tcp()
    with site.counts("listener", tcp_flows_closed=2, tcp_flows_reset=0), \
            site.counts("endpoint", tcp_flows_closed=2, tcp_flows_reset=0):
        for first, second in (0, 1), (1, 0):
            ends = service.pair()
            assert echoes(*ends)
            ends[first].shutdown(socket.SHUT_WR)
            assert is_reset(ends[second], 2) is False
            ends[second].sendall(b"still here")
            assert receive(ends[first], 10) == b"still here"
            ends[second].close()
            assert is_reset(ends[first], 2) is False
            ends[first].close()
    procs.wait_until(lambda: not any(counted["tcp_flows"] for counted in site.all_counters().values()),
                     10 * SLOW, "the flows to be gone")


@pytest.mark.parametrize("who", ["user", "server"])
def test_a_reset_stays_a_reset(site, who):
    service = site.tcp()
    with site.counts("listener", tcp_flows_reset=2), site.counts("endpoint", tcp_flows_reset=2):
        for is_idle in True, False:
            user, server = service.pair()
            assert echoes(user, server)
            here, there = (user, server) if who == "user" else (server, user)
            if not is_idle:
                here.sendall(os.urandom(1000))
                there.sendall(os.urandom(1000))  # unread, when the reset comes
            reset(here)
            assert is_reset(there, 1 * SLOW) is True
            there.close()


def test_a_reset_after_a_fin_stays_a_reset(site):
    """A server that has sent all, and then aborts: what it sent has arrived, no clean end follows
    for what the user still sends."""
    user, server = site.tcp().pair()
    with user, server:
        server.sendall(b"all")
        server.shutdown(socket.SHUT_WR)
        assert receive_all(user) == b"all"
        user.sendall(b"more")
        assert receive(server, 4) == b"more"
        reset(server)
        with pytest.raises(ConnectionError):
            for _ in range(100 * SLOW):
                user.sendall(b"into the void")
                time.sleep(0.02)


# ---- back-pressure


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


def worker_memory(site):
    return {pid: resident_kib(pid) for node in site.nodes.values() for pid in node.workers()}


def send_until_stuck(sock, piece, quiet_s=1.0):
    """Sends until nothing is taken for so long; how many bytes were taken."""
    sock.settimeout(quiet_s)
    taken = 0
    try:
        while True:
            taken += sock.send(piece[taken % MIB:])
    except TimeoutError:
        return taken


# Windows and buffers of both workers and both sockets: a window of 32 MiB at most, what waits for its
# acknowledgement or turn, and what the kernels hold of two connections.
STUCK_MOST_BYTES = 64 * MIB
WORKER_GROWTH_KIB = 48 * 1024


@pytest.mark.parametrize("slow", ["user", "server"])
def test_a_slow_reader_holds_up_itself_alone(site, slow):
    service = site.tcp()
    before = worker_memory(site)
    user, server = service.pair()
    reader, writer = (user, server) if slow == "user" else (server, user)
    piece = os.urandom(MIB)
    taken = send_until_stuck(writer, piece)
    grown = {pid: kib - before[pid] for pid, kib in worker_memory(site).items()}
    assert taken < STUCK_MOST_BYTES
    if not has_sanitizers():
        assert max(grown.values()) < WORKER_GROWTH_KIB, grown

    # Beside it a fast flow has all it wants, in both directions.
    fast_user, fast_server = service.pair()
    body = piece * 8
    watch = Stopwatch()
    for source, target in (fast_user, fast_server), (fast_server, fast_user):
        thread = threading.Thread(target=source.sendall, args=(body,))
        thread.start()
        assert receive(target, len(body)) == body
        thread.join()
    assert watch.seconds() < 6 * SLOW

    # And the slow one has lost nothing.
    writer.shutdown(socket.SHUT_WR)
    got = receive_all(reader)
    assert len(got) == taken
    assert hashlib.sha256(got).digest() == hashlib.sha256(
        piece * (taken // MIB) + piece[:taken % MIB]).digest()
    for sock in (user, server, fast_user, fast_server):
        sock.close()


# ---- idle sessions


def test_sessions_stay_while_idle(site, tmp_path):
    """An SSH and a WebSocket session say nothing for 20 s, side by side."""
    server, entrance = site.wan.address("server"), site.wan.address("listener")
    ssh_port, web_port = next(site.ports), next(site.ports)
    sshd = programs.Sshd(tmp_path, server, ssh_port, site.space("server"))
    programs.WebSocketEcho(tmp_path, server, web_port, site.space("server"))
    site.accelerator("ssh", "tcp", str(ssh_port), [server])
    site.accelerator("chat", "tcp", str(web_port), [server])
    site.wait_lanes()
    idle_s = 21

    async def chat():
        sock = procs.connect(site.space("user"), entrance, web_port)
        uri = f"ws://{entrance}:{web_port}/"
        async with websockets.connect(uri, sock=sock, ping_interval=None) as line:
            for message in ("before", "after"):
                await line.send(message)
                assert await asyncio.wait_for(line.recv(), 10) == message
                await asyncio.sleep(idle_s if message == "before" else 0)

    command = procs.in_space(sshd.client(entrance, ssh_port, "cat"), site.space("user"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          preexec_fn=procs.die_with_parent) as ssh:
        ssh.stdin.write(b"before\n")
        ssh.stdin.flush()
        assert ssh.stdout.readline() == b"before\n"
        asyncio.run(chat())
        ssh.stdin.write(b"after\n")
        ssh.stdin.close()
        assert ssh.stdout.readline() == b"after\n"
        assert ssh.wait(10) == 0


@pytest.mark.parametrize("kind", [TCP, UDP], ids=["tcp", "udp"])
def test_idle_timeout_is_the_accelerators(site, kind):
    service = site.serve(kind, more=["--idle-timeout", "2s"])
    # Either side may be the first to notice; the second UDP flow may be over too, when it is counted.
    counter, most = ("tcp_idle_closed", 1) if kind == TCP else ("udp_flows_idle", 2)
    before = site.all_counters()
    if kind == TCP:
        user, server = service.pair()
        for _ in range(4):  # while it is used, it stays
            assert echoes(user, server)
            time.sleep(0.8)
        assert is_reset(user, 4 * SLOW) is True
        assert is_reset(server, 1 * SLOW) is True
    else:
        user = service.user()
        seen = {service.ask(user) for _ in range(4) if time.sleep(0.8) is None}
        assert len(seen) == 1
        time.sleep(3)
        assert service.ask(user) not in seen  # another flow, with another socket
    after = site.all_counters()
    risen = [after[name][counter] - before[name][counter] for name in site.nodes]
    assert sum(risen) >= 1 and max(risen) <= most, risen


# ---- datagrams


@pytest.mark.parametrize("family", [V4, V6], ids=["v4", "v6"])
def test_answers_come_from_the_address_that_was_asked(site, family):
    """The listener is bound to the any-address, and has two of each family."""
    service = site.udp(user=family)
    addresses = [a for a in site.wan.addresses["listener"] if procs.family_of(a) == family]
    assert len(addresses) == 2
    with procs.open_socket(site.space("user"), UDP, family) as sock:
        sock.settimeout(3 * SLOW)
        for address in addresses * 2:
            sock.sendto(address.encode(), (address, service.port))
            got, seen = service.servers[0].recvfrom(100)
            service.servers[0].sendto(got, seen)
            answer, source = sock.recvfrom(100)
            assert (answer, source[:2]) == (address.encode(), (address, service.port))


def test_datagrams_stay_apart(site):
    """Twenty users, each its own flow; every datagram once, to the one whom it is for."""
    service = site.udp()
    users = [service.user() for _ in range(20)]
    seen = [service.ask(user, b"%d" % number) for number, user in enumerate(users)]
    assert len(set(seen)) == 20
    for number, user in reversed(list(enumerate(users))):
        assert service.ask(user, b"again %d" % number) == seen[number]
        assert is_quiet(user, 0)
        user.close()


def test_datagrams_of_9000_and_65507_bytes(site):
    service = site.udp()
    with service.user() as user:
        for size in (9000, 65507, 0, 1):
            service.ask(user, os.urandom(size))


def test_one_source_has_so_many_udp_flows(tmp_path):
    """One worker, so that the cap is exact: the flow that was idle the longest gives way."""
    with Site(tmp_path, workers=1, binds=["10.77.0.2"]) as site:
        service = site.udp(more=["--udp-flows-per-source", "5"])
        other = site.udp()
        with site.counts("listener", udp_flows_evicted=2):
            users = [service.user() for _ in range(5)]
            seen = [service.ask(user) for user in users]
            assert service.ask(users[0]) == seen[0]  # now 1 and 2 are the oldest
            late = [service.user(), service.user()]
            for user in late:
                service.ask(user)
            for kept in (0, 3, 4):
                assert service.ask(users[kept]) == seen[kept]
        # The evicted ones come again as new flows; the cap is of one accelerator's source.
        assert service.ask(users[1]) != seen[1]
        with other.user() as user:
            other.ask(user)
        for user in users + late:
            user.close()


# ---- address families


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Two endpoints, one reached by IPv4 and one by IPv6."""
    with Site(tmp_path_factory.mktemp("mixed"), pair=False) as site:
        site.start_control()
        site.add_listener(binds=["0.0.0.0", "[::]"], more=DRAIN)
        site.add_endpoint("endpoint4", "far4", tunnel="10.77.0.3:7401", more=DRAIN)
        site.add_endpoint("endpoint6", "far6", tunnel="[fd77::3]:7402", more=DRAIN)
        yield site


@pytest.mark.parametrize("server", [V4, V6], ids=["server4", "server6"])
@pytest.mark.parametrize("tunnel", ["far4", "far6"], ids=["tunnel4", "tunnel6"])
@pytest.mark.parametrize("user", [V4, V6], ids=["user4", "user6"])
def test_families_mix(mixed, user, tunnel, server):
    service = mixed.tcp(user=user, server=server, region=tunnel)
    ends = service.pair()
    body = os.urandom(100000)
    assert echoes(*ends, body)
    for sock in ends:
        sock.close()
    service = mixed.udp(user=user, server=server, region=tunnel)
    with service.user() as sock:
        service.ask(sock)
        service.ask(sock, os.urandom(9000))


# ---- backends


def test_a_refusal_reaches_the_user_in_one_trip(site):
    service = site.tcp()
    service.close()
    with site.counts("endpoint", backend_refused=(3, 6)), \
            site.counts("listener", tcp_flows_opened=3, tcp_flows_reset=3):
        times = []
        for _ in range(3):
            with service.connect() as user:
                watch = Stopwatch()
                assert is_reset(user, 2) is True
                times.append(watch.seconds())
    assert min(times) < 0.1 * SLOW  # the tunnel's round trip is 0.04
    assert "reason=backend-refused" in site.nodes["endpoint"].log()


def test_a_silent_backend_is_given_up_after_five_seconds(site):
    service = site.tcp()
    site.wan.ctl("cut endpoint server")
    try:
        with site.counts("endpoint", backend_timeouts=1), service.connect() as user:
            watch = Stopwatch()
            assert is_reset(user, 8 * SLOW) is True
            assert watch.passed() > 4.5 and watch.seconds() < 6 * SLOW
    finally:
        site.wan.ctl("mend endpoint server")


def test_bytes_before_the_backend_are_kept(site):
    """What the user says at once is there when the backend is, and costs no further trip."""
    service = site.tcp()
    body = os.urandom(300000)
    with service.connect() as user:
        user.sendall(body)
        with service.accept() as server:
            assert receive(server, len(body)) == body
    times = []
    for _ in range(3):
        watch = Stopwatch()
        with service.connect() as user:
            user.sendall(b"question")
            with service.accept() as server:
                assert receive(server, 8) == b"question"
                server.sendall(b"answer")
                assert receive(user, 6) == b"answer"
                times.append(watch.seconds())
    assert min(times) < 0.08 * SLOW  # connecting included, 44 ms in all; not two long trips


def test_without_a_lane_users_are_refused_at_once(site):
    tcp, udp = site.tcp(), site.udp()
    site.wan.ctl("cut listener endpoint")
    try:
        # No flow is open and pings come once a second, so the lanes notice in two seconds.
        site.wait_state(("down",), 5)
        with site.counts("listener", tcp_refused_no_lane=3, udp_refused_no_lane=1):
            for _ in range(3):
                watch = Stopwatch()
                with pytest.raises(ConnectionResetError), tcp.connect() as user:
                    user.recv(1)
                assert watch.seconds() < 0.5 * SLOW
            with udp.user() as user:
                user.send(b"nobody")
    finally:
        site.wan.ctl("mend listener endpoint")
    site.wait_up()
    user, server = tcp.pair()
    assert echoes(user, server)
    user.close()
    server.close()


def servers_taken(service, count):
    """How many of so many new connections came to each server."""
    users = [service.connect() for _ in range(count)]
    taken = [0] * len(service.servers)
    watch = Stopwatch()
    while sum(taken) < count and watch.seconds() < 5 * SLOW:
        for number, server in enumerate(service.servers):
            server.settimeout(0.01)
            with contextlib.suppress(TimeoutError):
                server.accept()[0].close()
                taken[number] += 1
    for user in users:
        user.close()
    assert sum(taken) == count
    return taken


def test_weights_share_new_flows(site):
    one, none, three = servers_taken(site.tcp(weights=(50, 0, 150)), 200)
    assert none == 0
    assert 25 <= one <= 80  # 50 are due; 5 standard deviations
    assert one + three == 200


def test_an_update_acts_within_a_second_and_touches_no_flow(site):
    """The weight moves from one server to another, while flows of this and of another accelerator
    go on."""
    service, other = site.tcp(weights=(100, 0)), site.tcp()
    old, neighbour = service.pair(0), other.pair()
    assert echoes(*old) and echoes(*neighbour)
    names = [f"far=10.77.0.4:{server.getsockname()[1]}" for server in service.servers]
    watch = Stopwatch()
    site.ctl("accelerator", "update", f"tcp{service.port}", "--weight", f"{names[0]},0",
             "--weight", f"{names[1]},100")
    while servers_taken(service, 1) != [0, 1]:
        pass
    assert watch.seconds() < 1 * SLOW
    assert servers_taken(service, 20) == [0, 20]
    time.sleep(1)
    assert echoes(*old) and echoes(*neighbour)
    for sock in old + neighbour:
        sock.close()


def test_a_deleted_accelerator_ends_its_flows_alone(site):
    service, other = site.tcp(), site.tcp()
    flow, neighbour = service.pair(), other.pair()
    assert echoes(*flow) and echoes(*neighbour)
    site.ctl("accelerator", "delete", f"tcp{service.port}", "--now")
    assert is_reset(flow[0], 2 * SLOW) is True
    assert is_reset(flow[1], 2 * SLOW) is True
    with pytest.raises(ConnectionError):
        service.connect()
    assert echoes(*neighbour)
    for sock in flow + neighbour:
        sock.close()


def test_flows_of_the_last_accelerator_may_end_by_themselves(tmp_path):
    """The tunnel has nothing to do any more, but its flows have the drain time, in which the tunnel
    can come back too; --now ends them."""
    with Site(tmp_path, workers=1, binds=["10.77.0.2"]) as site:
        service = site.tcp()
        first, second = service.pair(), service.pair()
        assert echoes(*first) and echoes(*second)
        site.ctl("accelerator", "delete", f"tcp{service.port}")
        procs.wait_until(lambda: not site.items("tunnel", "list"), 2, "the tunnel to be gone")
        time.sleep(1)
        with pytest.raises(ConnectionError):
            service.connect()
        for flow in first, second:
            assert echoes(*flow)
        first[0].close()
        assert is_reset(first[1], 2) is False
        later = site.tcp()
        third = later.pair()
        assert echoes(*second) and echoes(*third)
        site.ctl("accelerator", "delete", f"tcp{later.port}", "--now")
        assert is_reset(third[0], 2 * SLOW) is True
        assert is_reset(third[1], 2 * SLOW) is True
        for sock in first + second + third:
            sock.close()
