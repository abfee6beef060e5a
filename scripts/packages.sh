# SPDX-License-Identifier: GPL-2.0-or-later
# Which Debian packages Trunkline needs, and how to get those that are missing. Sourced, not run.

PATH=$PATH:/usr/sbin:/sbin # plain "su" leaves them out
BUILD_PACKAGES="gcc make autoconf automake pkg-config libc6-dev libev-dev libwolfssl-dev
	libsodium-dev libgcrypt20-dev libisal-dev libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev libjansson-dev libyaml-dev
	libsqlite3-dev libsmartcols-dev uthash-dev libc-ares-dev libsystemd-dev libseccomp-dev
	libcap-ng-dev liblz4-dev libcmocka-dev"
DEMO_PACKAGES="nginx-light dnsmasq-base bind9-dnsutils curl"
TEST_PACKAGES="$DEMO_PACKAGES ca-certificates git clang libclang-rt-14-dev python3 python3-pytest python3-hypothesis
	python3-websockets python3-yaml python3-jsonschema python3-matplotlib iproute2 iputils-ping netcat-openbsd socat
	iperf3 tshark cube2-server qstat redis-server sip-tester kamailio ngtcp2-server openarena-server openssh-server openssh-client openssl prometheus wrk strace mandoc man-db jq zsh fish"

# Those of "$@" that are not installed.
packages_missing() {
	local package
	for package in "$@"; do
		dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
			echo "$package"
	done
}

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; }

# What starts with the machine, by the files: systemd need not run. Fails where it is not installed.
units_enabled() {
	local lines
	lines=$(systemctl --root=/ list-unit-files --state=enabled --type=service,socket \
		--no-legend --no-pager 2>/dev/null) || return 1
	awk '{ print $1 }' <<<"$lines" | LC_ALL=C sort
}

# units_disable_new UNITS : those that are enabled now and are not of UNITS, which units_enabled said before.
units_disable_new() {
	local new
	new=$(units_enabled | LC_ALL=C comm -13 <(echo "$1") - | grep . | tr '\n' ' ')
	[ -n "$new" ] || return 0
	echo "Not started with the machine: $new"
	# shellcheck disable=SC2086 # one word a unit
	systemctl --root=/ --quiet disable $new >/dev/null 2>&1 || echo "Could not disable: $new" >&2
}

# Of the packages nothing may be started, now or with the machine: a test machine needs no new daemons.
packages_install() ( # a shell of its own, whose trap also sees Ctrl-C
	local missing policy=/usr/sbin/policy-rc.d log units has_systemd="" status=0
	missing=$(packages_missing "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "These packages are missing and only root can install them: $missing" >&2
		echo "Run:  sudo ./${0##*/}     which installs them, and starts none of their daemons" >&2
		return 1
	fi
	echo "Installing (some minutes on a fresh system): $missing"
	log=$(mktemp)
	units=$(units_enabled) && has_systemd=yes
	if [ -e "$policy" ]; then
		trap 'rm -f "$log"' EXIT
	else
		trap 'rm -f "$log" "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	# shellcheck disable=SC2086 # one word a package
	apt_install $missing >"$log" 2>&1 ||
		{ apt-get update -qq && apt_install $missing; } >"$log" 2>&1 || status=1
	[ -z "$has_systemd" ] || units_disable_new "$units"
	[ "$status" -eq 0 ] || tail -n 20 "$log" >&2
	exit "$status"
)

# What root makes in a user's tree belongs to that user, who may build there without root next time.
give_to_owner() {
	[ "$(id -u)" -ne 0 ] || [ "$(stat -c %u .)" -eq 0 ] ||
		chown -Rhf --reference=. build build-aux autom4te.cache aclocal.m4 config.h.in* configure* \
			Makefile.in || :
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
	give_to_owner
}
