# SPDX-License-Identifier: GPL-2.0-or-later
"""tools/trunkline.lua under tshark: what was on a line between two nodes, and what the simulator
wrote before it was sealed."""
import collections
import os
import re

from tests.lab import procs, programs, trunkline
from tests.lab.wan import ROOT, Wan, built, header_number

SCRIPT = os.path.join(ROOT, "tools", "trunkline.lua")
# Together they send every frame.
SCENARIOS = ["loss-1", "little-memory", "both-move"]


def decode(capture, fields, wanted="", options=()):
    """A row of the fields for each packet that the display filter lets pass."""
    done = procs.run(["tshark", "-X", f"lua_script:{SCRIPT}", *options, "-r", capture, "-T", "fields",
                      *[word for field in fields for word in ("-e", field)],
                      *(["-Y", wanted] if wanted else [])], timeout=120)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_handshake_and_sealed_packets_of_a_real_line(tmp_path):
    capture = str(tmp_path / "line.pcapng")
    with Wan("clean", tmp_path) as wan, trunkline.Cluster(tmp_path, wan) as cluster:
        with procs.Proc("dumpcap", ["dumpcap", "-q", "-i", "wan0", "-f", "udp port 7401", "-w",
                                    capture], str(tmp_path), wan.space("endpoint")) as dumpcap:
            procs.wait_until(lambda: os.path.exists(capture), 10, "a capture")
            cluster.start_pair(workers=2)
            server = (wan.address("server"), 80)
            with programs.Nginx(tmp_path, [server], wan.space("server")) as nginx:
                digest = nginx.add_file("page", 50000)
                cluster.accelerator("web", "tcp", "80", [server[0]])
                cluster.wait_up()
                assert programs.curl_hash(wan.space("user"), wan.address("listener"), 80, "page",
                                          tmp_path) == digest
            cluster.stop()
            dumpcap.stop()
    rows = decode(capture, ["trunkline.type", "trunkline.version", "trunkline.status",
                            "trunkline.lane", "trunkline.packet_number", "udp.length",
                            "trunkline.sealed"], "trunkline")
    kinds = collections.Counter(row[0] for row in rows)
    assert kinds["1"] >= 2 and kinds["2"] >= 2, kinds  # INITIATE and RESPOND with TLS flights
    version = str(header_number("tunnel/parameters.h", "TUNNEL_VERSION"))
    assert {row[1] for row in rows if row[0] in "12" and row[0]} == {version}
    assert {row[3] for row in rows if row[0] == "4"} == {"0", "1"}  # START of both lanes
    assert {row[2] for row in rows if row[0] == "5"} == {"1"}  # STARTED: NEW
    sealed = [row for row in rows if row[4]]
    assert len(sealed) > 40
    for row in sealed:  # UDP header, our header, tag
        assert len(row[6]) / 2 == int(row[5]) - 8 - 12 - 16
    assert decode(capture, ["frame.number"], "udp.port == 7401 and not trunkline") == []
    assert decode(capture, ["frame.number"], "_ws.expert.group == Malformed") == []


def rows_of(path, pattern):
    """Frame types and names: what the pattern's two groups find in the file."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return {int(number): name for number, name in re.findall(pattern, file.read(), re.M)}


def frames_of_the_protocol():
    return rows_of("doc/PROTOCOL.md", r"^\| (\d+) \| ([A-Z_]+) \| (?:yes|no) \|")


def test_the_dissector_knows_every_frame_of_the_protocol():
    of_protocol = frames_of_the_protocol()
    known = rows_of("tools/trunkline.lua", r'^\t\[(\d+)\] = \{ "([A-Z_]+)"')
    assert sorted(of_protocol) == list(range(len(of_protocol))) and len(of_protocol) > 16
    assert of_protocol == known


def simulated(tmp_path, scenario):
    """The capture of a scenario's packets as they were before sealing."""
    capture = str(tmp_path / f"{scenario}.pcap")
    procs.run([built("tests/sim/sim"), "--scenario", scenario, "--seed", "3", "--capture", capture],
              timeout=120)
    return capture


def check_repairs(capture):
    repairs = decode(capture, ["trunkline_plain.back", "trunkline_plain.span",
                               "trunkline_plain.bitmap", "trunkline_plain.data"],
                     'trunkline_plain.frame == "REPAIR"')
    for back, span, bits, coded in repairs:
        assert int(back) >= int(span) and len(bits) // 2 == (int(span) + 6) // 8 and len(coded) >= 6


def test_every_frame_of_simulated_runs(tmp_path):
    names = collections.Counter()
    for scenario in SCENARIOS:
        capture = simulated(tmp_path, scenario)
        rows = decode(capture, ["trunkline_plain.frame", "trunkline_plain.direction"])
        names.update(name for row in rows for name in row[0].split(","))
        assert {row[1] for row in rows} == {"0", "1"}
        assert decode(capture, ["frame.number"], "trunkline_plain.malformed") == []
        check_repairs(capture)
        opened = decode(capture, ["trunkline_plain.flow", "trunkline_plain.port"],
                        'trunkline_plain.frame == "OPEN"')
        assert all(int(port) > 0 for row in opened for port in row[1].split(","))
    # Every packet of these lines can be marked, so there is no ACK without counts.
    assert set(names) == set(frames_of_the_protocol().values()) - {"ACK"}, names


def test_a_damaged_packet_is_called_malformed(tmp_path):
    capture = simulated(tmp_path, "loss-1")
    with open(capture, "r+b") as file:
        file.seek(24 + 16 + 1 + 12)  # the first frame's type, behind the file's and record's heads
        file.write(b"\xfa")
    assert decode(capture, ["frame.number"], "trunkline_plain.malformed") == [["1"]]
