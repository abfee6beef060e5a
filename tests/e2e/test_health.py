# SPDX-License-Identifier: GPL-2.0-or-later
"""Health checks with real programs as backends: each kind sees its backend serve, die and serve
again, and users are sent to those that serve."""
import os
import re
import signal
import socket

import pytest

from tests.lab import procs, programs
from tests.lab.trunkline import FAR, NEAR, SLOW, Cluster, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the daemons are not built")
HOST = "127.0.0.1"
QUICK = "interval=200ms,timeout=150ms,rise=1,fall=2"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("health")) as made:
        made.start_pair(more=("--drain", "1"))
        yield made


def health_lines(cluster, accelerator):
    """(address, state, cause) in the order in which the endpoint saw them."""
    number = cluster.ctl("accelerator", "show", accelerator)["id"]
    return re.findall(rf"backend_health .*accelerator={number} .*address=(\S+) state=(\S+) "
                      r"cause=(\S+)", cluster.nodes["endpoint"].log())


def wait_health(cluster, accelerator, state, cause=None, timeout=15):
    def is_so():
        lines = health_lines(cluster, accelerator)
        return lines and lines[-1][1] == state and (not cause or lines[-1][2] == cause)

    procs.wait_until(is_so, timeout * SLOW, lambda: f"{accelerator} to be {state} ({cause}): "
                                                    f"{health_lines(cluster, accelerator)}")


def create(cluster, name, protocol, port, backends, check):
    cluster.accelerator(name, protocol, port, backends, more=("--health", check))


# ---- each kind with a program that speaks it


def certificate(folder):
    """A key and a certificate for name.test; the pin of its public key."""
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    procs.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=name.test",
               "-addext", "subjectAltName=DNS:name.test"])
    pin = procs.run(["sh", "-c", f"openssl x509 -in {cert} -pubkey -noout | openssl pkey -pubin "
                                 "-outform der | openssl dgst -sha256 -binary | openssl base64"])
    return key, cert, f"sha256//{pin.stdout.strip()}"


def nginx(folder, port):
    made = programs.Nginx(folder, [(HOST, port)])
    with open(os.path.join(made.root, "ready"), "w", encoding="ascii") as file:
        file.write("all is well\n")
    return made


def nginx_tls(folder, port):
    key, cert, _ = certificate(str(folder))
    return programs.Nginx(folder, [(HOST, port)], tls=(key, cert))


def dnsmasq(folder, port):
    return programs.Dnsmasq(folder, HOST, port)


def sip_server(folder, port):
    return programs.SipServer(folder, HOST, port)


def quic_server(folder, port):
    key, cert, _ = certificate(str(folder))
    return programs.QuicServer(folder, HOST, port, key, cert)


def arena_server(folder, port):
    return programs.OpenArena(folder, HOST, port)


DNS_QUESTION = "123401000001000000000000016105" + "6b6e6f776e" + "047465737400" + "00010001"

KINDS = {
    "tcp": (nginx, "tcp", "tcp"),
    "http": (nginx, "tcp", "http:/ready,body=well,status=200"),
    "https": (nginx_tls, "tcp", "https:/,verify=off,status=200-499"),
    "dns": (dnsmasq, "udp", "dns:a.known.test"),
    "udp": (dnsmasq, "udp", f"udp:send={DNS_QUESTION},expect=c0000207"),
    "sip-options": (sip_server, "udp", "sip-options"),
    "quic": (quic_server, "udp", "quic"),
    "quake3": (arena_server, "udp", "quake3"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_backend_that_dies_and_comes_back(cluster, tmp_path, kind):
    start, protocol, check = KINDS[kind]
    port = procs.free_port()
    server = start(tmp_path, port)
    create(cluster, kind, protocol, procs.free_port(), [f"{HOST}:{port}"], f"{check},{QUICK}")
    wait_health(cluster, kind, "healthy")
    server.kill9()
    wait_health(cluster, kind, "unhealthy", "refused")
    server = start(tmp_path, port)
    wait_health(cluster, kind, "healthy")
    server.send_signal(signal.SIGSTOP)
    if kind != "tcp":  # the kernel still takes connections for it
        wait_health(cluster, kind, "unhealthy", "silent")
    server.send_signal(signal.SIGCONT)
    wait_health(cluster, kind, "healthy")
    cluster.ctl("accelerator", "delete", kind, "--now")


def test_source_engine_with_a_challenge(cluster):
    """No game of that kind is in Debian: a socket here answers as they do."""
    with procs.open_socket(None, socket.SOCK_DGRAM, bind=(HOST, 0)) as game:
        game.settimeout(5 * SLOW)
        create(cluster, "a2s", "udp", procs.free_port(), [f"{HOST}:{game.getsockname()[1]}"],
               f"a2s,{QUICK},timeout=200ms")
        seen = b""
        while not seen.endswith(b"CHAL"):
            seen, user = game.recvfrom(2000)
            assert seen.startswith(b"\xff\xff\xff\xffTSource Engine Query\0")
            game.sendto(b"\xff\xff\xff\xffACHAL", user)
        game.sendto(b"\xff\xff\xff\xffI\x11name\0", user)
        wait_health(cluster, "a2s", "healthy")
    wait_health(cluster, "a2s", "unhealthy", "refused")
    cluster.ctl("accelerator", "delete", "a2s", "--now")


def test_icmp_is_told_when_it_is_not_permitted(cluster):
    create(cluster, "echo", "udp", procs.free_port(), [HOST], f"icmp,{QUICK}")
    lines = procs.wait_until(lambda: health_lines(cluster, "echo"), 10 * SLOW, "any verdict")
    assert lines[-1][1:] in (("healthy", "none"), ("unknown", "not-permitted"))
    cluster.ctl("accelerator", "delete", "echo", "--now")


# ---- trust


def test_certificates(cluster, tmp_path):
    port = procs.free_port()
    key, cert, pin = certificate(str(tmp_path))
    wrong = "sha256//" + "A" * 43 + "="
    programs.Nginx(tmp_path, [(HOST, port)], tls=(key, cert))
    create(cluster, "pinned", "tcp", procs.free_port(), [f"{HOST}:{port}"],
           f"https:/,verify={pin},status=200-499,{QUICK}")
    wait_health(cluster, "pinned", "healthy")
    for verify in (f"verify={wrong}", "verify=on,host=name.test"):
        cluster.ctl("accelerator", "update", "pinned", "--health",
                    f"https:/,{verify},status=200-499,{QUICK}")
        wait_health(cluster, "pinned", "unhealthy", "wrong-answer")
        cluster.ctl("accelerator", "update", "pinned", "--health",
                    f"https:/,verify=off,status=200-499,{QUICK}")
        wait_health(cluster, "pinned", "healthy", timeout=30)
    cluster.ctl("accelerator", "delete", "pinned", "--now")


# ---- what it does to users


def test_users_go_to_those_that_serve(cluster, tmp_path):
    """A server that answers 404 to the check takes connections still, and gets none."""
    good, bad, entrance = (procs.free_port() for _ in range(3))
    names = {}
    for name, port in (("good", good), ("bad", bad)):
        names[name] = programs.Nginx(tmp_path, [(HOST, port)], name=name)
        with open(os.path.join(names[name].root, "who"), "w", encoding="ascii") as file:
            file.write(name)
    os.link(os.path.join(names["good"].root, "who"), os.path.join(names["good"].root, "ready"))
    create(cluster, "pair", "tcp", entrance, [f"{HOST}:{good}", f"{HOST}:{bad}"],
           f"http:/ready,{QUICK}")
    wait_health(cluster, "pair", "unhealthy", "wrong-answer")
    cluster.wait_up()

    def asked():
        return {programs.curl(None, HOST, entrance, "who").stdout for _ in range(40)}

    assert asked() == {"good"}
    os.link(os.path.join(names["bad"].root, "who"), os.path.join(names["bad"].root, "ready"))
    wait_health(cluster, "pair", "healthy")
    procs.wait_until(lambda: asked() == {"good", "bad"}, 20 * SLOW, "both to be asked")
    cluster.ctl("accelerator", "delete", "pair", "--now")


def test_the_health_process_is_started_again(cluster, tmp_path):
    """What it found stays in force meanwhile."""
    port = procs.free_port()
    create(cluster, "again", "tcp", procs.free_port(), [f"{HOST}:{port}"], f"tcp,{QUICK}")
    wait_health(cluster, "again", "unhealthy")
    endpoint = cluster.nodes["endpoint"]

    def health_pids():
        return [p for p in procs.children(endpoint.pid) if "--role health" in procs.command_line(p)]

    (before,) = health_pids()
    os.kill(before, signal.SIGKILL)
    procs.wait_until(lambda: health_pids() not in ([], [before]), 10 * SLOW, "another process")
    nginx(tmp_path, port)
    wait_health(cluster, "again", "healthy")
    cluster.ctl("accelerator", "delete", "again", "--now")


def test_what_is_wrong_with_a_check_is_said(cluster):
    for check, said in (("ping", "is no kind of health check"),
                        ("http", "needs path"),
                        ("tcp,interval=1ms", "200"),
                        (f"{FAR}x=tcp", "there is no backend in region")):
        done = cluster.ctl_run("accelerator", "create", "wrong", "--protocol", "tcp", "--ports",
                               "1000", "--listen", NEAR, "--backend", f"{FAR}={HOST}", "--health",
                               check)
        assert done.returncode == 2 and said in done.stderr, done.stderr
