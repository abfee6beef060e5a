# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs in network namespaces: started, watched, and gone when the test process is gone.

A program is a Proc with its own output file; it is stopped by its process id, never by name, and
gets SIGKILL from the kernel when this process dies. A space is the full name of a namespace;
None is the one that the test itself is in. Nothing here knows Trunkline.
"""
import atexit
import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import time

from tests.lab.clock import PATIENCE

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
POLL_S = 0.02
TAIL_LINES, TAIL_LINE_CHARACTERS = 40, 400

libc = ctypes.CDLL(None, use_errno=True)
running = []  # every Proc that was started and not forgotten, for the last clean-up
of_this_test = []  # every Proc that ran at some time of the test, for its report


class ProgramError(AssertionError):
    """A program did not do what the test needs."""


def die_with_parent(death_signal=signal.SIGKILL):
    """To be run between fork and exec."""
    libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


def in_space(args, space):
    args = [str(arg) for arg in args]
    return ["ip", "netns", "exec", space, *args] if space else args


@contextlib.contextmanager
def entered(space):
    """The calling thread is in the namespace: sockets made here stay in it."""
    if not space:
        yield
        return
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(f"/run/netns/{space}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"can't enter the namespace {space}")
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(there)
        os.close(home)


def open_socket(space, kind=socket.SOCK_STREAM, family=socket.AF_INET, bind=None):
    with entered(space):
        sock = socket.socket(family, kind)
    if bind:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(bind)
    return sock


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def connect(space, address, port, timeout=10):
    sock = open_socket(space, family=family_of(address))
    sock.settimeout(timeout)
    try:
        sock.connect((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def free_port(kind=socket.SOCK_STREAM, space=None, address="127.0.0.1"):
    with open_socket(space, kind, family_of(address)) as sock:
        sock.bind((address, 0))
        return sock.getsockname()[1]


def run(args, space=None, timeout=30, check=True, **more):
    """Runs a program to its end; its output is in the error when it fails."""
    more.setdefault("stdout", subprocess.PIPE)
    more.setdefault("stderr", subprocess.PIPE)
    more.setdefault("preexec_fn", die_with_parent)
    done = subprocess.run(in_space(args, space), timeout=timeout, check=False, text=True, **more)
    if check and done.returncode:
        raise ProgramError(f"{' '.join(map(str, args))} ended with {done.returncode}:\n"
                           f"{done.stdout or ''}{done.stderr or ''}")
    return done


def process_field(pid, name):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        rest = file.read().rpartition(")")[2].split()
    return rest[{"state": 0, "parent": 1, "user": 11, "system": 12, "start": 19}[name]]


def identity(pid):
    """What tells a process from a later one with the same id; None when it is gone."""
    try:
        if process_field(pid, "state") == "Z":
            return None
        return (pid, process_field(pid, "start"))
    except OSError:
        return None


def children(pid):
    found = []
    for task in tasks(pid):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
    return sorted(found)


def tasks(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def wait_until(condition, timeout, what):
    """Returns the first true value of condition(), or fails saying what did not happen. `timeout` is
    generous on a quiet machine."""
    deadline = time.monotonic() + PATIENCE * timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise ProgramError(f"not within {PATIENCE * timeout} s: {what() if callable(what) else what}")
        time.sleep(POLL_S)


class Proc:
    """One started program. `log` is the path of its output, stdout and stderr together."""

    def __init__(self, name, args, folder, space=None, death_signal=signal.SIGKILL, env=None,
                 cwd=None, stdin=subprocess.DEVNULL, log_mode="wb"):
        self.name = name
        self.args = [str(arg) for arg in args]
        self.space = space
        self.log = os.path.join(str(folder), f"{name}.log")
        with open(self.log, log_mode) as output:
            self.popen = subprocess.Popen(
                in_space(self.args, space), stdin=stdin, stdout=output, stderr=output, cwd=cwd,
                env={**os.environ, **(env or {})},
                preexec_fn=lambda: die_with_parent(death_signal))
        self.pid = self.popen.pid
        self.has_owner = False  # who stops it, even when the test that started it is over
        running.append(self)
        of_this_test.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def tail(self, lines=TAIL_LINES):
        return "\n".join(line[:TAIL_LINE_CHARACTERS] for line in self.text().splitlines()[-lines:])

    def is_alive(self):
        return self.popen.poll() is None

    def wait_for_line(self, pattern, timeout=10):
        """Waits until a line of the output matches and returns the match."""
        wanted = re.compile(pattern, re.MULTILINE)

        def found():
            match = wanted.search(self.text())
            if not match and not self.is_alive():
                match = wanted.search(self.text())
                if not match:
                    raise ProgramError(f"{self.name} ended with {self.popen.returncode} before "
                                       f"it printed /{pattern}/:\n{self.tail()}")
            return match

        return wait_until(found, timeout, lambda: f"{self.name} to print /{pattern}/; it has:\n"
                                                  f"{self.tail()}")

    def wait_for_port(self, address, port, timeout=10):
        def is_open():
            if not self.is_alive():
                raise ProgramError(f"{self.name} ended with {self.popen.returncode}:\n"
                                   f"{self.tail()}")
            try:
                connect(self.space, address, port, timeout=1).close()
                return True
            except OSError:
                return False

        wait_until(is_open, timeout, f"{self.name} to listen on {address} port {port}")

    def wait(self, timeout=30):
        """Waits for the program's own end; its exit code."""
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired as late:
            raise ProgramError(f"{self.name} still runs after {timeout} s:\n{self.tail()}") from late
        self.forget()
        return code

    def send_signal(self, number):
        self.popen.send_signal(number)

    def kill9(self):
        """As a crash: SIGKILL to this process alone."""
        self.popen.kill()
        self.popen.wait()

    def children(self):
        return children(self.pid)

    def stop(self, timeout=5):
        """SIGTERM, after `timeout` SIGKILL. Returns the children that outlived it (then killed):
        for a daemon there should be none."""
        below = [identity(pid) for pid in descendants(self.pid)] if self.is_alive() else []
        if self.is_alive():
            self.popen.send_signal(signal.SIGCONT)
            self.popen.terminate()
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self.forget()
        return kill_survivors(below)

    def forget(self):
        if self in running:
            running.remove(self)


def kill_survivors(identities, patience=1):
    """Ends processes that should be gone already; those that were not."""
    deadline = time.monotonic() + patience
    alive = [who for who in identities if who and identity(who[0]) == who]
    while alive and time.monotonic() < deadline:
        time.sleep(POLL_S)
        alive = [who for who in alive if identity(who[0]) == who]
    for pid, _ in alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return [pid for pid, _ in alive]


def begin_test():
    """From now on of_this_test is another test's."""
    of_this_test[:] = running


def tails():
    """(name, path, last lines) of each log of this test's programs; those that were started several
    times have one log."""
    by_path = {proc.log: proc for proc in of_this_test if os.path.exists(proc.log)}
    return [(proc.name, path, proc.tail()) for path, proc in by_path.items()]


def stop_all():
    for proc in reversed(list(running)):
        proc.stop(timeout=2)


atexit.register(stop_all)
