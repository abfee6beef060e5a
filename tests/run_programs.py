#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the check programs of a build folder and counts their tests.

    tests/run_programs.py [--fewer-seeds] BUILD [NAME...]     NAME: only programs whose path contains it

--fewer-seeds is for a second build of what ran with all seeds in another one: whether a bound holds
is the same in both. cmocka programs are asked for TAP; another program counts as one test, or as what its line
"N passed, N failed" says. A skipped test counts as failed. Ends in "N passed, N failed".
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

TIMEOUT_S = 600
JOBS = 2 * os.cpu_count()  # many only wait for a timer
FEWER_SEEDS = {"tests/sim/sim": ["--seeds", "1-4"], "tests/sim/race": ["--seed", "1"]}
COUNT = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)


def programs(build):
    """The simulators first, as they take longest."""
    out = subprocess.run(["make", "-s", "-C", build, "list-checks"], check=True, text=True,
                         capture_output=True).stdout
    return sorted(out.split(), key=lambda name: "/sim/" not in name)


def count_of(code, text):
    """(passed, failed) of one program's output."""
    said = COUNT.findall(text)
    if said:
        passed, failed = map(int, said[-1])
        return (passed, failed + (code != 0 and failed == 0))
    good = len(re.findall(r"^ok \d+(?!.*# SKIP)", text, re.M))
    bad = len(re.findall(r"^(?:not ok \d+|ok \d+.*# SKIP)", text, re.M))
    if good + bad == 0:
        return (int(code == 0), int(code != 0))
    return (good, bad + (code != 0 and bad == 0))


def run(build, name, more):
    command = [name if os.path.isabs(name) else "./" + name, *more]
    began = time.monotonic()
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        done = subprocess.run(command, cwd=build, env=environment, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
        code, text = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        code, text = 1, (late.stdout or b"").decode(errors="replace") + f"\ntimeout after {TIMEOUT_S} s"
    return code, text, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(usage="tests/run_programs.py [--fewer-seeds] BUILD [NAME...]")
    parser.add_argument("--fewer-seeds", action="store_true")
    parser.add_argument("build")
    parser.add_argument("name", nargs="*")
    options = parser.parse_args()
    build = options.build
    names = [n for n in programs(build) if not options.name or any(a in n for a in options.name)]
    more = FEWER_SEEDS if options.fewer_seeds else {}
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        runs = pool.map(lambda name: run(build, name, more.get(name, [])), names)
        for name, (code, text, seconds) in zip(names, runs):
            good, bad = count_of(code, text)
            passed, failed = passed + good, failed + bad
            print(f"{'ok  ' if not bad else 'FAIL'} {name}: {good} passed, {bad} failed "
                  f"({seconds:.1f} s)", flush=True)
            if bad:
                print("\n".join("    " + line for line in text.splitlines()[-60:]))
                print(f"    repeat: (cd {build} && {' '.join([name, *more.get(name, [])])})")
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
