# SPDX-License-Identifier: GPL-2.0-or-later
"""websocket_echo.py ADDRESS PORT: answers every message with itself."""
import asyncio
import sys

import websockets


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main():
    async with websockets.serve(echo, sys.argv[1], int(sys.argv[2]), ping_interval=None,
                                max_size=None):
        print("ready", flush=True)
        await asyncio.Future()


asyncio.run(main())
