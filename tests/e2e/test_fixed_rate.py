# SPDX-License-Identifier: GPL-2.0-or-later
"""A tunnel with a fixed rate: a download alone has the line, and several together no more than it."""
import concurrent.futures

import pytest

from tests.lab import procs, programs
from tests.lab.clock import Stopwatch
from tests.lab.trunkline import SLOW, Cluster, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
SIZE = 5 << 20
LINE_BPS = 40_000_000
ALONE_S = SIZE * 8 / LINE_BPS


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """Where a file is, behind a listener and an endpoint of two workers each."""
    folder = tmp_path_factory.mktemp("fixed")
    with Cluster(folder) as cluster:
        cluster.start_pair(workers=2)
        backend, port = procs.free_port(), procs.free_port()
        nginx = programs.Nginx(folder, [("127.0.0.1", backend)])
        digest = nginx.add_file("file", SIZE)
        cluster.accelerator("web", "tcp", str(port), [f"127.0.0.1:{backend}"])
        cluster.wait_up()
        cluster.ctl("tunnel", "update", "listener", "endpoint", "--congestion", "fixed:40mbit")
        cluster.wait_applied("web")
        yield port, digest


def fetch(web, folder):
    """The time that it takes."""
    port, digest = web
    folder.mkdir()
    watch = Stopwatch()
    assert programs.curl_hash(None, "127.0.0.1", port, "file", folder) == digest
    return watch


def test_one_download_has_the_line(web, tmp_path):
    for number in range(3):  # whichever worker takes it
        watch = fetch(web, tmp_path / str(number))
        assert watch.passed() > 0.95 * ALONE_S
        assert watch.seconds() < 1.5 * ALONE_S * SLOW


def test_six_together_have_no_more_than_the_line(web, tmp_path):
    watch = Stopwatch()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda i: fetch(web, tmp_path / str(i)), range(6)))
    # At their beginning both lanes may have the whole line, for half a second.
    assert watch.passed() > 6 * ALONE_S - 1
    assert watch.seconds() < 1.5 * 6 * ALONE_S * SLOW
