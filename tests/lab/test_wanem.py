# SPDX-License-Identifier: GPL-2.0-or-later
"""wanem does to packets what its scenario says. Bounds are wide: five standard deviations for
shares, and a busy machine for times."""
import os
import select
import signal
import socket
import statistics
import struct
import time

import pytest

from tests.lab import procs
from tests.lab.wan import Wan, built

PORT = 9000
PAIR = """node a 10.78.0.1,fd78::1
node b 10.78.0.2,fd78::2
link a b {}
"""


class Pair:
    """Numbered datagrams from a to b."""

    def __init__(self, wan, family=socket.AF_INET):
        self.wan = wan
        self.target = (wan.address("b", family), PORT)
        self.source = procs.open_socket(wan.space("a"), socket.SOCK_DGRAM, family)
        self.sink = procs.open_socket(wan.space("b"), socket.SOCK_DGRAM, family, self.target)
        self.sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def close(self):
        self.source.close()
        self.sink.close()

    def send(self, count, size=100, gap_s=0.0, start=0):
        """Sends `count` datagrams; returns what arrived: (number, seconds under way, data)."""
        arrived = []
        for number in range(start, start + count):
            head = struct.pack("!Qd", number, time.monotonic())
            self.source.sendto(head + bytes(size - len(head)), self.target)
            if gap_s:
                time.sleep(gap_s)
            arrived += self.receive(0)
        return arrived

    def receive(self, patience_s):
        """All that is there, and all that comes until nothing came for patience_s."""
        arrived = []
        while select.select([self.sink], [], [], patience_s)[0]:
            data = self.sink.recv(65535)
            number, sent_at = struct.unpack("!Qd", data[:16])
            arrived.append((number, time.monotonic() - sent_at, data))
        return arrived

    def exchange(self, count, patience_s=0.3, **more):
        return self.send(count, **more) + self.receive(patience_s)


@pytest.fixture
def make_pair(make_wan):
    pairs = []

    def make(keys, family=socket.AF_INET):
        pairs.append(Pair(make_wan(PAIR.format(keys)), family))
        return pairs[-1]

    yield make
    for pair in pairs:
        pair.close()


def assert_share(count, of, share):
    """A binomial count within five standard deviations."""
    spread = 5 * (of * share * (1 - share)) ** 0.5 + 1
    assert abs(count - of * share) <= spread, f"{count} of {of}, expected {of * share:.0f}"


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_delay(make_pair, family):
    pair = make_pair("delay 30", family)
    arrived = pair.exchange(50, gap_s=0.002)
    assert len(arrived) == 50
    times = [under_way for _, under_way, _ in arrived]
    assert min(times) >= 0.030
    assert statistics.median(times) < 0.035


def test_jitter_varies_the_delay_and_keeps_the_order(make_pair):
    arrived = make_pair("delay 10 jitter 10").exchange(200, gap_s=0.002)
    numbers = [number for number, _, _ in arrived]
    times = [under_way for _, under_way, _ in arrived]
    assert numbers == sorted(numbers)
    assert min(times) >= 0.010
    assert max(times) > 0.025


def test_loss_share_and_counters(make_pair):
    pair = make_pair("delay 1 loss 10")
    arrived = pair.exchange(5000)
    stats = pair.wan.stats("a", "b")
    assert stats["packets"] == 5000
    assert stats["lost"] == 5000 - len(arrived)
    assert stats["delivered"] == len(arrived)
    assert stats["bytes"] == 5000 * (100 + 28)
    assert_share(stats["lost"], 5000, 0.10)


def test_seed_repeats_the_coin_tosses(make_wan):
    def numbers(seed):
        wan = make_wan(PAIR.format("loss 20"), seed)
        pair = Pair(wan)
        got = [number for number, _, _ in pair.exchange(300)]
        pair.close()
        return got

    first = numbers(7)
    assert first == numbers(7)
    assert first != numbers(8)


def burst_lengths(numbers, count):
    there = set(numbers)
    lengths, length = [], 0
    for number in range(count):
        if number in there:
            if length:
                lengths.append(length)
            length = 0
        else:
            length += 1
    return lengths


def test_bursts_have_their_mean_length(make_pair):
    arrived = make_pair("loss 10 burst 5").exchange(20000)
    assert 0.06 < 1 - len(arrived) / 20000 < 0.14
    assert 4 < statistics.mean(burst_lengths([n for n, _, _ in arrived], 20000)) < 6.5


def test_outages_are_in_time(make_pair):
    pair = make_pair("loss 20 outage 20")
    arrived = pair.exchange(3000, gap_s=0.001)
    lengths = burst_lengths([number for number, _, _ in arrived], 3000)
    assert 0.1 < 1 - len(arrived) / 3000 < 0.32
    assert 8 < statistics.mean(lengths) < 30


def test_duplicates(make_pair):
    pair = make_pair("delay 1 dup 10")
    arrived = pair.exchange(3000)
    doubled = pair.wan.stats("a", "b")["doubled"]
    assert len(arrived) == 3000 + doubled
    assert len({number for number, _, _ in arrived}) == 3000
    assert_share(doubled, 3000, 0.10)


def test_replay_comes_seconds_later(make_pair):
    pair = make_pair("replay 50")
    first = pair.exchange(20)
    assert sorted(number for number, _, _ in first) == list(range(20))
    replayed = pair.wan.stats("a", "b")["replayed"]
    late = []
    while len(late) < replayed:
        more = pair.receive(5.5)
        assert more, f"{len(late)} of {replayed} copies came"
        late += more
    assert all(1 <= under_way <= 6 for _, under_way, _ in late)
    assert_share(replayed, 20, 0.5)


def test_reorder(make_pair):
    pair = make_pair("delay 1 reorder 10 hold 20")
    arrived = pair.exchange(1000, gap_s=0.0005)
    numbers = [number for number, _, _ in arrived]
    assert sorted(numbers) == list(range(1000))
    assert numbers != sorted(numbers)
    held = sum(1 for _, under_way, _ in arrived if under_way > 0.006)
    reordered = pair.wan.stats("a", "b")["reordered"]
    assert_share(reordered, 1000, 0.10)
    assert held >= reordered / 4


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("size", [100, 101])
def test_corruption_is_seen_by_the_program(make_pair, family, size):
    pair = make_pair("corrupt 100", family)
    sent = struct.pack("!Qd", 0, 0.0) + bytes(range(size - 16))
    for _ in range(200):
        pair.source.sendto(sent, pair.target)
    data = [data for _, _, data in pair.receive(0.3)]
    flipped = [sum(bin(x ^ y).count("1") for x, y in zip(d, sent)) for d in data]
    assert flipped == [1] * 200
    assert pair.wan.stats("a", "b")["corrupted"] == 200


def test_cut_and_mend(make_pair):
    pair = make_pair("delay 1")
    assert len(pair.exchange(20)) == 20
    pair.wan.ctl("cut a b")
    assert not pair.exchange(20)
    assert pair.wan.stats("a", "b")["cut_off"] == 20
    pair.wan.ctl("mend a b")
    assert len(pair.exchange(20)) == 20


def test_rate_and_queue(make_pair):
    pair = make_pair("rate 8 queue 2000")
    started = time.monotonic()
    arrived = pair.exchange(1000, size=972)  # 1000 bytes a packet: one millisecond each
    assert len(arrived) == 1000
    assert 0.9 < time.monotonic() - started - 0.3 < 1.4
    assert 0.9 < max(under_way for _, under_way, _ in arrived) < 1.2
    pair.wan.ctl("link a b queue 50")
    arrived = pair.exchange(1000, size=972)
    full = pair.wan.stats("a", "b")["queue_full"]
    assert len(arrived) == 1000 - full
    assert full > 500
    assert max(under_way for _, under_way, _ in arrived) < 0.1


def test_mtu(make_pair):
    pair = make_pair("mtu 1000")
    assert len(pair.exchange(5, size=972)) == 5
    assert not pair.exchange(5, size=973)
    assert pair.wan.stats("a", "b")["cut_off"] == 5


def test_one_direction_alone(make_pair):
    pair = make_pair("delay 1")
    pair.wan.ctl("path a b loss 100")
    assert not pair.exchange(10)
    back = procs.open_socket(pair.wan.space("a"), socket.SOCK_DGRAM,
                             bind=(pair.wan.address("a"), PORT))
    back.settimeout(2)
    pair.sink.sendto(b"back", (pair.wan.address("a"), PORT))
    assert back.recv(100) == b"back"
    back.close()


@pytest.mark.parametrize("statement", [
    "link a nobody delay 1", "link a b delay x", "link a b delay -1", "link a b delay",
    "link a b colour 1", "node c 10.78.0.3", "fly a b", "link a a delay 1"])
def test_wrong_statements_are_refused(make_pair, statement):
    with pytest.raises(procs.ProgramError):
        make_pair("delay 1").wan.ctl(statement)


def test_needs_a_link(make_wan):
    wan = make_wan("node a 10.78.0.1\nnode b 10.78.0.2\nnode c 10.78.0.3\nlink a b\n")
    assert procs.run(["ping", "-c1", "-W1", "10.78.0.2"], wan.space("a")).returncode == 0
    assert procs.run(["ping", "-c1", "-W1", "10.78.0.3"], wan.space("a"), check=False).returncode


def spaces():
    return {name for name in os.listdir("/run/netns") if name.startswith(f"tl{os.getpid()}x")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_leaves_nothing_when_stopped(make_wan, number):
    wan = make_wan(PAIR.format("delay 1"))
    assert wan.space("a") in spaces()
    wan.proc.send_signal(number)
    assert wan.proc.wait(5) == 0
    assert not spaces() & {wan.space("a"), wan.space("b")}
    assert not os.path.exists(wan.socket)


@pytest.mark.parametrize("scenario, complaint", [
    ("node a 10.78.0.1\nnode b nonsense\n", "bad address"),
    ("node a 10.78.0.1\nnode b 10.78.0.1\n", "another node's"),
    ("node a 10.78.0.1\nnode a 10.78.0.2\n", "repeated"),
    ("node a 10.78.0.1\nlink a b\n", "two known nodes")])
def test_leaves_nothing_when_the_start_fails(tmp_path, scenario, complaint):
    before = spaces()
    with pytest.raises(procs.ProgramError, match=complaint):
        Wan(scenario, tmp_path)
    assert spaces() == before


def test_refuses_a_namespace_of_others(tmp_path):
    prefix = f"tl{os.getpid()}x0-"
    scenario = tmp_path / "one"
    scenario.write_text("node other 10.78.0.1\n")
    procs.run(["ip", "netns", "add", f"{prefix}other"])
    try:
        done = procs.run([built("tests/lab/wanem"), "-p", prefix, "run", scenario], check=False)
        assert done.returncode == 1
        assert "is not ours" in done.stderr
        assert f"{prefix}other" in spaces()
    finally:
        procs.run(["ip", "netns", "del", f"{prefix}other"])


def test_prefix_is_required():
    done = procs.run([built("tests/lab/wanem"), "run", "/dev/null"], check=False)
    assert done.returncode == 2
