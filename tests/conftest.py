# SPDX-License-Identifier: GPL-2.0-or-later
"""Shared by the tests in the lab: networks and programs that end with their test, and a report of
a failed test that has the last lines of every program that ran in it, ended or not, and the command
that repeats it."""
import os
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from tests.lab import procs  # noqa: E402
from tests.lab.wan import Wan, build_folder  # noqa: E402


def pytest_collection_modifyitems(items):
    if os.geteuid():
        for item in items:
            item.add_marker(pytest.mark.skip(reason="namespaces need root"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    procs.begin_test()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for name, path, tail in procs.tails():
        report.sections.append((f"last lines of {name}: {path}", tail))
    command = f"sudo tests/e2e/run {os.path.relpath(build_folder(), ROOT)} '{item.nodeid}'"
    report.sections.append(("to repeat", command))


@pytest.fixture(autouse=True)
def programs_end_with_test():
    """What a test started and did not stop, unless somebody else will: a daemon that a test has
    restarted belongs to its cluster, which may serve the next test too."""
    before = list(procs.running)
    yield
    for proc in reversed([p for p in procs.running if p not in before and not p.has_owner]):
        proc.stop(timeout=2)


@pytest.fixture
def make_wan(tmp_path):
    """make_wan(scenario): a network that goes with the test."""
    made = []

    def make(scenario, seed=1):
        made.append(Wan(scenario, tmp_path, seed))
        return made[-1]

    yield make
    for wan in made:
        wan.stop()
