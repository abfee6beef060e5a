# SPDX-License-Identifier: GPL-2.0-or-later
"""An accelerator with compression: what users get is what they would get, and the tunnel carries less."""
import concurrent.futures
import hashlib
import os
import random
import socket

import pytest

from tests.lab import procs, programs
from tests.lab.trunkline import Cluster, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
MIB = 1 << 20
SIZE = 8 * MIB


def text_of(size):
    """Lines of a log: it shrinks to a fifth or so."""
    drawn = random.Random(3)
    lines = (f"2026-11-21T01:02:03.{drawn.randrange(10**6):06} GET /v1/items/{drawn.randrange(10**9)}"
             f" 200 {drawn.choice(['tokyo', 'seoul', 'oslo', 'lima'])}\n" for _ in range(size // 60))
    return "".join(lines).encode()[:size].ljust(size, b"\n")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster")) as made:
        made.start_pair()
        yield made


class Web:
    """An accelerator before an nginx that has a file of text and one of noise."""

    def __init__(self, cluster, folder, compression):
        self.cluster, self.folder = cluster, folder
        backend = procs.free_port()
        self.nginx = programs.Nginx(folder, [("127.0.0.1", backend)])
        self.digests = {"noise": self.nginx.add_file("noise", SIZE)}
        with open(os.path.join(self.nginx.root, "text"), "wb") as file:
            file.write(text_of(SIZE))
        self.digests["text"] = hashlib.sha256(text_of(SIZE)).hexdigest()
        self.port = procs.free_port()
        for accelerator in cluster.items("accelerator", "list"):
            cluster.ctl("accelerator", "delete", accelerator["name"], "--now")
        cluster.accelerator(f"web-{compression}", "tcp", str(self.port), [f"127.0.0.1:{backend}"],
                            more=["--compression", compression])
        cluster.wait_up()

    def get(self, name):
        """Gets the file whole; how many bytes the endpoint's tunnel port sent for it."""
        before = self.sent()
        assert programs.curl_hash(None, "127.0.0.1", self.port, name, self.folder) \
            == self.digests[name]
        return self.sent() - before

    def sent(self):
        return self.cluster.counter("endpoint", "tunnel_sent_bytes")


def test_text_is_fewer_bytes_and_noise_no_more(cluster, tmp_path):
    web = Web(cluster, tmp_path, "lz4")
    assert web.get("text") < SIZE / 2
    noise = web.get("noise")
    assert SIZE < noise < 1.15 * SIZE
    counters = cluster.counters("endpoint")
    assert counters["compression_before_bytes"] >= 2 * SIZE
    assert counters["compression_after_bytes"] < 1.5 * SIZE
    assert counters["compression_malformed"] == 0


def test_off_is_off(cluster, tmp_path):
    web = Web(cluster, tmp_path, "off")
    before = cluster.counter("endpoint", "compression_before_bytes")
    assert web.get("text") > SIZE
    assert cluster.counter("endpoint", "compression_before_bytes") == before


def test_uploads_and_many_at_once(cluster, tmp_path):
    web = Web(cluster, tmp_path, "lz4")
    source = tmp_path / "upload"
    source.write_bytes(text_of(MIB) + os.urandom(MIB) + text_of(MIB))
    programs.curl(None, "127.0.0.1", web.port, "put/upload", "-T", str(source))
    assert web.nginx.received("upload") == programs.hash_of(source)

    def fetch(number):
        folder = tmp_path / str(number)
        folder.mkdir()
        name = "text" if number % 2 else "noise"
        assert programs.curl_hash(None, "127.0.0.1", web.port, name, folder) == web.digests[name]

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        list(pool.map(fetch, range(12)))


def test_it_may_be_switched_while_flows_run(cluster, tmp_path):
    """A flow goes on as it was opened; the next one is opened the other way."""
    web = Web(cluster, tmp_path, "lz4")
    with socket.create_connection(("127.0.0.1", web.port), 10) as user:
        user.sendall(b"GET /text HTTP/1.0\r\nHost: lab\r\n\r\n")
        answer = user.recv(1000)
        cluster.ctl("accelerator", "update", "web-lz4", "--compression", "off")
        cluster.wait_applied("web-lz4")
        assert web.get("text") > SIZE
        cluster.ctl("accelerator", "update", "web-lz4", "--compression", "lz4")
        cluster.wait_applied("web-lz4")
        while piece := user.recv(1 << 16):
            answer += piece
        assert hashlib.sha256(answer.partition(b"\r\n\r\n")[2]).hexdigest() == web.digests["text"]
    assert web.get("text") < SIZE / 2
