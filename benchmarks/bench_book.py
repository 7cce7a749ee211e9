"""Order books: generated lines in the shape of Bybit's archive against JSON libraries, dicts and a sort."""

from __future__ import annotations

import gzip
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import numpy as np
from benchmarks.harness import Row, median_time, paired_times

from bateia.book.archive import ArchiveReader
from bateia.book.bars import BookBars, BookRows
from bateia.book.days import write_day
from bateia.book.packed import PackedMessages
from bateia.book.packing import pack
from bateia.book.samples import Samples
from bateia.sources.unpack import unpacked

MESSAGES, DAY = 40_000, 864_000
"""How many are timed, and how many a day has: figures are scaled to a day."""
START = 1_733_011_200_000
LEVELS, DEPTH = 500, 200
TRADE = b"1733011200.1,XRPUSDT,Buy,1,1.9531,PlusTick,id,1,1,1\n"
"""One, for a converter that wants a file of them."""
READER, BARS = ArchiveReader(depth=DEPTH), BookBars(depth=DEPTH)


def generated_lines(messages: int = MESSAGES, seed: int = 0) -> bytes:
    """Ten messages a second of some 540 bytes: a snapshot, then changes near the best prices of a walk."""
    rng = np.random.default_rng(seed)
    best = 19_531 + np.cumsum(rng.choice([-1, 0, 1], messages, p=[0.1, 0.8, 0.1]))
    counts = rng.integers(5, 17, (messages, 2)).tolist()
    away = rng.geometric(0.03, (messages, 2, 16)) - 1
    sizes = rng.integers(1, 60_000, (messages, 2, 16)) * (rng.random((messages, 2, 16)) > 0.25)
    first = int(best[0])
    whole = [[first - i for i in range(LEVELS)], [first + 1 + i for i in range(LEVELS)]]
    lines = [
        _line(0, "snapshot", [_side(ticks, rng.integers(1, 60_000, LEVELS).tolist()) for ticks in whole])
    ]
    for i, (now, before) in enumerate(zip(best[1:].tolist(), best[:-1].tolist(), strict=True), 1):
        bids = (now - away[i, 0, : counts[i][0]]).tolist()
        asks = (now + 1 + away[i, 1, : counts[i][1]]).tolist()
        sides = [_side(bids, sizes[i, 0].tolist()), _side(asks, sizes[i, 1].tolist())]
        # What the price has moved through is gone.
        if now != before:
            gone = 0 if now < before else 1
            sides[gone] = f'["{max(now, before) / 1e4:.4f}","0"],' + sides[gone]
        lines.append(_line(i, "delta", sides))
    return "".join(lines).encode()


def _side(ticks: list[int], sizes: list[int]) -> str:
    return ",".join(f'["{tick / 1e4:.4f}","{size}"]' for tick, size in zip(ticks, sizes, strict=False))


def _line(i: int, kind: str, sides: list[str]) -> str:
    ts = START + 100 * i
    return (
        f'{{"topic":"orderbook.{LEVELS}.XRPUSDT","type":"{kind}","ts":{ts},"data":{{"s":"XRPUSDT",'
        f'"b":[{sides[0]}],"a":[{sides[1]}],"u":{20_254_870 + i},"seq":{130_020_239_000 + 7 * i}}},'
        f'"cts":{ts - 8}}}\n'
    )


def plain_tops(lines: Iterable[bytes], decode: Callable[[bytes], dict]) -> Iterator[tuple[list, list]]:
    """Two dicts of price to size, sorted each second."""
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    due = START + 1000
    for line in lines:
        message = decode(line)
        while message["ts"] >= due:
            yield sorted(bids.items(), reverse=True)[:DEPTH], sorted(asks.items())[:DEPTH]
            due += 1000
        data = message["data"]
        for side, levels in ((bids, data["b"]), (asks, data["a"])):
            for price, size in levels:
                if size == "0":
                    side.pop(float(price), None)
                else:
                    side[float(price)] = float(size)


def _count(tops: Iterable[object]) -> int:
    return sum(1 for _ in tops)


def _assert_same(path: Path, lines: list[bytes], decode: Callable[[bytes], dict]) -> None:
    """The last top of each minute, level by level."""
    ours = list(READER.open(path))
    prices = np.concatenate([block.bid_price for block in ours])
    sizes = np.concatenate([block.ask_size for block in ours])
    for i, (bids, asks) in enumerate(plain_tops(lines, decode)):
        if i % 60 == 59:
            assert prices[i, : len(bids)].tolist() == [price for price, _ in bids], f"bids of second {i}"
            assert sizes[i, : len(asks)].tolist() == [size for _, size in asks], f"asks of second {i}"


def _decoders() -> dict[str, Callable[[bytes], dict]]:
    import json

    found: dict[str, Callable[[bytes], dict]] = {"json": json.loads}
    if find_spec("orjson") is not None:
        import orjson

        found["orjson"] = orjson.loads
    if find_spec("msgspec") is not None:
        import msgspec

        found["msgspec"] = msgspec.json.Decoder().decode
    return found


def _zipped(data: bytes, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(path.stem, data)
    return path


def rows() -> list[Row]:
    """Seconds a day and core: 864,000 messages to 86,400 books of 200 levels a side; 1,440 bars to a file."""
    data = generated_lines()
    lines = data.splitlines(keepends=True)
    decoders = _decoders()
    missing = [name for name in ("msgspec", "orjson") if name not in decoders]
    if missing:
        print(f"{', '.join(missing)} not installed: left out")
    to_day = DAY / MESSAGES
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder, "lines.jsonl"), Path(folder, "2024-12-01_XRPUSDT_ob500.data.zip")
        plain.write_bytes(data)
        _zipped(data, packed)
        _assert_same(plain, lines, decoders["json"])
        made = []
        for name, decode in decoders.items():
            ours, theirs = paired_times(
                lambda: _count(READER.open(plain)), lambda decode=decode: _count(plain_tops(lines, decode)), 3
            )
            goal = ">= 10x" if name == "msgspec" else ""
            met = theirs >= 10 * ours if goal else None
            made.append(
                Row(
                    "lines to books",
                    "s/day",
                    ours * to_day,
                    f"{name} + dict + sort",
                    theirs * to_day,
                    goal,
                    met,
                )
            )
        ours, floor = paired_times(lambda: _count(READER.open(packed)), lambda: _count(unpacked(packed)), 3)
        made.append(_within("zip to books", ours * to_day, "unpacking alone", floor * to_day))
        made += _hftbacktest(packed, ours * to_day)
        made += _packed(packed, Path(folder, "packed"))
        bars = BARS.run(Samples.concat(list(READER.open(packed))))
        whole = _day(bars)
        ours = median_time(lambda: write_day(whole, Path(folder), "GENERATED", BARS, "generated"), 3)
        made.append(Row("bars to Parquet, checked", "s/day", ours, "no peer", float("nan"), "", None))
    return made


def _packed(archive: Path, out: Path) -> list[Row]:
    """Our own store of the same messages: its size, reading it, and the books from it."""
    [report] = pack(archive, out, READER)
    path = Path(report.path)
    _assert_same_books(archive, path)
    ours, floor = paired_times(lambda: _count(READER.open(path)), lambda: _count(_blocks(path)), 5)
    theirs = median_time(lambda: _count(READER.open(archive)), 3)
    to_day = DAY / MESSAGES
    sizes = report.packed_bytes * to_day / 1e6, report.source_bytes * to_day / 1e6
    met = ours * to_day <= 0.3
    return [
        Row("packed size", "MB/day", sizes[0], "the zip", sizes[1], "", None),
        Row("packed to books", "s/day", ours * to_day, "from the zip", theirs * to_day, "<= 0.3 s", met),
        Row("packed to books", "s/day", ours * to_day, "unpacking alone", floor * to_day, "", None),
    ]


def _blocks(path: Path) -> Iterator[object]:
    return PackedMessages(path).parts()


def _assert_same_books(archive: Path, packed: Path) -> None:
    one, other = (Samples.concat(list(READER.open(path))).columns() for path in (archive, packed))
    assert all(one[name].tobytes() == other[name].tobytes() for name in one), "packed books differ"


def _hftbacktest(packed: Path, ours: float) -> list[Row]:
    """Its converter of the same zip to events, no book yet; its pins exclude ours, so it is in no extra."""
    if find_spec("hftbacktest") is None:
        print("hftbacktest is not installed: its converter is left out")
        return []
    from hftbacktest.data.utils.bybithistmktdata import convert

    trades = packed.with_name("trades.csv.gz")
    trades.write_bytes(gzip.compress(TRADE))

    def run() -> None:
        with redirect_stdout(StringIO()):
            convert(str(packed), str(trades), buffer_size=60 * MESSAGES)

    theirs = median_time(run, 1, 0) * DAY / MESSAGES
    return [Row("zip to books", "s/day", ours, "hftbacktest's converter", theirs, "", None)]


def _day(bars: BookRows) -> BookRows:
    """As many bars as a day has, of those there are."""
    n = DAY // 600
    # The first has no close before it.
    rows = bars[1 + np.arange(n) % (len(bars) - 1)]
    time = START * 1000 + BARS.bar * (1 + np.arange(n))
    return BookRows(**{**rows.columns(), "time": time})


def _within(work: str, ours: float, peer: str, theirs: float) -> Row:
    return Row(work, "s/day", ours, peer, theirs, "<= 1.5 s", ours <= 1.5)


if __name__ == "__main__":
    for row in rows():
        print(f"{row.work:16} {row.ours:7.2f} {row.theirs:9.2f} {row.unit:9} {row.peer} {row.goal} {row.met}")
