# SPDX-License-Identifier: GPL-2.0-or-later
"""The two ways from a user to a server that the tests of real programs take; all tests of a file
share them."""
import socket

import pytest

from tests.lab import trunkline
from tests.lab.site import DRAIN
from tests.lab.wan import Wan


class Direct:
    """Straight over the WAN."""

    def __init__(self, wan, family):
        self.user_space, self.server_space = wan.space("user"), wan.space("server")
        self.user, self.server = wan.address("user", family), wan.address("server", family)

    def open(self, protocol, port, last=None):
        """Where the user finds what the server has on the port, or on the ports up to `last`."""
        del protocol, last
        return self.server, port


class Tunnelled(Direct):
    """Through a listener, a tunnel and an endpoint."""

    def __init__(self, wan, family, cluster):
        super().__init__(wan, family)
        self.entrance = wan.address("listener", family)
        self.cluster = cluster
        self.opened = {}  # the protocol of each port

    def open(self, protocol, port, last=None):
        name = f"port{port}"
        if port in self.opened and self.opened[port] != protocol:
            self.cluster.ctl("accelerator", "delete", name, "--now")
        if self.opened.get(port) != protocol:
            host = f"[{self.server}]" if ":" in self.server else self.server
            ports = f"{port}-{last}" if last else str(port)
            self.cluster.accelerator(name, protocol, ports, [host], more=["--health", "auto"])
            self.cluster.wait_up()
        self.opened[port] = protocol
        return self.entrance, port


@pytest.fixture(params=trunkline.WAYS, scope="module")
def way(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    family = socket.AF_INET6 if request.param.endswith("6") else socket.AF_INET
    with Wan("dual", folder) as wan:
        if request.param.startswith("direct"):
            yield Direct(wan, family)
            return
        with trunkline.Cluster(folder, wan) as cluster:
            cluster.start_pair(binds=[wan.address("listener", family)], more=DRAIN)
            yield Tunnelled(wan, family, cluster)
