"""A websocket server on loopback that plays a script: what each connection sends, and what it does wrong."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

DROP, SILENT = "drop", "silent"
"""The connection is cut off; nothing more is said until the client ends it."""


class Stream:
    """`scripts[k]` is what connection k sends: texts, seconds to wait, events to wait for, DROP or SILENT.

    A connection whose script is over, or that has none, stays open and says nothing.
    """

    def __init__(self, *scripts):
        self.scripts, self.paths, self.heard = list(scripts), [], []
        self.url = ""

    async def __call__(self, connection):
        number = len(self.paths)
        self.paths.append(connection.request.path)
        script = self.scripts[number] if number < len(self.scripts) else []
        with suppress(ConnectionClosed):
            for step in script:
                if step == DROP:
                    connection.transport.abort()
                    return
                if step == SILENT:
                    break
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif callable(step):
                    while not step():
                        await asyncio.sleep(0.002)
                else:
                    await connection.send(step)
            async for text in connection:
                self.heard.append(text)


@asynccontextmanager
async def streaming(stream):
    """The stream at `stream.url`, until the end of the context."""
    async with serve(stream, "127.0.0.1", 0, ping_interval=None, close_timeout=0.2) as server:
        host, port = server.sockets[0].getsockname()[:2]
        stream.url = f"ws://{host}:{port}"
        yield stream


def agg_trade(row, symbol="BTCUSDT"):
    """A row of REST as the stream says it."""
    return json.dumps({"e": "aggTrade", "E": row["T"], "s": symbol, **row})
