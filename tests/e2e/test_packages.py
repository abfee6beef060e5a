# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/packages.sh leaves of the daemons that come with packages, in a machine's own folders that only the
test sees. The package is made here; systemctl is the real one, and needs no systemd that runs."""
import shutil

import pytest

from tests.lab import procs
from tests.lab.wan import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("systemctl"), reason="no systemctl")
SCRIPT = """
set -eu
mount -t tmpfs none /etc/systemd/system
mount -t tmpfs none /usr/sbin
. scripts/packages.sh
for name in old new; do
	printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' \\
		>/etc/systemd/system/lab-$name.service
done
systemctl --root=/ --quiet enable lab-old.service
apt_install() {
	local start=0
	/usr/sbin/policy-rc.d || start=$?
	[ "$start" -eq 101 ] && ln -s ../lab-new.service /etc/systemd/system/multi-user.target.wants/
}
"""


def run(script):
    return procs.run(["unshare", "--mount", "bash", "-c", SCRIPT + script, "test"], cwd=ROOT).stdout


def test_daemons_that_come_with_packages_do_not_start_with_the_machine():
    said = run("""
packages_install trunkline-lab-none
[ ! -e /usr/sbin/policy-rc.d ]
systemctl --root=/ is-enabled lab-old.service lab-new.service
""")
    assert "Not started with the machine: lab-new.service \n" in said
    assert said.endswith("enabled\ndisabled\n"), said


def test_where_there_is_no_systemctl_packages_are_installed_all_the_same():
    said = run("""
mount --bind /dev/null "$(command -v systemctl)"
packages_install trunkline-lab-none
ls /etc/systemd/system/multi-user.target.wants
""")
    assert said.endswith("\nlab-new.service\nlab-old.service\n"), said
