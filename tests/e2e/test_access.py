# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose flows an accelerator takes: allowed and denied blocks of addresses, by real users."""
import socket

import pytest

from tests.lab.site import V4, V6, Site, echoes, is_quiet, is_reset
from tests.lab.trunkctl import FAILED, USAGE
from tests.lab.trunkline import SLOW, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as made:
        yield made


def update(site, service, kind, *options):
    name = f"{kind}{service.port}"
    site.ctl("accelerator", "update", name, *options)
    site.wait_applied(name)


def is_refused(service, address):
    """Accepted by the system, reset by the listener, maybe before connect() is back, and nothing of it reaches the
    server."""
    try:
        with service.connect(address) as user:
            assert is_reset(user, 5 * SLOW)
    except ConnectionResetError:
        pass
    return is_quiet(service.servers[0], 0)


def test_the_longest_prefix_decides(site):
    """A change that denies a source ends its flows at once, though the drain time is 30 s. TCP is
    reset, UDP is dropped without a word."""
    tcp = site.serve(TCP, more=["--deny", "10.77.0.0/16", "--allow", "10.77.0.1,fd77::/64"])
    udp = site.serve(UDP, more=["--allow", "10.77.0.0/24"])
    ipv4, ipv6 = site.wan.address("listener", V4), site.wan.address("listener", V6)
    user, server = tcp.pair()
    user6, server6 = tcp.connect(ipv6), tcp.accept()
    assert echoes(user, server) and echoes(user6, server6)
    speaker, stranger = udp.user(), udp.user(ipv6)
    first = udp.ask(speaker)
    with site.counts("listener", tcp_flows_denied=2, tcp_refused_denied=2, tcp_flows_opened=1,
                     udp_flows_denied=1, udp_refused_denied=2, udp_flows_opened=2):
        stranger.send(b"hello")
        update(site, tcp, "tcp", "--allow", "10.0.0.0/8,fd77::/64")
        assert is_reset(user, 5 * SLOW) and is_reset(server, 5 * SLOW)
        assert is_refused(tcp, ipv4)
        assert echoes(user6, server6)
        update(site, tcp, "tcp", "--allow", "all", "--deny", "fd77::1")
        assert is_reset(user6, 5 * SLOW)
        assert is_refused(tcp, ipv6)
        user, server = tcp.pair()
        assert echoes(user, server)
        assert is_quiet(stranger, 0) and is_quiet(udp.servers[0], 0)
        update(site, udp, "udp", "--deny", "10.77.0.1")
        speaker.send(b"hello")
        assert is_quiet(speaker) and is_quiet(udp.servers[0], 0)
        update(site, udp, "udp", "--allow", "all", "--deny", "none")
        assert udp.ask(speaker) != first  # another flow, with another socket
        assert udp.ask(stranger)


def test_faults_say_what_to_write(site):
    service = site.serve(TCP)
    done = site.ctl_run("accelerator", "update", f"tcp{service.port}", "--deny", "10.0.0.5/8",
                        output="table")
    assert done.returncode == USAGE
    assert "write 10.0.0.0/8, or 10.0.0.5 for one address" in done.stderr
    done = site.ctl_run("accelerator", "update", f"tcp{service.port}", "--allow", "::1",
                        "--deny", "10.0.0.0/8,0::1/128", output="table")
    assert done.returncode == FAILED
    assert "::1/128 is both allowed and denied" in done.stderr, done.stderr
    shown = site.ctl("accelerator", "show", f"tcp{service.port}")
    assert shown["allow"] == shown["deny"] == []


def test_lists_come_back_from_get_as_they_went_in(site, tmp_path):
    service = site.serve(TCP, more=["--deny", "::ffff:10.9.0.0/112,2001:DB8::/32"])
    name = f"tcp{service.port}"
    assert site.ctl("accelerator", "show", name)["deny"] == ["10.9.0.0/16", "2001:db8::/32"]
    stated = site.ctl_run("get", "accelerators", output="yaml").stdout
    file = tmp_path / "all.yaml"
    file.write_text(stated)
    done = site.ctl_run("diff", "-f", str(file), output="table")
    assert "10.9.0.0" in stated and done.returncode == 0, done.stdout + done.stderr
    user, server = service.pair()
    assert echoes(user, server)
    shown = site.ctl_run("accelerator", "show", name, output="table").stdout
    assert "10.9.0.0/16,2001:db8::/32" in shown
