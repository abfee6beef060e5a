# SPDX-License-Identifier: GPL-2.0-or-later
"""Trunkline's daemons for one test, started with the command line of doc/DESIGN.md.

    with Cluster(folder, wan) as cluster:              # wan=None: all on loopback
        cluster.start_pair()                           # control, one listener, one endpoint
        cluster.accelerator("web", "tcp", "8000", ["10.77.0.4"])
        cluster.wait_up()

Leaving the block stops everything, and fails when a daemon left a process behind or a sanitizer
spoke.
"""
import contextlib
import json
import os
import re
import signal
import socket
import time

from tests.lab import api, procs
from tests.lab.wan import built

LOOPBACK = "127.0.0.1"
NODES_PORT, TUNNEL_PORT = 7400, 7401
NEAR, FAR = "near", "far"
FOLDERS = {"trunkline-control": "control", "trunkline-listener": "listener",
           "trunkline-endpoint": "endpoint", "trunkctl": "cli"}
SANITIZER = re.compile(r"ERROR: (?:Address|Leak)Sanitizer|runtime error: ")


def program(name):
    for path in (built(name), built(f"{FOLDERS[name]}/{name}")):
        if os.path.exists(path):
            return path
    return built(name)


def has_sanitizers():
    try:
        with open(built("config.h"), encoding="ascii") as file:
            return "#define DEBUG_POOLS 1" in file.read()
    except OSError:
        return False


SLOW = 3 if has_sanitizers() else 1  # what every wait for a daemon is multiplied by


def is_built():
    return all(os.path.exists(program(name)) for name in FOLDERS)


# From a user to a server. The direct ways test the tests themselves, for which one build is enough.
WAYS = (([] if has_sanitizers() else ["direct", "direct6"])
        + (["trunkline", "trunkline6"] if is_built() else []))


class Daemon:
    """One daemon, which may be started several times; its log goes on."""

    def __init__(self, cluster, role, name, node, args):
        self.cluster, self.role, self.name, self.node = cluster, role, name, node
        self.state = os.path.join(cluster.folder, name)
        os.makedirs(self.state, mode=0o700, exist_ok=True)
        self.args = [program(f"trunkline-{role}"), "--state", self.state, *args]
        self.environment = {}  # of its starts, beside the test's own
        self.proc = None

    @property
    def pid(self):
        return self.proc.pid

    def start(self, *more):
        """`more` are options of this start alone."""
        self.proc = procs.Proc(self.name, [*self.args, *more], self.cluster.folder,
                               self.cluster.space(self.node), death_signal=signal.SIGKILL,
                               env=self.environment, log_mode="ab")
        self.proc.has_owner = True
        return self

    def stop(self, timeout=10):
        """SIGTERM; fails when a process of the daemon outlives it."""
        if self.proc:
            left = self.proc.stop(timeout * SLOW)
            self.proc = None
            if left:
                raise procs.ProgramError(f"{self.name} left {len(left)} processes behind")

    def restart(self):
        self.stop()
        self.start()

    def kill9(self):
        """SIGKILL to the main process; waits until its processes are gone."""
        below = [procs.identity(pid) for pid in procs.descendants(self.pid)]
        self.proc.kill9()
        self.proc.forget()
        self.proc = None
        left = procs.kill_survivors(below, patience=5 * SLOW)
        if left:
            raise procs.ProgramError(f"{len(left)} processes of {self.name} outlived it")

    def crash(self):
        """SIGKILL to all its processes, before one can act on another's end."""
        below = procs.descendants(self.pid)
        os.kill(self.pid, signal.SIGSTOP)
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kill9()

    def processes(self):
        return [self.pid, *procs.descendants(self.pid)]

    def workers(self):
        """Process ids of the workers, in the order of their start."""
        return [pid for pid in procs.children(self.pid) if "--role worker" in procs.command_line(pid)]

    def pause(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def resume(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)

    def log(self):
        with open(os.path.join(self.cluster.folder, f"{self.name}.log"), encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def logged(self, pattern):
        """The lines with a match."""
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def open_files(self):
        """Descriptors of all its processes."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.processes())

    def resident_bytes(self):
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                total += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return total


class Cluster:
    def __init__(self, folder, wan=None):
        self.folder = os.path.join(str(folder), "trunkline")
        os.makedirs(self.folder, exist_ok=True)
        self.wan = wan
        self.control = None
        self.nodes = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        try:
            self.stop()
        except AssertionError:
            if kind is None:
                raise

    def space(self, node):
        return self.wan.space(node) if self.wan else None

    def address(self, node, family=socket.AF_INET):
        if self.wan:
            return self.wan.address(node, family)
        return LOOPBACK if family == socket.AF_INET else "::1"

    def host_port(self, node, port, kind=socket.SOCK_STREAM, family=socket.AF_INET):
        """ADDRESS:PORT of a node; on loopback any free port."""
        address = self.address(node, family)
        if not self.wan:
            port = procs.free_port(kind, None, address)
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    @property
    def api_socket(self):
        return os.path.join(self.folder, "control", "control.sock")

    @property
    def api(self):
        return f"unix:{self.api_socket}"

    # ---- daemons

    def start_control(self, node="control", *more):
        self.control = Daemon(self, "control", "control", node, [
            "--api", self.api, "--nodes", self.host_port(node, NODES_PORT), *more])
        self.control.start()
        self.wait_control()
        return self.control

    def wait_control(self, timeout=10):
        def answers():
            if not self.control.proc.is_alive():
                raise procs.ProgramError(f"control ended:\n{self.control.proc.tail()}")
            return self.ctl_run("status").returncode == 0

        procs.wait_until(answers, timeout * SLOW,
                         lambda: f"control to answer:\n{self.control.proc.tail()}")

    def token(self, role, region):
        return self.ctl("node", "token", "--role", role, "--region", region)["token"]

    def add_node(self, role, name, region, node, args):
        """Makes, joins and starts a listener or an endpoint; waits until control sees it."""
        daemon = Daemon(self, role, name, node, ["--name", name, *args])
        self.nodes[name] = daemon
        daemon.start("--join", self.token(role, region))
        self.wait_node(name)
        return daemon

    def add_listener(self, name="listener", region=NEAR, node="listener", workers=1, binds=None,
                     more=()):
        binds = binds or [self.address(node)]
        args = [word for address in binds for word in ("--bind", address)]
        return self.add_node("listener", name, region, node, [*args, "--workers", workers, *more])

    def add_endpoint(self, name="endpoint", region=FAR, node="endpoint", workers=1, tunnel=None,
                     more=()):
        tunnel = tunnel or self.host_port(node, TUNNEL_PORT, socket.SOCK_DGRAM)
        return self.add_node("endpoint", name, region, node,
                             ["--tunnel", tunnel, "--workers", workers, *more])

    def start_pair(self, workers=1, control="control", binds=None, more=()):
        self.start_control(control)
        return (self.add_listener(workers=workers, binds=binds, more=more),
                self.add_endpoint(workers=workers, more=more))

    def stop(self):
        complaints = []
        for daemon in [*reversed(list(self.nodes.values())), self.control]:
            with contextlib.suppress(OSError):
                if daemon and daemon.proc:
                    daemon.resume()
            try:
                if daemon:
                    daemon.stop()
            except procs.ProgramError as why:
                complaints.append(str(why))
            if daemon and SANITIZER.search(daemon.log()):
                complaints.append(f"a sanitizer spoke in {daemon.name}.log:\n{daemon.log()[-4000:]}")
        self.nodes, self.control = {}, None
        if complaints:
            raise procs.ProgramError("\n".join(complaints))

    def call(self, method, path, body=None):
        return api.call(self.api_socket, method, path, body)

    # ---- trunkctl

    def ctl_run(self, *args, output="json"):
        """Runs trunkctl; the finished process, whatever its exit code."""
        return procs.run([program("trunkctl"), "--control", self.api, "-o", output, *args],
                         check=False)

    def ctl(self, *args):
        """What trunkctl prints with -o json, parsed; None when it prints nothing."""
        done = self.ctl_run(*args)
        if done.returncode:
            raise procs.ProgramError(f"trunkctl {' '.join(map(str, args))} ended with "
                                     f"{done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def items(self, *args):
        answer = self.ctl(*args)
        return answer["items"] if isinstance(answer, dict) else answer

    def accelerator(self, name, protocol, ports, backends, listen=NEAR, region=FAR, more=(),
                    wait=True):
        """`backends` are HOST[:PORT][,weight=N] of `region`, or REGION=... of any. A server in the test
        would take a health check's connection for a user's: there is none unless `more` has one."""
        if "--health" not in more:
            more = [*more, "--health", "none"]
        words = [w for b in backends
                 for w in ("--backend", b if "=" in b.split(",")[0] else f"{region}={b}")]
        answer = self.ctl("accelerator", "create", name, "--protocol", protocol, "--ports", ports,
                          "--listen", listen, *words, *more)
        if wait:
            self.wait_applied(name)
        return answer

    # ---- waiting

    def wait_node(self, name, timeout=10):
        def is_up():
            daemon = self.nodes[name]
            if not daemon.proc.is_alive():
                raise procs.ProgramError(f"{name} ended:\n{daemon.proc.tail()}")
            return any(n["name"] == name and n["state"] == "up" for n in self.items("node", "list"))

        procs.wait_until(is_up, timeout * SLOW, f"{name} to be up at control")

    def wait_applied(self, name, timeout=10):
        """Until every node that is up serves the accelerator's newest config."""
        def is_applied():
            shown = self.ctl("accelerator", "show", name)
            return shown["nodes"] and all(n["state"] in ("applied", "down") for n in shown["nodes"])

        procs.wait_until(is_applied, timeout * SLOW,
                         lambda: f"{name} to be applied: {self.ctl('accelerator', 'show', name)}")

    def wait_up(self, count=None, timeout=15):
        """Until all tunnels (`count` of them, if given) have all their lanes."""
        def are_up():
            tunnels = self.items("tunnel", "list")
            return (tunnels if tunnels and len(tunnels) >= (count or 1)
                    and all(t["state"] == "up" for t in tunnels) else None)

        return procs.wait_until(are_up, timeout * SLOW,
                                lambda: f"tunnels to be up: {self.items('tunnel', 'list')}")

    def wait_state(self, states, timeout=15):
        """Until every tunnel is in one of the states; the seconds that it took."""
        began = time.monotonic()
        procs.wait_until(lambda: all(t["state"] in states for t in self.items("tunnel", "list")),
                         timeout * SLOW, lambda: f"{states}: {self.items('tunnel', 'list')}")
        return time.monotonic() - began

    # ---- counters

    def last_counters(self, node):
        """As of the node's last report, which may be from before what the test just did."""
        return self.call("GET", f"/v1/nodes/{node}")["counters"]

    def wait_reports(self, *nodes, timeout=20):
        """Until each node has made a report after this call, and control has it: not the next one
        that comes, which may have been on its way already, but the one after it."""
        times = {node: [] for node in nodes}

        def are_there():
            for node, seen in times.items():
                reported = self.call("GET", f"/v1/nodes/{node}")["reported"]
                if len(seen) < 3 and reported not in seen:
                    seen.append(reported)
            return all(len(seen) == 3 for seen in times.values())

        procs.wait_until(are_there, timeout * SLOW, lambda: f"new reports, there were {times}")

    def all_counters(self, *nodes):
        """{node: its counters}, of now or later; without names of all nodes."""
        nodes = nodes or tuple(self.nodes)
        self.wait_reports(*nodes)
        return {node: self.last_counters(node) for node in nodes}

    def counters(self, node):
        return self.all_counters(node)[node]

    def counter(self, node, name):
        return self.counters(node)[name]
