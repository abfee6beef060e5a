# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may use control's API, over TLS and over the UNIX socket, and what happens to those who ask
too often, too slowly or too much."""
import base64
import concurrent.futures
import hashlib
import json
import os
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

from tests.lab import openapi, procs, trunkctl, trunkline
from tests.lab.control_alone import Control, any_certificate, expect_problem

ROLES = ["viewer", "operator", "admin"]


def serve(folder, *options):
    control = Control(folder)
    control.options = ("--api", f"127.0.0.1:{control.port}", *options)
    return control.start_with_nodes()


@pytest.fixture
def control(tmp_path):
    control = serve(tmp_path)
    yield control
    control.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """For tests that change nothing of it but tokens."""
    control = serve(tmp_path_factory.mktemp("shared"))
    yield control
    control.stop()


def pin_of(control):
    return control.get("/v1/status")["api"]["pin"]


def ctl(control, *args, **environment):
    return trunkctl.run("--control", f"https://127.0.0.1:{control.port}", *args, **environment)


def test_trunkctl_over_tls(shared, tmp_path):
    made = trunkctl.run("token", "create", "--name", "ci", "--role", "operator",
                        TRUNKLINE_CONTROL=f"unix:{shared.socket}")
    token, pin = made.stdout.strip(), pin_of(shared)
    nodes = ctl(shared, "-o", "json", "--pin", pin, "node", "list", TRUNKLINE_TOKEN=token)
    assert len(json.loads(nodes.stdout)["items"]) == 3, nodes.stderr
    file = tmp_path / "token"
    file.write_text(token + "\n")
    file.chmod(0o600)
    assert ctl(shared, "--pin", pin, "--token-file", str(file), "status").returncode == 0
    context = tmp_path / "context.yaml"
    context.write_text(f"control: https://127.0.0.1:{shared.port}\npin: {pin}\ntoken-file: {file}\n")
    assert trunkctl.run("status", TRUNKLINE_CONTEXT=str(context)).returncode == 0
    used = {t["name"]: t["used"] for t in shared.get("/v1/tokens")["items"]}
    assert used["ci"] is not None

    wrong = base64.urlsafe_b64encode(hashlib.sha256(b"x").digest()).decode().rstrip("=")
    trunkctl.assert_fails(ctl(shared, "--pin", wrong, "status", TRUNKLINE_TOKEN=token),
                          trunkctl.UNREACHABLE, "another key than the pin's")
    trunkctl.assert_fails(ctl(shared, "status", TRUNKLINE_TOKEN=token),
                          trunkctl.UNREACHABLE, "certificate", "--pin")
    trunkctl.assert_fails(ctl(shared, "--pin", pin, "status"), trunkctl.FAILED, "must bear a token")
    trunkctl.assert_fails(ctl(shared, "--pin", pin, "token", "list", TRUNKLINE_TOKEN=token),
                          trunkctl.FAILED, "needs the role admin")
    trunkctl.assert_fails(
        trunkctl.run("--control", f"http://127.0.0.1:{shared.port}", "status", TRUNKLINE_TOKEN=token),
        trunkctl.USAGE, "only sent over https://")
    file.chmod(0o644)
    trunkctl.assert_fails(ctl(shared, "--pin", pin, "--token-file", str(file), "status"),
                          trunkctl.USAGE, "chmod 600")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_against_each_route(control, role):
    token = control.make_token("t", role)
    seen = 0
    for path, item in openapi.api()["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            name = re.sub(r"\{\w+\}", "nothing", path)
            body = {} if "requestBody" in operation else None
            if name == "/v1/events":
                name += "?since=x"  # its answer would not end
            status, answer, _ = control.call(method.upper(), name, body, token=token)
            may = ROLES.index(role) >= ROLES.index(operation["x-role"])
            assert (status == 403) == (not may), (role, method, path, answer)
            assert status != 401
            if not may:
                assert f"needs the role {operation['x-role']}" in answer["detail"]
                assert f"token t has the role {role}" in answer["detail"]
            seen += 1
    assert seen >= 17
    assert control.get("/v1/status")["revision"] == 1  # the token


def test_tokens_that_are_none(shared):
    def refused(token):
        problem = expect_problem(answered := shared.call("GET", "/v1/nodes", token=token), 401,
                                 "unauthenticated")
        assert answered[2]["WWW-Authenticate"].startswith("Bearer")
        return problem["detail"]

    good = shared.make_token("good", "viewer")
    assert "must bear a token" in refused("")
    assert "wrong, or revoked" in refused(good[:-1] + ("A" if good[-1] != "A" else "B"))
    assert "wrong, or revoked" in refused("x" * 5000)
    assert shared.call("GET", "/v1/nodes", token=good)[0] == 200
    assert shared.call("DELETE", "/v1/tokens/good")[0] == 200
    assert "wrong, or revoked" in refused(good)
    short = shared.make_token("short", "viewer", ttl_s=1)
    procs.wait_until(lambda: shared.call("GET", "/v1/nodes", token=short)[0] == 401, 5, "expiry")
    assert '"short" has expired at' in refused(short)
    # On the UNIX socket a token counts too, and a wrong one is not made good by who sends it.
    viewer = shared.make_token("local", "viewer")
    header = {"Authorization": f"Bearer {viewer}"}
    assert shared.call("GET", "/v1/nodes", headers=header)[0] == 200
    assert shared.call("GET", "/v1/tokens", headers=header)[0] == 403
    assert shared.call("GET", "/v1/nodes", headers={"Authorization": "Bearer x"})[0] == 401


def test_secrets_are_nowhere(control):
    token = control.make_token("t", "admin")
    status, join, _ = control.call("POST", "/v1/node-tokens",
                                   {"role": "endpoint", "region": "oslo"}, token=token)
    assert status == 201
    control.stop()
    for secret in (token, join["token"].split(".")[-1][-20:]):
        found = subprocess.run(["grep", "-raFl", secret, control.folder], capture_output=True,
                               text=True, check=False)
        assert found.stdout == "", secret
    control.start()
    assert control.call("GET", "/v1/tokens", token=token)[0] == 200


def test_too_many_requests(tmp_path):
    control = serve(tmp_path, "--api-rate", "5")
    one, other = control.make_token("one", "viewer"), control.make_token("other", "viewer")
    began, good = time.monotonic(), 0
    while (answered := control.call("GET", "/v1/nodes", token=one))[0] == 200:
        good += 1
    assert 10 <= good <= 11 + 5 * (time.monotonic() - began)
    problem = expect_problem(answered, 429, "too-many")
    assert "more than 5 requests a second" in problem["detail"]
    assert answered[2]["Retry-After"] == "1"
    # Another token at the same address does not wait, whatever is asked there without one.
    assert 429 in [control.call("GET", "/v1/nodes", token="x")[0] for _ in range(30)]
    assert [control.call("GET", "/v1/nodes", token=other)[0] for _ in range(5)] == [200] * 5
    assert control.get("/v1/status")["api"]["limited"] >= 2
    time.sleep(1)
    assert control.call("GET", "/v1/nodes", token=one)[0] == 200
    control.stop()


def test_guessing_is_slowed(control):
    good = control.make_token("good", "viewer")
    statuses = [control.call("GET", "/v1/nodes", token=f"tla1_{i:043}")[0] for i in range(20)]
    assert statuses[:10] == [401] * 10 and 429 in statuses
    assert control.call("GET", "/v1/nodes", token=good)[0] == 200
    assert control.get("/v1/status")["api"]["unauthenticated"] >= 10


def raw(control, over_tls):
    if not over_tls:
        client = socket.socket(socket.AF_UNIX)
        client.connect(control.socket)
        return client
    return any_certificate().wrap_socket(socket.create_connection(("127.0.0.1", control.port)))


def read_to_end(client):
    client.settimeout(20)
    got = b""
    try:
        while part := client.recv(65536):
            got += part
    except (ConnectionError, ssl.SSLError):
        pass
    return got


def dribble(client, head, most_s=45):
    """Sends a byte every now and then until the other side has something to say."""
    end = time.monotonic() + most_s
    client.settimeout(0.5)
    client.sendall(head)
    while time.monotonic() < end:
        try:
            client.sendall(b"x")
            return client.recv(65536) + read_to_end(client)
        except (TimeoutError, ssl.SSLWantReadError):
            pass
        except ConnectionError:
            return b""
    raise AssertionError("nobody ended it")


def test_slow_clients_are_ended_and_hold_up_nobody(shared):
    token = shared.make_token("slow", "operator")
    head = (f"POST /v1/accelerators HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n").encode()
    body = b"Content-Length: 100000\r\n\r\n"
    silent = socket.create_connection(("127.0.0.1", shared.port))  # not even a TLS handshake
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(dribble, raw(shared, over_tls), head + more)
                for over_tls in (False, True) for more in (b"X-Slow: ", body)]
        while not all(s.done() for s in slow):
            began = time.monotonic()
            assert shared.get("/v1/status")
            assert time.monotonic() - began < 2 * trunkline.SLOW
            time.sleep(0.5)
    for answer in (s.result() for s in slow):
        assert answer.startswith(b"HTTP/1.1 408 "), answer
        assert b"\r\nRetry-After: 1\r\n" in answer
        problem = json.loads(answer.partition(b"\r\n\r\n")[2])
        openapi.check("POST", "/v1/accelerators", 408, problem, "application/problem+json")
    assert not read_to_end(silent).startswith(b"HTTP")  # an alert of TLS at most
    silent.close()
    assert shared.get("/v1/status")["api"]["too_slow"] >= 4


@pytest.mark.parametrize("over_tls", [False, True])
def test_what_is_too_large(shared, over_tls):
    token = shared.make_token(f"large{over_tls}", "operator") if over_tls else None
    expect_problem(shared.call("POST", "/v1/accelerators", "x" * (1 << 20 | 1), token=token), 413,
                   "too-large")
    deep = '{"name": ' + "[" * 5000 + "]" * 5000 + "}"
    expect_problem(shared.call("POST", "/v1/accelerators", deep, token=token), 400, "bad-request")
    client = raw(shared, over_tls)
    client.sendall(b"GET /v1/nodes HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 40000 + b"\r\n\r\n")
    assert read_to_end(client).startswith(b"HTTP/1.1 431 ")
    client.close()
    if over_tls:  # a stranger's body is dropped, and he is told why
        expect_problem(shared.call("POST", "/v1/accelerators", "x" * 500000, token=""), 401,
                       "unauthenticated")


def test_one_client_cannot_take_all_connections(shared):
    token = shared.make_token("crowd", "viewer")
    before = shared.get("/v1/status")["api"]["connections_refused"]
    crowd = [socket.create_connection(("127.0.0.1", shared.port)) for _ in range(64)]
    try:
        assert read_to_end(socket.create_connection(("127.0.0.1", shared.port))) == b""
        assert shared.get("/v1/status")["api"]["connections_refused"] > before
        other = socket.create_connection(("127.0.0.1", shared.port), source_address=("127.0.0.2", 0))
        with any_certificate().wrap_socket(other) as client:
            client.sendall(f"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                           f"Authorization: Bearer {token}\r\n\r\n".encode())
            assert read_to_end(client).startswith(b"HTTP/1.1 200 ")
    finally:
        for client in crowd:
            client.close()
    procs.wait_until(lambda: shared.call("GET", "/v1/status", token=token)[0] == 200, 10,
                     "the crowd to be gone")


def test_old_tls_is_refused(shared):
    context = any_certificate()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", shared.port)) as client:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(client)


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout


def test_an_operators_certificate(tmp_path):
    key, certificate = str(tmp_path / "my.key"), str(tmp_path / "my.crt")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
            "-subj", "/CN=control.example", "-addext", "subjectAltName=DNS:control.example")
    os.chmod(key, 0o600)
    control = serve(tmp_path, "--api-cert", certificate, "--api-key", key)
    spki = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    der = base64.b64decode(b"".join(spki.splitlines()[1:-1]))
    pin = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
    assert pin_of(control) == pin
    token = control.make_token("t", "viewer")
    assert ctl(control, "--pin", pin, "status", TRUNKLINE_TOKEN=token).returncode == 0
    done = procs.run(["curl", "-sS", "--cacert", certificate, "--resolve",
                      f"control.example:{control.port}:127.0.0.1", "-H", f"Authorization: Bearer {token}",
                      f"https://control.example:{control.port}/v1/nodes"])
    assert len(json.loads(done.stdout)["items"]) == 3
    control.stop()
    other = str(tmp_path / "other.key")
    openssl("genpkey", "-algorithm", "ed25519", "-out", other)
    os.chmod(other, 0o600)
    done = procs.run([trunkline.program("trunkline-control"), "--state", control.state, "--api",
                      f"127.0.0.1:{control.port}", "--api-cert", certificate, "--api-key", other,
                      "--nodes", "127.0.0.1:0"], check=False)
    assert done.returncode == 1 and "the certificate and the key cannot be used" in done.stderr


def test_system_groups_have_roles():
    team, guests, nobodies = 54321, 54322, 54323
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        control = Control(folder, "--api-group", f"{team}=operator", "--api-group", f"{guests}=viewer")
        control.start_with_nodes()

        def ask(method, path, gid, *more):
            done = procs.run(["setpriv", "--reuid", "54321", "--regid", str(nobodies), "--groups",
                              str(gid), "curl", "-sS", "-X", method, "-w", "\n%{http_code}",
                              "--unix-socket", control.socket, *more, f"http://x{path}"])
            body, _, status = done.stdout.rpartition("\n")
            openapi.check(method, path, int(status), json.loads(body),
                          "application/json" if status[0] == "2" else "application/problem+json")
            return int(status), json.loads(body)

        assert ask("GET", "/v1/nodes", guests)[0] == 200
        assert "uid 54321 (?) has the role viewer" in ask("DELETE", "/v1/accelerators/x", guests)[1]["detail"]
        assert ask("DELETE", "/v1/accelerators/x", team)[0] == 404
        assert ask("DELETE", "/v1/nodes/tyo-1", team)[0] == 403
        status, problem = ask("GET", "/v1/nodes", nobodies)
        assert status == 403 and "--api-group" in problem["fix"]
        assert control.call("DELETE", "/v1/nodes/tyo-1")[0] == 200
        control.stop()


class Listener:
    """Reads events in a thread; each is held against doc/openapi.yaml."""

    def __init__(self, control, query="", token=None, last=None):
        self.connection = control.connect(token)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.connection.timeout = 60
        self.connection.request("GET", f"/v1/events{query}", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert self.answer.getheader("Content-Type") == "text/event-stream"
        self.events, self.is_over, self.fault = [], False, None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            event = {}
            for line in self.answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                elif "event" in event:
                    data = json.loads(event["data"])
                    openapi.check("GET", "/v1/events", 200, {event["event"]: data},
                                  "text/event-stream")
                    self.events.append((event["event"], event.get("id"), data))
                    event = {}
                else:
                    event = {}
        except OSError:
            pass
        except Exception as fault:  # told to the test
            self.fault = fault
        self.is_over = True

    def of(self, name):
        assert not self.fault, self.fault
        return [(number, data) for kind, number, data in self.events if kind == name]

    def wait(self, name, count):
        procs.wait_until(lambda: len(self.of(name)) >= count, 10 * trunkline.SLOW, f"{count} {name}")
        return self.of(name)


def test_events_over_tls(control):
    token = control.make_token("watch", "viewer")
    one = Listener(control, token=token)
    one.wait("hello", 1)
    measured = Listener(control, "?kinds=tunnels,node")
    web = {"name": "web", "protocol": "tcp", "ports": ["80"], "listen": ["tokyo"],
           "endpoint_groups": [{"region": "oslo", "backends": [{"host": "192.0.2.10"}]}]}
    assert control.call("POST", "/v1/accelerators", web)[0] == 201
    [(number, data)] = one.wait("revision", 1)
    assert number == str(data["revision"]) == "2" and data["what"] == "accelerator web created"
    tunnels = measured.wait("tunnels", 2)[-1][1]
    assert [t["listener"] for t in tunnels["items"]] == ["tyo-1"]
    assert not measured.of("revision") and not one.of("tunnels")
    assert control.get("/v1/status")["api"]["subscribers"] == 2
    assert control.call("DELETE", "/v1/tokens/watch")[0] == 200  # the events end with it
    procs.wait_until(lambda: one.is_over, 10 * trunkline.SLOW, "the end of the events")
    assert not measured.is_over

    again = Listener(control, last=1)
    assert [n for n, _ in again.wait("revision", 2)] == ["2", "3"]
    behind = Listener(control, last=77)
    assert behind.wait("reset", 1)[0][1] == {"since": 77, "revision": 3}


def test_the_audit_log_is_events_for_admins(control):
    log = Listener(control, "?kinds=audit", token=control.make_token("boss", "admin"))
    log.wait("hello", 1)
    status, answer, _ = control.call("GET", "/v1/events?kinds=node,audit",
                                     token=control.make_token("watch", "viewer"))
    assert status == 403 and "need the role admin" in answer["detail"]
    entries = [data for _, data in log.wait("audit", 2)]
    assert [(e["what"], e["outcome"]) for e in entries] == [
        ("POST /v1/tokens", "done"), ("GET /v1/events", "refused")]


def test_events_go_on_after_control_was_away(control, tmp_path):
    log = tmp_path / "events"
    with open(log, "wb") as out:
        follower = subprocess.Popen(
            [trunkline.program("trunkctl"), "--control", f"unix:{control.socket}", "-o", "json",
             "events", "--since", "0"], stdout=out)
    try:
        control.make_token("a", "viewer")
        procs.wait_until(lambda: b"token a created" in log.read_bytes(), 10, "the first change")
        control.kill()
        control.start()
        control.make_token("b", "viewer")
        procs.wait_until(lambda: b"token b created" in log.read_bytes(), 10, "the second change")
        events = [json.loads(line) for line in log.read_text().splitlines()]
        assert [e["data"]["revision"] for e in events if e["event"] == "revision"] == [1, 2]
    finally:
        follower.terminate()
        assert follower.wait(10) == 0


def test_a_reader_that_does_not_read_costs_nothing(control):
    stuck = socket.socket(socket.AF_UNIX)
    stuck.connect(control.socket)
    stuck.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    stuck.recv(10)
    reader = Listener(control)
    reader.wait("hello", 1)
    for i in range(900):
        assert control.call("PATCH", "/v1/tunnels/none/none", {"trace": True})[0] == 404
        name = f"t{i}"
        assert control.call("POST", "/v1/tokens", {"name": name, "role": "viewer"})[0] == 201
        assert control.call("DELETE", f"/v1/tokens/{name}")[0] == 200
    seen = reader.wait("revision", 1800)
    assert [int(n) for n, _ in seen] == list(range(1, 1801))
    stuck.settimeout(10)
    got = b""
    while b"event: lost" not in got:
        part = stuck.recv(65536)
        assert part, got[-300:]
        got += part
    procs.wait_until(lambda: control.get("/v1/status")["api"]["events_lost"] > 0, 10, "the count")
    stuck.close()


def test_the_audit_log(control):
    viewer = control.make_token("v", "viewer")
    assert control.call("DELETE", "/v1/nodes/tyo-1", token=viewer)[0] == 403
    assert control.call("GET", "/v1/nodes", token="nonsense")[0] == 401
    assert control.call("DELETE", "/v1/nodes/tyo-1")[0] == 200
    assert control.call("GET", "/v1/audit", token=viewer)[0] == 403
    entries = control.get("/v1/audit")["items"]
    assert [(e["who"], e["role"], e["what"], e["outcome"], e["status"]) for e in entries] == [
        ("token v", "viewer", "GET /v1/audit", "refused", 403),
        ("uid 0 (root)", "admin", "DELETE /v1/nodes/tyo-1", "done", 200),
        ("nobody", None, "GET /v1/nodes", "refused", 401),
        ("token v", "viewer", "DELETE /v1/nodes/tyo-1", "refused", 403),
        ("uid 0 (root)", "admin", "POST /v1/tokens", "done", 201)]
    assert entries[1]["revision"] == 2 and entries[0]["from"].startswith("127.0.0.1:")
    shown = trunkctl.run("audit", "--limit", "2", TRUNKLINE_CONTROL=f"unix:{control.socket}")
    assert "DELETE /v1/nodes/tyo-1" in shown.stdout and "needs the role admin" in shown.stdout
    control.kill()  # what was answered is in it
    assert os.stat(os.path.join(control.state, "audit.log")).st_mode & 0o777 == 0o600
    control.start()
    assert len(control.get("/v1/audit")["items"]) == 5
