# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs as backends and clients: each wrapper starts one on an address in a space and
waits until it serves. Nothing is read from or written to the machine's own configuration."""
import hashlib
import json
import os
import secrets
import socket
import struct
import sysconfig
import xml.etree.ElementTree

from tests.lab import procs

LAB = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"


def new_folder(parent, name):
    path = os.path.join(str(parent), name)
    os.makedirs(path, exist_ok=True)
    return path


def bracket(address):
    return f"[{address}]" if ":" in address else address


# ---- HTTP: nginx and curl

NGINX = """daemon off;
master_process {master};
worker_processes {workers};
pid {folder}/pid;
error_log stderr notice;
user root;
worker_rlimit_nofile 20000;
events {{ worker_connections 16000; }}
http {{
	access_log off;
	sendfile on;
	tcp_nodelay on;
	keepalive_requests 1000000000;
	client_max_body_size 0;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{
{listens}
		root {root};
		location /put/ {{ dav_methods PUT; create_full_put_path on; }}
	}}
}}
"""


class Nginx(procs.Proc):
    """Serves `root` and takes PUT below /put/. `listens` are (address, port) pairs; without
    `workers` it is one process. `tls` is a key's and a certificate's file."""

    def __init__(self, folder, listens, space=None, name="nginx", workers=0, tls=None):
        folder = new_folder(folder, name)
        self.root = new_folder(folder, "root")
        config = os.path.join(folder, "nginx.conf")
        ssl = " ssl" if tls else ""
        lines = "".join(f"\t\tlisten {bracket(a)}:{p}{ssl} backlog=8192;\n" for a, p in listens)
        if tls:
            lines += f"\t\tssl_certificate_key {tls[0]};\n\t\tssl_certificate {tls[1]};\n"
        with open(config, "w", encoding="utf-8") as file:
            file.write(NGINX.format(folder=folder, listens=lines, root=self.root,
                                    master="on" if workers else "off", workers=workers or 1))
        super().__init__(name, ["nginx", "-e", "stderr", "-p", folder, "-c", config], folder, space)
        for address, port in listens:
            self.wait_for_port(address, port)

    def add_file(self, name, size):
        """A file of random bytes (of one random MiB again and again); its SHA-256."""
        block = secrets.token_bytes(min(size, 1 << 20)) if size else b""
        digest = hashlib.sha256()
        with open(os.path.join(self.root, name), "wb") as file:
            left = size
            while left:
                # The running number makes every block another one.
                piece = (struct.pack("!Q", left) + block[8:])[:left] if left >= 8 else block[:left]
                digest.update(piece)
                file.write(piece)
                left -= len(piece)
        return digest.hexdigest()

    def received(self, name):
        """What came in by PUT as /put/NAME."""
        return hash_of(os.path.join(self.root, "put", name))


def hash_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def url(address, port, name):
    return f"http://{bracket(address)}:{port}/{name}"


def curl(space, address, port, name, *options, timeout=60):
    return procs.run(["curl", "-sS", "--fail", "-g", "--max-time", timeout, *options,
                      url(address, port, name)], space, timeout + 5)


def curl_hash(space, address, port, name, folder, timeout=60):
    target = os.path.join(str(folder), f"got-{os.path.basename(name)}")
    curl(space, address, port, name, "-o", target, timeout=timeout)
    digest = hash_of(target)
    os.unlink(target)
    return digest


# ---- DNS: dnsmasq and dig

DNS_ANSWER = "192.0.2.7"
DNS_LONG_TEXT = "x" * 250


class Dnsmasq(procs.Proc):
    """Knows *.known.test and, too long for a plain UDP answer, the text of long.test."""

    def __init__(self, folder, address, port, space=None):
        texts = [f"--txt-record=long.test,{number:02}{DNS_LONG_TEXT}" for number in range(8)]
        super().__init__("dnsmasq", [
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--no-daemon", "--log-queries", f"--port={port}", f"--listen-address={address}",
            "--bind-interfaces", "--edns-packet-max=1232",
            f"--address=/known.test/{DNS_ANSWER}", *texts], folder, space)
        self.wait_for_port(address, port)


def dig(space, address, port, name, kind="A", *options):
    """The answers, one a line."""
    done = procs.run(["dig", f"@{address}", "-p", port, "+short", "+time=2", "+tries=3", *options,
                      name, kind], space)
    return done.stdout.splitlines()


# ---- iperf3


class Iperf3Server(procs.Proc):
    def __init__(self, folder, address, port, space=None):
        super().__init__("iperf3-server",
                         ["iperf3", "-s", "-B", address, "-p", port, "--forceflush"], folder, space)
        self.wait_for_line("Server listening")


def iperf3(space, address, port, *options, seconds=2, timeout=None):
    """The report of one run as parsed JSON."""
    done = procs.run(["iperf3", "-J", "-c", address, "-p", port, "-t", seconds, *options], space,
                     timeout or seconds + 30, check=False)
    report = json.loads(done.stdout or "{}")
    if done.returncode or "error" in report:
        raise procs.ProgramError(f"iperf3: {report.get('error', done.stderr)}")
    return report


# ---- Redis


class Redis(procs.Proc):
    """Keeps all in memory, and asks its clients' kernels every second whether they are there."""

    def __init__(self, folder, address, port, space=None, name="redis"):
        super().__init__(name, [
            "redis-server", "--bind", address, "--port", port, "--dir", new_folder(folder, name),
            "--save", "", "--appendonly", "no", "--protected-mode", "no", "--tcp-keepalive", "1"],
            folder, space)
        self.wait_for_line("Ready to accept connections")


# ---- a game server: Sauerbraten (Cube 2), and qstat

SAUERBRATEN_PORT = 28785  # the game; the next one tells about it


class Sauerbraten(procs.Proc):
    """IPv4 only. Nothing registers it anywhere."""

    def __init__(self, folder, address, space=None, title="lab-test", clients=7):
        super().__init__("sauerbraten",
                         ["/usr/games/cube2-server", f"-q{new_folder(folder, 'sauerbraten')}",
                          f"-i{address}", f"-j{SAUERBRATEN_PORT}", f"-n{title}", f"-c{clients}",
                          "-m"], folder, space)
        self.wait_for_line("dedicated server started")


def qstat(space, address, port, kind="-cubes"):
    """What a game server says of itself: status, name, maxplayers, ping (ms), ...; of Sauerbraten, or
    of another kind that qstat knows."""
    done = procs.run(["quakestat", "-xml", "-timeout", 10, kind, f"{address}:{port}"], space)
    server = xml.etree.ElementTree.fromstring(done.stdout).find("server")
    return {"status": server.get("status"), **{field.tag: field.text for field in server}}


# ---- SIP: Kamailio, and SIPp's phones

KAMAILIO = """#!KAMAILIO
log_stderror=yes
auto_aliases=no
disable_tcp=yes
listen=udp:{address}:{port}
mpath="/usr/lib/{machine}/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
request_route {{
	force_rport();
	if (is_method("OPTIONS")) {{
		sl_send_reply("200", "OK");
	}} else if (is_method("REGISTER")) {{
		save("location");
	}} else if (lookup("location")) {{
		t_relay();
	}} else {{
		sl_send_reply("404", "Not Found");
	}}
}}
"""

SIP_REQUEST = """{method} sip:{server} SIP/2.0
Via: SIP/2.0/UDP {phone};branch=z9hG4bKlab;rport
From: <sip:{name}@lab.test>;tag=1
To: <sip:{name}@lab.test>
Contact: <sip:{name}@{phone}>
Call-ID: {name}
CSeq: 1 {method}
Max-Forwards: 70
Expires: 300
Content-Length: 0

"""


class Kamailio(procs.Proc):
    """A registrar and proxy, which also answers OPTIONS. One process serves; others keep time."""

    def __init__(self, folder, address, port, space=None):
        folder = new_folder(folder, "kamailio")
        config = os.path.join(folder, "kamailio.cfg")
        with open(config, "w", encoding="ascii") as file:
            file.write(KAMAILIO.format(address=bracket(address), port=port,
                                       machine=sysconfig.get_config_var("MULTIARCH")))
        super().__init__("kamailio", ["kamailio", "-D", "-E", "-f", config, "-Y", folder, "-m", "16",
                                      "-M", "4"], folder, space)
        procs.wait_until(lambda: sip_answer(space, address, port, "OPTIONS", "lab"), 10,
                         lambda: f"Kamailio to answer:\n{self.tail()}")

    def kill9(self):
        below = [procs.identity(pid) for pid in self.children()]
        super().kill9()
        procs.kill_survivors(below, patience=0)


class SipPhone(procs.Proc):
    """Takes every call, and lets others hang up."""

    def __init__(self, folder, address, port, space=None):
        self.where = f"{bracket(address)}:{port}"
        super().__init__("sip-phone", ["sipp", "-sn", "uas", "-i", address, "-p", port, "-nostdin"],
                         folder, space, cwd=new_folder(folder, "phone"), env={"TERM": "dumb"})

    def register(self, name, server, port):
        """At a registrar that the phone's namespace reaches."""
        answer = sip_answer(self.space, server, port, "REGISTER", name, self.where)
        if answer != "200":
            raise procs.ProgramError(f"the registrar says {answer}")


def sip_answer(space, server, port, method, name, phone="lab.test"):
    """The status that a server answers to one request, None when it does not."""
    text = SIP_REQUEST.format(method=method, server=bracket(server), phone=phone, name=name)
    with procs.open_socket(space, socket.SOCK_DGRAM, procs.family_of(server)) as sock:
        sock.settimeout(1)
        sock.connect((server, port))
        try:
            sock.send(text.replace("\n", "\r\n").encode())
            return sock.recv(2000).decode().split()[1]
        except OSError:
            return None


def sip_calls(folder, space, local, address, port, name, count=10):
    """So many calls to one name, several at a time, each of 0.2 s; fails when one of them does."""
    procs.run(["sipp", "-sn", "uac", "-s", name, "-i", local, f"{bracket(address)}:{port}", "-m", count,
               "-r", "10", "-d", "200", "-nostdin", "-timeout", "30", "-timeout_error"],
              space, 40, cwd=new_folder(folder, "caller"), env={**os.environ, "TERM": "dumb"})


# ---- a QUIC server: ngtcp2's


class QuicServer(procs.Proc):
    def __init__(self, folder, address, port, key, cert, space=None):
        super().__init__("quic-server", ["/usr/sbin/gtlsserver", "-q", address, port, key, cert], folder, space)


# ---- a server of the Quake III family: OpenArena


class OpenArena(procs.Proc):
    """IPv4 only. Nothing registers it anywhere."""

    def __init__(self, folder, address, port, space=None):
        super().__init__("openarena", [
            "/usr/games/openarena-server", "+set", "dedicated", "1", "+set", "net_ip", address,
            "+set", "net_port", port, "+set", "fs_homepath", new_folder(folder, "openarena"),
            "+set", "net_enabled", "1", "+map", "oa_dm1"], folder, space)


# ---- SSH

SSHD = """ListenAddress {address}
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
MaxStartups 100
Subsystem sftp internal-sftp
"""


class Sshd(procs.Proc):
    """Own keys, key login for this user. `client(...)` gives the arguments of ssh."""

    def __init__(self, folder, address, port, space=None):
        self.folder = folder = new_folder(folder, "sshd")
        for name in ("host", "user"):
            procs.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{name}"])
        config = os.path.join(folder, "sshd_config")
        with open(config, "w", encoding="utf-8") as file:
            file.write(SSHD.format(address=bracket(address), port=port, folder=folder))
        # It chroots into this empty folder, which packages make at boot only.
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        super().__init__("sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", config], folder, space)
        self.wait_for_line("Server listening")

    def client(self, address, port, *command):
        return ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
                "-o", f"UserKnownHostsFile={self.folder}/known", "-o", "LogLevel=ERROR",
                "-i", f"{self.folder}/user", "-p", port, f"root@{address}", *command]


# ---- echo servers


class UdpEcho(procs.Proc):
    """Answers every datagram, of any size, with itself from the address that it came to."""

    def __init__(self, folder, address, port, space=None, name="udp-echo"):
        super().__init__(name, [PYTHON, os.path.join(LAB, "udp_echo.py"), address, port], folder,
                         space)
        self.wait_for_line("^ready$")


class WebSocketEcho(procs.Proc):
    def __init__(self, folder, address, port, space=None):
        super().__init__("websocket-echo",
                         [PYTHON, os.path.join(LAB, "websocket_echo.py"), address, port], folder,
                         space)
        self.wait_for_line("^ready$")


class TcpEcho(procs.Proc):
    """socat, a process a connection; it passes half-closes on."""

    def __init__(self, folder, address, port, space=None):
        family = "TCP6" if ":" in address else "TCP4"
        super().__init__("tcp-echo", [
            "socat", "-t", 30, f"{family}-LISTEN:{port},bind={bracket(address)},reuseaddr,fork,"
            "backlog=4096", "EXEC:cat"], folder, space)
        self.wait_for_port(address, port)
