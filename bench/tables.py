# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as a Markdown table, with what is needed to judge and to repeat them."""
import os
import platform
import subprocess
import time


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{len(models)} x {model}, Linux {platform.release()}"


def revision(folder):
    """The commit measured, with a + when files differ from it."""
    done = subprocess.run(["git", "-C", folder, "describe", "--always", "--dirty=+"], text=True,
                          capture_output=True, check=False)
    return done.stdout.strip() or "unknown"


def head(folder, command):
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    stamp = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return (f"## {stamp}, commit {revision(folder)}\n\n"
            f"`{command}` on {machine()}; load before the run {load}.\n")


def table(title, columns, rows):
    """`rows` are (title, {column: cell})."""
    lines = [f"### {title}", "", "| measure | " + " | ".join(columns) + " |",
             "| --- |" + " --- |" * len(columns)]
    for name, cells in rows:
        lines.append(f"| {name} | " + " | ".join(cells.get(c, "") for c in columns) + " |")
    return "\n".join(lines) + "\n"
