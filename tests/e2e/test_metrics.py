# SPDX-License-Identifier: GPL-2.0-or-later
"""/metrics, /healthz and /readyz of control and of nodes: promtool takes them, and they say what is so."""
import contextlib
import os
import signal
import socket
import subprocess

import pytest

from tests.lab import metrics, procs, programs
from tests.lab.api import UnixConnection
from tests.lab.control_alone import Control, expect_problem
from tests.lab.trunkline import SLOW, Cluster, is_built, program

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
HOST = "127.0.0.1"
SIZE = 1 << 20


@pytest.fixture
def control(tmp_path):
    control = Control(tmp_path).start_with_nodes()
    yield control
    if control.proc.is_alive():
        control.stop()


def test_control_is_watched(control):
    scrape = metrics.scrape(control.connect()).check()
    assert scrape.all("trunkline_build_info", program="control")
    assert scrape.sum("trunkline_control_nodes", role="endpoint", state="down") == 2
    assert scrape.sum("trunkline_control_node_up", node="tyo-1", region="tokyo") == 0
    assert scrape.sum("process_open_fds") >= 10
    assert scrape.sum("trunkline_child_up", process="keys") == 1
    before = scrape.sum("trunkline_control_api_requests_total")
    control.get("/v1/nodes")
    scrape = metrics.scrape(control.connect())
    assert scrape.sum("trunkline_control_api_requests_total") == before + 2  # and the scrape
    assert control.get("/healthz") == {"status": "ok"}
    expect_problem(control.call("DELETE", "/metrics"), 405, "method-not-allowed")


def test_the_example_for_prometheus():
    done = subprocess.run(["promtool", "check", "config", "--syntax-only", "doc/prometheus.yml"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_control_is_ready_while_its_keys_process_is(control):
    def reasons():
        return control.call("GET", "/readyz")[1]["reasons"]

    def is_told_without():
        """Each death in a row is mended later than the one before."""
        for pid in procs.children(control.proc.pid):
            if "--role keys" in procs.command_line(pid):
                os.kill(pid, signal.SIGKILL)
        return any("keys process is down" in reason for reason in reasons())

    procs.wait_until(lambda: not reasons(), 5 * SLOW, "control to be ready")
    control_pid = control.proc.pid
    procs.wait_until(is_told_without, 10 * SLOW, "control to say why it is not ready")
    procs.wait_until(
        lambda: metrics.scrape(control.connect()).sum("trunkline_child_restarts_total") >= 1,
        10 * SLOW, "the keys process to be started again")
    procs.wait_until(lambda: not reasons(), 5 * SLOW, "control to be ready again")
    assert control.proc.pid == control_pid


# ---- nodes


def metrics_port():
    return procs.free_port(socket.SOCK_STREAM, None, HOST)


def answers(port, timeout=10):
    try:
        return metrics.ask(metrics.admin(port, timeout), "/healthz")[0] == 200
    except OSError:
        return False


class Site:
    """A listener and an endpoint, each with an admin port, and a web server behind them."""

    def __init__(self, folder, cluster):
        self.folder, self.cluster = str(folder), cluster
        self.listener_port, self.endpoint_port = metrics_port(), metrics_port()
        cluster.start_control()
        cluster.add_listener(workers=2, more=("--drain", "1", "--admin", str(self.listener_port)))
        cluster.add_endpoint(workers=2, more=("--drain", "1", "--admin", f"{HOST}:{self.endpoint_port}"))
        backend = procs.free_port()
        self.backend = f"{HOST}:{backend}"
        self.nginx = programs.Nginx(folder, [(HOST, backend)])
        self.nginx.add_file("file", SIZE)
        self.port = procs.free_port()
        cluster.accelerator("web", "tcp", str(self.port), [self.backend],
                            more=("--health", "tcp,interval=200ms,timeout=150ms"))
        cluster.wait_up()

    def listener(self):
        return metrics.scrape(metrics.admin(self.listener_port))

    def endpoint(self):
        return metrics.scrape(metrics.admin(self.endpoint_port))

    def ready(self):
        return metrics.ready(metrics.admin(self.listener_port))

    def wait_ready(self):
        procs.wait_until(lambda: self.ready()[0], 15 * SLOW, lambda: f"it to be ready: {self.ready()}")

    def get(self):
        programs.curl_hash(None, HOST, self.port, "file", self.folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    with Cluster(folder) as cluster:
        yield Site(folder, cluster)


def rise(before, after, name, **labels):
    return after.sum(name, **labels) - before.sum(name, **labels)


def test_what_nodes_count_is_what_users_sent(site):
    before, behind = site.listener().check(), site.endpoint().check()
    for _ in range(3):
        site.get()
    procs.wait_until(lambda: rise(behind, site.endpoint(), "trunkline_tcp_flows_closed_total") == 3,
                     10 * SLOW, "the flows to end")
    after, beyond = site.listener().check(), site.endpoint().check()
    assert rise(before, after, "trunkline_tcp_flows_opened_total") == 3
    to_user = rise(before, after, "trunkline_tcp_sent_bytes_total")
    assert 3 * SIZE < to_user < 3 * (SIZE + 1000)
    assert to_user == rise(behind, beyond, "trunkline_tcp_received_bytes_total")
    assert rise(before, after, "trunkline_tcp_received_bytes_total") \
        == rise(behind, beyond, "trunkline_tcp_sent_bytes_total")
    def tunnelled():
        return rise(behind, site.endpoint(), "trunkline_tunnel_peer_sent_bytes_total", peer="listener")

    # A lane tells of itself some times a second.
    procs.wait_until(lambda: tunnelled() > 3 * SIZE, 5 * SLOW, "the lanes' own figures")
    assert tunnelled() < 3.6 * SIZE
    web = {"accelerator": "web", "protocol": "tcp"}
    assert rise(before, after, "trunkline_accelerator_flows_opened_total", region="near", **web) == 3
    assert rise(before, after, "trunkline_accelerator_sent_bytes_total", region="near", **web) == to_user
    assert rise(behind, beyond, "trunkline_accelerator_received_bytes_total", region="far", **web) \
        == to_user
    assert beyond.sum("trunkline_accelerator_flows", **web) == 0
    assert after.sum("trunkline_tunnel_peer_lanes_up", peer="endpoint") == 2
    assert rise(before, after, "trunkline_tunnel_peer_rtt_seconds_count", peer="endpoint") > 0
    mean = after.sum("trunkline_tunnel_peer_rtt_seconds_sum") \
        / after.sum("trunkline_tunnel_peer_rtt_seconds_count")
    assert 0 < mean < 1
    assert beyond.sum("trunkline_backend_healthy", accelerator="web", backend=site.backend) == 1
    assert after.sum("trunkline_config_wanted_revision") \
        == after.sum("trunkline_config_applied_revision") > 0
    assert after.sum("trunkline_node_info", node="listener", role="listener", region="near") == 1
    assert {h["process"] for h, up in after.all("trunkline_child_up") if up == 1} \
        == {"keys", "worker 0", "worker 1"}
    shown = metrics.scrape(UnixConnection(site.cluster.api_socket)).check()
    assert shown.sum("trunkline_control_tunnels", state="up") == 1
    assert shown.sum("trunkline_control_backend_healthy", accelerator="web") == 1


def test_datagrams_and_refusals_are_counted_by_accelerator(site):
    """Bytes of datagrams each way, another accelerator's not among them; and flows for which there
    is no backend."""
    port, closed = procs.free_port(), procs.free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as user:
        echo.bind((HOST, 0))
        echo.settimeout(10)
        user.settimeout(10)
        site.cluster.accelerator("game", "udp", str(port), [f"{HOST}:{echo.getsockname()[1]}"])
        site.cluster.accelerator("shut", "tcp", str(closed), [f"{HOST}:{procs.free_port()}"])
        site.cluster.wait_up()
        for size in (100, 1000):
            user.sendto(b"q" * size, (HOST, port))
            data, sender = echo.recvfrom(65536)
            echo.sendto(data + b"a", sender)
            assert len(user.recv(65536)) == size + 1
    assert is_reset(closed)
    game, near, far = {"accelerator": "game", "protocol": "udp"}, site.listener(), site.endpoint()
    for scrape, receives, sends in ((near, 1100, 1102), (far, 1102, 1100)):
        assert scrape.sum("trunkline_accelerator_received_bytes_total", **game) == receives
        assert scrape.sum("trunkline_accelerator_sent_bytes_total", **game) == sends
        assert scrape.sum("trunkline_accelerator_flows_opened_total", **game) == 1
        assert scrape.sum("trunkline_accelerator_flows", **game) == 1
    assert far.sum("trunkline_accelerator_refused_total", accelerator="shut", protocol="tcp",
                   reason="backend") == 1
    assert far.sum("trunkline_accelerator_refused_total", accelerator="web") == 0
    assert not near.all("trunkline_accelerator_flows", accelerator="game", protocol="tcp")
    near.check()
    far.check()


def is_reset(port):
    """At once, it may be before the connection is seen to be there."""
    try:
        with socket.create_connection((HOST, port), timeout=10) as connection:
            return not connection.recv(1)
    except ConnectionResetError:
        return True


def test_a_refused_config_is_wanted_and_not_applied(site):
    def missing():
        scrape = site.listener()
        return scrape.sum("trunkline_config_wanted_revision") \
            - scrape.sum("trunkline_config_applied_revision")

    with socket.create_server((HOST, 0)) as taken:
        site.cluster.accelerator("blocked", "tcp", str(taken.getsockname()[1]), [site.backend],
                                 wait=False)
        procs.wait_until(lambda: missing() > 0, 10 * SLOW, "the wanted revision to be ahead")
        assert site.listener().sum("trunkline_configs_refused_total") > 0
    site.cluster.ctl("accelerator", "delete", "blocked", "--now")
    procs.wait_until(lambda: missing() == 0, 10 * SLOW, "the config to be applied")


def test_a_connection_has_one_answer(site):
    """Who asks again and again holds none of the few connections."""
    with socket.create_connection((HOST, site.listener_port), timeout=10) as connection:
        connection.sendall(2 * b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(4096):
                said += part
    assert said.count(b"HTTP/1.1 200") == 1 and b"onnection: close" in said, said


def test_no_user_is_in_a_label(site):
    """Only what control bounds: names, and the addresses of backends."""
    allowed = {"node", "role", "region", "accelerator", "backend", "address", "peer", "process",
               "program", "version", "cause", "reason", "protocol", "le"}
    for scrape in (site.listener(), site.endpoint()):
        assert scrape.labels() <= allowed, scrape.labels() - allowed
    assert "127.0.0.1" not in site.listener().text


def test_paths_and_methods_that_are_none(site):
    def ask(path, method="GET"):
        return metrics.ask(metrics.admin(site.listener_port), path, method)

    assert ask("/healthz")[:2] == (200, '{"status":"ok"}')
    assert ask("/healthz", "HEAD")[:2] == (200, "")
    for path in ("/", "/metrics/", "/v1/status", "/" + "x" * 2000):
        assert ask(path)[0] == 404
    status, _, headers = ask("/metrics", "POST")
    assert status == 405 and headers["Allow"] == "GET, HEAD"
    assert ask("/" + "x" * 20000)[0] in (413, 414, 431)


def test_slow_and_many_clients_harm_nobody(site):
    """More connections than are taken, each of which sends a byte now and then: users are served,
    and when their time is over the next in the queue are."""
    held = [socket.create_connection((HOST, site.listener_port), timeout=30) for _ in range(40)]
    for connection in held:
        connection.sendall(b"GET /metr")

    def drip():
        for connection in held:
            with contextlib.suppress(OSError):  # it is closed already
                connection.sendall(b"i")
        return answers(site.listener_port, 0.3)

    assert not drip()
    site.get()
    procs.wait_until(drip, 20 * SLOW, "the admin port to answer again")
    for connection in held:
        connection.close()
    site.listener().check()


def test_ready_and_the_reasons_why_not(site):
    site.wait_ready()
    daemon = site.cluster.nodes["listener"]
    os.kill(daemon.workers()[0], signal.SIGKILL)
    procs.wait_until(lambda: site.listener().sum(
        "trunkline_child_restarts_total", process="worker 0") == 1, 10 * SLOW, "a new worker")
    site.wait_ready()
    site.cluster.ctl("node", "drain", "listener")
    procs.wait_until(lambda: "drains" in str(site.ready()[1]), 10 * SLOW, "the drain")
    site.cluster.ctl("node", "undrain", "listener")
    site.wait_ready()
    endpoint = site.cluster.nodes["endpoint"]
    endpoint.pause()
    try:
        procs.wait_until(lambda: site.ready()[1] == ["no lane to an endpoint is up"], 15 * SLOW,
                         "the lanes to be down")
    finally:
        endpoint.resume()
    site.wait_ready()


def test_without_control_a_node_stays_ready(site):
    site.wait_ready()
    site.cluster.control.stop()
    procs.wait_until(lambda: site.listener().sum("trunkline_node_control_connected") == 0,
                     10 * SLOW, "control to be missed")
    assert site.ready() == (True, [])
    site.get()
    daemon = site.cluster.nodes["listener"]
    daemon.restart()
    procs.wait_until(lambda: answers(site.listener_port), 10 * SLOW, "its admin port")
    site.wait_ready()
    site.cluster.control.start()
    site.cluster.wait_control()


def test_a_node_that_cannot_join_says_so(site, tmp_path):
    """Control is asked for with a token of no control that there is."""
    port, token = metrics_port(), site.cluster.token("listener", "near")
    site.cluster.control.pause()
    try:
        proc = procs.Proc("lonely", [program("trunkline-listener"), "--state", tmp_path / "state",
                                     "--join", token, "--admin", str(port)], str(tmp_path))
        try:
            procs.wait_until(lambda: answers(port), 10 * SLOW, "its admin port")
            procs.wait_until(lambda: metrics.ready(metrics.admin(port))
                             == (False, ["control has not let it join yet"]), 10 * SLOW, "the reason")
        finally:
            proc.stop()
    finally:
        site.cluster.control.resume()


def test_others_reach_it_only_when_that_is_said(tmp_path):
    done = procs.run([program("trunkline-listener"), "--state", str(tmp_path), "--admin",
                      "0.0.0.0:9402"], check=False)
    assert done.returncode == 2 and "admin-remote" in done.stderr, done.stderr
    done = procs.run([program("trunkline-listener"), "--state", str(tmp_path), "--admin", "none"],
                     check=False)
    assert done.returncode == 2 and "ADDR:PORT" in done.stderr, done.stderr
