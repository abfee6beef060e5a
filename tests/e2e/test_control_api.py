# SPDX-License-Identifier: GPL-2.0-or-later
"""Control alone: its API over the UNIX socket, what it keeps, and what it does when it cannot.

Nodes are written into the database, as if they had joined; real ones are in other tests.
"""
import concurrent.futures
import http.client
import os
import random
import socket
import shutil
import subprocess
import time

import pytest

from tests.lab import procs, trunkline
from tests.lab.control_alone import Control, expect_problem

WEB = {"name": "web", "protocol": "tcp", "ports": ["8001-8010", "80", "8000"], "listen": ["tokyo"],
       "endpoint_groups": [{"region": "oslo", "backends": [{"host": "192.0.2.10"}]}]}


@pytest.fixture
def control(tmp_path):
    control = Control(tmp_path).start_with_nodes()
    yield control
    if control.proc.is_alive():
        control.stop()


def test_an_accelerators_life(control):
    status, made, headers = control.call("POST", "/v1/accelerators", WEB)
    assert status == 201
    assert headers["Location"] == "/v1/accelerators/web"
    assert headers["ETag"] == f'"{made["revision"]}"'
    assert made["ports"] == ["80", "8000-8010"]
    assert made["tcp_idle_timeout_s"] == 3600 and made["udp_flows_per_source"] == 1000
    assert made["endpoint_groups"][0]["backends"] == [{"host": "192.0.2.10", "weight": 128}]
    assert [n["node"] for n in made["nodes"]] == ["osl-1", "tyo-1"]
    assert {n["state"] for n in made["nodes"]} == {"down"}

    status, changed, _ = control.call("PATCH", "/v1/accelerators/web",
                                      {"ports": ["443"], "tcp_idle_timeout_s": 60})
    assert status == 200 and changed["ports"] == ["443"] and changed["id"] == made["id"]
    assert changed["revision"] > made["revision"]
    assert (made["class"], made["repair_budget_percent"], made["deadline_ms"],
            made["compression"]) == ("auto", 30, 0, "off")
    status, again, _ = control.call("PATCH", "/v1/accelerators/web", {"ports": ["443"]})
    assert status == 200 and again["revision"] == changed["revision"]
    status, default, _ = control.call("PATCH", "/v1/accelerators/web?now=true",
                                      {"tcp_idle_timeout_s": None})
    assert default["tcp_idle_timeout_s"] == 3600

    assert control.get("/v1/accelerators")["items"] == [default]
    assert [(t["listener"], t["endpoint"], t["state"]) for t in control.get("/v1/tunnels")["items"]] \
        == [("tyo-1", "osl-1", "unknown")]
    assert control.get("/v1/tunnels/tyo-1/osl-1")["lane_list"] == []
    expect_problem(control.call("GET", "/v1/tunnels/tyo-1/rom-1"), 404, "not-found")
    expect_problem(control.call("PATCH", "/v1/tunnels/tyo-1/rom-1", {"congestion": "bbr"}), 404,
                   "not-found")

    status, gone, _ = control.call("DELETE", "/v1/accelerators/web")
    assert status == 200 and gone["revision"] == default["revision"] + 1
    expect_problem(control.call("GET", "/v1/accelerators/web"), 404, "not-found")
    changes = control.get("/v1/revisions?limit=3")["items"]
    assert [c["what"] for c in changes] == ["accelerator web deleted", "accelerator web updated",
                                            "accelerator web updated"]
    assert changes[0]["who"].startswith(f"uid {os.getuid()} (")


def test_a_tunnels_congestion_control(control):
    def patch(body):
        return control.call("PATCH", "/v1/tunnels/tyo-1/osl-1", body)

    control.call("POST", "/v1/accelerators", WEB)
    assert control.get("/v1/tunnels")["items"][0]["congestion"] == "bbr"
    status, tunnel, _ = patch({"congestion": "fixed:3000mbit"})
    assert status == 200 and tunnel["congestion"] == "fixed:3gbit"
    assert tunnel["congestion_in_use"] == {"listener": None, "endpoint": None}
    newest = control.get("/v1/revisions?limit=1")["items"][0]
    assert newest["what"] == "tunnel from tyo-1 to osl-1 updated"
    assert patch({"congestion": "fixed:3gbit"})[0] == 200
    assert control.get("/v1/revisions?limit=1")["items"][0] == newest
    problem = expect_problem(patch({"congestion": "fixed:200"}), 422, "invalid", "congestion")
    assert "fixed:200mbit" in problem["detail"]
    expect_problem(patch({"congestion": "f" * 100}), 422, "invalid", "congestion")
    expect_problem(patch({}), 400, "bad-request")
    expect_problem(patch({"rate": "1mbit"}), 400, "bad-request", "rate")
    control.stop()
    control.start()
    assert control.get("/v1/tunnels/tyo-1/osl-1")["congestion"] == "fixed:3gbit"
    assert patch({"congestion": None})[1]["congestion"] == "bbr"


def test_what_is_wrong_is_said(control):
    def post(**changes):
        return control.call("POST", "/v1/accelerators", {**WEB, **changes})

    def group(**changes):
        return [{"region": "oslo", "backends": [{"host": "192.0.2.10", **changes}]}]

    assert "tokyo" in expect_problem(post(listen=["tokio"]), 422, "unknown-region", "listen[0]")["fix"]
    problem = expect_problem(
        post(endpoint_groups=[{"region": "paris", "backends": [{"host": "::1"}]}]), 422,
        "no-endpoint", "endpoint_groups[0].region")
    assert "oslo" in problem["fix"]
    expect_problem(post(prots=["80"]), 400, "bad-request", "prots")
    expect_problem(post(ports=["80-70"]), 422, "invalid", "ports[0]")
    expect_problem(post(ports=["80", "80"]), 422, "invalid", "ports")
    expect_problem(post(name="a b"), 422, "invalid", "name")
    expect_problem(post(protocol="icmp"), 422, "invalid", "protocol")
    expect_problem(post(**{"class": "fast"}), 422, "invalid", "class")
    expect_problem(post(repair_budget_percent=101), 422, "invalid", "repair_budget_percent")
    expect_problem(post(deadline_ms=10001), 422, "invalid", "deadline_ms")
    assert "udp" in expect_problem(post(deadline_ms=5), 422, "invalid", "deadline_ms")["fix"]
    expect_problem(post(compression="zip"), 422, "invalid", "compression")
    expect_problem(post(endpoint_groups=group(weight=256)), 422, "invalid",
                   "endpoint_groups[0].backends[0].weight")
    expect_problem(post(endpoint_groups=group(weight=0)), 422, "invalid",
                   "endpoint_groups[0].backends")
    expect_problem(post(endpoint_groups=group(host="[::1]")), 422, "invalid",
                   "endpoint_groups[0].backends[0].host")
    expect_problem(control.call("POST", "/v1/accelerators", {"name": "x"}), 400, "bad-request",
                   "protocol")
    assert control.get("/v1/status")["revision"] == 0

    # All of it at once, of each layer: the shape, the values, what there is.
    problem = expect_problem(post(listen=["tokio"], prots=1, **{"class": "fast"}), 400, "bad-request",
                             "prots")
    assert [e["pointer"] for e in problem["errors"]] == ["/prots", "/class", "/listen/0"]
    problem = expect_problem(
        post(listen=["tokio"], endpoint_groups=group(weight=0), deadline_ms=5), 422, "invalid",
        "endpoint_groups[0].backends")
    assert [e["pointer"] for e in problem["errors"]] == [
        "/endpoint_groups/0/backends", "/deadline_ms", "/listen/0"]
    assert "tokyo" in problem["errors"][-1]["fix"]

    assert post()[0] == 201
    expect_problem(post(ports=["1"]), 409, "name-taken", "name")
    problem = expect_problem(post(name="shop", protocol="tcp+udp", ports=["8005"]), 409,
                             "port-taken", "ports")
    assert problem["detail"] == 'tcp port 8005 in tokyo belongs to accelerator "web"'
    assert post(name="dns", protocol="udp", ports=["8005"])[0] == 201
    expect_problem(control.call("PATCH", "/v1/accelerators/dns", {"protocol": "tcp+udp"}), 409,
                   "port-taken", "ports")
    expect_problem(control.call("PATCH", "/v1/accelerators/dns", {"name": "x"}), 400, "bad-request",
                   "name")
    problem = expect_problem(
        control.call("PATCH", "/v1/accelerators/dns", {"name": "x", "ports": ["x"], "comment": 5}), 400,
        "bad-request", "name")
    assert [e["pointer"] for e in problem["errors"]] == ["/name", "/ports/0", "/comment"]
    expect_problem(control.call("PATCH", "/v1/accelerators/dns", {}), 400, "bad-request")
    expect_problem(control.call("PATCH", "/v1/accelerators/dns", {"ports": None}), 400,
                   "bad-request", "ports")


def test_a_change_by_somebody_else_is_not_overwritten(control):
    _, made, headers = control.call("POST", "/v1/accelerators", WEB)
    old = {"If-Match": headers["ETag"]}
    assert control.call("PATCH", "/v1/accelerators/web", {"ports": ["81"]}, old)[0] == 200
    expect_problem(control.call("PATCH", "/v1/accelerators/web", {"ports": ["82"]}, old), 412,
                   "changed-meanwhile")
    expect_problem(control.call("DELETE", "/v1/accelerators/web", None, old), 412,
                   "changed-meanwhile")
    assert control.get("/v1/accelerators/web")["ports"] == ["81"]
    assert control.call("DELETE", "/v1/accelerators/web", None, {"If-Match": "*"})[0] == 200
    del made


def test_requests_that_are_none(control):
    expect_problem(control.call("GET", "/v1/nothing"), 404, "no-route")
    expect_problem(control.call("GET", "/v1/nodes/a%20b"), 404, "no-route")
    expect_problem(control.call("PUT", "/v1/nodes"), 405, "method-not-allowed")
    assert control.call("PUT", "/v1/nodes")[2]["Allow"] == "GET, HEAD"
    assert control.call("PUT", "/v1/accelerators/web")[2]["Allow"] == "GET, HEAD, PATCH, DELETE"
    for body in ["", "{", "[]", '{"name": 1, "name": 2}', "\0", b"\xff", "[" * 10000]:
        expect_problem(control.call("POST", "/v1/accelerators", body), 400, "bad-request")
    expect_problem(control.call("POST", "/v1/accelerators", '{"name":' + "[" * 9 + "]" * 9 + "}"),
                   422, "invalid", "name")
    expect_problem(control.call("POST", "/v1/accelerators", "x" * (1 << 20 | 1)), 413, "too-large")
    expect_problem(control.call("POST", "/v1/accelerators", " " * (1 << 20)), 400, "bad-request")
    expect_problem(control.call("DELETE", "/v1/nodes/nobody"), 404, "not-found")
    expect_problem(control.call("GET", "/v1/revisions?limit=0"), 400, "bad-request", "limit")


def test_tokens(control):
    status, token, _ = control.call("POST", "/v1/node-tokens", {"role": "endpoint", "region": "oslo"})
    assert status == 201 and token["token"].startswith("tlj1_") and token["role"] == "endpoint"
    expect_problem(control.call("POST", "/v1/node-tokens", {"role": "cook", "region": "oslo"}), 422,
                   "invalid", "role")
    expect_problem(control.call("POST", "/v1/node-tokens", {"role": "endpoint", "region": "o s"}), 422,
                   "invalid", "region")
    expect_problem(control.call("POST", "/v1/node-tokens",
                                {"role": "endpoint", "region": "oslo", "ttl_s": 0}), 422,
                   "invalid", "ttl_s")
    expect_problem(control.call("POST", "/v1/node-tokens", {"role": "endpoint"}), 400, "bad-request",
                   "region")


def test_nodes(control):
    nodes = control.get("/v1/nodes")["items"]
    assert [(n["name"], n["role"], n["region"], n["state"]) for n in nodes] == [
        ("osl-1", "endpoint", "oslo", "down"), ("rom-1", "endpoint", "rome", "down"),
        ("tyo-1", "listener", "tokyo", "down")]
    assert nodes[0]["addresses"] == ["192.0.2.2:7401"] and nodes[0]["last_seen"] is None
    control.call("POST", "/v1/accelerators", WEB)
    assert control.call("DELETE", "/v1/nodes/osl-1")[0] == 200
    expect_problem(control.call("GET", "/v1/nodes/osl-1"), 404, "not-found")
    status = control.get("/v1/status")
    assert status["nodes"] == {"up": 0, "down": 2}
    assert "accelerator web has no endpoint in oslo" in [p["detail"] for p in status["problems"]]


def test_pipelined_requests_and_silent_clients(control):
    one = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(control.socket)
        client.sendall(one * 20)
        got = b""
        while got.count(b"HTTP/1.1 200") < 20:
            part = client.recv(65536)
            assert part, got[-200:]
            got += part
    silent = []
    for _ in range(40):
        client = socket.socket(socket.AF_UNIX)
        client.connect(control.socket)
        client.sendall(one[:10])
        silent.append(client)
    assert control.get("/v1/status")["nodes"]["down"] == 3
    for client in silent:
        client.close()


def test_many_at_once_each_get_a_revision(control):
    def create(i):
        return control.call("POST", "/v1/accelerators", {**WEB, "name": f"a{i}", "ports": [str(100 + i)]})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, range(40)))
    assert {status for status, _, _ in answers} == {201}
    assert sorted(made["revision"] for _, made, _ in answers) == list(range(1, 41))
    assert len({made["id"] for _, made, _ in answers}) == 40


def test_nothing_acknowledged_is_lost_by_kill_9(control):
    seed = int(os.environ.get("TEST_SEED", "1"))
    print(f"to repeat: TEST_SEED={seed}")
    rng = random.Random(seed)
    known = {}
    for life in range(4):
        end = time.monotonic() + rng.uniform(0.05, 0.3)
        killer = subprocess.Popen(["sh", "-c", f"sleep {end - time.monotonic()}; "
                                   f"kill -9 {control.proc.pid}"])
        pending = None
        try:
            while True:
                pending = f"k{life}-{len(known)}"
                port = str(1000 + len(known))
                status, made, _ = control.call("POST", "/v1/accelerators",
                                               {**WEB, "name": pending, "ports": [port]})
                assert status == 201, made
                known[pending] = made["revision"]
        except (OSError, http.client.HTTPException):
            pass
        killer.wait()
        control.proc.stop()
        control.start()
        found = {a["name"]: a["revision"] for a in control.get("/v1/accelerators")["items"]}
        lost = set(known) - set(found)
        assert not lost, f"acknowledged and lost: {lost}"
        assert set(found) - set(known) <= {pending}
        known = found
    assert len(known) > 4


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_refuses_changes_and_loses_nothing(small_disk):
    control = Control(small_disk).start_with_nodes()
    filler = small_disk / "filler"
    filler.write_bytes(bytes(300000))
    known = []
    try:
        while True:
            answered = control.call("POST", "/v1/accelerators", {
                **WEB, "name": f"f{len(known)}", "ports": [str(100 + len(known))]})
            if answered[0] != 201:
                break
            known.append(answered[1]["name"])
        assert "full" in expect_problem(answered, 503, "storage")["detail"]
        findings = [f for f in control.get("/v1/doctor")["findings"] if f["check"] == "state"]
        assert {f["level"] for f in findings} == {"wrong"} and {f["node"] for f in findings} == {None}
        assert any(f"{control.state}, has 0 MiB left" in f["detail"] for f in findings)
        assert any("lies in memory" in f["detail"] for f in findings)
        seen = control.get("/v1/accelerators")["items"]
        assert {a["name"] for a in seen} == set(known)
        filler.unlink()
        assert control.call("DELETE", f"/v1/accelerators/{known[-1]}")[0] == 200
        assert control.call("POST", "/v1/accelerators", {
            **WEB, "name": "last", "ports": ["60000-60010"]})[0] == 201
        control.kill()
        control.start()
        assert {a["name"] for a in control.get("/v1/accelerators")["items"]} \
            == set(known[:-1]) | {"last"}
    finally:
        control.proc.stop()


def test_a_database_that_was_put_back_is_noticed_at_the_start(control):
    """An older control.db, and the audit log as it was: no node is needed to see it."""
    database = os.path.join(control.state, "control.db")
    assert control.call("POST", "/v1/accelerators", WEB)[0] == 201
    control.stop()
    shutil.copy(database, database + ".old")
    control.start()
    revision = control.call("PATCH", "/v1/accelerators/web", {"comment": "lost"})[1]["revision"]
    control.stop()
    os.replace(database + ".old", database)
    control.start()

    def problems():
        return [p["detail"] for p in control.get("/v1/status")["problems"] if "set back" in p["detail"]]

    assert [f"revision {revision}:" in detail for detail in problems()] == [True]
    assert control.call("POST", "/v1/adopt")[0] == 200
    assert control.get("/v1/status")["revision"] == revision + 1 and not problems()
    control.stop()
    control.start()
    assert not problems()


def test_a_second_control_on_the_same_state_is_refused(control):
    second = subprocess.run([trunkline.program("trunkline-control"), "--state", control.state,
                             "--api", f"unix:{control.socket}2", "--nodes", "127.0.0.1:0"],
                            capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1 and "error" in second.stderr
    assert control.get("/v1/status")


@pytest.mark.parametrize("arguments, words", [
    (["--api", "127.0.0.1"], "must be unix:PATH or ADDR:PORT"),
    (["--api", "unix:"], "must be unix:PATH"),
    (["--api-cert", "x"], "must have api-cert and api-key, or neither"),
    (["--api-group", "nobodies=viewer"], "there is no such group"),
    (["--nodes", "nowhere"], "--nodes"),
    (["--frob"], "--frob"),
])
def test_options_that_are_refused(tmp_path, arguments, words):
    done = subprocess.run([trunkline.program("trunkline-control"), "--state", tmp_path / "s",
                           *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2 and words in done.stderr
    assert not (tmp_path / "s").exists()


def test_a_file_at_the_sockets_path_is_left_alone(tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    done = procs.run([trunkline.program("trunkline-control"), "--state", str(tmp_path / "state"),
                      "--api", f"unix:{path}", "--nodes", "127.0.0.1:0"], check=False)
    assert done.returncode == 1
    assert "api_failed" in done.stderr and str(path) in done.stderr
    assert path.read_text() == "data"
