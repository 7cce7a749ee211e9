"""A websocket server on loopback that plays a script: what each connection sends, and what it does wrong."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager, contextmanager, suppress

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


@contextmanager
def playing(stream):
    """The stream in a thread of its own, since the command has its own loop."""
    ready, loop, over = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def main():
        async with streaming(stream):
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield stream
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(timeout=10)
        loop.close()


def agg_trade(row, symbol="BTCUSDT"):
    """A row of REST as the stream says it."""
    return json.dumps({"e": "aggTrade", "E": row["T"], "s": symbol, **row})


def kline(row, closed=True, symbol="BTCUSDT", interval="5m"):
    """A candle of REST as the stream says it."""
    keys = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q")
    candle = dict(zip(keys, row, strict=False)) | {"s": symbol, "i": interval, "x": closed}
    return json.dumps({"e": "kline", "E": row[6] + 1, "s": symbol, "k": candle})
