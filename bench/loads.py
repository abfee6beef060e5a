# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads for measuring what they cost the daemons, rather than how fast they go: each runs for some
seconds against a pair of one worker each, and says how many units it moved."""
import json
import os

from bench import measures, peers
from tests.lab import procs, programs
from tests.lab.wan import built

UDP_BYTES, UDP_ONE_FLOW, UDP_MANY_FLOWS = 200, 300000, 60000  # bytes; packets a second


class Pair(peers.Trunkline):
    """One worker on each side, so that all of a load is in two processes."""

    workers = 1


def cpu_seconds(pid):
    """Of one process, finer than its clock ticks (proc(5), schedstat)."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def tool(name, *args):
    return json.loads(procs.run([built(f"bench/{name}"), *args], timeout=300).stdout)


def stream(pair, seconds):
    report = programs.iperf3(None, *pair.entry("iperf3"), "-R", seconds=seconds,
                             timeout=seconds + 60)
    moved = report["end"]["sum_received"]
    return moved["bytes"] / 1e9, f"{moved['bits_per_second'] / 1e9:.2f} Gbit/s"


def ping_pong(pair, seconds):
    times = tool("pingpong", *pair.entry("echo"), 100, 4000 * seconds)["us"]
    halves = [measures.percentile(times, share) / 2 for share in (0.5, 0.99)]
    return len(times) / 1000, "half round trip p50 {:.0f} us, p99 {:.0f} us".format(*halves)


def wrk(pair, seconds, *more):
    text = procs.run(["wrk", "-t1", "-c64", f"-d{seconds}s", *more,
                      programs.url(*pair.entry("web"), "100")]).stdout
    count = next(int(line.split()[0]) for line in text.splitlines() if "requests in" in line)
    return count / 1000, f"{count / seconds:,.0f}/s"


def keep_alive(pair, seconds):
    return wrk(pair, seconds)


def connections(pair, seconds):
    return wrk(pair, seconds, "-H", "Connection: close")


def udp(pair, seconds, flows, rate):
    got = tool("udp_blast", pair.place.address("server"), pair.carried(("udp",))["sink"],
               *pair.entry("sink"), UDP_BYTES, flows, rate, seconds)
    share = 100 * got["received"] / got["sent"]
    return got["received"] / 100000, f"{got['sent'] / seconds:,.0f}/s sent, {share:.1f} % arrived"


def udp_one_flow(pair, seconds):
    return udp(pair, seconds, 1, UDP_ONE_FLOW)


def udp_many_flows(pair, seconds):
    return udp(pair, seconds, 1000, UDP_MANY_FLOWS)


class Load:
    def __init__(self, title, unit, run, is_udp=False):
        self.title, self.unit, self.run, self.is_udp = title, unit, run, is_udp


LOADS = {
    "stream": Load("one stream, download", "GB", stream),
    "pingpong": Load("ping-pong of 100 B", "1,000 trips", ping_pong),
    "keepalive": Load("HTTP, keep-alive, 64 connections", "1,000 requests", keep_alive),
    "connections": Load("HTTP, a connection each", "1,000 requests", connections),
    "udp1": Load("UDP of 200 B, one flow in batches", "100,000 datagrams", udp_one_flow, True),
    "udp1000": Load("UDP of 200 B, 1,000 flows", "100,000 datagrams", udp_many_flows, True),
}
