# SPDX-License-Identifier: GPL-2.0-or-later
"""The man pages: well-formed, complete, and each example does what it says on a real installation.

An example is a literal block or a displayed line. One that begins with a key is a file, of the kind of its page; any
other is a script, run by bash with the paths of the manual moved into the test's folder. A daemon
in it only checks its command line (-t); what goes on for ever is ended as Ctrl-C would, and has shown
something until then where it is not for events to come."""
import os
import re
import subprocess

import pytest

from tests.lab import procs, trunkline
from tests.lab.trunkctl import run
from tests.lab.wan import ROOT, built

MADE = ["trunkctl-commands.1", "trunkline-fields.5"]  # by make, in the same folder when it is built in the tree
WRITTEN = sorted(name for name in os.listdir(os.path.join(ROOT, "doc"))
                 if re.search(r"\.[158]$", name) and name not in MADE)
DAEMONS = [name for name in WRITTEN if name.endswith(".8")]

# What makes sense only after something went wrong.
WITHOUT_EXAMPLE = {"adopt"}

# Not by timeout(1): it sends SIGCONT too, which undoes the stop in which LeakSanitizer looks at a process that ends.
PREAMBLE = r"""
set -euo pipefail
for_a_while() {
    command trunkctl "$@" &
    sleep "$WATCHED_S"
    kill $!
    wait $!
}
trunkctl() {
    case " $* " in
    *" watch "* | *" --watch "*)
        for_a_while "$@" >watched
        test -s watched ;;
    *" events "*)
        for_a_while "$@" ;;
    *) command trunkctl "$@" ;;
    esac
}
trunkline-control() { command trunkline-control -t "$@"; }
trunkline-listener() { command trunkline-listener -t "$@"; }
trunkline-endpoint() { command trunkline-endpoint -t "$@"; }
mail() { cat; }
"""


def path_of(page):
    return built(f"doc/{page}") if page in MADE else os.path.join(ROOT, "doc", page)


def rendered(page, form="ascii"):
    done = procs.run(["mandoc", f"-T{form}", "-Wwarning", "-Owidth=100", path_of(page)])
    return re.sub(".\b", "", done.stdout)  # bold is printed as a character over itself


def examples(page):
    """The literal blocks and displayed lines of a page, as a reader sees them."""
    with open(path_of(page), encoding="utf-8") as file:
        text = file.read()
    for block, line in re.findall(r"^(?:\.Bd -literal.*?\n(.*?)^\.Ed|\.Dl (.*?))$", text, re.M | re.S):
        yield (block or line).replace(r"\&", "").replace(r"\(aq", "'").replace(r"\e", "\\")


def is_file(example):
    return re.match(r"(#.*\n)?[a-z_-]+: ", example) is not None


@pytest.mark.parametrize("page", [*WRITTEN, *MADE])
def test_pages_are_well_formed(page):
    assert rendered(page, "lint") == ""
    done = procs.run(["man", "--warnings", "-l", path_of(page)], env={**os.environ, "MANPAGER": "cat"})
    assert done.stderr == ""
    assert "DESCRIPTION" in rendered(page)


def commands():
    found = re.findall(r"^  ([a-z]+(?: [a-z]+)?)", run("--help").stdout, re.MULTILINE)
    assert len(found) > 10
    return found


def test_trunkctl_has_every_command_and_option():
    page = rendered("trunkctl.1")
    for command in commands():
        assert command in page
        for option in re.findall(r"^  (--[a-z-]+)", run(*command.split(), "--help").stdout,
                                 re.MULTILINE):
            assert option in page, f"{command} {option}"


def test_every_command_has_an_example():
    lines = "\n".join(example for example in examples("trunkctl.1") if not is_file(example))
    for command in set(commands()) - WITHOUT_EXAMPLE:
        assert re.search(rf"trunkctl (-o \w+ )?{command}\b", lines), command


@pytest.mark.parametrize("page", DAEMONS)
def test_daemons_have_every_option(page):
    text = procs.run([trunkline.program(page[:-2]), "--help"]).stdout
    options = re.findall(r"^ +(-[-a-z]+)", text, re.MULTILINE)
    assert len(options) >= 3
    for option in options:
        assert re.search(rf"(?<![-\w]){option}(?![-\w])", rendered(page)), option


class Machine:
    """Where the examples run: a control with the nodes that the pages name, and a folder that
    stands for the paths in them."""

    def __init__(self, cluster, folder):
        self.folder = str(folder)
        self.env = {**os.environ, "HOME": self.folder, "TRUNKLINE_CONTROL": cluster.api,
                    "PATH": f"{built('')}:{os.environ['PATH']}",
                    "WATCHED_S": str(3 * trunkline.SLOW)}
        token = cluster.token("endpoint", "frankfurt")
        self.write("root/token", token + "\n")
        self.write("etc/trunkline/endpoint.yaml", "workers: 2\nstate: state\n")
        os.makedirs(os.path.join(self.folder, "run/trunkline"))
        os.symlink(cluster.api_socket, os.path.join(self.folder, "run/trunkline/control.sock"))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.moved(text))
        os.chmod(path, 0o600)
        return path

    def moved(self, text):
        return re.sub(r"(?<![\w.])/(?=(?:root|etc/trunkline|var/lib/trunkline|run/trunkline)\b)",
                      f"{self.folder}/", text)

    def bash(self, text):
        return subprocess.run(["bash", "-c", PREAMBLE + self.moved(text)], cwd=self.folder,
                              env=self.env, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60 * trunkline.SLOW, check=False)

    def read(self, page, text):
        """Has the program that the file is for read it."""
        path = self.write("example.yaml", text)
        daemon = re.match(r"# (trunkline-\w+)\n", text)
        if page.endswith(".8") or daemon:
            return self.bash(f"{daemon.group(1) if daemon else page[:-2]} --config {path}")
        if page == "trunkctl-context.5":
            return self.bash(f"trunkctl --context {path} status || [ $? -eq 4 ]")
        return self.bash(f"trunkctl apply --dry-run -f {path}")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    with trunkline.Cluster(tmp_path_factory.mktemp("manual")) as cluster:
        cluster.start_control()
        cluster.add_listener("tokyo-1", "tokyo")
        cluster.add_listener("osaka-1", "osaka", binds=["127.0.0.2"])
        cluster.add_endpoint("frankfurt-1", "frankfurt")
        yield Machine(cluster, tmp_path_factory.mktemp("machine"))


@pytest.mark.parametrize("page", WRITTEN)
def test_examples_do_what_they_say(machine, page):
    count = 0
    for example in examples(page):
        done = machine.read(page, example) if is_file(example) else machine.bash(example)
        assert done.returncode == 0, f"{example}\n{done.stdout}"
        count += 1
    assert count > 0
