"""Fetching: 60 days of generated trades from an archive on loopback that takes 100 ms for each answer."""

from __future__ import annotations

import hashlib
import io
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.harness import Row, median_time

from bateia.core.period import Period
from bateia.sources.binance import fetch_binance

DAYS = Period("2024-01").days + Period("2024-02").days
LATENCY = 0.1
MINUTE_MS = 60_000


def generated_files() -> dict[str, bytes]:
    """A trade a minute, a zip a day and its checksum, where Binance's archive has them."""
    files = {}
    for number, day in enumerate(DAYS):
        name = f"BTCUSDT-aggTrades-{day.name}"
        first = number * 1440
        lines = [
            f"{first + k},100.5,1.5,{first + k},{first + k},{day.start // 1000 + k * MINUTE_MS},True,True"
            for k in range(1440)
        ]
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{name}.csv", "\n".join(lines))
        path = f"/data/spot/daily/aggTrades/BTCUSDT/{name}.zip"
        files[path] = zipped.getvalue()
        files[f"{path}.CHECKSUM"] = f"{hashlib.sha256(files[path]).hexdigest()}  {name}.zip\n".encode()
    return files


class _Handler(BaseHTTPRequestHandler):
    """The files, late; any question to REST is answered with a candle of 1970."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    files: dict[str, bytes]

    def do_GET(self) -> None:
        time.sleep(LATENCY)
        body = self.files.get(self.path, b"[[0]]")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    """The archive's address."""
    handler = type("Handler", (_Handler,), {"files": generated_files()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def rows() -> list[Row]:
    """Four files at a time beside one after the other."""
    with serving() as url, tempfile.TemporaryDirectory() as folder:
        fresh = count()

        def fetch(at_once: int) -> None:
            store, span = Path(folder) / str(next(fresh)), (DAYS[0].name, DAYS[-1].name)
            report = fetch_binance(
                store, "BTCUSDT", "aggTrades", *span, archive=url, rest=url, at_once=at_once
            )
            assert report.rows == 1440 * len(DAYS)

        ours = median_time(lambda: fetch(4), 3)
        theirs = median_time(lambda: fetch(1), 1, warmup=0)
    return [
        Row(
            "60 days, 100 ms an answer", "s", ours, "one after the other", theirs, ">= 3x", theirs >= 3 * ours
        )
    ]
