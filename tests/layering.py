#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails when a folder includes what it may not (doc/DESIGN.md, "The folders"), when a source file
has no SPDX line or grew beyond 800 lines, when the name of a log event is not words joined by
underscores, and when it cannot tell a bad tree from a good one.

    tests/layering.py [TREE]     TREE: the source tree, by default the one this file lies in
"""
import os
import re
import sys
import tempfile

LINES_MAX = 800
SPDX = "SPDX-License-Identifier: GPL-2.0-or-later"

# What stands right may include anything to its left.
MAY_INCLUDE = {
    "base": {"base"},
    "tunnel": {"base", "tunnel"},
    "model": {"base", "model"},
    "net": {"base", "tunnel", "model", "net"},
    "listener": {"base", "tunnel", "model", "net", "listener"},
    "endpoint": {"base", "tunnel", "model", "net", "endpoint"},
    "control": {"base", "tunnel", "model", "net", "control"},
    "cli": {"base", "tunnel", "model", "net", "cli"},
}
EVERYTHING = {"tests", "bench"}
FOLDERS = set(MAY_INCLUDE) | EVERYTHING

# Third-party libraries, by the start of their headers' names, and the folders whose they are.
LIBRARY_FOLDERS = {
    "wolfssl/": {"net"},
    "ev.h": {"net", "listener", "endpoint", "control"},
    "sqlite3.h": {"control"},
    "microhttpd.h": {"net", "control"},
    "curl/": {"cli"},
    "libsmartcols": {"cli"},
    "ares": {"net", "endpoint"},
    "lz4": {"net"},
    "yaml.h": {"base", "cli"},
    "seccomp.h": {"net"},
    "cap-ng.h": {"net"},
    "systemd/": {"net"},
    "isa-l": set(),  # through tunnel/gf256.c
    "uthash.h": set(),  # through base/table.h, with the keyed hash
}
LIBRARY_EXCEPTIONS = {("base/table.h", "uthash.h"), ("tunnel/gf256.c", "isa-l.h")}

# tunnel/ is handed time, bytes and randomness.
TUNNEL_HEADERS = re.compile(
    r"(time|unistd|pthread|threads|sys/(socket|time|timerfd|epoll|random)|poll|fcntl|netdb)\.h$"
)
TUNNEL_CALLS = re.compile(
    r"\b(randombytes_\w+|getrandom|clock_gettime|gettimeofday|time|sendmsg|recvmsg|socket)\s*\("
)
SILENT_FOLDERS = {"base", "tunnel", "model"}
LOGGERS = {"base/log.c"}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
LOG_EVENT = re.compile(r'\blog_(?:error|warn|info|debug|write|limited)\s*\((?:[^";]*,)?\s*"([^"]*)"')
EVENT_NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def source_files(tree):
    for folder in sorted(FOLDERS):
        for path, folders, names in os.walk(os.path.join(tree, folder)):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
            for name in sorted(names):
                if name.endswith((".c", ".h", ".py", ".sh", ".mk")):
                    yield os.path.relpath(os.path.join(path, name), tree)


def check_own_include(file, folder, header):
    if header == "config.h":
        return
    target = header.split("/")[0]
    if "/" not in header or target not in FOLDERS or ".." in header:
        yield f'includes "{header}", which is no path from the root'
    elif folder not in EVERYTHING and target not in MAY_INCLUDE[folder]:
        yield f'includes "{header}": {folder}/ may not see {target}/'
    elif header == "base/log.h" and folder in SILENT_FOLDERS and file not in LOGGERS:
        yield f'includes "{header}": {folder}/ never logs'


def check_system_include(file, folder, header):
    if folder == "tunnel" and TUNNEL_HEADERS.match(header):
        yield f"includes <{header}>: tunnel/ has no I/O, clock or thread"
    if folder in EVERYTHING or (file, header) in LIBRARY_EXCEPTIONS:
        return
    for start, owners in LIBRARY_FOLDERS.items():
        if header.startswith(start) and folder not in owners:
            yield f"includes <{header}>, which belongs to {', '.join(sorted(owners)) or 'an adapter'}"


def check_c(file, text):
    folder = file.split("/")[0]
    for line in text.splitlines():
        found = INCLUDE.match(line)
        if found:
            check = check_own_include if found[1] == '"' else check_system_include
            yield from check(file, folder, found[2])
    for event in LOG_EVENT.findall(text):
        if not EVENT_NAME.fullmatch(event):
            yield f'logs "{event}": events are words joined by underscores'
    if folder == "tunnel":
        for call in TUNNEL_CALLS.finditer(COMMENT.sub("", text)):
            yield f"calls {call[1]}(): tunnel/ is handed time, bytes and randomness"


def check_file(tree, file):
    with open(os.path.join(tree, file), encoding="utf-8") as opened:
        text = opened.read()
    lines = text.splitlines()
    if not any(SPDX in line for line in lines[:2]):
        yield "has no SPDX line at its top"
    if len(lines) > LINES_MAX:
        yield f"has {len(lines)} lines, more than {LINES_MAX}"
    if file.endswith((".c", ".h")):
        yield from check_c(file, text)


def check_tree(tree):
    count, complaints = 0, []
    for file in source_files(tree):
        count += 1
        complaints += [f"{file}: {what}" for what in check_file(tree, file)]
    return count, complaints


C_SPDX = f"/* {SPDX} */\n"
GOOD = {
    "base/good.h": C_SPDX + "#include <stddef.h>\n",
    "base/log.c": C_SPDX + '#include "config.h"\n#include "base/log.h"\n',
    "base/table.h": C_SPDX + "#include <uthash.h>\n",
    "tunnel/good.c": C_SPDX + '#include "base/good.h"\n/* not time(NULL) */\nint runtime(void);\n',
    "net/good.c": C_SPDX + '#include "model/a.h"\n#include "tunnel/a.h"\n#include <ev.h>\n',
    "tests/unit/good.c": C_SPDX + '#include "control/a.h"\n#include <wolfssl/ssl.h>\n',
    "tests/good.py": f"#!/usr/bin/python3\n# {SPDX}\n",
}
BAD = {
    "base/up.c": (C_SPDX + '#include "tunnel/a.h"\n', "may not see tunnel/"),
    "base/chatty.c": (C_SPDX + '#include "base/log.h"\n', "never logs"),
    "tunnel/across.h": (C_SPDX + '# include "model/a.h"\n', "may not see model/"),
    "model/across.c": (C_SPDX + '#include "tunnel/a.h"\n', "may not see tunnel/"),
    "net/up.c": (C_SPDX + '#include "listener/a.h"\n', "may not see listener/"),
    "listener/sideways.c": (C_SPDX + '#include "endpoint/a.h"\n', "may not see endpoint/"),
    "control/sideways.c": (C_SPDX + '#include "cli/a.h"\n', "may not see cli/"),
    "cli/sideways.c": (C_SPDX + '#include "control/a.h"\n', "may not see control/"),
    "endpoint/test.c": (C_SPDX + '#include "tests/unit/a.h"\n', "may not see tests/"),
    "net/relative.c": (C_SPDX + '#include "socket.h"\n', "no path from the root"),
    "net/climbing.c": (C_SPDX + '#include "net/../cli/a.h"\n', "no path from the root"),
    "tunnel/socket.c": (C_SPDX + "#include <sys/socket.h>\n", "has no I/O"),
    "tunnel/clock.c": (C_SPDX + "void f(void) { time (0); }\n", "calls time()"),
    "tunnel/random.c": (C_SPDX + "void f(void) { randombytes_buf(0, 0); }\n", "calls randombytes_buf"),
    "tunnel/tls.c": (C_SPDX + "#include <wolfssl/ssl.h>\n", "belongs to net"),
    "net/table.c": (C_SPDX + "#include <uthash.h>\n", "belongs to an adapter"),
    "net/event.c": (C_SPDX + 'void f(void) { log_limited(LEVEL, 1,\n "lane-lost", ""); }\n',
                    "joined by underscores"),
    "net/bare.c": ("int x;\n", "no SPDX line"),
    "tests/e2e/bare.py": ("x = 1\n", "no SPDX line"),
    "base/long.c": (C_SPDX + "int x;\n" * LINES_MAX, "has 801 lines"),
}


def write(tree, file, text):
    path = os.path.join(tree, file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as opened:
        opened.write(text)


def self_test():
    """Each rule, broken once beside good files, gives its complaint and no other."""
    with tempfile.TemporaryDirectory() as tree:
        for file, text in GOOD.items():
            write(tree, file, text)
        count, complaints = check_tree(tree)
        if complaints or count != len(GOOD):
            return [f"self-test: a good tree of {count} files gave {complaints}"]
        for file, (text, _) in BAD.items():
            write(tree, file, text)
        _, complaints = check_tree(tree)
    wrong = [
        f"self-test: {file} should have been told that it {what}"
        for file, (_, what) in BAD.items()
        if not any(line.startswith(file + ":") and what in line for line in complaints)
    ]
    if len(complaints) != len(BAD):
        wrong.append(f"self-test: {len(complaints)} complaints for {len(BAD)} bad files")
    return wrong


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    tree = sys.argv[1] if len(sys.argv) > 1 else here
    wrong = self_test()
    count, complaints = check_tree(tree)
    if count == 0:
        wrong.append(f"no source file under {tree}")
    for line in wrong + complaints:
        print(line)
    print(f"{count} files, {len(complaints)} complaints")
    return 1 if wrong or complaints else 0


if __name__ == "__main__":
    sys.exit(main())
