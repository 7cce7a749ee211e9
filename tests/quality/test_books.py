"""Recorded books, quotes and trades pass; damaged ones and one that nobody traded do not."""

import gzip
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bateia.book.archive import ArchiveReader
from bateia.book.packing import pack
from bateia.book.recordings import read_recording
from bateia.core import DataError
from bateia.quality import Quality, inspect_checksum, inspect_recording
from bateia.quality.books import inspect_book
from bateia.quality.quotes import Quotes, inspect_quotes
from bateia.quality.recorded import inspect_messages
from bateia.quality.report import NAMES
from bateia.quality.seen import see_lines
from bateia.sources.unpack import unpacked
from quality import damaged_books

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
RECORDINGS = REAL / "recordings"
needs_data = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason=f"no recordings at {RECORDINGS}: set BATEIA_DATA"
)
LINES = RECORDINGS / "bybit-linear-ob200-20260809.jsonl.zst"
SIDES = ("bid", "ask")
FOLDER = RECORDINGS / "binance-spot-ethbtc-20201101T09"


def named(functions):
    return pytest.mark.parametrize("damage", functions, ids=lambda make: make.__name__)


@pytest.fixture(scope="module")
def lines():
    return [line for line in b"".join(unpacked(LINES)).split(b"\n") if b"orderbook.200.BTCUSDT" in line[:60]]


@pytest.fixture(scope="module")
def messages():
    return list(read_recording(FOLDER))


PARTS = {
    LINES: {f"{coin}USDT book of 200": "ok" for coin in ("BTC", "ETH", "SOL", "DOGE")},
    RECORDINGS / "bybit-linear-trades-20260809.jsonl.zst": {
        f"{coin}USDT trades": "ok" for coin in ("BTC", "ETH", "SOL", "DOGE")
    },
    FOLDER: {"ETHBTC book": "ok", "ETHBTC trades": "ok"},
    FOLDER / "update.json.zst": {"ETHBTC book": "suspect"},
    FOLDER / "snapshot.json.zst": {"book": "ok"},
    RECORDINGS / "binance-spot-btcusdt-20240809.gz": {
        "BTCUSDT book": "suspect",  # it has no snapshot
        "BTCUSDT quotes": "ok",
        "BTCUSDT trades": "ok",
    },
    REAL / "bybit/orderbook/linear/XRPUSDT/2024-12-01_XRPUSDT_ob500.data.zip": {"XRPUSDT book of 500": "ok"},
}


@needs_data
@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_what_was_recorded_passes(path):
    reports = inspect_recording(path)
    assert {part: report.grade for part, report in reports.items()} == PARTS[path]
    assert {check.name for report in reports.values() for check in report.checks} <= set(NAMES)


@needs_data
@pytest.mark.parametrize("name", ["binance", "binance_futures", "bybit"])
def test_sessions_pass_whatever_they_hold(name):
    reports = inspect_recording(RECORDINGS / f"sessions/{name}.jsonl.zst")
    assert {report.grade for report in reports.values()} == {"ok"}
    assert {report.kind for report in reports.values()} >= {"book", "trades"}
    if name == "bybit":  # one symbol on two markets
        assert {f"BTCUSDT book of 200 (BYBIT.ws.{k})" for k in (2, 3)} <= set(reports)


SUSPECT = {
    *("a_doubled_change", "no_snapshot", "a_diff_twice", "no_rest_snapshot", "our_clock_set_back"),
}


@needs_data
@named(damaged_books.LINES)
def test_damaged_lines_do_not_pass(damage, lines):
    report = inspect_book(see_lines([b"\n".join(damage(lines))]))
    assert report.grade == ("suspect" if damage.__name__ in SUSPECT else "blocked"), str(report)
    assert inspect_book(see_lines([b"\n".join(lines)])).grade == "ok"


@needs_data
@named(damaged_books.MESSAGES)
def test_damaged_messages_do_not_pass(damage, messages):
    reports = inspect_messages(damage(messages))
    part = "ETHBTC trades" if damage is damaged_books.lost_trades else "ETHBTC book"
    wanted = "suspect" if damage.__name__ in SUSPECT else "blocked"
    assert reports.pop(part).grade == wanted
    assert [report.grade for report in reports.values()] == ["ok"]


@pytest.mark.parametrize("seed", range(3))
def test_a_book_that_walks_at_random_is_blocked(seed):
    text = b"\n".join(damaged_books.random_walk_book(np.random.default_rng(seed)))
    report = inspect_book(see_lines([text]))
    assert report["generated"].grade == "blocked", str(report)
    assert [check.name for check in report.of("blocked")] == ["generated"]


def test_a_packed_book_is_checked_as_its_lines(tmp_path):
    text = b"\n".join(damaged_books.random_walk_book(np.random.default_rng(0)))
    source = tmp_path / "2024-01-01_GENERATED_ob200.data"
    source.write_bytes(text)
    [made] = pack(source, tmp_path / "packed", ArchiveReader())
    [plain] = inspect_recording(source).values()
    [packed] = inspect_recording(made.path).values()
    assert packed == plain


@pytest.fixture(scope="module")
def quotes():
    rows = read_recording(RECORDINGS / "binance-spot-btcusdt-20240808.gz")
    told = [
        (received, received, m.update_id, m.bid, m.bid_size, m.ask, m.ask_size)
        for received, kind, m in rows
        if kind == "ticker"
    ]
    return Quotes(*(np.array(column) for column in zip(*told[:5_000], strict=True)))


@needs_data
@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("crossed", {"bid": lambda q: np.where(np.arange(len(q)) == 70, q.ask + 0.01, q.bid)}),
        ("crossed", {"bid": lambda q: np.where(np.arange(len(q)) == 70, q.ask, q.bid)}),
        ("prices", {"bid_size": lambda q: np.where(np.arange(len(q)) == 70, -1, q.bid_size)}),
        ("prices", {"ask": lambda q: np.where(np.arange(len(q)) == 70, np.nan, q.ask)}),
        ("ids", {"ids": lambda q: q.ids[::-1]}),
        ("order", {"time": lambda q: np.where(np.arange(len(q)) == 70, q.time - 10**7, q.time)}),
        ("clock", {"time": lambda q: np.where(np.arange(len(q)) > 700, q.time // 1000, q.time)}),
        ("repeats", {"ids": lambda q: np.maximum.accumulate(np.where(np.arange(len(q)) % 50, q.ids, 0))}),
        ("gaps", {"time": lambda q: q.time + 600_000_000 * (np.arange(len(q)) > 700)}),
        ("outliers", {n: lambda q, n=n: getattr(q, n) * (1 + (np.arange(len(q)) % 90 == 7)) for n in SIDES}),
        (
            "stale",
            {
                n: lambda q, n=n: np.where(np.arange(len(q)) > 1_000, getattr(q, n)[1_000], getattr(q, n))
                for n in SIDES
            },
        ),
    ],
)  # fmt: skip
def test_damaged_quotes_do_not_pass(check, change, quotes):
    assert inspect_quotes(quotes).grade == "ok"
    report = inspect_quotes(replace(quotes, **{name: made(quotes) for name, made in change.items()}))
    assert report[check].grade != "ok", str(report)


@needs_data
def test_sides_that_were_swapped_are_seen(messages):
    reports = inspect_messages(messages)
    assert reports["ETHBTC trades"]["pushes"].measure > 0
    turned = [(at, kind, replace(m, side=-m.side) if kind == "trade" else m) for at, kind, m in messages]
    report = inspect_messages(turned)["ETHBTC trades"]
    assert report.grade == "blocked"
    assert "sides swapped" in report["pushes"].found


@needs_data
def test_grids_that_are_given(messages):
    assert {r.grade for r in inspect_messages(messages, Quality(tick=1e-6, lot=1e-3)).values()} == {"ok"}
    for wrong, check in ((Quality(tick=0.5), "ticks"), (Quality(lot=7), "lots")):
        reports = inspect_messages(messages, wrong)
        assert [report[check].grade for report in reports.values()] == ["blocked"] * 2


def test_no_recording(tmp_path):
    (tmp_path / "rows.csv").write_text("time,price,size\n1,2,3\n")
    assert inspect_recording(tmp_path / "rows.csv") is None
    assert inspect_recording(tmp_path) is None
    (tmp_path / "rest.json").write_text(json.dumps({"/api/v3/depth": {}}))
    with pytest.raises(DataError, match=r"REST answers by route \(/api/v3/depth"):
        inspect_recording(tmp_path / "rest.json")
    (tmp_path / "odd.gz").write_bytes(gzip.compress(b'1723075200000000000 {"e":"what"}\n'))
    with pytest.raises(DataError, match="holds no market message"):
        inspect_recording(tmp_path / "odd.gz")
    (tmp_path / "odd.jsonl").write_bytes(b'{"topic":"tickers.BTCUSDT"}\n')
    with pytest.raises(DataError, match="holds no book and no trades"):
        inspect_recording(tmp_path / "odd.jsonl")


def test_unreadable_lines_are_told_of_every_part(tmp_path):
    good = b'1723075200000000000 {"e":"trade","T":1723075200000,"s":"X","t":1,"p":"2","q":"1","m":true}\n'
    (tmp_path / "cut.gz").write_bytes(gzip.compress(good + good[:40]))
    report = inspect_recording(tmp_path / "cut.gz")["X trades"]
    assert report["messages"].grade == "blocked"
    assert "line 2" in report["messages"].found


def test_published_hashes(tmp_path):
    data = tmp_path / "day.zip"
    data.write_bytes(b"whole")
    said = data.with_name("day.zip.CHECKSUM")
    said.write_text(f"{hashlib.sha256(b'whole').hexdigest()}  day.zip\n")
    assert inspect_checksum(said).grade == "ok"
    data.write_bytes(b"hole")
    report = inspect_checksum(said)
    assert report.grade == "blocked"
    assert "not the published" in report["checksum"].found
    data.unlink()
    with pytest.raises(DataError, match="not there to be hashed"):
        inspect_checksum(said)
    said.write_text("nothing")
    with pytest.raises(DataError, match="no file of hashes"):
        inspect_checksum(said)
