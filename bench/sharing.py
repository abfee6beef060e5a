# SPDX-License-Identifier: GPL-2.0-or-later
"""How tunnels share the line between listener and endpoint, with one another and with the kernel's
BBR: Jain's fairness of the two, the share of the line that both fill, and the queue they leave."""
import concurrent.futures
import json
import statistics
import tempfile

from bench import rows
from tests.lab import procs, programs, trunkline
from tests.lab.wan import built

REGIONS = ("near-a", "near-b")
SETTLE_S = 5
PROBES_PER_S = 50


class Kernel:
    """A TCP connection of the kernel's BBR over the line itself."""

    def __init__(self, place, port):
        self.place, self.port = place, port

    def download(self, seconds):
        return report(self.place, "listener", self.place.address("endpoint"), self.port, seconds, 1)


class Tunnel:
    """One listener's tunnel; as many connections as it has lanes, so that each lane has one."""

    def __init__(self, place, port, lanes):
        self.place, self.port, self.lanes = place, port, lanes

    def download(self, seconds):
        return report(self.place, "user", self.place.address("listener"), self.port, seconds,
                      self.lanes)


def report(place, host, address, port, seconds, streams):
    done = programs.iperf3(place.space(host), address, port, "-R", "-P", streams, "-O", SETTLE_S,
                           seconds=seconds, timeout=seconds + SETTLE_S + 60)
    return done["end"]["sum_received"]["bits_per_second"] / 1e6


class Shared:
    """Two listeners of one endpoint on a WAN, each with `lanes` lanes, and servers for all."""

    def __init__(self, place, lanes):
        self.place, self.lanes, self.started = place, lanes, []
        place.set_congestion("bbr")
        self.cluster = trunkline.Cluster(tempfile.mkdtemp(dir=place.folder), place.wan)
        self.cluster.start_control()
        self.cluster.add_endpoint(workers=lanes)
        self.tunnels = [self.add_tunnel(region) for region in REGIONS]
        self.kernels = [Kernel(place, self.serve("endpoint")) for _ in REGIONS]
        self.echo_port = place.free_port("endpoint")
        self.started.append(procs.Proc("queue-echo", [
            built("bench/echo"), place.address("endpoint"), self.echo_port], place.folder,
            place.space("endpoint")))
        self.started[-1].wait_for_line("^ready$")
        self.cluster.wait_up(len(REGIONS))

    def serve(self, host):
        port = self.place.free_port(host)
        self.started.append(programs.Iperf3Server(self.place.folder, self.place.address(host), port,
                                                  self.place.space(host)))
        return port

    def add_tunnel(self, region):
        self.cluster.add_listener(region, region, workers=self.lanes)
        target, own = self.serve("server"), self.place.free_port("listener")
        self.cluster.accelerator(region, "tcp", str(own),
                                 [f"{self.place.address('server')}:{target}"], listen=region)
        return Tunnel(self.place, own, self.lanes)

    def stop(self):
        self.cluster.stop()
        for program in reversed(self.started):
            program.stop()

    def queue_ms(self, seconds):
        """Median delay over the shortest, of probes that cross the line both ways."""
        done = procs.run([built("bench/udp_tick"), self.place.address("endpoint"), self.echo_port,
                          64, PROBES_PER_S, seconds], self.place.space("listener"), seconds + 60)
        samples = json.loads(done.stdout)["us"]
        return (statistics.median(samples) - min(samples)) / 1000

    def together(self, flows, seconds):
        """(Mbit/s of each flow, median queue in ms)."""
        with concurrent.futures.ThreadPoolExecutor(len(flows) + 1) as pool:
            queue = pool.submit(self.queue_ms, seconds + SETTLE_S)
            rates = [pool.submit(flow.download, seconds) for flow in flows]
            return [rate.result() for rate in rates], queue.result()


def jain(rates):
    return sum(rates) ** 2 / (len(rates) * sum(rate * rate for rate in rates))


def cell(line_mbit, rounds):
    rates = [sum(r) for r, _ in rounds]
    fairness = f"{statistics.median(jain(r) for r, _ in rounds):.3f}" if len(rounds[0][0]) > 1 else "-"
    return (f"{fairness} / {100 * statistics.median(rates) / line_mbit:.0f} % / "
            f"{statistics.median(queue for _, queue in rounds):.1f} ms")


TITLE = "Sharing the line: Jain's fairness / of the line / median queue"
COLUMNS = ("two of the kernel's BBR", "two tunnels", "a tunnel and the kernel's BBR", "one tunnel")
# (title, lanes, changes of the line)
ROWS = (("the lossy line", 1, {}), ("the lossy line, 8 lanes", 8, {}),
        ("without loss, 8 lanes", 8, {"loss": 0}),
        ("1 Mbit/s without loss, 8 lanes", 8, {"loss": 0, "rate": 1, "queue": 200}))


def measure_row(place, title, lanes, changes, rounds, seconds, say):
    rows.set_line(place.wan, changes)
    shared = Shared(place, lanes)
    pairs = dict(zip(COLUMNS, (shared.kernels, shared.tunnels,
                               [shared.tunnels[0], shared.kernels[0]], shared.tunnels[:1])))
    results = {}
    try:
        for _ in range(rounds):
            for column, flows in pairs.items():
                try:
                    results.setdefault(column, []).append(shared.together(flows, seconds))
                    say(f"  {title}: {column}: {results[column][-1]}")
                except procs.ProgramError as why:
                    say(f"  {title}: {column}: failed: {why}")
    finally:
        shared.stop()
    mbit = {**rows.LINE, **changes}["rate"]
    return {column: cell(mbit, got) for column, got in results.items()}, results


def run(place, rounds, seconds, say):
    """Returns ([(title, {column: cell})], raw results)."""
    cells, raw = [], {}
    for title, lanes, changes in ROWS:
        of_row, raw[title] = measure_row(place, title, lanes, changes, rounds, seconds, say)
        cells.append((title, of_row))
    return cells, raw
