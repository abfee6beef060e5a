# SPDX-License-Identifier: GPL-2.0-or-later
"""trunkctl by itself: wrong command lines, control that is not there, and help."""
import re

import pytest

from tests.lab.trunkctl import (DONE, UNREACHABLE, USAGE, assert_one_line, run)


@pytest.mark.parametrize("line, part", [
    ("", "no command"),
    ("node lst", 'did you mean "node list"?'),
    ("node evict x", 'unknown command "node evict"'),
    ("aply -f x", 'did you mean "apply"?'),
    ("apply", "apply wants -f FILE"),
    ("wait --timeout never", '"never"'),
    ("rollback", "rollback wants REVISION"),
    ("accelerator create web --client-ip ppv2", 'unknown option "--client-ip"'),
    ("accelerator create web --protocol tcp --ports 90-80 --listen a --backend b=c", '"90-80"'),
    ("accelerator create web --protocol tcp --ports 80 --listen a --backend b", '"b"'),
    ("accelerator create web --protocol tcp --ports 80 --listen a --backend b=::1:x", '"::1:x"'),
    ("accelerator create w/b --protocol tcp --ports 80 --listen a --backend b=c", '"w/b"'),
    ("accelerator update web", "nothing to change"),
    ("-o xml status", '-o "xml"'),
    ("--control /run/x.sock status", "unix:PATH"),
])
def test_a_wrong_command_line_is_usage(line, part):
    done = run(*line.split())
    assert done.returncode == USAGE and done.stdout == ""
    assert part in done.stderr
    assert_one_line(done.stderr)


@pytest.mark.parametrize("where", ["unix:/nonexistent/control.sock", "http://127.0.0.1:1"])
def test_control_that_is_not_there(where):
    for done in (run("--control", where, "status"), run("status", TRUNKLINE_CONTROL=where),
                 run("tunnel", "watch", TRUNKLINE_CONTROL=where)):
        assert done.returncode == UNREACHABLE and done.stdout == ""
        assert where in done.stderr
        assert_one_line(done.stderr)


def test_help_and_version():
    for args in ([], ["node"], ["accelerator", "create"], ["status"]):
        done = run(*args, "--help")
        assert done.returncode == DONE and done.stdout.startswith("usage: trunkctl")
    assert re.fullmatch(r"trunkctl \d+\.\d+\.\d+\n", run("--version").stdout)
