# SPDX-License-Identifier: GPL-2.0-or-later
"""TAB in real shells: what is typed is completed to what control knows. In the shell trunkctl is a
function that prints the words it is given, so that each completed line tells itself."""
import os

import pytest

from tests.lab import procs, trunkline
from tests.lab.control_alone import Control
from tests.lab.terminal import Terminal
from tests.lab.wan import built

WEB = {"name": "web", "protocol": "tcp", "ports": ["80"], "listen": ["tokyo"],
       "endpoint_groups": [{"region": "oslo", "backends": [{"host": "192.0.2.7", "port": 90}]}]}

SHELLS = {  # how it is started, and what it reads first
    "bash": (["bash", "--norc", "--noprofile", "-i"], """
        source {folder}/completion/trunkctl
        trunkctl() {{ printf '<%s>' "$@"; echo; }}
        PS1='ready> '
        """),
    "zsh": (["zsh", "-f", "-i"], """
        fpath=({folder}/completion $fpath); autoload -U compinit; compinit -u -D
        unsetopt zle_bracketed_paste prompt_sp; LISTMAX=999
        trunkctl() {{ printf '<%s>' "$@"; echo }}
        PS1='ready> '
        """),
    "fish": (["fish", "--no-config", "-i"], """
        source {folder}/completion/trunkctl.fish
        function trunkctl; printf '<%s>' $argv; echo; end
        function fish_prompt; echo 'ready> '; end
        """),
}

LINES = [
    ("trunkctl acc\t sh\t w\t", "accelerator show web"),
    ("trunkctl tunnel show t\t o\t", "tunnel show tyo-1 osl-1"),
    ("trunkctl node token --reg\t to\t --ro\t l\t", "node token --region tokyo --role listener"),
    ("trunkctl -o j\t status", "-o json status"),
    ("trunkctl accelerator create x --backend os\t192.0.2.1",
     "accelerator create x --backend oslo=192.0.2.1"),
    ("trunkctl accelerator update web --remove-b\t oslo=1\t",
     "accelerator update web --remove-backend oslo=192.0.2.7:90"),
    ("trunkctl tunnel update tyo-1 osl-1 --congestion fi\t9mbit",
     "tunnel update tyo-1 osl-1 --congestion fixed:9mbit"),
    ("trunkctl node token --role=e\t", "node token --role=endpoint"),
    ("trunkctl apply -f unlik\t", "apply -f unlikely.yaml"),
    ("trunkctl apply --dry\t -f unlik\t", "apply --dry-run -f unlikely.yaml"),
]


@pytest.fixture(scope="module")
def control(tmp_path_factory):
    made = Control(tmp_path_factory.mktemp("control")).start_with_nodes()
    status, answer, _ = made.call("POST", "/v1/accelerators", WEB)
    assert status == 201, answer
    yield made
    made.stop()


@pytest.fixture(params=sorted(SHELLS))
def shell(request, control, tmp_path):
    args, start = SHELLS[request.param]
    (tmp_path / "unlikely.yaml").touch()
    (tmp_path / "start").write_text(start.format(folder=built("cli")))
    path = os.path.dirname(trunkline.program("trunkctl"))
    with Terminal(["env", "-C", str(tmp_path), *args], size=(50, 160), TERM="dumb",
                  HOME=str(tmp_path), PATH=f"{path}:{os.environ['PATH']}",
                  TRUNKLINE_CONTROL=f"unix:{control.socket}") as terminal:
        terminal.press("source ./start\n")
        terminal.read_until("ready> ")
        yield terminal


def becomes(shell, typed, words):
    """Typed anew by the caller until it is so: trunkctl asks control for a second, which a busy machine may take."""
    shell.forget()
    for part in typed.split("\t")[:-1]:
        shell.press(part + "\t")
    shell.press(typed.split("\t")[-1] + "\n")
    shell.read_until("<.*>\r*\n")
    return words in shell.text


def test_lines_are_completed(shell):
    for typed, wanted in LINES:
        words = "".join(f"<{word}>" for word in wanted.split())
        procs.wait_until(lambda: becomes(shell, typed, words), 10 * trunkline.SLOW,
                         lambda: f"{typed!r} is no {words}: {shell.text!r}")
