# SPDX-License-Identifier: GPL-2.0-or-later
"""udp_echo.py ADDRESS PORT: answers every datagram with itself."""
import socket
import sys

address, port = sys.argv[1], int(sys.argv[2])
sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
sock.bind((address, port))
print("ready", flush=True)
while True:
    data, sender = sock.recvfrom(65535)
    try:
        sock.sendto(data, sender)
    except OSError as why:
        print(f"{len(data)} bytes to {sender}: {why}", flush=True)
