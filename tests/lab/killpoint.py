# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGKILL at a chosen system call of a running process, before the call is done, by strace(1)'s fault
injection: the program needs no part in it.

    for nth in itertools.count(1):
        with killpoint.at(pid, "pwrite64", nth) as point:
            ...                             # what makes the process write
        if not point.was_hit:
            break                           # it needs fewer calls than that
"""
import contextlib
import os
import signal
import subprocess

from tests.lab import procs


class Point:
    was_hit = False


@contextlib.contextmanager
def at(pid, call, nth):
    """Within, the nth such call of the process ends it. Who sees it die waits within for it to be dead."""
    tracer = subprocess.Popen(
        ["strace", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={nth}",
         "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    point = Point()
    try:
        said = tracer.stderr.readline()
        assert "attached" in said, said
        yield point
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=30)
        point.was_hit = procs.identity(pid) is None


def run(args, call, nth, seconds=60):
    """Runs a program that is killed at that call, and ended after so long; whether it was killed."""
    done = procs.run(["timeout", str(seconds), "strace", "-o", os.devnull, "-e", f"trace={call}", "-e",
                      f"inject={call}:signal=KILL:when={nth}", *args], check=False)
    return done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
