# SPDX-License-Identifier: GPL-2.0-or-later
"""Scrapes as Prometheus does them, and what promtool says of them."""
import http.client
import json
import re
import subprocess

LINE = re.compile(r"^([a-zA-Z_]\w*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Scrape:
    """Samples by name: [(labels, value)]."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = LINE.match(line).groups()
            self.samples.setdefault(name, []).append((dict(LABEL.findall(labels or "")), float(value)))

    def all(self, name, **labels):
        return [(have, value) for have, value in self.samples.get(name, [])
                if labels.items() <= have.items()]

    def sum(self, name, **labels):
        found = self.all(name, **labels)
        assert found, f"no {name} {labels} in:\n{self.text}"
        return sum(value for _, value in found)

    def labels(self):
        return {label for samples in self.samples.values() for have, _ in samples for label in have}

    def check(self):
        """promtool has nothing to say, and no series is there twice."""
        done = subprocess.run(["promtool", "check", "metrics"], input=self.text, text=True,
                              capture_output=True, timeout=30, check=False)
        assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr
        for name, samples in self.samples.items():
            keys = [tuple(sorted(have.items())) for have, _ in samples]
            assert len(keys) == len(set(keys)), f"{name} has a series twice"
        return self


def ask(connection, path, method="GET"):
    """Status, text and headers by a connection of http.client, which is closed."""
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def scrape(connection):
    status, text, headers = ask(connection, "/metrics")
    assert status == 200, text
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(text)


def ready(connection):
    """Whether it is ready, and the reasons why not."""
    status, text, _ = ask(connection, "/readyz")
    said = json.loads(text)
    assert (status, said["ready"]) in ((200, True), (503, False)), (status, text)
    assert said["ready"] == (not said["reasons"])
    return said["ready"], said["reasons"]


def admin(port, timeout=10):
    """A connection to a node's admin port of this machine."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
