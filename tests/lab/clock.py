# SPDX-License-Identifier: GPL-2.0-or-later
"""Time on a machine that others use too. What a test waits for has PATIENCE times as long as it takes
on a quiet machine. A promise of so many seconds is judged by a Stopwatch, which leaves out what the
machine kept its processes waiting for a CPU."""
import time

PATIENCE = 3
LEAST_SHARE = 0.25  # of the time passed, however busy the machine was


def waited_for_cpu():
    """Seconds since the boot in which some process was ready to run and did not (the kernel's
    Documentation/accounting/psi.rst); 0 where the kernel does not count them."""
    try:
        with open("/proc/pressure/cpu", encoding="ascii") as file:
            return int(file.readline().rpartition("total=")[2]) / 1e6
    except OSError:
        return 0


class Stopwatch:
    def __init__(self):
        self.began, self.waited = time.monotonic(), waited_for_cpu()

    def passed(self):
        return time.monotonic() - self.began

    def seconds(self):
        passed = self.passed()
        return max(passed - (waited_for_cpu() - self.waited), LEAST_SHARE * passed)
