# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of Redis over a connected socket (its protocol, RESP 2), which sees each byte and how the
connection ends.

    client = RespClient(sock)
    client.ask("SET", "key", "value")      # "OK"
"""


def command(*words):
    texts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%s\r\n" % (len(t), t) for t in texts)


class RespClient:
    def __init__(self, sock):
        self.sock, self.left = sock, b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.close()

    def send(self, *words):
        self.sock.sendall(command(*words))

    def ask(self, *words):
        self.send(*words)
        return self.reply()

    def more(self):
        piece = self.sock.recv(1 << 16)
        if not piece:
            raise EOFError("the server has closed the connection")
        self.left += piece

    def line(self):
        while b"\r\n" not in self.left:
            self.more()
        line, _, self.left = self.left.partition(b"\r\n")
        return line.decode()

    def text(self, length):
        while len(self.left) < length + 2:
            self.more()
        text, end, self.left = self.left[:length], self.left[length:length + 2], self.left[length + 2:]
        assert end == b"\r\n", end
        return text.decode()

    def reply(self):
        """A text, a number, None, or a list of them."""
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind == "+":
            return rest
        if kind == ":":
            return int(rest)
        if kind == "$":
            return None if rest == "-1" else self.text(int(rest))
        if kind == "*":
            return None if rest == "-1" else [self.reply() for _ in range(int(rest))]
        raise AssertionError(f"Redis says {line!r}")
