"""Columns of bars from real recordings, where they lie beside the project."""

import functools
import gzip
import json
import os
import zipfile
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[2] / "shared" / "data"))
CANDLES = REAL / "binance/data/futures/um/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2025-01.zip"
BOOK = REAL / "recordings/binance-um-btcusdt-20240808.gz"
LEVELS, SECONDS, STEP_MS = 5, 4, 200


@functools.cache
def candle_columns(path=CANDLES):
    """Candles of 5 minutes as bars, without the ticks that candles do not count."""
    with zipfile.ZipFile(path) as archive:
        frame = pl.read_csv(archive.read(archive.namelist()[0]))
    table = {name: frame[name].to_numpy().astype(np.float64) for name in frame.columns if name != "ignore"}
    opened = frame["open_time"].to_numpy() * 1000
    volume, value = table["volume"], table["quote_volume"]
    vwap = np.divide(value, volume, out=table["close"].copy(), where=volume > 0)
    return {name: table[name] for name in ("open", "high", "low", "close", "volume")} | {
        "open_time": opened,
        "time": opened + 300_000_000,
        "known_at": opened + 300_000_000,
        "signed_volume": 2 * table["taker_buy_volume"] - volume,
        "value": value,
        "vwap": vwap,
        "trades": table["count"],
    }


@functools.cache
def book_columns(path=BOOK):
    """Bars of 4 seconds from a recorded book, sampled five times a second; else as Quantgod makes its own."""
    bars = []
    for end, samples in groupby(book_samples(path), lambda sample: sample[0] // (SECONDS * 1000)):
        rows = np.array(list(samples))
        if len(rows) == SECONDS * 1000 // STEP_MS:
            bars.append(bar(end, rows))
    return {name: np.array([one[name] for one in bars]) for name in bars[0]}


def bar(end, rows):
    """One bar of samples (time, bid, ask, bid size, ask size, deep imbalance, messages)."""
    _, bid, ask, bid_size, ask_size, deep, messages = rows.T
    micro = (bid * ask_size + ask * bid_size) / (bid_size + ask_size)
    return {
        "time": (end + 1) * SECONDS * 1_000_000,
        "open": micro[0],
        "high": micro.max(),
        "low": micro.min(),
        "close": micro[-1],
        "bid": bid[-1],
        "ask": ask[-1],
        "bid_size": bid_size[-1],
        "ask_size": ask_size[-1],
        "micro_volatility": micro.std(ddof=1),
        "max_spread": (ask - bid).max(),
        "mean_obi": ((bid_size - ask_size) / (bid_size + ask_size)).mean(),
        "mean_deep_obi": deep.mean(),
        "messages": messages.sum(),
    }


def book_samples(path):
    """The book at every fifth of a second: the snapshot, and the changes after it."""
    sides, last, due, messages, early = None, 0, 0, 0, []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            if '"lastUpdateId"' in line:
                found = json.loads(line.partition(" ")[2])
                sides, last = [dict(level(found[key])) for key in ("bids", "asks")], found["lastUpdateId"]
            if "@depth@" not in line:
                continue
            change = json.loads(line.partition(" ")[2])["data"]
            early.append(change)
            while sides and early:
                change = early.pop(0)
                if change["u"] < last:
                    continue
                now = change["E"] // STEP_MS
                if due and now > due:
                    yield from (sample(k * STEP_MS, sides, messages) for k in range(due, now))
                    messages = 0
                due = now
                messages += 1
                for side, key in zip(sides, ("b", "a"), strict=True):
                    side.update(level(change[key]))
                    for price in [price for price, size in side.items() if size == 0]:
                        del side[price]


def level(pairs):
    return ((float(price), float(size)) for price, size in pairs)


def sample(time, sides, messages):
    bids = sorted(sides[0].items(), reverse=True)[:LEVELS]
    asks = sorted(sides[1].items())[:LEVELS]
    bought, sold = sum(size for _, size in bids), sum(size for _, size in asks)
    deep = (bought - sold) / (bought + sold)
    return (time, bids[0][0], asks[0][0], bids[0][1], asks[0][1], deep, messages)
