# SPDX-License-Identifier: GPL-2.0-or-later
"""The columns: ways from a user to a server. Each carries the same services (a web server, iperf3,
an echo server) from ports that the user sees to the server's, either over the lossy WAN or on
loopback, and all stay up during a run so that rounds can alternate between them."""
import os
import socket

from tests.lab import procs, trunkline

LOOPBACK = "127.0.0.1"
KCPTUN = ["--mode", "fast3", "--datashard", "10", "--parityshard", "3", "--sndwnd", "4096",
          "--rcvwnd", "4096", "--sockbuf", "16777216", "--smuxver", "2", "--smuxbuf", "33554432",
          "--streambuf", "16777216", "--nocomp", "--crypt", "aes-128", "--key", "bench",
          "--quiet"]


def has_bbr():
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control", encoding="ascii") as file:
        return "bbr" in file.read().split()


class Place:
    """Where programs run: the hosts of a WAN, or loopback, where every host is this one."""

    def __init__(self, folder, wan=None):
        self.folder, self.wan = str(folder), wan

    def space(self, host):
        return self.wan.space(host) if self.wan else None

    def address(self, host):
        return self.wan.address(host) if self.wan else LOOPBACK

    def free_port(self, host, kind=socket.SOCK_STREAM):
        return procs.free_port(kind, self.space(host), self.address(host))

    def set_congestion(self, name):
        """Of connections from now on, by their route: the sysctl of a namespace takes only what
        the whole machine allows. On loopback the machine's own setting stays."""
        for host in self.wan.addresses if self.wan else []:
            procs.run(["ip", "-n", self.space(host), "route", "replace", "default", "dev", "wan0",
                       "congctl", name])


class Peer:
    """`services` are {name: (protocol, server's port)}; after start(), entry(name) is where the
    user connects. `congestion` is the kernel's controller while this peer is measured."""

    name = None
    has_udp = False
    congestion = "bbr"

    def __init__(self, place, services):
        self.place, self.services = place, services
        self.entries = {}
        self.programs = []

    def missing(self):
        """Why it can't run here, or None."""
        return None

    def start(self):
        raise NotImplementedError

    def stop(self):
        for program in reversed(self.programs):
            program.stop()
        self.programs = []

    def entry(self, service):
        return self.entries[service]

    def before_measure(self):
        self.place.set_congestion(self.congestion if has_bbr() else "cubic")

    def processes(self):
        return [pid for p in self.programs for pid in (p.pid, *procs.descendants(p.pid))]

    def carried(self, protocols=("tcp", "tcp+udp")):
        return {n: port for n, (protocol, port) in self.services.items() if protocol in protocols}

    def run(self, name, args, host, **more):
        self.programs.append(procs.Proc(name, args, self.place.folder, self.place.space(host), **more))
        return self.programs[-1]


class Direct(Peer):
    name = "direct, BBR"

    def missing(self):
        return None if has_bbr() else "this kernel has no BBR"

    def start(self):
        for name, (_, port) in self.services.items():
            self.entries[name] = (self.place.address("server"), port)


class DirectCubic(Direct):
    name, congestion, has_udp = "direct, CUBIC", "cubic", True

    def missing(self):
        return None


class DirectLoopback(Direct):
    name, has_udp = "nothing between", True

    def missing(self):
        return None


HAPROXY_HEAD = """global
	maxconn 8000
	ssl-default-bind-options ssl-min-ver TLSv1.3
	ssl-default-server-options ssl-min-ver TLSv1.3
defaults
	mode tcp
	timeout connect 10s
	timeout client 1h
	timeout server 1h
"""


class Haproxy(Peer):
    """One beside the user, one beside the server, a TCP connection between for each of the user's."""

    name = "HAProxy pair"
    bind_options = server_options = ""

    def start(self):
        near, far = [HAPROXY_HEAD], [HAPROXY_HEAD]
        for name, port in self.carried().items():
            between = (self.place.address("endpoint"), self.place.free_port("endpoint"))
            self.entries[name] = (self.place.address("listener"), self.place.free_port("listener"))
            near.append(self.section(name, self.entries[name], between, "", self.server_options))
            far.append(self.section(name, between, (self.place.address("server"), port),
                                    self.bind_options, ""))
        for side, host, text in (("far", "endpoint", far), ("near", "listener", near)):
            config = os.path.join(self.place.folder, f"{type(self).__name__}-{side}.cfg")
            with open(config, "w", encoding="ascii") as file:
                file.write("".join(text))
            self.run(f"{type(self).__name__}-{side}", ["haproxy", "-db", "-f", config], host)
        for address, port in self.entries.values():
            self.programs[-1].wait_for_port(address, port)

    @staticmethod
    def section(name, listen, target, bind_options, server_options):
        return (f"listen {name}\n\tbind {listen[0]}:{listen[1]} {bind_options}\n"
                f"\tserver next {target[0]}:{target[1]} {server_options}\n")


class HaproxyTls(Haproxy):
    """The same with TLS 1.3 and certificates on both sides between the two."""

    name = "HAProxy pair, TLS"

    def start(self):
        pem, authority = self.make_certificates()
        self.bind_options = f"ssl crt {pem} ca-file {authority} verify required"
        self.server_options = f"ssl crt {pem} ca-file {authority} verify required"
        super().start()

    def make_certificates(self):
        """One self-made certificate serves as both sides' own and as what they trust."""
        key, certificate, pem = (os.path.join(self.place.folder, f"haproxy.{end}")
                                 for end in ("key", "crt", "pem"))
        procs.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
                   "-keyout", key, "-out", certificate])
        with open(pem, "w", encoding="ascii") as out:
            for part in (certificate, key):
                with open(part, encoding="ascii") as file:
                    out.write(file.read())
        os.chmod(pem, 0o600)
        return pem, certificate


class Kcptun(Peer):
    """Reed-Solomon 10+3 and the fastest retransmission over UDP; one pair for each service."""

    name = "kcptun pair"

    def start(self):
        for name, port in self.carried().items():
            between = f"{self.place.address('endpoint')}:" \
                      f"{self.place.free_port('endpoint', socket.SOCK_DGRAM)}"
            self.entries[name] = (self.place.address("listener"), self.place.free_port("listener"))
            address, own = self.entries[name]
            self.run(f"kcptun-server-{name}", [
                "kcptun-server", "-l", between, "-t", f"{self.place.address('server')}:{port}",
                *KCPTUN], "endpoint")
            self.run(f"kcptun-client-{name}", [
                "kcptun-client", "-l", f"{address}:{own}", "-r", between, *KCPTUN], "listener")
            self.programs[-1].wait_for_port(address, own)


class Shadowsocks(Peer):
    """One server beside the backends; beside the user a tunnel for each service. AES-128-GCM."""

    name, has_udp = "shadowsocks pair", True
    KEY = ["-k", "bench", "-m", "aes-128-gcm", "-n", "8000", "-t", "3600", "-u", "--no-delay"]

    def start(self):
        host, port = self.place.address("endpoint"), self.place.free_port("endpoint")
        self.run("ss-server", ["ss-server", "-s", host, "-p", port, *self.KEY], "endpoint")
        self.programs[-1].wait_for_port(host, port)
        for name, target in self.carried(("tcp", "udp", "tcp+udp")).items():
            self.entries[name] = (self.place.address("listener"), self.place.free_port("listener"))
            address, own = self.entries[name]
            self.run(f"ss-tunnel-{name}", [
                "ss-tunnel", "-s", host, "-p", port, "-b", address, "-l", own,
                "-L", f"{self.place.address('server')}:{target}", *self.KEY], "listener")
            self.programs[-1].wait_for_port(address, own)


class Trunkline(Peer):
    """Each service twice: as it is by default, and (UNREPAIRED before its name) without repair."""

    name, has_udp = "Trunkline", True
    UNREPAIRED = "unrepaired-"
    # A round's flows are idle for a minute, and all users here have one address.
    FLOWS = ("--udp-flows-per-source", "50000")
    workers = None  # a worker for each core on loopback

    def __init__(self, place, services):
        super().__init__(place, services)
        self.cluster = None

    def missing(self):
        return None if trunkline.is_built() else "not built"

    def start(self):
        self.cluster = trunkline.Cluster(self.place.folder, self.place.wan)
        self.cluster.start_pair(workers=self.workers or (1 if self.place.wan else os.cpu_count()))
        for name, (protocol, port) in self.services.items():
            more = self.FLOWS if "udp" in protocol else ()
            self.add(name, protocol, port, *more)
            self.add(self.UNREPAIRED + name, protocol, port, *more, "--repair-budget", "0")
        self.cluster.wait_up()

    def add(self, name, protocol, port, *more):
        own = self.place.free_port("listener")
        self.entries[name] = (self.place.address("listener"), own)
        self.cluster.accelerator(name, protocol, str(own),
                                 [f"{self.place.address('server')}:{port}"], more=more)

    def stop(self):
        if self.cluster:
            self.cluster.stop()
        self.cluster = None

    def processes(self):
        return [pid for node in self.cluster.nodes.values() for pid in node.processes()]


LOSSY = {"cubic": DirectCubic, "bbr": Direct, "haproxy": Haproxy, "haproxy-tls": HaproxyTls,
         "kcptun": Kcptun, "shadowsocks": Shadowsocks, "trunkline": Trunkline}
LOCAL = {"direct": DirectLoopback, "haproxy": Haproxy, "haproxy-tls": HaproxyTls,
         "kcptun": Kcptun, "shadowsocks": Shadowsocks, "trunkline": Trunkline}
