"""Bybit's order book lines the slow, obvious way: a JSON library, two dicts and a sort a sample."""

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[2] / "shared" / "data"))
ARCHIVE = REAL / "bybit/orderbook/linear/XRPUSDT/2024-12-01_XRPUSDT_ob500.data.zip"
RECORDING = REAL / "recordings/bybit-linear-ob200-20260809.jsonl.zst"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")


def plain_top(sides, depth):
    """Bid prices, bid sizes, ask prices, ask sizes: the best `depth`, NaN where there are no more."""
    bids = sorted(sides[0].items(), reverse=True)[:depth]
    asks = sorted(sides[1].items())[:depth]
    out = np.full((4, depth), np.nan)
    for row, side in ((0, bids), (2, asks)):
        for i, (price, size) in enumerate(side):
            out[row : row + 2, i] = price, size
    return out


def plain_apply(sides, message):
    """One parsed message to two dicts of price to size."""
    if message["type"] == "snapshot":
        sides[0].clear()
        sides[1].clear()
    for side, levels in zip(sides, (message["data"]["b"], message["data"]["a"]), strict=True):
        for price, size in levels:
            if float(size) == 0:
                side.pop(float(price), None)
            else:
                side[float(price)] = float(size)


def plain_samples(lines, every, depth, symbol=None):
    """(time, messages since the sample before, levels) at each step, of lines without any fault."""
    sides, made, due, count = ({}, {}), [], None, 0
    for line in lines:
        message = json.loads(line)
        if symbol is not None and message["data"]["s"] != symbol:
            continue
        now = message["ts"] * 1000
        while due is not None and due <= now:
            made.append((due, count, plain_top(sides, depth)))
            due, count = due + every, 0
        plain_apply(sides, message)
        count += 1
        due = (now // every + 1) * every if due is None else due
    return made


def generated_line(i, bids, asks, kind="delta", ts=None, symbol="GENERATED", number=None, levels=50):
    """One line in the archive's form; message i of 100 ms each."""
    ts = 1_700_000_000_000 + 100 * i if ts is None else ts
    sides = [",".join(f'["{p}","{s}"]' for p, s in side) for side in (bids, asks)]
    number = 100 + i if number is None else number
    return (
        f'{{"topic":"orderbook.{levels}.{symbol}","type":"{kind}","ts":{ts},"data":{{"s":"{symbol}",'
        f'"b":[{sides[0]}],"a":[{sides[1]}],"u":{number},"seq":{7 * i}}},"cts":{ts - 3}}}\n'
    ).encode()


def generated_lines(messages, seed=0, snapshots=(0,)):
    """Lines of a book that walks: bids below it, asks above it, never crossed; a snapshot at some of them."""
    rng = np.random.default_rng(seed)
    best = 1000 + np.cumsum(rng.choice([-1, 0, 1], messages))
    sides, made = ({}, {}), []
    for i in range(messages):
        changed = [{}, {}]
        for side, levels in enumerate(sides):
            for tick in [t for t in levels if (t - best[i]) * (1 - 2 * side) > -side]:
                changed[side][tick] = 0
            for away in rng.integers(0, 40, 5).tolist():
                tick = int(best[i]) - away if side == 0 else int(best[i]) + 1 + away
                changed[side][tick] = int(rng.integers(0, 4))
            levels.update(changed[side])
            for tick in [t for t, size in levels.items() if size == 0]:
                del levels[tick]
        whole = i in snapshots
        shown = [list((sides if whole else changed)[side].items()) for side in (0, 1)]
        texts = [[(f"{t // 100}.{t % 100:02d}", f"{s}.5" if s else "0") for t, s in side] for side in shown]
        made.append(generated_line(i, *texts, kind="snapshot" if whole else "delta"))
    return made


def together(parts):
    """The rows of sampled books, one after another."""
    columns = [list(part.columns().values()) for part in parts]
    return [np.concatenate([c[i] for c in columns]) for i in range(6)]


def assert_same_samples(found, expected):
    """A sampled book against `plain_samples`, bit for bit."""
    assert len(found) == len(expected) > 0
    assert found.time.tolist() == [time for time, _, _ in expected]
    assert found.messages.tolist() == [count for _, count, _ in expected]
    levels = np.stack([found.bid_price, found.bid_size, found.ask_price, found.ask_size], axis=1)
    np.testing.assert_array_equal(levels, np.array([top for _, _, top in expected]))


def cut(data, at):
    """Bytes or messages cut at the given places."""
    edges = [0, *sorted(at), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]
