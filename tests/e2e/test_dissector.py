# SPDX-License-Identifier: GPL-2.0-or-later
"""tools/trunkline.lua under tshark: what was on a line between two nodes, and what the simulator
wrote before it was sealed."""
import collections
import os

from tests.lab import procs, programs, trunkline
from tests.lab.wan import ROOT, Wan, built

SCRIPT = os.path.join(ROOT, "tools", "trunkline.lua")


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
    assert {row[1] for row in rows if row[0] in "12" and row[0]} == {"2"}
    assert {row[3] for row in rows if row[0] == "4"} == {"0", "1"}  # START of both lanes
    assert {row[2] for row in rows if row[0] == "5"} == {"1"}  # STARTED: NEW
    sealed = [row for row in rows if row[4]]
    assert len(sealed) > 40
    for row in sealed:  # UDP header, our header, tag
        assert len(row[6]) / 2 == int(row[5]) - 8 - 12 - 16
    assert decode(capture, ["frame.number"], "udp.port == 7401 and not trunkline") == []
    assert decode(capture, ["frame.number"], "_ws.expert.group == Malformed") == []


def test_every_frame_of_a_simulated_run(tmp_path):
    capture = str(tmp_path / "plain.pcap")
    procs.run([built("tests/sim/sim"), "--scenario", "loss-1", "--seed", "3", "--capture", capture],
              timeout=120)
    rows = decode(capture, ["trunkline_plain.frame", "trunkline_plain.direction"])
    names = collections.Counter(name for row in rows for name in row[0].split(","))
    assert {"PING", "ACK_ECN", "OPEN", "STREAM", "STREAM_FIN", "RESET", "STOP_SENDING", "DATAGRAM",
            "DATAGRAM_FRAGMENT", "MAX_STREAM_DATA", "CLOSE", "PROTECTED", "REPAIR",
            "RECOVERED"} <= set(names), names
    assert {row[1] for row in rows} == {"0", "1"}
    assert decode(capture, ["frame.number"], "trunkline_plain.malformed") == []
    opened = decode(capture, ["trunkline_plain.flow", "trunkline_plain.port"],
                    'trunkline_plain.frame == "OPEN"')
    assert all(int(port) > 0 for row in opened for port in row[1].split(","))


def test_a_damaged_packet_is_called_malformed(tmp_path):
    capture = str(tmp_path / "plain.pcap")
    procs.run([built("tests/sim/sim"), "--scenario", "loss-1", "--seed", "3", "--capture", capture],
              timeout=120)
    with open(capture, "r+b") as file:
        file.seek(24 + 16 + 1 + 12)  # the first frame's type, behind the file's and record's heads
        file.write(b"\xfa")
    assert decode(capture, ["frame.number"], "trunkline_plain.malformed") == [["1"]]
