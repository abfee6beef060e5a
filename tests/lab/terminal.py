# SPDX-License-Identifier: GPL-2.0-or-later
"""A program on a terminal of its own, whose keys the test presses and whose output it reads."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from tests.lab import procs, trunkline
from tests.lab.clock import PATIENCE


class Terminal:
    def __init__(self, args, size=(24, 80), **environment):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.resize(size)
        env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        self.process = subprocess.Popen(
            args, stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            preexec_fn=self.own, env={**env, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})
        self.text = ""

    @staticmethod
    def own():
        procs.die_with_parent()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, size):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))

    def press(self, keys):
        os.write(self.master, keys.encode())

    def read_until(self, pattern, timeout=10):
        """Until the pattern is there; returns the match."""
        deadline = time.monotonic() + PATIENCE * timeout * trunkline.SLOW
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.text[-1000:]!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace")
        return found

    def forget(self):
        """Only what comes from now on is looked at."""
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def wait(self):
        """The exit code; fails when the terminal is not as it was."""
        code = self.process.wait(PATIENCE * 5 * trunkline.SLOW)
        self.read_until(r"\033\[\?1049l")
        assert termios.tcgetattr(self.slave) == self.before
        return code
