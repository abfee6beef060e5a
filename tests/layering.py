#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails when a folder includes what it may not (doc/DESIGN.md, "The folders"), when a source file
has no SPDX line or grew beyond 800 lines, when the name of a log event is not words joined by
underscores, and when it cannot tell a bad tree from a good one.

    tests/layering.py [TREE]     TREE: the source tree, by default the one this file lies in
"""
import collections
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
    "curl/": {"cli", "endpoint"},
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

# A module's twin is tests/unit/NAME_test.c, or FOLDER_NAME_test.c where folders share a name. A file
# without a header of its own is part of the module whose name it begins with, and may have no other
# twin than that one. These have one of another name.
TWINS = {
    "cli/commands.c": "command_test",
    "cli/backend_table.c": "cli_accelerator_test",
    "cli/table.c": "output_test",
    "endpoint/dead_backends.c": "tcp_flows_test",
    "control/health_json.c": "node_server_test",
    "net/keys_channels.c": "keys_process_test",
    "tunnel/flow.c": "lane_test",
}
# What joins tested modules to a process, and needs whole daemons to be tested: tests/e2e does.
DAEMONS = {
    "cli/main.c": "test_trunkctl.py",
    "control/main.c": "test_control_daemons.py",
    "endpoint/main.c": "test_node.py",
    "listener/main.c": "test_node.py",
    "net/node.c": "test_node.py",
    "net/node_apply.c": "test_node.py",
    "net/node_children.c": "test_faults.py",
    "net/node_control.c": "test_control_nodes.py",
    "net/node_health.c": "test_health.py",
    "net/node_metrics.c": "test_metrics.py",
    "endpoint/health_process.c": "test_health.py",
    "net/privileges.c": "test_privileges.py",
}

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


def is_module(file):
    return file.endswith(".c") and file.count("/") == 1 and file.split("/")[0] in MAY_INCLUDE


def includes(tree, test, folder):
    with open(os.path.join(tree, test), encoding="utf-8") as opened:
        return f'"{folder}/' in opened.read()


def module_of(tree, folder, name):
    while "_" in name and not os.path.exists(os.path.join(tree, folder, name + ".h")):
        name = name.rpartition("_")[0]
    return name


def check_twin(tree, file, is_name_shared):
    folder, name = file[:-2].split("/")
    if not os.path.exists(os.path.join(tree, f"tests/unit/{name}_test.c")):
        name = module_of(tree, folder, name)
    own, plain = (f"tests/unit/{start}{name}_test.c" for start in (folder + "_", ""))
    if file in TWINS:
        own = plain = f"tests/unit/{TWINS[file]}.c"
    elif file in DAEMONS:
        own = plain = f"tests/e2e/{DAEMONS[file]}"
    there = [test for test in (own, plain) if os.path.exists(os.path.join(tree, test))]
    if not there:
        yield f"has no twin {plain}"
    elif there == [plain] and is_name_shared and file not in TWINS and file not in DAEMONS:
        if not includes(tree, plain, folder):
            yield f"has no twin {own}"


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
    files = list(source_files(tree))
    names = collections.Counter(os.path.basename(file) for file in files if is_module(file))
    complaints = []
    for file in files:
        found = list(check_file(tree, file))
        if is_module(file):
            found += check_twin(tree, file, names[os.path.basename(file)] > 1)
        complaints += [f"{file}: {what}" for what in found]
    return len(files), complaints


def check_exceptions(tree):
    return [f"tests/layering.py: {file} is excepted and not there"
            for file in sorted({**TWINS, **DAEMONS})
            if not os.path.exists(os.path.join(tree, file))]


C_SPDX = f"/* {SPDX} */\n"
GOOD = {
    "base/good.h": C_SPDX + "#include <stddef.h>\n",
    "base/log.c": C_SPDX + '#include "config.h"\n#include "base/log.h"\n',
    "base/table.h": C_SPDX + "#include <uthash.h>\n",
    "tunnel/good.c": C_SPDX + '#include "base/good.h"\n/* not time(NULL) */\nint runtime(void);\n',
    "net/good.c": C_SPDX + '#include "model/a.h"\n#include "tunnel/a.h"\n#include <ev.h>\n',
    "tests/unit/good.c": C_SPDX + '#include "control/a.h"\n#include <wolfssl/ssl.h>\n',
    "model/shared.c": C_SPDX,
    "model/shared.h": C_SPDX,
    "model/shared_part.c": C_SPDX,
    "tests/unit/shared_test.c": C_SPDX + '#include "model/shared.h"\n',
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
    "net/alone.c": (C_SPDX, "has no twin tests/unit/alone_test.c"),
    "cli/shared.c": (C_SPDX, "has no twin tests/unit/cli_shared_test.c"),
}
ALONE = {"net/alone.c", "cli/shared.c", "model/shared.c", "model/shared_part.c"}


def write(tree, file, text):
    path = os.path.join(tree, file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as opened:
        opened.write(text)


def write_all(tree, files):
    """The files, each module with a twin; how many."""
    twins = {f"tests/unit/{file[:-2].replace('/', '_')}_test.c": C_SPDX for file in files
             if is_module(file) and file not in ALONE}
    for file, text in {**files, **twins}.items():
        write(tree, file, text)
    return len(files) + len(twins)


def self_test():
    """Each rule, broken once beside good files, gives its complaint and no other."""
    with tempfile.TemporaryDirectory() as tree:
        written = write_all(tree, GOOD)
        count, complaints = check_tree(tree)
        if complaints or count != written:
            return [f"self-test: a good tree of {count} files gave {complaints}"]
        write_all(tree, {file: text for file, (text, _) in BAD.items()})
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
    complaints += check_exceptions(tree)
    if count == 0:
        wrong.append(f"no source file under {tree}")
    for line in wrong + complaints:
        print(line)
    print(f"{count} files, {len(complaints)} complaints")
    return 1 if wrong or complaints else 0


if __name__ == "__main__":
    sys.exit(main())
