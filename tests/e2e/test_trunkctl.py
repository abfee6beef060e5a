# SPDX-License-Identifier: GPL-2.0-or-later
"""trunkctl against the real daemons on loopback: what operators' scripts rely on (command line,
exit codes, JSON as in doc/openapi.yaml) and what people see (tables, errors, watch)."""
import concurrent.futures
import contextlib
import json
import os
import re
import signal
import subprocess
import time

import jsonschema
import pytest
import yaml

from tests.lab import procs, trunkline
from tests.lab.terminal import Terminal
from tests.lab.trunkctl import DONE, FAILED, NOT_FOUND, USAGE, assert_fails, run
from tests.lab.wan import ROOT

ESCAPE = "\033"


def free_range(count):
    """The first of so many ports in a row that nothing on this machine uses."""
    for first in range(23000, 32000, 10):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(procs.open_socket(None, bind=("0.0.0.0", port)))
                return first
            except OSError:
                continue
    raise procs.ProgramError(f"no {count} free ports in a row")


PORT = free_range(8)
PORTS = f"{PORT},{PORT + 2}-{PORT + 4}"
OTHER_PORT = str(PORT + 6)
WEB = ["accelerator", "create", "web", "--protocol", "tcp", "--ports", PORTS,
       "--listen", trunkline.NEAR, "--backend", f"{trunkline.FAR}=127.0.0.1:9"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with trunkline.Cluster(tmp_path_factory.mktemp("trunkctl")) as made:
        made.start_pair()
        yield made


@pytest.fixture
def ctl(cluster):
    """Runs trunkctl with a table as output; every accelerator is gone afterwards."""
    def call(*args, **environment):
        return run(*args, TRUNKLINE_CONTROL=cluster.api, **environment)

    yield call
    for accelerator in cluster.items("accelerator", "list"):
        cluster.ctl("accelerator", "delete", accelerator["name"], "--now")


@pytest.fixture(scope="module")
def schemas():
    with open(os.path.join(ROOT, "doc", "openapi.yaml"), encoding="utf-8") as file:
        document = yaml.safe_load(file)

    def convert(value):
        """OpenAPI's nullable as JSON Schema has it."""
        if isinstance(value, list):
            return [convert(item) for item in value]
        if not isinstance(value, dict):
            return value
        value = {key: convert(item) for key, item in value.items()}
        return {"anyOf": [value, {"type": "null"}]} if value.pop("nullable", False) else value

    return convert(document)


def assert_schema(schemas, name, value):
    jsonschema.validate(value, {**schemas, "$ref": f"#/components/schemas/{name}"})


def backends_of(cluster, name="web"):
    shown = cluster.ctl("accelerator", "show", name)
    return {(group["region"], backend["host"], backend.get("port")): backend["weight"]
            for group in shown["endpoint_groups"] for backend in group["backends"]}


def test_answers_are_as_the_api_says(cluster, ctl, schemas):
    assert ctl(*WEB).returncode == DONE
    cluster.wait_applied("web")
    cluster.wait_up()
    assert_schema(schemas, "Token",
                  cluster.ctl("node", "token", "--role", "endpoint", "--region", "x"))
    for node in cluster.items("node", "list"):
        assert_schema(schemas, "Node", node)
        assert_schema(schemas, "Node", cluster.ctl("node", "show", node["name"]))
    for accelerator in cluster.items("accelerator", "list"):
        assert_schema(schemas, "Accelerator", accelerator)
    assert_schema(schemas, "Accelerator", cluster.ctl("accelerator", "show", "web"))
    tunnels = cluster.items("tunnel", "list")
    assert len(tunnels) == 1
    assert_schema(schemas, "Tunnel", tunnels[0])
    assert_schema(schemas, "TunnelDetail", cluster.ctl("tunnel", "show", "listener", "endpoint"))
    assert_schema(schemas, "Status", cluster.ctl("status"))


def test_yaml_says_what_json_says(cluster, ctl):
    assert ctl(*WEB).returncode == DONE
    cluster.wait_applied("web")
    shown = cluster.ctl("accelerator", "show", "web")
    assert yaml.safe_load(ctl("-o", "yaml", "accelerator", "show", "web").stdout) == shown


def test_a_token_stands_alone(ctl):
    done = ctl("node", "token", "--role", "listener", "--region", "osaka", "--ttl", "90s")
    assert done.returncode == DONE
    assert re.fullmatch(r"\S+\n", done.stdout) and done.stderr == ""


def test_an_accelerator_from_create_to_delete(cluster, ctl):
    done = ctl(*WEB)
    assert done.returncode == DONE
    assert re.fullmatch(r"accelerator web created \(revision \d+\)\n", done.stdout)
    shown = cluster.ctl("accelerator", "show", "web")
    assert shown["ports"] == PORTS.split(",")
    assert shown["tcp_idle_timeout_s"] == 3600 and shown["udp_flows_per_source"] == 1000
    assert backends_of(cluster) == {(trunkline.FAR, "127.0.0.1", 9): 128}

    done = ctl("accelerator", "update", "web", "--idle-timeout", "2m", "--ports", OTHER_PORT)
    assert re.fullmatch(r"accelerator web updated \(revision \d+\)\n", done.stdout)
    changed = cluster.ctl("accelerator", "show", "web")
    assert changed["ports"] == [OTHER_PORT] and changed["tcp_idle_timeout_s"] == 120
    assert changed["revision"] > shown["revision"]
    assert changed["id"] == shown["id"] and changed["endpoint_groups"] == shown["endpoint_groups"]

    done = ctl("accelerator", "update", "web", "--ports", OTHER_PORT)
    assert done.stdout == f"accelerator web is so already (revision {changed['revision']})\n"

    assert ctl("accelerator", "update", "web", "--add-backend", "far=[::1]:9,weight=0",
               "--weight", "far=127.0.0.1:9,255").returncode == DONE
    assert backends_of(cluster) == {("far", "127.0.0.1", 9): 255, ("far", "::1", 9): 0}
    assert ctl("accelerator", "update", "web", "--remove-backend", "far=[::1]:9",
               "--now").returncode == DONE
    assert backends_of(cluster) == {("far", "127.0.0.1", 9): 255}
    assert_fails(ctl("accelerator", "update", "web", "--remove-backend", "far=[::1]:9"), FAILED,
                 "far=[::1]:9")

    assert (changed["class"], changed["repair_budget_percent"], changed["deadline_ms"],
            changed["compression"]) == ("auto", 30, 0, "off")
    assert ctl("accelerator", "update", "web", "--class", "bulk", "--repair-budget", "0",
               "--compression", "lz4").returncode == DONE
    treated = cluster.ctl("accelerator", "show", "web")
    assert (treated["class"], treated["repair_budget_percent"], treated["compression"]) \
        == ("bulk", 0, "lz4")
    shown = ctl("accelerator", "show", "web").stdout
    assert re.search(r"^class +bulk$", shown, re.M) and re.search(r"^compression +lz4$", shown, re.M)
    assert_fails(ctl("accelerator", "update", "web", "--deadline", "40"), FAILED, "datagrams")
    assert_fails(ctl("accelerator", "update", "web", "--class", "fast"), USAGE, "realtime")

    done = ctl("accelerator", "delete", "web")
    assert re.fullmatch(r"accelerator web deleted \(revision \d+\)\n", done.stdout)
    assert_fails(ctl("accelerator", "show", "web"), NOT_FOUND, '"web"')
    assert_fails(ctl("accelerator", "delete", "web"), NOT_FOUND, '"web"')


def test_updates_at_once_lose_nothing(cluster, ctl):
    assert ctl(*WEB).returncode == DONE
    names = [f"b{i}.example" for i in range(4)]
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        done = list(pool.map(lambda name: ctl("accelerator", "update", "web", "--add-backend",
                                              f"far={name}:80"), names))
    for one in done:
        assert one.returncode == DONE, one.stderr
    assert set(names) < {host for _, host, _ in backends_of(cluster)}


def test_errors_name_the_next_step(cluster, ctl):
    unknown = [*WEB[:-3], "neer", *WEB[-2:]]
    assert_fails(ctl(*unknown), FAILED, "neer", trunkline.NEAR)
    assert_fails(ctl(*WEB[:-1], "farr=127.0.0.1"), FAILED, "farr")
    refused = ctl(*unknown[:-1], "farr=127.0.0.1", "--deadline", "5")
    assert refused.returncode == FAILED
    assert [line.split(": ")[:2] for line in refused.stderr.splitlines()] == [
        ["trunkctl", "--deadline"], ["trunkctl", "--listen"], ["trunkctl", "--backend"]]
    refused = ctl(*WEB[:-1], "far=x,weight=900", "--class", "fast", "--deadline", "x")
    assert refused.returncode == USAGE
    assert [line.split(" ")[1] for line in refused.stderr.splitlines()] == [
        "--class", "--deadline", "--backend"]
    assert ctl(*WEB).returncode == DONE
    assert_fails(ctl(*WEB), FAILED, '"web"')
    other = [*WEB]
    other[2] = "other"
    assert_fails(ctl(*other), FAILED, str(PORT), '"web"')
    assert_fails(ctl("node", "show", "nobody"), NOT_FOUND, '"nobody"')
    assert_fails(ctl("node", "remove", "nobody"), NOT_FOUND, '"nobody"')
    assert_fails(ctl("tunnel", "show", "listener", "nobody"), NOT_FOUND, "nobody")
    assert [a["name"] for a in cluster.items("accelerator", "list")] == ["web"]


def test_tables_have_a_line_for_each(cluster, ctl):
    empty = ctl("accelerator", "list")
    assert empty.returncode == DONE and empty.stdout == "" and "create" in empty.stderr
    assert ctl(*WEB).returncode == DONE
    cluster.wait_applied("web")
    cluster.wait_up()
    for noun, heading, row in (("node", "NODE", r"listener +listener +near +up"),
                               ("accelerator", "ACCELERATOR", rf"web +tcp +{PORTS} +near"),
                               ("tunnel", "LISTENER", r"listener +endpoint +up")):
        table = ctl(noun, "list").stdout
        assert table.startswith(heading) and re.search(f"^{row}", table, re.MULTILINE), table
        assert ESCAPE not in table
    assert re.search(r"^problems +none$|^NEEDS ATTENTION", ctl("status").stdout, re.MULTILINE)
    shown = ctl("tunnel", "show", "listener", "endpoint").stdout
    assert "LANE" in shown
    procs.wait_until(lambda: re.search(
        r"^pacing_rate_bps +[1-9]\d* +[1-9]\d*$",
        ctl("tunnel", "show", "listener", "endpoint").stdout, re.M), 5, "both sides' figures")
    assert "far        100  127.0.0.1:9     128" in ctl("accelerator", "show", "web").stdout


def test_congestion_control_changes_while_the_tunnel_runs(cluster, ctl):
    def in_use(congestion):
        wanted = {"listener": congestion, "endpoint": congestion}
        return procs.wait_until(
            lambda: (tunnel := cluster.ctl("tunnel", "show", "listener", "endpoint"))
            ["congestion_in_use"] == wanted and tunnel, 5, f"{congestion} in use")

    assert ctl(*WEB).returncode == DONE
    cluster.wait_up()
    since = in_use("bbr")["lane_list"][0]["since"]
    done = ctl("tunnel", "update", "listener", "endpoint", "--congestion", "fixed:9000kbit")
    assert done.returncode == DONE
    assert done.stdout == "tunnel from listener to endpoint updated: congestion fixed:9mbit, "\
                          "trace off\n"
    tunnel = in_use("fixed:9mbit")
    assert tunnel["lane_list"][0]["since"] == since
    for side in tunnel["figures"].values():
        assert 8 * 10**6 < side["pacing_rate_bps"] < 9 * 10**6
    assert "congestion        fixed:9mbit; in use: listener fixed:9mbit, endpoint fixed:9mbit" \
        in ctl("tunnel", "show", "listener", "endpoint").stdout
    assert ctl("tunnel", "update", "listener", "endpoint", "--congestion", "cubic").returncode == DONE
    in_use("cubic")
    assert_fails(ctl("tunnel", "update", "listener", "endpoint", "--congestion", "reno"), USAGE,
                 "fixed:200mbit")
    assert_fails(ctl("tunnel", "update", "endpoint", "listener", "--congestion", "bbr"), NOT_FOUND,
                 "trunkctl tunnel list")


# ---- watch

def on_terminal(api, *args, **environment):
    return Terminal([trunkline.program("trunkctl"), "--control", api, *args], **environment)


@pytest.fixture
def watched(cluster, ctl):
    assert ctl(*WEB).returncode == DONE
    cluster.wait_applied("web")
    cluster.wait_up()
    return cluster


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_tables_fit_the_terminal(watched, columns):
    colour = re.compile(r"\033\[\d*m")
    for noun in ("node", "accelerator", "tunnel"):
        whole = run(noun, "list", TRUNKLINE_CONTROL=watched.api).stdout
        with on_terminal(watched.api, noun, "list", size=(24, columns)) as screen:
            screen.read_until(r"\n.*\n")
            assert colour.search(screen.text)
            lines = colour.sub("", screen.text).splitlines()
        assert max(map(len, lines)) <= columns
        for heading in lines[0].split():
            assert heading.rstrip("…") in whole


def test_no_color_means_none(watched):
    with on_terminal(watched.api, "node", "list", NO_COLOR="1") as screen:
        screen.read_until(r"\n.*\n")
        assert ESCAPE not in screen.text


def test_a_watched_list_follows_changes(watched):
    with on_terminal(watched.api, "node", "list", "--watch") as screen:
        screen.read_until(r"endpoint +endpoint +far +\S*up")
        watched.ctl("node", "drain", "endpoint")
        screen.read_until(r"endpoint +endpoint +far +\S*up, drain")
        screen.press("q")
        assert screen.wait() == DONE
    watched.ctl("node", "undrain", "endpoint")


def test_watch_draws_until_q(watched):
    with on_terminal(watched.api, "tunnel", "watch") as screen:
        screen.read_until(r"(?s)\033\[H.*listener +endpoint.*[▁-█].*\033\[H.*listener +endpoint")
        assert f"{ESCAPE}[32mup" in screen.text
        screen.press("q")
        assert screen.wait() == DONE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_ends_by_a_signal(watched, number):
    with on_terminal(watched.api, "tunnel", "watch", NO_COLOR="1", LC_ALL="C") as screen:
        screen.read_until(r"listener +endpoint +up")
        assert not re.search(r"\033\[[0-9;]*m", screen.text) and screen.text.isascii()
        screen.process.send_signal(number)
        assert screen.wait() == DONE


def test_watch_into_a_pipe_prints_each_second(watched):
    with subprocess.Popen([trunkline.program("trunkctl"), "--control", watched.api, "-o", "json",
                           "tunnel", "watch"], stdout=subprocess.PIPE, text=True,
                          preexec_fn=procs.die_with_parent) as process:
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == DONE
    assert all(line["items"][0]["listener"] == "listener" for line in lines)
    newest = [line["items"][0]["rtt_history_us"] for line in lines]
    assert len(newest[-1]) >= 1
