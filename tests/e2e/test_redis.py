# SPDX-License-Identifier: GPL-2.0-or-later
"""Long TCP connections to real Redis servers: subscribers, pipelines and clients that wait, over a line
that loses packets, while backends, nodes and control change and die."""
import itertools
import os
import signal
import threading

import pytest

from tests.lab import procs, programs
from tests.lab.clock import Stopwatch
from tests.lab.resp import RespClient, command
from tests.lab.site import DRAIN
from tests.lab.trunkline import SLOW, Cluster, is_built
from tests.lab.wan import Wan

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
HOMES = {"o1": ("osloserver", 6379), "o2": ("osloserver", 6380), "r1": ("romeserver", 6379)}
COMMANDS = 10_000
LOSS_PERCENT = 3


class RedisCluster(Cluster):
    """Two listeners, two endpoints in oslo, one in rome, all lines between them lossy; a Redis of each
    name in HOMES, which knows its own name."""

    def __init__(self, folder):
        super().__init__(folder, Wan("groups", folder))
        self.ports = itertools.count(7000)
        self.servers = {}
        try:
            for name in HOMES:
                self.serve(name)
            self.start_control()
            for name in ("listener", "listener2"):
                self.add_listener(name, "near", name, more=DRAIN)
            for name in ("oslo1", "oslo2", "rome1"):
                self.add_endpoint(name, name.rstrip("12"), name, more=DRAIN)
                for listener in ("listener", "listener2"):
                    self.wan.ctl(f"link {listener} {name} loss {LOSS_PERCENT}")
        except BaseException:
            self.wan.stop()
            raise

    def __exit__(self, *why):
        try:
            super().__exit__(*why)
        finally:
            for server in self.servers.values():
                server.stop()
            self.wan.stop()

    def serve(self, name):
        node, port = HOMES[name]
        self.servers[name] = programs.Redis(self.folder, self.address(node), port, self.space(node),
                                            f"redis-{name}")
        self.servers[name].has_owner = True
        with self.beside(name) as client:
            client.ask("SET", "name", name)

    def beside(self, name):
        """A client next to the server, not through Trunkline."""
        node, port = HOMES[name]
        return self.client(node, self.address(node), port)

    def client(self, node, address, port):
        sock = procs.connect(self.space(node), address, port, 10 * SLOW)
        sock.settimeout(20 * SLOW)
        return RespClient(sock)

    def make(self, *names, more=()):
        port = next(self.ports)
        backends = [f"{HOMES[n][0].removesuffix('server')}={self.address(HOMES[n][0])}:{HOMES[n][1]}"
                    for n in names]
        self.accelerator(f"redis{port}", "tcp", str(port), backends, more=more)
        self.wait_up()
        return Service(self, port)


class Service:
    """An accelerator of Redis servers as its users see it."""

    def __init__(self, cluster, port):
        self.cluster, self.port, self.name = cluster, port, f"redis{port}"

    def connect(self, listener="listener"):
        return self.cluster.client("user", self.cluster.address(listener), self.port)

    def update(self, *options):
        self.cluster.ctl("accelerator", "update", self.name, *options)
        self.cluster.wait_applied(self.name)

    def server(self):
        """Which one a new connection reaches; None when it reaches none."""
        try:
            with self.connect() as client:
                return client.ask("GET", "name")
        except (OSError, EOFError):
            return None

    def wait_all_at(self, name, count=5):
        procs.wait_until(lambda: all(self.server() == name for _ in range(count)), 20 * SLOW,
                         f"new connections to reach {name}")

    def connect_to(self, name):
        """A connection to one of several."""
        for _ in range(200):
            client = self.connect()
            if client.ask("GET", "name") == name:
                return client
            client.sock.close()
        raise AssertionError(f"no connection of 200 has reached {name}")

    def subscriber(self, name, channel):
        client = self.connect_to(name)
        assert client.ask("SUBSCRIBE", channel) == ["subscribe", channel, 1]
        return Subscriber(self.cluster, name, channel, client)


class Subscriber:
    """A connection that says nothing more, and gets what somebody beside the server publishes."""

    def __init__(self, cluster, name, channel, client):
        self.cluster, self.name, self.channel, self.client = cluster, name, channel, client
        self.numbers = itertools.count()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.client.sock.close()

    def gets_the_next(self):
        number = str(next(self.numbers))
        with self.cluster.beside(self.name) as publisher:
            assert publisher.ask("PUBLISH", self.channel, number) == 1, "Redis has no such subscriber"
        assert self.client.reply() == ["message", self.channel, number]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with RedisCluster(tmp_path_factory.mktemp("redis")) as made:
        yield made


@pytest.fixture(scope="module")
def alone(cluster):
    return cluster.make("o1")


@pytest.fixture
def pair(cluster):
    made = cluster.make("o1", "o2")
    yield made
    cluster.ctl("accelerator", "delete", made.name, "--now")


# ---- what crosses


def test_a_subscriber_gets_each_message_once_and_in_order(alone):
    """Two publishers at a time, who come in by the other listener."""
    count, refused = 1000, []

    def publish(who):
        with alone.connect("listener2") as client:
            for number in range(count):
                client.send("PUBLISH", "news", f"{who} {number}")
            refused.extend(n for n in (client.reply() for _ in range(count)) if n != 1)

    with alone.connect() as subscriber:
        assert subscriber.ask("SUBSCRIBE", "news") == ["subscribe", "news", 1]
        publishers = [threading.Thread(target=publish, args=(who,)) for who in "ab"]
        for publisher in publishers:
            publisher.start()
        got = [subscriber.reply() for _ in range(2 * count)]
        for publisher in publishers:
            publisher.join()
    assert not refused
    for who in "ab":
        assert [m for m in got if m[2].startswith(who)] == [
            ["message", "news", f"{who} {number}"] for number in range(count)]


def test_a_pipeline_of_ten_thousand_commands(alone):
    with alone.connect() as client:
        writer = threading.Thread(target=client.sock.sendall, args=(command("INCR", "n") * COMMANDS,))
        writer.start()
        assert [client.reply() for _ in range(COMMANDS)] == list(range(1, COMMANDS + 1))
        writer.join()


def test_a_mass_insertion_by_redis_cli(cluster, alone, tmp_path):
    path = tmp_path / "commands"
    path.write_bytes(b"".join(command("RPUSH", "list", f"item {n}") for n in range(COMMANDS)))
    with open(path, "rb") as commands:
        done = procs.run(["redis-cli", "-h", cluster.address("listener"), "-p", alone.port, "--pipe"],
                         cluster.space("user"), 60 * SLOW, stdin=commands)
    assert f"errors: 0, replies: {COMMANDS}" in done.stdout, done.stdout
    with alone.connect() as client:
        assert client.ask("LRANGE", "list", 0, -1) == [f"item {n}" for n in range(COMMANDS)]


def test_a_client_that_waits_is_woken(alone):
    with alone.connect() as waiting, alone.connect("listener2") as other:
        waiting.send("BLPOP", "jobs", 0)
        procs.wait_until(lambda: "cmd=blpop" in other.ask("CLIENT", "LIST"), 10 * SLOW,
                         "Redis to know that it waits")
        assert other.ask("RPUSH", "jobs", "work") == 1
        assert waiting.reply() == ["jobs", "work"]


def test_an_idle_connection_has_the_accelerators_time(cluster):
    """Bytes keep it, which a client's PING is and the keepalives of the kernels at both ends are not."""
    service = cluster.make("o1", more=("--idle-timeout", f"{3 * SLOW}s"))
    with service.connect() as silent, service.connect() as pinging, cluster.beside("o1") as beside:
        names = (silent.ask("CLIENT", "SETNAME", "silent"), pinging.ask("CLIENT", "SETNAME", "pinging"))
        assert names == ("OK", "OK")
        for client in (silent, pinging):
            assert client.ask("SUBSCRIBE", "idle")[0] == "subscribe"
        procs.wait_until(lambda: pinging.ask("PING") == ["pong", ""]
                         and "name=silent" not in beside.ask("CLIENT", "LIST"), 20 * SLOW,
                         "Redis to be rid of the silent one")
        assert "name=pinging" in beside.ask("CLIENT", "LIST")
        assert beside.ask("PUBLISH", "idle", "still") == 1
        assert pinging.reply() == ["message", "idle", "still"]
        with pytest.raises((ConnectionResetError, EOFError)):
            silent.reply()


# ---- what does not disturb it


def test_weight_0_leaves_connections(cluster, pair):
    host = f"oslo={cluster.address('osloserver')}"
    with pair.subscriber("o1", "weights") as old:
        pair.update("--weight", f"{host}:{HOMES['o1'][1]},0")
        pair.wait_all_at("o2")
        old.gets_the_next()


def test_dial_0_leaves_connections(cluster):
    service = cluster.make("o1", "r1")
    with service.subscriber("o1", "dials") as old:
        service.update("--dial", "oslo=0")
        service.wait_all_at("r1")
        old.gets_the_next()


def test_draining_nodes_leave_connections(cluster):
    """Of both endpoints in oslo and of the listener by which the connection came."""
    service = cluster.make("o1", "r1", more=("--failover-order", "oslo,rome"))
    nodes = ("oslo1", "oslo2")
    with service.subscriber("o1", "drains") as old:
        try:
            for node in nodes:
                cluster.ctl("node", "drain", node)
            service.wait_all_at("r1")
            old.gets_the_next()
            cluster.ctl("node", "drain", "listener")
            procs.wait_until(lambda: service.server() is None, 20 * SLOW, "the listener to refuse")
            old.gets_the_next()
        finally:
            for node in (*nodes, "listener"):
                cluster.ctl("node", "undrain", node)
        service.wait_all_at("o1")
        old.gets_the_next()


def test_changes_of_other_things_leave_connections(cluster, alone):
    with alone.subscriber("o1", "changes") as old:
        other = cluster.make("o2", "r1")
        old.gets_the_next()
        for options in (("--weight", f"oslo={cluster.address('osloserver')}:{HOMES['o2'][1]},7"),
                        ("--dial", "oslo=50"), ("--comment", "another")):
            other.update(*options)
            old.gets_the_next()
        for words in (("disable", other.name), ("delete", other.name, "--now")):
            cluster.ctl("accelerator", *words)
            old.gets_the_next()
        for options in (("--comment", "of itself"), ("--class", "bulk"), ("--class", "interactive")):
            alone.update(*options)
            old.gets_the_next()


def test_control_may_die(cluster, alone):
    with alone.subscriber("o1", "control") as old:
        cluster.control.kill9()
        try:
            old.gets_the_next()
            assert alone.server() == "o1"
            with alone.subscriber("o1", "meanwhile") as new:
                new.gets_the_next()
                cluster.control.start()
                cluster.wait_control()
                for name in cluster.nodes:
                    cluster.wait_node(name)
                new.gets_the_next()
            old.gets_the_next()
        finally:
            if not cluster.control.proc:
                cluster.control.start()
                cluster.wait_control()


# ---- what ends it


def test_a_killed_redis_ends_its_connections_and_the_other_serves(cluster, pair):
    """The kernel closes a killed program's connections: orderly when it had read all, by a reset when
    not. Each reaches the user as it is, at once; a new connection reaches the other."""
    with pair.subscriber("o1", "deaths") as old, pair.connect_to("o1") as asking, \
            pair.subscriber("o2", "lives") as other:
        old.gets_the_next()
        server = cluster.servers["o1"]
        os.kill(server.pid, signal.SIGSTOP)  # from now on it reads nothing
        asking.send("PING")
        node, port = HOMES["o1"]
        procs.wait_until(lambda: unread(cluster.space(node), port), 10 * SLOW, "the question to arrive")
        server.kill9()
        watch = Stopwatch()
        with pytest.raises(EOFError):
            old.client.reply()
        with pytest.raises(ConnectionResetError):
            asking.reply()
        assert watch.seconds() < 1 * SLOW
        other.gets_the_next()
        pair.wait_all_at("o2")
        cluster.serve("o1")
        pair.connect_to("o1").sock.close()
        other.gets_the_next()


def unread(space, port):
    """Bytes that came to connections of a port and that nobody has read."""
    lines = procs.run(["ss", "-Htn", "state", "established", f"( sport = :{port} )"], space).stdout
    return sum(int(line.split()[0]) for line in lines.splitlines())
