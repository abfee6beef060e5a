# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told of a failed test: the logs of the programs that ran in it, and of no other."""
import os
import re
import sys

import pytest

from tests.lab import procs

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TESTS = '''
import pytest
from tests.lab import procs


def say(folder, word, lines=1):
    return procs.Proc(word, ["sh", "-c", f"seq {lines} | sed s/^/{word}-/; exec sleep 60"], folder)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with say(tmp_path_factory.mktemp("shared"), "of-the-module", 1000) as proc:
        proc.wait_for_line("of-the-module-1000")
        yield proc


def test_before(shared, tmp_path):
    with say(tmp_path, "of-another-test") as proc:
        proc.wait_for_line("of-another-test")


def test_fails(shared, tmp_path):
    with say(tmp_path, "ended-already") as proc:
        proc.wait_for_line("ended-already")
    assert shared is None


@pytest.fixture
def broken(tmp_path):
    with say(tmp_path, "of-the-end") as proc:
        proc.wait_for_line("of-the-end")
        yield
    raise AssertionError("at the end")


def test_ends_badly(broken):
    pass
'''


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What pytest prints of each test that failed, by the test's name."""
    folder = tmp_path_factory.mktemp("inner")
    (folder / "test_inner.py").write_text(TESTS)
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    done = procs.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--rootdir={folder}",
                      f"--basetemp={folder}/temp", folder], cwd=ROOT, check=False,
                     env={**os.environ, "PYTHONPATH": ROOT})
    parts = re.split(r"^_{4,} (.+) _{4,}$", done.stdout, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def test_a_failed_test_shows_its_own_programs_and_no_others(told):
    shown = told["test_fails"]
    assert "ended-already-1" in shown  # before the failure
    assert "of-another-test-1" not in shown
    assert "tests/e2e/run" in shown


def test_each_is_cut_to_its_last_lines(told):
    shown = re.findall(r"^of-the-module-(\d+)$", told["test_fails"], re.MULTILINE)
    assert shown == [str(number) for number in range(961, 1001)]


def test_a_failure_at_the_end_shows_them_too(told):
    shown = told["ERROR at teardown of test_ends_badly"]
    assert "of-the-end-1" in shown and "ended-already-1" not in shown
