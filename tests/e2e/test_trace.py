# SPDX-License-Identifier: GPL-2.0-or-later
"""A tunnel's trace: switched on and off while it runs, read as JSON lines, drawn by bench/plots."""
import collections
import glob
import json
import os

import pytest

from tests.lab import procs, programs, trunkline
from tests.lab.wan import ROOT, Wan

LOSS_PERCENT = 2


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """The traces of both nodes after a download on a lossy line, and the cluster, which goes on."""
    folder = tmp_path_factory.mktemp("trace")
    with Wan("lossy", folder) as wan, trunkline.Cluster(folder, wan) as cluster:
        cluster.start_pair(workers=2)
        server = wan.address("server")
        with programs.Nginx(folder, [(server, 80)], wan.space("server")) as nginx:
            digest = nginx.add_file("page", 3_000_000)
            cluster.accelerator("web", "tcp", "80", [server])
            cluster.wait_up()
            cluster.ctl("tunnel", "update", "listener", "endpoint", "--trace", "on")
            procs.wait_until(lambda: len(traces(cluster)) == 4, 10, "a trace of each worker")
            for _ in range(4):  # both workers get some
                assert programs.curl_hash(wan.space("user"), wan.address("listener"), 80, "page",
                                          folder) == digest
            shown = cluster.ctl("tunnel", "show", "listener", "endpoint")
            cluster.ctl("tunnel", "update", "listener", "endpoint", "--trace", "off")
            procs.wait_until(lambda: all("trace_ends" in node.log()
                                         for node in cluster.nodes.values()), 10, "their end")
            yield cluster, shown


def traces(cluster):
    return sorted(glob.glob(os.path.join(cluster.folder, "*", "traces", "*.jsonl")))


def events(path):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert lines[0]["qlog_format"] == "NDJSON"
    return lines[0], lines[1:]


def test_each_worker_of_both_nodes_writes_one(traced):
    cluster, shown = traced
    assert shown["trace"] is True
    names = [path[len(cluster.folder):] for path in traces(cluster)]
    assert names == ["/endpoint/traces/listener-worker-0.jsonl",
                     "/endpoint/traces/listener-worker-1.jsonl",
                     "/listener/traces/endpoint-worker-0.jsonl",
                     "/listener/traces/endpoint-worker-1.jsonl"]
    for path in traces(cluster):
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700


def test_what_was_sent_lost_and_received_adds_up(traced):
    cluster, _ = traced
    sums = {}
    for node in ("listener", "endpoint"):
        sums[node] = collections.Counter()
        for path in traces(cluster):
            if f"/{node}/traces/" in path:
                head, found = events(path)
                assert head["trace"]["vantage_point"]["type"] == \
                    ("client" if node == "listener" else "server")
                sums[node].update(event["name"] for event in found)
                assert all(a["time"] <= b["time"] for a, b in zip(found, found[1:]))
                assert {len(event["group_id"]) for event in found} == {8}
    sent, lost = sums["endpoint"]["transport:packet_sent"], sums["endpoint"]["recovery:packet_lost"]
    received = sums["listener"]["transport:packet_received"]
    assert sent > 4 * 3_000_000 / 1500
    assert received < sent
    assert lost > sent * LOSS_PERCENT / 100 / 4
    assert sums["endpoint"]["recovery:metrics_updated"] > 100


def test_no_user_is_in_it(traced):
    cluster, _ = traced
    for path in traces(cluster):
        with open(path, encoding="utf-8") as file:
            assert cluster.wan.address("user") not in file.read()


def test_it_ends_when_it_is_switched_off(traced):
    cluster, _ = traced
    sizes = [os.stat(path).st_size for path in traces(cluster)]
    counters = cluster.ctl("tunnel", "show", "listener", "endpoint")
    assert counters["trace"] is False
    sent = cluster.counter("listener", "tunnel_packets_sent")
    procs.wait_until(lambda: cluster.counter("listener", "tunnel_packets_sent") > sent, 10, "pings")
    assert sizes == [os.stat(path).st_size for path in traces(cluster)]


@pytest.mark.parametrize("kind, magic", [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_bench_plots_draws_it(traced, tmp_path, kind, magic):
    cluster, _ = traced
    picture = str(tmp_path / f"trace.{kind}")
    path = next(p for p in traces(cluster) if "/endpoint/traces/" in p)
    procs.run([os.path.join(ROOT, "bench", "plots"), path, picture], timeout=120)
    with open(picture, "rb") as file:
        assert file.read(len(magic)) == magic


def test_a_file_that_is_no_trace_is_refused(tmp_path):
    path = tmp_path / "empty.jsonl"
    path.write_text("hello\n")
    done = procs.run([os.path.join(ROOT, "bench", "plots"), str(path)], check=False)
    assert done.returncode == 1
    assert "no event of a trace" in done.stderr
