#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs every fuzz target of a build folder over its corpus, then for some seconds on new inputs.

    tests/fuzz/run.py BUILD [--seconds N] [TARGET...]

New inputs are not kept; a crash leaves its input in BUILD and prints how to repeat it.
A target NAME has its corpus in tests/fuzz/corpus/NAME, and stands in doc/TESTING.md's table. Ends in "N passed, N failed".
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))


def is_told_of(name):
    with open(os.path.join(here, "..", "..", "doc", "TESTING.md"), encoding="utf-8") as file:
        table = file.read().partition("## Fuzzing")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([a-z, ]+) \|", table, re.MULTILINE)
    return name.removesuffix("_fuzz") in ", ".join(cells).split(", ")


def run(build, program, seconds):
    name = os.path.basename(program)
    corpus = os.path.join(here, "corpus", name)
    if not os.path.isdir(corpus) or not os.listdir(corpus):
        return False, f"no corpus in tests/fuzz/corpus/{name}"
    if not is_told_of(name):
        return False, "no row in doc/TESTING.md"
    with tempfile.TemporaryDirectory() as fresh:
        done = subprocess.run(
            [os.path.join(build, program), fresh, corpus, f"-max_total_time={seconds}", "-timeout=10",
             "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={build}/{name}-"],
            text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=seconds + 300)
    runs = re.search(r"number_of_executed_units: (\d+)", done.stdout)
    count = int(runs.group(1)) if runs else 0
    inputs = len(os.listdir(corpus))
    if done.returncode == 0 and count >= inputs:
        return True, f"{count} runs from {inputs} inputs"
    return False, "\n".join(done.stdout.splitlines()[-40:]) + f"\nrepeat: {build}/{program} INPUT"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("target", nargs="*")
    options = parser.parse_intermixed_args()
    build = os.path.abspath(options.build)
    programs = subprocess.run(["make", "-s", "-C", build, "list-fuzz"], check=True, text=True,
                              capture_output=True).stdout.split()
    programs = [program for program in programs
                if not options.target or os.path.basename(program) in options.target]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda program: run(build, program, options.seconds), programs)
        for program, (good, text) in zip(programs, runs):
            print(f"{'ok  ' if good else 'FAIL'} {program}: {text}", flush=True)
            passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
