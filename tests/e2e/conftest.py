# SPDX-License-Identifier: GPL-2.0-or-later
"""The two ways from a user to a server that the tests of real programs take."""
import socket

import pytest

from tests.lab import trunkline

WAYS = ["direct", "direct6"] + (["trunkline", "trunkline6"] if trunkline.is_built() else [])


class Direct:
    """Straight over the WAN."""

    def __init__(self, wan, family):
        self.user_space, self.server_space = wan.space("user"), wan.space("server")
        self.server = wan.address("server", family)

    def open(self, protocol, port):
        """Where the user finds what the server has on the port."""
        del protocol
        return self.server, port


class Tunnelled(Direct):
    """Through a listener, a tunnel and an endpoint."""

    def __init__(self, wan, family, cluster):
        super().__init__(wan, family)
        self.entrance = wan.address("listener", family)
        self.cluster = cluster

    def open(self, protocol, port):
        host = f"[{self.server}]" if ":" in self.server else self.server
        self.cluster.accelerator(f"port{port}", protocol, str(port), [host])
        self.cluster.wait_up()
        return self.entrance, port


@pytest.fixture(params=WAYS)
def way(request, make_wan, tmp_path):
    family = socket.AF_INET6 if request.param.endswith("6") else socket.AF_INET
    wan = make_wan("dual")
    if request.param.startswith("direct"):
        yield Direct(wan, family)
        return
    with trunkline.Cluster(tmp_path, wan) as cluster:
        cluster.start_pair(binds=[wan.address("listener", family)])
        yield Tunnelled(wan, family, cluster)
