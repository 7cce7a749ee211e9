"""An exchange on loopback: an archive of zips with checksums, a REST interface, and faults to order."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
import zipfile
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np

from bateia.core import parse_duration
from bateia.core.clock import DAY
from bateia.core.period import Period

HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore"
)
PREFIXES = ("/api/v3/", "/fapi/v1/", "/dapi/v1/")


def generated_klines(start, end, step, unit=1000):
    """Rows as REST gives them, of times in microseconds; the prices mean nothing. `unit` 1000 gives ms."""
    rows, phase = [], 4 * DAY if step == 7 * DAY else 0  # 1970 began on a Thursday, weeks do on Monday
    for opened in range(start + (phase - start) % step, end, step):
        k = opened // step
        low = 100.0 + k * 7919 % 1000 / 10
        volume = k * 104729 % 50 / 4
        prices = [f"{low + part:.8f}" for part in (1.0, 3.0, 0.0, 2.0)]
        rest = [f"{volume * low:.8f}", k % 40, f"{volume / 2:.8f}", f"{volume * low / 2:.8f}", "0"]
        rows.append([opened // unit, *prices, f"{volume:.8f}", (opened + step) // unit - 1, *rest])
    return rows


def zipped(name, text):
    """A zip of one CSV."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(zipfile.ZipInfo(f"{name}.csv"), text)
    return buffer.getvalue()


def damaged(name):
    """A zip whose bytes cannot be unpacked, though its directory is whole."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(f"{name}.csv", "1,2,3\n" * 1000)
    data = buffer.getvalue()
    start = data.index(b".csv") + len(b".csv")
    return data[:start] + b"\xff" * 9 + data[start + 9 :]


class Exchange:
    """What the server knows, and what it is to do wrong.

    `files` maps archive paths to bytes, `folder` holds more of them; `klines[prefix, symbol, interval]` are
    REST's rows, `depth[symbol]()` is its snapshot of a book. `faults` maps part of a path to what happens to
    the next requests of it, in order.
    """

    def __init__(self, folder=None):
        self.files, self.klines, self.faults = {}, {}, {}
        self.trades, self.depth = {}, {}
        self.folder, self.asked, self.headers = folder, [], {}
        self.now = 0
        self.slow = 0.0
        self.ranges = True
        """Whether it gives the rest of a file, and a mark to ask for it by."""
        self.piece = lambda first, end: (first, end)
        """What it gives of what is asked for; None: it refuses."""
        self.ranged = []
        """The Range headers of all requests that had one."""
        self.busy, self.busiest = 0, 0
        """Requests under way, and the most that ever were."""
        self.lock = threading.Lock()
        self.symbols = ["BTCUSDT", "ETHUSDT"]
        self.url = ""

    def put(self, market, symbol, interval, period, rows, header=False):
        """An archive file of klines, by month or by day."""
        self.put_file(market, "klines", symbol, interval, period, rows, HEADER if header else "")

    def put_file(self, market, what, symbol, interval, period, rows, header=""):
        """Any archive file, with its checksum."""
        name = f"{symbol}-{interval or what}-{period}"
        lines = [",".join(map(str, row)) for row in rows]
        data = zipped(name, "\n".join([header, *lines] if header else lines) + "\n")
        how = "monthly" if len(period) == 7 else "daily"
        below = f"{symbol}/{interval}" if interval else symbol
        self.put_bytes(f"/data/{market}/{how}/{what}/{below}/{name}.zip", data)

    def put_bytes(self, path, data):
        self.files[path] = data
        digest = hashlib.sha256(data).hexdigest()
        self.files[f"{path}.CHECKSUM"] = f"{digest}  {path.rsplit('/', 1)[1]}\n".encode()

    def put_months(self, symbol="BTCUSDT", interval="5m", months=(), market="spot", prefix="/api/v3/", **how):
        """Months in the archive, and the same rows from REST."""
        step = parse_duration(interval)
        for month in map(Period, months):
            rows = generated_klines(month.start, month.end, step)
            self.put(market, symbol, interval, month.name, rows, **how)
            self.klines.setdefault((prefix, symbol, interval), []).extend(rows)

    def put_rest(self, start, end, symbol="BTCUSDT", interval="5m", prefix="/api/v3/"):
        """Rows that REST alone has."""
        rows = self.klines.setdefault((prefix, symbol, interval), [])
        rows.extend(generated_klines(start, end, parse_duration(interval)))
        rows.sort()

    def count(self, part):
        """How many requests had this in their path."""
        return sum(part in path for path in self.asked)

    def fault(self, path):
        for part, faults in self.faults.items():
            if part in path and faults:
                return faults.pop(0)
        return None

    def answer(self, path):
        """Status and body."""
        url = urlsplit(path)
        for prefix in PREFIXES:
            if url.path.startswith(prefix):
                asked = {key: values[0] for key, values in parse_qs(url.query).items()}
                return self.rest(prefix, url.path.removeprefix(prefix), asked)
        if url.path in self.files:
            return 200, self.files[url.path]
        if self.folder is not None and (Path(self.folder) / url.path[1:]).is_file():
            return 200, (Path(self.folder) / url.path[1:]).read_bytes()
        return 404, b"<Error><Code>NoSuchKey</Code></Error>"

    def first_day(self, prefix, symbol):
        """One candle of the day on which the symbol began: what else there is tells."""
        rows = [rows[0][0] for key, rows in self.klines.items() if key[:2] == (prefix, symbol) and rows]
        rows += [rows[0]["T"] for key, rows in self.trades.items() if key == (prefix, symbol) and rows]
        day = min(rows, default=0) // 86_400_000 * 86_400_000
        return generated_klines(day * 1000, day * 1000 + DAY, DAY) if rows else []

    def rest(self, prefix, route, asked):
        if route == "time":
            return 200, json.dumps({"serverTime": self.now or int(time.time() * 1000)}).encode()
        if route == "exchangeInfo":
            return 200, json.dumps({"symbols": [{"symbol": name} for name in self.symbols]}).encode()
        if asked["symbol"] not in self.symbols:
            return 400, json.dumps({"code": -1121, "msg": "Invalid symbol."}).encode()
        if route == "depth":
            return 200, json.dumps(self.depth[asked["symbol"]]()).encode()
        table = self.klines if route == "klines" else self.trades
        key = (prefix, asked["symbol"], asked["interval"]) if route == "klines" else (prefix, asked["symbol"])
        found = table.get(key, [])
        if route == "klines" and not found and asked["interval"] == "1d":
            found = self.first_day(prefix, asked["symbol"])
        if route == "klines":
            times = np.array([row[0] for row in found], np.int64)
            lo = np.searchsorted(times, int(asked.get("startTime", 0)))
            hi = np.searchsorted(times, int(asked.get("endTime", 2**62)), side="right")
            found = found[lo:hi]
        else:
            found = select_trades(found, asked)
        return 200, json.dumps(found[: int(asked.get("limit", 500))]).encode()


def generated_trades(start, end, step, first=1, unit=1000):
    """Aggregated trades as REST gives them, one each `step` microseconds; the prices mean nothing."""
    return [
        {
            "a": first + k,
            "p": f"{100 + k * 7919 % 1000 / 10:.2f}",
            "q": f"{1 + k % 5}.5",
            "f": 2 * (first + k),
            "l": 2 * (first + k) + 1,
            "T": moment // unit,
            "m": k % 3 == 0,
        }
        for k, moment in enumerate(range(start, end, step))
    ]


def as_lines(rows, spot=True):
    """The same as rows of an archive file."""
    words = ("False", "True") if spot else ("false", "true")
    return [
        [r["a"], r["p"], r["q"], r["f"], r["l"], r["T"], words[r["m"]], *(["True"] if spot else [])]
        for r in rows
    ]


def select_trades(rows, asked):
    """Aggregated trades from an id on, or between two times."""
    if "fromId" in asked:
        return [row for row in rows if row["a"] >= int(asked["fromId"])]
    lo, hi = int(asked.get("startTime", 0)), int(asked.get("endTime", 2**62))
    return [row for row in rows if lo <= row["T"] <= hi]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or each answer waits for an acknowledgement

    def do_GET(self):
        exchange = self.server.exchange
        with exchange.lock:
            exchange.asked.append(self.path)
            exchange.busy += 1
            exchange.busiest = max(exchange.busy, exchange.busiest)
            fault = exchange.fault(self.path)
        try:
            self.respond(exchange, fault)
        finally:
            with exchange.lock:
                exchange.busy -= 1

    def rest_of(self, exchange, body):
        """What is asked for of a file: status, bytes, headers; all of it where it is another by now."""
        mark = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        start = self.headers.get("Range", "")
        if start:
            exchange.ranged.append(start)
        if not exchange.ranges or not start or self.headers.get("If-Range") != mark:
            return 200, body, {"ETag": mark} if exchange.ranges else {}
        piece = exchange.piece(int(start.removeprefix("bytes=").removesuffix("-")), len(body))
        if piece is None:
            return 416, b"", {"Content-Range": f"bytes */{len(body)}"}
        first, end = piece
        return (
            206,
            body[first:end],
            {"Content-Range": f"bytes {first}-{end - 1}/{len(body)}", "ETag": mark},
        )

    def respond(self, exchange, fault):
        if exchange.slow:
            time.sleep(exchange.slow)
        status, body = exchange.answer(self.path)
        headers = dict(exchange.headers)
        if status == 200 and not self.path.startswith(PREFIXES):
            status, body, more = self.rest_of(exchange, body)
            headers |= more
        length = len(body)
        if isinstance(fault, int):
            status, body = fault, b'{"msg": "as ordered"}'
        elif isinstance(fault, tuple):
            status, body, headers["Retry-After"] = fault[0], b"", str(fault[1])
        elif fault == "corrupt":
            body = bytes([body[0] ^ 1]) + body[1:]
        elif fault == "truncate":
            body = body[: len(body) // 2]
        elif isinstance(fault, bytes):
            body = fault
        if fault != "drop":
            length = len(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if fault == "drop":
            self.wfile.write(body[: length // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, *words):
        pass

    def handle(self):
        with suppress(ConnectionError, ValueError):  # of a client that was killed
            super().handle()


@contextmanager
def serving(exchange):
    """The exchange at `exchange.url`, until the end of the context."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.exchange = exchange
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    exchange.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield exchange
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
