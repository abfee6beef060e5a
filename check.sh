#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what the tests need, builds, runs every test, and ends in the line "N passed, N failed".
#
#   sudo ./check.sh              everything, as CI does it
#   sudo ./check.sh units        only: units (with the simulator) | sanitizers | fuzz | e2e
set -u
cd "$(dirname "$0")" || exit 1
. scripts/packages.sh
parts=${*:-units e2e sanitizers fuzz}
jobs=$((2 * $(nproc))) # end-to-end tests wait more than they compute
passed=0 failed=0 started=$(date +%s)

step() { printf '\n== %s (%d s since the start)\n' "$1" $(($(date +%s) - started)); }

# Runs a command whose last lines say "N passed, N failed", and adds these to the sums.
count() {
	local log line status
	log=$(mktemp)
	"$@" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	rm -f "$log"
	if [ -z "$line" ]; then
		echo "$1: no count of tests (exit status $status)"
		failed=$((failed + 1))
		return
	fi
	passed=$((passed + ${line%% *}))
	line=${line#*, }
	failed=$((failed + ${line%% *}))
	[ "$status" -eq 0 ] || [ "${line%% *}" -gt 0 ] || failed=$((failed + 1))
}

finish() {
	printf '\n%d s\n%d passed, %d failed\n' $(($(date +%s) - started)) "$passed" "$failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}

broken() {
	echo "$1"
	failed=$((failed + 1))
	finish
}

for part in $parts; do
	case $part in
	units | sanitizers | fuzz | e2e) ;;
	*)
		echo "usage: check.sh [units] [sanitizers] [fuzz] [e2e]      all of them when none is named" >&2
		exit 2
		;;
	esac
done
if [ "$(id -u)" -ne 0 ]; then
	echo "The tests make network namespaces: run  sudo ./check.sh" >&2
	exit 2
fi

step "packages"
# shellcheck disable=SC2086 # lists of words
packages_install $BUILD_PACKAGES $TEST_PACKAGES || broken "packages could not be installed"

step "build with -Werror"
build_tree build/check all check-programs -- --enable-werror || broken "the build failed"

for part in $parts; do
	case $part in
	units)
		step "unit tests and the simulator"
		count tests/run_programs.py build/check
		;;
	sanitizers)
		step "build with ASan and UBSan"
		build_tree build/sanitizers all check-programs -- --enable-werror \
			--enable-sanitizers CFLAGS="-O1 -g" || broken "the build failed"
		step "unit tests and the simulator, with ASan and UBSan"
		count tests/run_programs.py --fewer-seeds build/sanitizers
		step "end to end, with ASan and UBSan"
		count tests/e2e/run --jobs $jobs build/sanitizers -k "not direct and not wanem"
		;;
	e2e)
		step "end to end"
		count tests/e2e/run --jobs $jobs build/check
		;;
	fuzz)
		step "build the fuzz targets"
		build_tree build/fuzz fuzz-programs -- --enable-werror --enable-fuzzing CC=clang \
			CFLAGS="-O1 -g" || broken "the build failed"
		step "fuzz targets over their corpus"
		count tests/fuzz/run.py build/fuzz --seconds 5
		;;
	esac
done
finish
