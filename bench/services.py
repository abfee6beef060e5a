# SPDX-License-Identifier: GPL-2.0-or-later
"""What is behind every peer: a web server, iperf3, an echo server, and a free port for a sink."""
import os

from bench import measures
from tests.lab import procs, programs
from tests.lab.wan import built

FILE_SIZES = (100, 20000, 200000, measures.BULK_BYTES)


def start(place):
    """The server's side; returns {name: (protocol, port)} and the programs."""
    host, space = place.address("server"), place.space("server")
    ports = {name: place.free_port("server") for name in ("web", "iperf3", "echo", "sink")}
    nginx = programs.Nginx(place.folder, [(host, ports["web"])], space,
                           workers=os.cpu_count())
    for size in FILE_SIZES:
        nginx.add_file(str(size), size)
    started = [nginx, programs.Iperf3Server(place.folder, host, ports["iperf3"], space),
               procs.Proc("echo", [built("bench/echo"), host, ports["echo"]], place.folder, space)]
    started[-1].wait_for_line("^ready$")
    return {"web": ("tcp", ports["web"]), "iperf3": ("tcp", ports["iperf3"]),
            "echo": ("tcp+udp", ports["echo"]), "sink": ("udp", ports["sink"])}, started
