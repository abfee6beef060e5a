#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Trunkline on one machine, in a minute: builds it, starts control, an endpoint and a listener on
# loopback, makes two accelerators, sends a file by HTTP and DNS questions over UDP through them,
# and shows the tunnel's latency.
#
#   sudo ./quickstart.sh           installs missing packages, and stays up until Ctrl-C
#   sudo ./quickstart.sh --once    the same, but ends by itself
#
# Neither needs root where the packages are installed. What it makes outside build/ is a directory
# under /tmp, and is gone when it ends; only a failure leaves it, for its logs.
set -u
cd "$(dirname "$0")" || exit 1
. scripts/packages.sh

once=""
case "${1-}" in
--once) once=yes ;;
"") ;;
-h | --help)
	sed -n '1,2d; /^#/!q; s/^# \{0,1\}//p' quickstart.sh
	exit 0
	;;
*)
	echo "quickstart: unknown argument '$1'" >&2
	echo "usage: quickstart.sh [--once]" >&2
	exit 2
	;;
esac

top=$(pwd)
bin=$top/build/quickstart
state=$(mktemp -d /tmp/trunkline-quickstart.XXXXXX) || exit 1
chmod 755 "$state"
pids=()

say() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi; }
# Prints a command as one would type it, the state directory as $S.
type_out() {
	local word line="\$"
	for word; do
		word=${word/#$bin\//}
		word=${word//$state/\$S}
		case $word in
		*[\ %\\]*) word="'$word'" ;;
		esac
		line+=" $word"
	done
	echo "$line"
}
show() {
	type_out "$@"
	"$@"
}
trunkctl() { "$bin/trunkctl" --control "unix:$state/control/control.sock" "$@"; }

stop_all() {
	trap '' INT TERM HUP
	# The first signal lets flows end, the second does not wait for them.
	for _ in 1 2; do
		[ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null
		sleep 0.3
	done
	wait
	pids=()
}

interrupted() {
	echo
	stop_all
	rm -rf "$state"
	echo "Stopped; nothing is left running."
	exit 130
}

fail() {
	echo
	echo "quickstart: $1" >&2
	if [ "${#pids[@]}" -eq 0 ]; then # nothing was started yet
		rm -rf "$state"
		exit 1
	fi
	for log in "$state"/*.log; do
		[ -s "$log" ] && printf -- '--- last lines of %s\n' "$log" >&2 && tail -n 15 "$log" >&2
	done
	stop_all
	echo "quickstart: all logs are in $state" >&2
	exit 1
}

# start NAME COMMAND... : in the background, with its log in the state directory.
start() {
	local name=$1
	shift
	type_out "$@"
	"$@" >"$state/$name.log" 2>&1 &
	pids+=($!)
}

# wait_for WHAT COMMAND... : until the command succeeds, 15 s at most.
wait_for() {
	local what=$1 tries=150
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "$what did not come up within 15 s"
		sleep 0.1
	done
}

# A port that nobody listens at now.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 10000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

tunnel_is_up() { trunkctl -o json tunnel list | grep -Eq '"state": *"up"'; }
http_answers() { curl -sf -o /dev/null "http://127.0.0.1:$1/"; }
dns_answers() { dig +short +tries=1 +time=1 "@127.0.0.1" -p "$1" game.example | grep -q .; }
accelerators_are_applied() { http_answers "$web_port" && dns_answers "$dns_port"; }

trap interrupted INT TERM HUP

say "Packages and build"
# shellcheck disable=SC2086 # lists of words
packages_install $BUILD_PACKAGES $DEMO_PACKAGES || fail "packages are missing"
build_tree build/quickstart all -- || fail "the build failed"
echo "built in $bin"

nodes_port=$(free_port) tunnel_port=$(free_port)
backend_web=$(free_port) backend_dns=$(free_port)
web_port=$(free_port) dns_port=$(free_port)

say "Two real servers: a web server and a DNS server"
echo "\$ S=$state"
mkdir -p "$state/web" "$state/nginx"
head -c 50000000 /dev/urandom >"$state/web/file.bin"
echo "hello from the backend" >"$state/web/index.html"
chmod -R a+rX "$state/web"
cat >"$state/nginx/nginx.conf" <<END
worker_processes 1; pid $state/nginx/pid; error_log $state/nginx.log; daemon off;
$([ "$(id -u)" -eq 0 ] && echo "user www-data;")
events { worker_connections 512; }
http {
	access_log off; sendfile on;
	client_body_temp_path $state/nginx; proxy_temp_path $state/nginx;
	fastcgi_temp_path $state/nginx; uwsgi_temp_path $state/nginx; scgi_temp_path $state/nginx;
	server { listen 127.0.0.1:$backend_web; root $state/web; }
}
END
start nginx nginx -p "$state/nginx" -c "$state/nginx/nginx.conf" -e "$state/nginx.log"
start dnsmasq dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv --pid-file= \
	--user="$(id -un)" --listen-address=127.0.0.1 --bind-interfaces --port="$backend_dns" \
	--address=/game.example/192.0.2.7
wait_for "the web server" http_answers "$backend_web"
wait_for "the DNS server" dns_answers "$backend_dns"

say "Control, an endpoint in seoul, a listener in tokyo (state in \$S)"
start control "$bin/trunkline-control" --state "$state/control" \
	--api "unix:$state/control/control.sock" --nodes "127.0.0.1:$nodes_port"
wait_for "control" trunkctl status
trunkctl node token --role endpoint --region seoul >"$state/endpoint.token" || fail "no token"
trunkctl node token --role listener --region tokyo >"$state/listener.token" || fail "no token"
start endpoint "$bin/trunkline-endpoint" --state "$state/endpoint" --join "@$state/endpoint.token" \
	--name seoul-1 --tunnel "127.0.0.1:$tunnel_port"
start listener "$bin/trunkline-listener" --state "$state/listener" --join "@$state/listener.token" \
	--name tokyo-1 --bind 127.0.0.1 --tunnel 127.0.0.1:0
wait_for "the endpoint" trunkctl node show seoul-1
wait_for "the listener" trunkctl node show tokyo-1
show trunkctl node list || fail "no nodes"

say "Two accelerators"
show trunkctl accelerator create web --protocol tcp --ports "$web_port" --listen tokyo \
	--backend "seoul=127.0.0.1:$backend_web" || fail "the accelerator was refused"
show trunkctl accelerator create dns --protocol tcp+udp --ports "$dns_port" --listen tokyo \
	--backend "seoul=127.0.0.1:$backend_dns" || fail "the accelerator was refused"
wait_for "the tunnel" tunnel_is_up
wait_for "the accelerators" accelerators_are_applied
show trunkctl accelerator list

say "A file of 50 MB by HTTP through the tunnel"
show curl -sS -o "$state/received.bin" "http://127.0.0.1:$web_port/file.bin" \
	-w '%{size_download} bytes in %{time_total} s\n' || fail "the download failed"
sent=$(sha256sum <"$state/web/file.bin") received=$(sha256sum <"$state/received.bin")
echo "at the backend:  $sent"
echo "through tunnel:  $received"
[ "$sent" = "$received" ] || fail "the hashes differ"

say "DNS through the tunnel, over UDP and over TCP"
for transport in +notcp +tcp; do
	show dig +short "$transport" @127.0.0.1 -p "$dns_port" game.example | tee "$state/answer"
	grep -qx 192.0.2.7 "$state/answer" || fail "that is not the answer of the DNS server"
done

say "The tunnel"
sleep 2
show trunkctl tunnel list || fail "no tunnel"
tunnel_is_up || fail "the tunnel is not up"

if [ -n "$once" ]; then
	stop_all
	rm -rf "$state"
	say "All of it worked."
	exit 0
fi
cat <<END

All of it works, and stays up until Ctrl-C. Try in another terminal:

  export TRUNKLINE_CONTROL=unix:$state/control/control.sock PATH=$bin:\$PATH
  trunkctl tunnel watch                              the latency, each second
  trunkctl status
  trunkctl accelerator show web
  curl -i http://127.0.0.1:$web_port/
  dig @127.0.0.1 -p $dns_port game.example
  trunkctl accelerator update web --backend seoul=127.0.0.1:$backend_web,weight=200
  trunkctl accelerator delete dns
  tail -f $state/listener.log
END
while :; do
	for pid in "${pids[@]}"; do
		kill -0 "$pid" 2>/dev/null || fail "a process ended"
	done
	sleep 1
done
