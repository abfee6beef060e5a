# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of namespaces joined by wanem, for one test.

    with Wan("clean", folder) as wan:
        wan.ctl("link listener endpoint loss 5")
        sock = procs.open_socket(wan.space("user"))

Every Wan has its own prefix (tl<pid>x<number>-), so that several run side by side. wanem removes
its namespaces when it ends, and gets SIGTERM when this process dies; what a killed one left is
removed by the next Wan.
"""
import glob
import itertools
import json
import os
import re
import signal
import socket

from tests.lab import procs

LAB = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(LAB))
STALE = re.compile(r"^tl(\d+)x\d+-")
numbers = itertools.count(1)


def build_folder():
    """Where the programs were built: TRUNKLINE_BUILD, else the build folder with the newest wanem."""
    named = os.environ.get("TRUNKLINE_BUILD")
    if named:
        return named
    programs = [path for pattern in ("", "build*/", "build/*/")
                for path in glob.glob(os.path.join(ROOT, pattern, "tests/lab/wanem"))]
    if not programs:
        raise SystemExit("tests/lab/wanem is not built: make, or set TRUNKLINE_BUILD")
    return max(programs, key=os.path.getmtime)[:-len("/tests/lab/wanem")]


def built(program):
    return os.path.join(build_folder(), program)


def header_number(path, name):
    """What `NAME = NUMBER` is in a header of the tree."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as header:
        return int(re.search(rf"\b{name} = (\d+)", header.read())[1])


def remove_stale():
    """Namespaces of test processes that are gone."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        match = STALE.match(name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            procs.run(["ip", "netns", "del", name], check=False)


class Wan:
    """`scenario` is the name of a .scn file here, or the text of one (it has line breaks)."""

    def __init__(self, scenario, folder, seed=1):
        remove_stale()
        self.prefix = f"tl{os.getpid()}x{next(numbers)}-"
        self.folder = str(folder)
        self.socket = f"/run/wanem-{self.prefix}.sock"
        if "\n" in scenario:
            self.scenario = os.path.join(self.folder, f"{self.prefix}scenario")
            with open(self.scenario, "w", encoding="utf-8") as file:
                file.write(scenario)
        else:
            self.scenario = os.path.join(LAB, f"{scenario}.scn")
        self.addresses = read_addresses(self.scenario)
        self.proc = procs.Proc(
            f"{self.prefix}wanem",
            [built("tests/lab/wanem"), "-p", self.prefix, "-S", seed, "run", self.scenario],
            folder, death_signal=signal.SIGTERM)
        try:
            self.proc.wait_for_line("^ready$")
        except procs.ProgramError:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def stop(self):
        self.proc.stop()

    def space(self, node):
        """The namespace of a node."""
        return self.prefix + node

    def address(self, node, family=socket.AF_INET):
        return next(a for a in self.addresses[node] if procs.family_of(a) == family)

    def ctl(self, command):
        """Carries out one statement; what it answered. Fails with wanem's complaint."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(self.socket)
            sock.sendall(command.encode() + b"\n")
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
        lines = answer.decode().splitlines()
        if not lines or lines[-1] != "ok":
            raise procs.ProgramError(f"wanem: {command}: {lines[-1] if lines else 'no answer'}")
        return lines[:-1]

    def stats(self, source=None, target=None):
        """Counters by (from, to), or those of one direction."""
        found = {}
        for line in self.ctl("stats"):
            counters = json.loads(line)
            found[counters.pop("from"), counters.pop("to")] = counters
        return found[source, target] if source else found


def read_addresses(scenario):
    addresses = {}
    with open(scenario, encoding="utf-8") as file:
        for line in file:
            words = line.partition("#")[0].split()
            if words[:1] == ["node"]:
                addresses[words[1]] = words[2].split(",")
    return addresses
