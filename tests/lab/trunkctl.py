# SPDX-License-Identifier: GPL-2.0-or-later
"""trunkctl as an operator's script runs it: its exit codes, and its errors in one line."""
import os

from tests.lab import procs, trunkline

DONE, FAILED, USAGE, NOT_FOUND, UNREACHABLE = range(5)


def run(*args, **environment):
    """trunkctl with no control anywhere, unless the environment names one."""
    env = {k: v for k, v in os.environ.items() if k not in ("TRUNKLINE_CONTROL", "NO_COLOR")}
    return procs.run([trunkline.program("trunkctl"), *args], check=False,
                     env={**env, "LC_ALL": "C.UTF-8", **environment})


def assert_one_line(text):
    assert text.startswith("trunkctl: ") and text.count("\n") == 1 and text.endswith("\n"), text


def assert_fails(done, code, *parts):
    """It ended with the code, and its error has the parts."""
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert_one_line(done.stderr)
    for part in parts:
        assert part in done.stderr
