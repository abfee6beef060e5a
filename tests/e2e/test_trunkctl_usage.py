# SPDX-License-Identifier: GPL-2.0-or-later
"""trunkctl by itself: wrong command lines, control that is not there, help, and the man pages."""
import os
import re
import shlex

import pytest

from tests.lab import procs, trunkline
from tests.lab.trunkctl import (DONE, UNREACHABLE, USAGE, assert_one_line, run)
from tests.lab.wan import ROOT

PAGES = sorted(name for name in os.listdir(os.path.join(ROOT, "doc"))
               if re.search(r"\.[158]$", name))


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


def rendered(page, form="ascii"):
    done = procs.run(["mandoc", f"-T{form}", "-Wwarning", "-Owidth=100",
                      os.path.join(ROOT, "doc", page)])
    return re.sub(".\b", "", done.stdout)  # bold is printed as a character over itself


@pytest.mark.parametrize("page", PAGES)
def test_man_pages_are_well_formed(page):
    assert rendered(page, "lint") == ""
    assert "SYNOPSIS" in rendered(page)


def test_man_page_has_every_command_and_option():
    page = rendered("trunkctl.1")
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)", run("--help").stdout, re.MULTILINE)
    assert len(commands) > 10
    for command in commands:
        assert command in page
        for option in re.findall(r"^  (--[a-z-]+)", run(*command.split(), "--help").stdout,
                                 re.MULTILINE):
            assert option in page, f"{command} {option}"


def test_examples_of_the_man_page_are_accepted():
    """Each gets as far as asking control."""
    text = rendered("trunkctl.1").split("\nEXAMPLES\n")[1].split("\nSEE ALSO\n")[0]
    text = text.replace("\\\n", " ")
    lines = re.findall(r"^ *(?:token=\$\()?(trunkctl .*?)\)?(?: \|)?$", text, re.MULTILINE)
    assert len(lines) >= 6
    for line in lines:
        done = run(*shlex.split(line)[1:], TRUNKLINE_CONTROL="unix:/nonexistent")
        assert done.returncode == UNREACHABLE, (line, done.stderr)


@pytest.mark.parametrize("name", [page for page in PAGES if page.endswith(".8")])
def test_man_pages_of_the_daemons_have_every_option(name):
    page = rendered(name)
    text = procs.run([trunkline.program(name[:-2]), "--help"]).stdout
    options = re.findall(r"^ +(-[-a-z]+)", text, re.MULTILINE)
    assert len(options) >= 3
    for option in options:
        assert re.search(rf"(?<![-\w]){option}(?![-\w])", page), option
