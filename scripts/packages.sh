# SPDX-License-Identifier: GPL-2.0-or-later
# Which Debian packages Trunkline needs, and how to get those that are missing. Sourced, not run.

BUILD_PACKAGES="gcc make autoconf automake pkg-config libc6-dev libev-dev libwolfssl-dev
	libsodium-dev libmicrohttpd-dev libcurl4-openssl-dev libjansson-dev libyaml-dev
	libsqlite3-dev libsmartcols-dev uthash-dev libc-ares-dev libsystemd-dev libseccomp-dev
	libcap-ng-dev libcmocka-dev"
DEMO_PACKAGES="nginx-light dnsmasq-base bind9-dnsutils curl"
TEST_PACKAGES="$DEMO_PACKAGES git clang libclang-rt-14-dev python3 python3-pytest
	python3-websockets python3-yaml python3-jsonschema iproute2 iputils-ping netcat-openbsd socat
	iperf3 teeworlds-server qstat openssh-server openssh-client wrk mandoc"
BENCH_PACKAGES="haproxy kcptun openssl"

# Those of "$@" that are not installed.
packages_missing() {
	local package
	for package in "$@"; do
		dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
			echo "$package"
	done
}

# While packages are installed nothing may be started: a test machine needs no new daemons.
packages_install() {
	local missing policy=/usr/sbin/policy-rc.d made_policy="" status=0
	missing=$(packages_missing "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "These packages are missing and only root can install them: $missing" >&2
		echo "Run:  sudo apt-get install $missing" >&2
		return 1
	fi
	echo "Installing: $missing"
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		made_policy=yes
	fi
	# shellcheck disable=SC2086 # one word a package
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing \
		>/dev/null || {
		apt-get update -qq &&
			DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
				$missing >/dev/null
	} || status=1
	[ -z "$made_policy" ] || rm -f "$policy"
	return "$status"
}

# build_tree DIRECTORY TARGET... -- CONFIGURE-ARGUMENT... : configures once, then makes.
build_tree() {
	local directory=$1 top
	local targets=() jobs
	shift
	while [ "$1" != -- ]; do
		targets+=("$1")
		shift
	done
	shift
	top=$(pwd)
	jobs=$(nproc)
	[ -x configure ] && [ configure -nt configure.ac ] || autoreconf -fi >/dev/null 2>&1 ||
		autoreconf -fi || return 1
	mkdir -p "$directory"
	if [ ! -f "$directory/Makefile" ] || [ "$(cat "$directory/.arguments" 2>/dev/null)" != "$*" ]; then
		(cd "$directory" && "$top/configure" -q "$@") || return 1
		printf '%s' "$*" >"$directory/.arguments"
	fi
	local target
	for target in "${targets[@]}"; do # one by one: "all" is a make of its own
		make -s -C "$directory" -j"$jobs" "$target" || return 1
	done
}
