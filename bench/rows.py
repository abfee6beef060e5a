# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables' rows: what is measured, on what line, and how all rounds become one cell."""
import statistics

from bench import measures
from bench.measures import percentile


def median_of(form):
    return lambda rounds: form.format(statistics.median(rounds))


def percentiles(form):
    """p50 / p99 over the samples of all rounds together."""
    def cell(rounds):
        samples = [sample for one in rounds for sample in one]
        return " / ".join(form.format(percentile(samples, share)) for share in (0.5, 0.99))
    return cell


def rate_and_cpu(rounds):
    rate, cpu = (statistics.median(values) for values in zip(*rounds))
    return f"{rate:,.0f}" + (f" ({cpu:.2f} us CPU each)" if cpu else "")


# The line between listener and endpoint; the direct way of the same length is longer by the user's leg.
LINE = {"delay": 50, "jitter": 0, "loss": 2, "outage": 0, "reorder": 0, "hold": 0, "rate": 100,
        "queue": 50}
USER_LEG_MS = 5


def set_line(wan, changes):
    for a, b, leg_ms in (("listener", "endpoint", 0), ("user", "server", USER_LEG_MS)):
        settings = {**LINE, **changes}
        settings["delay"] += leg_ms
        wan.ctl(f"link {a} {b} " + " ".join(f"{key} {value}" for key, value in settings.items()))


class Row:
    """`line` is what of the lossy line is another while this row is measured; only peers of which
    `suits` is true are measured."""

    def __init__(self, key, title, measure, cell, suits=lambda peer: True, **line):
        self.key, self.title, self.measure, self.cell = key, title, measure, cell
        self.suits, self.line = suits, line


def has_udp(peer):
    return peer.has_udp


def has_repair(peer):
    return hasattr(peer, "UNREPAIRED")


MS, MBIT, PERCENT = percentiles("{:.1f}"), median_of("{:.1f}"), median_of("{:.3f}")
LOSSY_ROWS = [
    Row("download", "one bulk download, Mbit/s", measures.download, MBIT),
    Row("upload", "one bulk upload, Mbit/s", measures.upload, MBIT),
    Row("100b", "new connection, 100 B reply: p50 / p99 ms", measures.request_100b, MS),
    Row("20kb", "new connection, 20 KB: p50 / p99 ms", measures.request_20kb, MS),
    Row("200kb", "new connection, 200 KB: p50 / p99 ms", measures.request_200kb, MS),
    Row("beside", "100 B request beside a bulk download: p50 / p99 ms",
        measures.request_beside_bulk, MS),
    Row("udp", "UDP, 60 packets/s of 120 B, back within 20 ms of the shortest, %",
        measures.udp_in_time, PERCENT, has_udp),
    Row("udp5", "the same at 5 % loss", measures.udp_in_time, PERCENT, has_udp, loss=5),
    Row("udp-outage", "the same at 2 % in outages of 5 ms", measures.udp_in_outages, PERCENT,
        has_udp, outage=5),
    Row("dense1", "UDP, 2,000 packets/s one way, late by 20 ms or lost, %, at 1 % loss",
        measures.late_share, PERCENT, has_udp, loss=1),
    Row("dense2", "the same at 2 % loss", measures.late_share, PERCENT, has_udp),
    Row("dense5", "the same at 5 % loss", measures.late_share, PERCENT, has_udp, loss=5),
    Row("dense10", "the same at 10 % loss", measures.late_share, PERCENT, has_udp, loss=10),
    Row("extra-bulk", "extra bytes for repair, %: bulk", measures.extra_bulk, MBIT, has_repair),
    Row("extra-dense", "extra bytes, %: UDP, 2,000 packets/s", measures.extra_dense, MBIT,
        has_repair),
    Row("extra-thin", "extra bytes, %: UDP, 60 packets/s", measures.extra_thin, MBIT, has_repair),
    Row("extra-clean", "extra bytes, %: UDP, 60 packets/s, no loss", measures.extra_thin, MBIT,
        has_repair, loss=0),
    Row("loss1", "bulk download at 1 % loss, Mbit/s of 100", measures.download, MBIT, loss=1),
    Row("loss5", "bulk download at 5 % loss", measures.download, MBIT, loss=5),
    Row("loss10", "bulk download at 10 % loss", measures.download, MBIT, loss=10),
    Row("rtt20", "bulk download at 0.1 % loss, 20 ms", measures.download, MBIT, loss=0.1, delay=5),
    Row("rtt300", "bulk download at 0.1 % loss, 300 ms", measures.download, MBIT, loss=0.1,
        delay=145),
    Row("jitter", "bulk download at 0.1 % loss, jitter 5 ms", measures.download, MBIT, loss=0.1,
        jitter=5),
    Row("reorder", "bulk download at 0.1 % loss, 1 % reordered by 5 ms", measures.download, MBIT,
        loss=0.1, reorder=1, hold=5),
    Row("1mbit", "bulk download at 0.1 % loss, of 1 Mbit/s", measures.download,
        median_of("{:.2f}"), loss=0.1, rate=1),
    Row("1gbit", "bulk download at 0.1 % loss, of 1 Gbit/s", measures.download, MBIT, loss=0.1,
        rate=1000),
]
LOCAL_ROWS = [
    Row("stream", "iperf3, one stream, Gbit/s", measures.gbits, median_of("{:.2f}")),
    Row("pingpong", "TCP ping-pong of 100 B, half round trip: p50 / p99 us", measures.ping_pong,
        percentiles("{:.0f}")),
    Row("keepalive", "HTTP, keep-alive, 64 connections, requests/s", measures.http_keep_alive,
        median_of("{:,.0f}")),
    Row("connections", "HTTP, a connection each, requests/s", measures.http_connection_each,
        median_of("{:,.0f}")),
    Row("udp1", "UDP of 200 B, one flow in batches, packets/s one way", measures.udp_one_flow,
        rate_and_cpu, has_udp),
    Row("udp1000", "UDP of 200 B, 1,000 flows, packets/s one way", measures.udp_many_flows,
        rate_and_cpu, has_udp),
]
