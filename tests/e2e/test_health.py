# SPDX-License-Identifier: GPL-2.0-or-later
"""Health checks with real programs as backends: each kind sees its backend serve, die and serve
again, and users are sent to those that serve."""
import contextlib
import itertools
import os
import signal
import socket
import struct
import threading
import time

import pytest

from tests.lab import procs, programs
from tests.lab.clock import Stopwatch
from tests.lab.site import is_reset, receive_all, reset
from tests.lab.trunkline import FAR, NEAR, SLOW, Cluster, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
HOST = "127.0.0.1"
QUICK = "interval=200ms,timeout=150ms,rise=1,fall=2"
# Games of this kin answer an address once a second, after the first ten.
PACE = {"quake3": "interval=1200ms,timeout=1s,rise=1,fall=2"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("health")) as made:
        made.start_pair(more=("--drain", "1"))
        yield made


def health(cluster, accelerator):
    """(backend's host and port, state, cause) as control has them."""
    return sorted((f"{h['host']}:{h.get('port', 0)}", h["state"], h["cause"])
                  for h in cluster.ctl("accelerator", "show", accelerator)["health"])


def wait_health(cluster, accelerator, *states, timeout=15):
    """Until its backends have these states, in any order: "healthy", or ("unhealthy", "refused")."""
    def is_one(seen, wanted):
        return seen == wanted if isinstance(wanted, tuple) else seen[0] == wanted

    def is_so():
        seen = [(state, cause) for _, state, cause in health(cluster, accelerator)]
        return len(seen) == len(states) and any(
            all(map(is_one, seen, order)) for order in itertools.permutations(states))

    procs.wait_until(is_so, timeout * SLOW,
                     lambda: f"{accelerator} to be {states}: {health(cluster, accelerator)}")


def wait_dead(cluster, accelerator):
    """Until its backend, whose port is closed now, is unhealthy: a question that came just before
    had no answer, and on a busy machine the one before was late."""
    wait_health(cluster, accelerator, "unhealthy")
    assert health(cluster, accelerator)[0][2] in ("refused", "silent")


def create(cluster, name, protocol, port, backends, check):
    cluster.accelerator(name, protocol, port, backends, more=("--health", check))


# ---- each kind with a program that speaks it


def certificate(folder):
    """A key and a certificate for name.test; the pin of its public key."""
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    procs.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=name.test",
               "-addext", "subjectAltName=DNS:name.test"])
    pin = procs.run(["sh", "-c", f"openssl x509 -in {cert} -pubkey -noout | openssl pkey -pubin "
                                 "-outform der | openssl dgst -sha256 -binary | openssl base64"])
    return key, cert, f"sha256//{pin.stdout.strip()}"


def nginx(folder, port):
    made = programs.Nginx(folder, [(HOST, port)])
    with open(os.path.join(made.root, "ready"), "w", encoding="ascii") as file:
        file.write("all is well\n")
    return made


def nginx_tls(folder, port):
    key, cert, _ = certificate(str(folder))
    return programs.Nginx(folder, [(HOST, port)], tls=(key, cert))


def dnsmasq(folder, port):
    return programs.Dnsmasq(folder, HOST, port)


def kamailio(folder, port):
    return programs.Kamailio(folder, HOST, port)


def quic_server(folder, port):
    key, cert, _ = certificate(str(folder))
    return programs.QuicServer(folder, HOST, port, key, cert)


def arena_server(folder, port):
    return programs.OpenArena(folder, HOST, port)


DNS_QUESTION = "123401000001000000000000016105" + "6b6e6f776e" + "047465737400" + "00010001"

KINDS = {
    "tcp": (nginx, "tcp", "tcp"),
    "http": (nginx, "tcp", "http:/ready,body=well,status=200"),
    "https": (nginx_tls, "tcp", "https:/,verify=off,status=200-499"),
    "dns": (dnsmasq, "udp", "dns:a.known.test"),
    "udp": (dnsmasq, "udp", f"udp:send={DNS_QUESTION},expect=c0000207"),
    "sip-options": (kamailio, "udp", "sip-options"),
    "quic": (quic_server, "udp", "quic"),
    "quake3": (arena_server, "udp", "quake3"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_backend_that_dies_and_comes_back(cluster, tmp_path, kind):
    start, protocol, check = KINDS[kind]
    port = procs.free_port()
    server = start(tmp_path, port)
    create(cluster, kind, protocol, procs.free_port(), [f"{HOST}:{port}"],
           f"{check},{PACE.get(kind, QUICK)}")
    wait_health(cluster, kind, "healthy")
    server.kill9()
    wait_dead(cluster, kind)
    server = start(tmp_path, port)
    wait_health(cluster, kind, "healthy")
    server.send_signal(signal.SIGSTOP)
    if kind != "tcp":  # the kernel still takes connections for it
        wait_health(cluster, kind, ("unhealthy", "silent"))
    server.send_signal(signal.SIGCONT)
    wait_health(cluster, kind, "healthy")
    cluster.ctl("accelerator", "delete", kind, "--now")


# Protocol, name, map, folder, game, its number, players, most, bots, dedicated, Linux, open, no VAC, version.
SOURCE_INFO = (b"I\x11lab-test\0map\0folder\0game\0" + struct.pack("<HBBBccBB", 10, 2, 7, 0, b"d", b"l", 0, 0)
               + b"1.0\0")


def answer_as_source_engine(game):
    """Until nobody asks for a while: a challenge first, and the answer to who repeats it."""
    while True:
        try:
            asked, user = game.recvfrom(2000)
        except OSError:
            return
        if asked.startswith(b"\xff\xff\xff\xffTSource Engine Query\0"):
            answer = SOURCE_INFO if asked.endswith(b"CHAL") else b"ACHAL"
            game.sendto(b"\xff\xff\xff\xff" + answer, user)


def test_source_engine_with_a_challenge(cluster):
    """No game of that kind is in Debian: a socket here answers as they do, well enough for qstat."""
    game = procs.open_socket(None, socket.SOCK_DGRAM, bind=(HOST, 0))
    port = game.getsockname()[1]
    game.settimeout(0.1)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            answer_as_source_engine(game)

    server = threading.Thread(target=serve)
    server.start()
    try:
        create(cluster, "a2s", "udp", procs.free_port(), [f"{HOST}:{port}"], f"a2s,{QUICK}")
        wait_health(cluster, "a2s", "healthy")
        told = programs.qstat(None, HOST, port, "-a2s")
        assert (told["status"], told["name"], told["maxplayers"]) == ("UP", "lab-test", "7")
    finally:
        stop.set()
        server.join()
        game.close()
    wait_dead(cluster, "a2s")
    cluster.ctl("accelerator", "delete", "a2s", "--now")


def test_icmp_where_it_is_permitted_and_where_not(cluster):
    """The kernel permits it by groups, and by namespace."""
    path = "/proc/sys/net/ipv4/ping_group_range"
    with open(path, encoding="ascii") as file:
        before = file.read()

    def permit(groups):
        with open(path, "w", encoding="ascii") as file:
            file.write(groups)

    try:
        permit("1 0")  # nobody
        create(cluster, "echo", "udp", procs.free_port(), [HOST], f"icmp,{QUICK}")
        wait_health(cluster, "echo", ("unknown", "not-permitted"))
        permit("0 2147483647")
        wait_health(cluster, "echo", "healthy")
    finally:
        permit(before)
    cluster.ctl("accelerator", "delete", "echo", "--now")


# ---- trust


def test_certificates(cluster, tmp_path):
    port = procs.free_port()
    key, cert, pin = certificate(str(tmp_path))
    wrong = "sha256//" + "A" * 43 + "="
    programs.Nginx(tmp_path, [(HOST, port)], tls=(key, cert))
    create(cluster, "pinned", "tcp", procs.free_port(), [f"{HOST}:{port}"],
           f"https:/,verify={pin},status=200-499,{QUICK}")
    wait_health(cluster, "pinned", "healthy")
    for verify in (f"verify={wrong}", "verify=on,host=name.test"):
        cluster.ctl("accelerator", "update", "pinned", "--health",
                    f"https:/,{verify},status=200-499,{QUICK}")
        wait_health(cluster, "pinned", ("unhealthy", "wrong-answer"))
        cluster.ctl("accelerator", "update", "pinned", "--health",
                    f"https:/,verify=off,status=200-499,{QUICK}")
        wait_health(cluster, "pinned", "healthy", timeout=30)
    cluster.ctl("accelerator", "delete", "pinned", "--now")


@contextlib.contextmanager
def trusts(node, cert):
    """The node's daemon sees that file in the place of the system's authorities."""
    args = node.args
    node.args = ["unshare", "--mount", "sh", "-ec",
                 'mount --bind "$1" /etc/ssl/certs/ca-certificates.crt; shift; exec "$@"', "sh", cert,
                 *args]
    node.restart()
    try:
        yield
    finally:
        node.args = args
        node.restart()


def test_a_certificate_of_an_authority_is_for_its_name_alone(cluster, tmp_path):
    port = procs.free_port()
    key, cert, _ = certificate(str(tmp_path))
    programs.Nginx(tmp_path, [(HOST, port)], tls=(key, cert))
    with trusts(cluster.nodes["endpoint"], cert):
        create(cluster, "trusted", "tcp", procs.free_port(), [f"{HOST}:{port}"],
               f"https:/,verify=on,host=name.test,status=200-499,{QUICK}")
        wait_health(cluster, "trusted", "healthy")
        cluster.ctl("accelerator", "update", "trusted", "--health",
                    f"https:/,verify=on,host=other.test,status=200-499,{QUICK}")
        wait_health(cluster, "trusted", ("unhealthy", "wrong-answer"))
    cluster.ctl("accelerator", "delete", "trusted", "--now")


# ---- what it does to users


def test_users_go_to_those_that_serve(cluster, tmp_path):
    """A server that answers 404 to the check takes connections still, and gets none."""
    good, bad, entrance = (procs.free_port() for _ in range(3))
    names = {}
    for name, port in (("good", good), ("bad", bad)):
        names[name] = programs.Nginx(tmp_path, [(HOST, port)], name=name)
        with open(os.path.join(names[name].root, "who"), "w", encoding="ascii") as file:
            file.write(name)
    os.link(os.path.join(names["good"].root, "who"), os.path.join(names["good"].root, "ready"))
    create(cluster, "pair", "tcp", entrance, [f"{HOST}:{good}", f"{HOST}:{bad}"],
           f"http:/ready,{QUICK}")
    wait_health(cluster, "pair", "healthy", ("unhealthy", "wrong-answer"))
    cluster.wait_up()

    def asked():
        return {programs.curl(None, HOST, entrance, "who").stdout for _ in range(40)}

    assert asked() == {"good"}
    os.link(os.path.join(names["bad"].root, "who"), os.path.join(names["bad"].root, "ready"))
    wait_health(cluster, "pair", "healthy", "healthy")
    procs.wait_until(lambda: asked() == {"good", "bad"}, 20 * SLOW, "both to be asked")
    cluster.ctl("accelerator", "delete", "pair", "--now")


def served_by(port):
    """Which of the servers behind the port answers a new connection."""
    with procs.connect(None, HOST, port) as sock:
        sock.sendall(b"GET /who HTTP/1.0\r\n\r\n")
        return receive_all(sock).rpartition(b"\r\n")[2].decode()


def test_who_falls_again_and_again_returns_later_and_slowly(cluster, tmp_path):
    """After its third fall it needs 8 good answers instead of 2, and has a tenth of its share at first."""
    ports, entrance, roots = [procs.free_port() for _ in range(2)], procs.free_port(), {}
    for name, port in zip(("steady", "falling"), ports):
        roots[name] = nginx(tmp_path / name, port).root
        with open(os.path.join(roots[name], "who"), "w", encoding="ascii") as file:
            file.write(name)
    create(cluster, "falls", "tcp", entrance, [f"{HOST}:{port}" for port in ports],
           "http:/ready,interval=200ms,timeout=150ms,rise=2,fall=2")
    wait_health(cluster, "falls", "healthy", "healthy")
    cluster.wait_up()
    ready, away = (os.path.join(roots["falling"], name) for name in ("ready", "away"))
    took = []
    for _ in range(3):
        os.rename(ready, away)
        wait_health(cluster, "falls", "healthy", ("unhealthy", "wrong-answer"))
        began = time.monotonic()
        os.rename(away, ready)
        wait_health(cluster, "falls", "healthy", "healthy")
        took.append(time.monotonic() - began)
    assert took[2] > 7 * 0.2 - 0.1, took
    assert took[0] < took[2], took
    procs.wait_until(lambda: served_by(entrance) == "falling", 20 * SLOW, "it to have flows again")
    taken = [served_by(entrance) for _ in range(100)]
    assert taken.count("falling") < 35, taken  # 10 to 15 are due at first, 50 half a minute later
    cluster.ctl("accelerator", "delete", "falls", "--now")


def test_the_health_process_is_started_again(cluster, tmp_path):
    """What it found stays in force meanwhile."""
    port = procs.free_port()
    create(cluster, "again", "tcp", procs.free_port(), [f"{HOST}:{port}"], f"tcp,{QUICK}")
    wait_health(cluster, "again", "unhealthy")
    endpoint = cluster.nodes["endpoint"]

    def health_pids():
        return [p for p in procs.children(endpoint.pid) if "--role health" in procs.command_line(p)]

    (before,) = health_pids()
    os.kill(before, signal.SIGKILL)
    procs.wait_until(lambda: health_pids() not in ([], [before]), 10 * SLOW, "another process")
    nginx(tmp_path, port)
    wait_health(cluster, "again", "healthy")
    cluster.ctl("accelerator", "delete", "again", "--now")


def test_what_is_wrong_with_a_check_is_said(cluster):
    for check, said in (("ping", "is no kind of health check"),
                        ("http", "needs path"),
                        ("tcp,interval=1ms", "200"),
                        (f"{FAR}x=tcp", "there is no backend in region")):
        done = cluster.ctl_run("accelerator", "create", "wrong", "--protocol", "tcp", "--ports",
                               "1000", "--listen", NEAR, "--backend", f"{FAR}={HOST}", "--health",
                               check)
        assert done.returncode == 2 and said in done.stderr, done.stderr


def fetch(port, name="ready"):
    """What the web server behind a port says, None when it does not."""
    done = procs.run(["curl", "-sS", "--fail", "--max-time", "5", programs.url(HOST, port, name)],
                     check=False)
    return done.stdout if done.returncode == 0 else None


# ---- from group to group, through the tunnel


class TwoRegions(Cluster):
    """An accelerator with a server in each of two endpoint regions, the nearer one first."""

    def __init__(self, folder):
        super().__init__(folder)
        self.start_pair(more=("--drain", "1"))
        self.add_endpoint("endpoint2", "farther", more=("--drain", "1"))
        self.entrance = procs.free_port()
        self.backends = {region: procs.free_port() for region in (FAR, "farther")}
        self.servers = {region: self.serve(region) for region in self.backends}
        self.accelerator("web", "tcp+udp", self.entrance, [
            f"{region}={HOST}:{port}" for region, port in self.backends.items()], more=(
                "--health", f"tcp,{QUICK}", "--failover-order", f"{FAR},farther"))
        self.wait_up(2)
        wait_health(self, "web", "healthy", "healthy")

    def serve(self, region):
        server = programs.Nginx(self.folder, [(HOST, self.backends[region])], name=region)
        with open(os.path.join(server.root, "who"), "w", encoding="ascii") as file:
            file.write(region)
        return server

    def who(self):
        """The region that answers a user; "refused" when the connection is reset."""
        return fetch(self.entrance, "who") or "refused"

    def wait_who(self, wanted, timeout=10):
        procs.wait_until(lambda: self.who() == wanted, timeout * SLOW,
                         lambda: f"{wanted} to answer, not {self.who()}")


@pytest.fixture
def regions(tmp_path):
    with TwoRegions(tmp_path) as made:
        yield made


def test_the_next_group_takes_over_within_a_second_and_gives_back(regions):
    """From when the endpoint knows it, which control does by then, too."""
    assert regions.who() == FAR
    known = len(regions.nodes["endpoint"].logged(" backend_health "))
    regions.servers[FAR].kill9()
    procs.wait_until(lambda: len(regions.nodes["endpoint"].logged(" backend_health ")) > known, 10 * SLOW,
                     "the endpoint to find that it is dead")
    watch = Stopwatch()
    regions.wait_who("farther")
    assert watch.seconds() < 1 * SLOW
    wait_health(regions, "web", "healthy", "unhealthy")
    assert watch.seconds() < 1 * SLOW
    regions.serve(FAR)
    regions.wait_who(FAR)


def test_without_control_listeners_learn_through_the_tunnel(regions):
    regions.control.stop()
    regions.servers[FAR].kill9()
    regions.wait_who("farther")
    regions.serve(FAR)
    regions.wait_who(FAR)
    regions.control.start()
    regions.wait_control()


def test_an_endpoint_that_is_killed_gets_no_new_flows(regions):
    regions.nodes["endpoint"].crash()
    regions.wait_who("farther")


def test_with_none_left_flows_are_refused_or_go_all_the_same(regions):
    for server in regions.servers.values():
        server.kill9()
    wait_health(regions, "web", "unhealthy", "unhealthy")
    regions.wait_who("refused")
    procs.wait_until(lambda: regions.who() == "refused"
                     and regions.counter("listener", "tcp_refused_unhealthy") > 0,
                     10 * SLOW, "refusals to be counted")
    with udp_user(regions.entrance) as user:
        assert ask(user) is None
    assert regions.counter("listener", "udp_refused_unhealthy") > 0
    assert "no_healthy_backend" in regions.nodes["listener"].log()
    # Backends that are marked for another reason, and serve: they are asked at a port where nobody is.
    for region in regions.servers:
        regions.serve(region)
    regions.ctl("accelerator", "update", "web", "--health",
                f"tcp,{QUICK},port={procs.free_port()}", "--all-unhealthy", "fail-open")
    regions.wait_applied("web")
    wait_health(regions, "web", "unhealthy", "unhealthy")
    regions.wait_who(FAR)
    procs.wait_until(lambda: regions.who() == FAR
                     and regions.counter("listener", "flows_failed_open") > 0,
                     10 * SLOW, "flows that fail open to be counted")
    regions.ctl("accelerator", "update", "web", "--all-unhealthy", "refuse")
    regions.wait_who("refused")


# ---- flows that live when a backend or an endpoint dies


class Answerer:
    """A UDP server that answers everything with its own name."""

    def __init__(self, name):
        self.name = name
        self.sock = procs.open_socket(None, socket.SOCK_DGRAM, bind=(HOST, 0))
        self.port = self.sock.getsockname()[1]
        self.sock.settimeout(0.05)
        self.is_stopped = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.is_stopped.is_set():
            try:
                _, user = self.sock.recvfrom(2000)
                self.sock.sendto(self.name.encode(), user)
            except OSError:
                continue

    def stop(self):
        """Its port refuses from now on."""
        self.is_stopped.set()
        self.thread.join()
        self.sock.close()


@pytest.fixture
def answerers():
    made = {name: Answerer(name) for name in ("one", "two")}
    yield made
    for answerer in made.values():
        answerer.stop()


def ask(sock):
    """Who answers; None when nobody does for a while."""
    sock.send(b"who?")
    try:
        return sock.recv(100).decode()
    except OSError:
        return None


def udp_user(port):
    sock = procs.open_socket(None, socket.SOCK_DGRAM)
    sock.settimeout(0.3)
    sock.connect((HOST, port))
    return sock


def wait_answer(sock, wanted):
    procs.wait_until(lambda: ask(sock) == wanted, 10 * SLOW, f"{wanted} to answer")


UDP_CHECK = f"udp:send=who,{QUICK}"


def test_a_udp_flow_goes_on_at_another_backend(cluster, answerers):
    entrance = procs.free_port(socket.SOCK_DGRAM)
    create(cluster, "game", "udp", entrance, [f"{HOST}:{a.port}" for a in answerers.values()],
           UDP_CHECK)
    cluster.wait_up()
    wait_health(cluster, "game", "healthy", "healthy")
    with udp_user(entrance) as user:
        first = procs.wait_until(lambda: ask(user), 10 * SLOW, "an answer")
        other = {"one": "two", "two": "one"}[first]
        answerers[first].stop()
        wait_answer(user, other)
    cluster.ctl("accelerator", "delete", "game", "--now")


def test_without_failover_a_udp_flow_stays(cluster, answerers):
    entrance = procs.free_port(socket.SOCK_DGRAM)
    create(cluster, "stay", "udp", entrance, [f"{HOST}:{a.port}" for a in answerers.values()],
           UDP_CHECK)
    cluster.ctl("accelerator", "update", "stay", "--udp-failover", "off")
    cluster.wait_applied("stay")
    cluster.wait_up()
    wait_health(cluster, "stay", "healthy", "healthy")
    with udp_user(entrance) as user, udp_user(entrance) as later:
        first = procs.wait_until(lambda: ask(user), 10 * SLOW, "an answer")
        answerers[first].stop()
        wait_health(cluster, "stay", "healthy", "unhealthy")
        wait_answer(later, {"one": "two", "two": "one"}[first])
        assert [ask(user) for _ in range(5)] == [None] * 5
    cluster.ctl("accelerator", "delete", "stay", "--now")


def test_a_udp_flow_goes_on_at_another_endpoint(regions, answerers):
    entrance = procs.free_port(socket.SOCK_DGRAM)
    regions.accelerator("game", "udp", entrance, [
        f"{FAR}={HOST}:{answerers['one'].port}", f"farther={HOST}:{answerers['two'].port}"],
        more=("--failover-order", f"{FAR},farther"))
    with udp_user(entrance) as user:
        wait_answer(user, "one")
        regions.nodes["endpoint"].crash()
        wait_answer(user, "two")


def wait_body(user):
    """Headers and body may come by themselves."""
    got = b""
    while b"all is well" not in got:
        piece = user.recv(4096)
        assert piece, got
        got += piece


def test_a_tcp_flow_to_a_dead_backend_is_reset(cluster, tmp_path):
    """The server stands still: nothing of it answers, and nothing ends its connections."""
    port, entrance = procs.free_port(), procs.free_port()
    server = nginx(tmp_path, port)
    create(cluster, "hung", "tcp", entrance, [f"{HOST}:{port}"], f"http:/ready,{QUICK}")
    cluster.wait_up()
    wait_health(cluster, "hung", "healthy")
    with procs.connect(None, HOST, entrance) as user:
        user.sendall(b"GET /ready HTTP/1.1\r\nHost: lab\r\n\r\n")
        wait_body(user)
        server.send_signal(signal.SIGSTOP)
        assert is_reset(user, 15 * SLOW)
    server.send_signal(signal.SIGCONT)
    cluster.ctl("accelerator", "delete", "hung", "--now")


# ---- without asking: by what becomes of users' flows


class Resetter:
    """A TCP server that takes connections and resets them before it said a byte."""

    def __init__(self):
        self.sock = procs.open_socket(None, bind=(HOST, 0))
        self.port = self.sock.getsockname()[1]
        self.sock.listen(100)
        self.sock.settimeout(0.05)
        self.taken = 0
        self.is_stopped = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.is_stopped.is_set():
            try:
                reset(self.sock.accept()[0])
                self.taken += 1
            except OSError:
                continue

    def stop(self):
        self.is_stopped.set()
        self.thread.join()
        self.sock.close()


@pytest.mark.parametrize("check", ["none", "tcp,interval=60s"])
def test_a_backend_that_resets_flows_is_taken_out(cluster, tmp_path, check):
    good, entrance, resetter = procs.free_port(), procs.free_port(), Resetter()
    try:
        nginx(tmp_path, good)
        name = check[:4].strip(",")
        create(cluster, name, "tcp", entrance, [f"{HOST}:{good}", f"{HOST}:{resetter.port}"], check)
        cluster.wait_up()

        def is_taken_out():
            fetch(entrance)
            return ("unhealthy", "flows-failed") in [h[1:] for h in health(cluster, name)]

        procs.wait_until(is_taken_out, 20 * SLOW, lambda: f"{health(cluster, name)}")

        def is_left_alone():
            before = resetter.taken
            return all(fetch(entrance) for _ in range(20)) and resetter.taken == before

        procs.wait_until(is_left_alone, 5 * SLOW, "all flows to go to the other one")
        cluster.ctl("accelerator", "delete", name, "--now")
    finally:
        resetter.stop()


def test_a_backend_that_is_not_asked_returns_by_itself(cluster, tmp_path):
    port, entrance = procs.free_port(), procs.free_port()
    create(cluster, "alone", "tcp", entrance, [f"{HOST}:{port}"], "none")
    cluster.wait_up()

    procs.wait_until(lambda: not fetch(entrance) and health(cluster, "alone"), 20 * SLOW,
                     "its flows to be refused often enough")
    wait_health(cluster, "alone", ("unhealthy", "flows-failed"))
    nginx(tmp_path, port)
    wait_health(cluster, "alone", "healthy", timeout=30)
    procs.wait_until(lambda: fetch(entrance), 10 * SLOW, "it to serve")
    cluster.ctl("accelerator", "delete", "alone", "--now")
