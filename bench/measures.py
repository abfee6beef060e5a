# SPDX-License-Identifier: GPL-2.0-or-later
"""One measurement each: takes a peer, measures once and returns samples or figures."""
import contextlib
import json
import os
import subprocess
import time

from tests.lab import procs, programs
from tests.lab.wan import built

UDP_IN_TIME_US = 20000
UDP_LOSS_ALLOWED = 0.001
UDP_BYTES = 200
DENSE_PER_S = 2000
LEARN_S = 2
SERVER_FREE_TRIES = 20
BULK_BYTES = 20000000
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Bench:
    """One section's surroundings: the place, the ports of the services, how long to measure."""

    def __init__(self, place, quick):
        self.place = place
        self.quick = quick
        self.user = place.space("user")

    def seconds(self, full, quick):
        return quick if self.quick else full

    def load(self, program, *args, timeout=300):
        done = procs.run([built(f"bench/{program}"), *args], self.user, timeout)
        return json.loads(done.stdout)


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        total += sum(int(procs.process_field(pid, name)) for name in ("user", "system"))
    return total / CLOCK_TICKS


def percentile(samples, share):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# ---- one measurement each

def bulk(bench, peer, download):
    """Mbit/s of one TCP stream at its receiver, its first seconds left out."""
    address, port = peer.entry("iperf3")
    seconds = bench.seconds(10, 4)
    report = programs.iperf3(bench.user, address, port, "-O", bench.seconds(3, 2),
                             *(["-R"] if download else []), seconds=seconds, timeout=seconds + 60)
    return report["end"]["sum_received"]["bits_per_second"] / 1e6


def download(bench, peer):
    return bulk(bench, peer, True)


def upload(bench, peer):
    return bulk(bench, peer, False)


def requests(bench, peer, path, count, at_once=4, limit_s=60):
    """Milliseconds of each request with a connection of its own."""
    address, port = peer.entry("web")
    answer = bench.load("requests", address, port, path, count, at_once, limit_s)
    if answer["failed"] > len(answer["us"]) / 100:
        raise procs.ProgramError(f"{answer['failed']} requests failed, {len(answer['us'])} done")
    return [us / 1000 for us in answer["us"]]


def request_100b(bench, peer):
    return requests(bench, peer, "/100", bench.seconds(400, 60))


def request_20kb(bench, peer):
    return requests(bench, peer, "/20000", bench.seconds(300, 40))


def request_200kb(bench, peer):
    return requests(bench, peer, "/200000", bench.seconds(200, 24))


@contextlib.contextmanager
def download_beside(bench, peer, seconds):
    """A download for as long. The server takes one client at a time, and the peer's before may take a while to leave."""
    address, port = peer.entry("iperf3")
    command = ["iperf3", "-c", address, "-p", str(port), "-R", "-t", str(seconds + 10)]
    for _ in range(SERVER_FREE_TRIES):
        with subprocess.Popen(procs.in_space(command, bench.user), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, preexec_fn=procs.die_with_parent) as background:
            try:
                requests(bench, peer, "/100", 8)  # the download gets going meanwhile
                if background.poll() is None:
                    yield
                    if background.poll() is not None:
                        raise procs.ProgramError("the download ended before the requests")
                    return
            finally:
                background.kill()
        time.sleep(1)
    raise procs.ProgramError("the server took no download")


def request_beside_bulk(bench, peer):
    seconds = bench.seconds(20, 6)
    with download_beside(bench, peer, seconds):
        return requests(bench, peer, "/100", 100000, limit_s=seconds)


def udp_in_time(bench, peer, seconds=(60, 8)):
    """Percent of datagrams that came back within 20 ms of the shortest round trip."""
    address, port = peer.entry("echo")
    answer = bench.load("udp_tick", address, port, 120, 60, bench.seconds(*seconds))
    if not answer["us"]:
        raise procs.ProgramError("no datagram came back")
    limit = min(answer["us"]) + UDP_IN_TIME_US
    return 100 * sum(us <= limit for us in answer["us"]) / answer["sent"]


def udp_in_outages(bench, peer):
    """The same for so long that three rounds tell 99.7 % from 99.4: some outages take several datagrams."""
    return udp_in_time(bench, peer, seconds=(180, 40))


def blow(bench, peer, prefix, per_second, size, seconds):
    """Datagrams one way to the sink, by udp_due."""
    address, port = peer.entry(prefix + "sink")
    return bench.load("udp_due", bench.place.space("server") or "-", bench.place.address("server"),
                      peer.services["sink"][1], address, port, size, per_second, seconds)


def late_share(bench, peer):
    """Percent of 2,000 datagrams a second, one way, that were not there 20 ms after the shortest
    way's time. Some go before: nobody can know a line's new loss within its first round trip."""
    blow(bench, peer, "", DENSE_PER_S, UDP_BYTES, LEARN_S)
    answer = blow(bench, peer, "", DENSE_PER_S, UDP_BYTES, bench.seconds(30, 20))
    if not answer["us"]:
        raise procs.ProgramError("no datagram arrived")
    limit = min(answer["us"]) + UDP_IN_TIME_US
    return 100 * (1 - sum(us <= limit for us in answer["us"]) / answer["sent"])


def line_bytes(bench, source, target, action):
    """IP bytes that entered the line in one direction while the action ran."""
    before = bench.place.wan.stats(source, target)["bytes"]
    action()
    return bench.place.wan.stats(source, target)["bytes"] - before


def extra_bytes(bench, peer, source, target, action):
    """Percent that repair adds to the bytes of one direction; action takes the service's prefix."""
    plain = line_bytes(bench, source, target, lambda: action(peer.UNREPAIRED))
    repaired = line_bytes(bench, source, target, lambda: action(""))
    return 100 * (repaired / plain - 1)


def extra_bulk(bench, peer):
    def fetch(prefix):
        address, port = peer.entry(prefix + "web")
        bench.load("requests", address, port, f"/{BULK_BYTES}", bench.seconds(4, 2), 1, 120)

    return extra_bytes(bench, peer, "endpoint", "listener", fetch)


def extra_udp(bench, peer, per_second, size):
    seconds = bench.seconds(30, 10)
    return extra_bytes(bench, peer, "listener", "endpoint",
                       lambda prefix: blow(bench, peer, prefix, per_second, size, seconds))


def extra_dense(bench, peer):
    return extra_udp(bench, peer, DENSE_PER_S, UDP_BYTES)


def extra_thin(bench, peer):
    return extra_udp(bench, peer, 60, 120)


def ping_pong(bench, peer):
    """Half round trips in microseconds."""
    address, port = peer.entry("echo")
    answer = bench.load("pingpong", address, port, 100, bench.seconds(50000, 8000))
    return [us / 2 for us in answer["us"]]


def wrk(bench, peer, *options):
    address, port = peer.entry("web")
    done = procs.run(["wrk", "-t1", "-c64", f"-d{bench.seconds(5, 2)}s", *options,
                      programs.url(address, port, "100")], bench.user)
    for line in done.stdout.splitlines():
        if line.startswith("Requests/sec:"):
            return float(line.split()[1])
    raise procs.ProgramError(done.stdout)


def http_keep_alive(bench, peer):
    return wrk(bench, peer)


def http_connection_each(bench, peer):
    return wrk(bench, peer, "-H", "Connection: close")


def gbits(bench, peer):
    return bulk(bench, peer, True) / 1000


def udp_rate(bench, peer, flows):
    """(packets/s, CPU microseconds of the peer's processes a packet): the highest rate with less
    than 0.1 % lost, found by halving the step."""
    host, sink = bench.place.address("server"), peer.carried(("udp",))["sink"]
    address, port = peer.entry("sink")
    best, cpu, rate, step = 0, 0, 100000, 2.0
    for _ in range(bench.seconds(10, 6)):
        before = cpu_seconds(peer.processes())
        got = bench.load("udp_blast", host, sink, address, port, UDP_BYTES, flows, int(rate),
                         bench.seconds(2, 1))
        used = cpu_seconds(peer.processes()) - before
        reached = got["sent"] / got["seconds"]
        if got["received"] >= got["sent"] * (1 - UDP_LOSS_ALLOWED):
            if reached > best:
                best, cpu = reached, used / max(got["received"], 1) * 1e6
            if reached < rate * 0.9:
                break  # the generator is the limit
            rate *= step
        else:
            step = step ** 0.5
            rate /= step
    return best, cpu


def udp_one_flow(bench, peer):
    return udp_rate(bench, peer, 1)


def udp_many_flows(bench, peer):
    return udp_rate(bench, peer, 1000)
