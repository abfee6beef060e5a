# SPDX-License-Identifier: GPL-2.0-or-later
"""/metrics, /healthz and /readyz of control: promtool takes them, and they say what is so."""
import os
import signal
import subprocess

import pytest

from tests.lab import metrics, procs
from tests.lab.control_alone import Control, expect_problem
from tests.lab.trunkline import SLOW


@pytest.fixture
def control(tmp_path):
    control = Control(tmp_path).start_with_nodes()
    yield control
    if control.proc.is_alive():
        control.stop()


def test_control_is_watched(control):
    scrape = metrics.scrape(control.connect()).check()
    assert scrape.all("trunkline_build_info", program="control")
    assert scrape.sum("trunkline_control_nodes", role="endpoint", state="down") == 2
    assert scrape.sum("trunkline_control_node_up", node="tyo-1", region="tokyo") == 0
    assert scrape.sum("process_open_fds") >= 10
    assert scrape.sum("trunkline_child_up", process="keys") == 1
    before = scrape.sum("trunkline_control_api_requests_total")
    control.get("/v1/nodes")
    scrape = metrics.scrape(control.connect())
    assert scrape.sum("trunkline_control_api_requests_total") == before + 2  # and the scrape
    assert control.get("/healthz") == {"status": "ok"}
    expect_problem(control.call("DELETE", "/metrics"), 405, "method-not-allowed")


def test_the_example_for_prometheus():
    done = subprocess.run(["promtool", "check", "config", "--syntax-only", "doc/prometheus.yml"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_control_is_ready_while_its_keys_process_is(control):
    def reasons():
        return control.call("GET", "/readyz")[1]["reasons"]

    procs.wait_until(lambda: not reasons(), 5 * SLOW, "control to be ready")
    keys = [pid for pid in procs.children(control.proc.pid)
            if "--role keys" in procs.command_line(pid)]
    control_pid = control.proc.pid
    os.kill(keys[0], signal.SIGKILL)
    procs.wait_until(
        lambda: metrics.scrape(control.connect()).sum("trunkline_child_restarts_total") == 1,
        10 * SLOW, "the keys process to be started again")
    procs.wait_until(lambda: not reasons(), 5 * SLOW, "control to be ready again")
    assert control.proc.pid == control_pid
