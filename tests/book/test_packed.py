"""Packed messages: back bit for bit, whatever they are and however they were cut; files that are none."""

import json
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.book import packed
from bateia.book.archive import ArchiveReader
from bateia.book.bars import BookBars
from bateia.book.build import build
from bateia.book.bybit import BybitLines, Malformed
from bateia.book.messages import Messages
from bateia.book.packed import HEADER, Facts, PackedMessages, PackedWriter
from bateia.book.packing import pack
from bateia.book.samples import Samples
from bateia.core import DataError
from bateia.sources.unpack import unpacked
from generated_days import archived, generated_day
from plain_lines import ARCHIVE, RECORDING, SYMBOLS, cut, generated_lines

pytest.importorskip("zstandard", reason="zstandard is absent")
absent = pytest.mark.skipif(not ARCHIVE.exists(), reason="real data is absent")
FACTS = Facts("GENERATED", 50, 0.01)
HOUR_MS = 3_600_000
WHOLE = st.integers(-(2**63), 2**63 - 1)
DECIMALS = st.integers(0, 2**53 - 1).flatmap(
    lambda n: st.integers(0, 18).map(lambda places: n / 10.0**places)
)
SIZES = [
    st.sampled_from([0.0, 1.5, 0.1, 60_000.0, 1e-18]),
    DECIMALS,
    st.floats(width=64) | st.sampled_from([-0.0, float("nan"), float("-inf"), 5e-324, 1e300, -3.0]),
]


@st.composite
def messages(draw):
    """Any messages at all: times, ids and ticks of all 64 bits, sizes of any kind, in any number."""
    counts = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
    n, levels = len(counts), sum(map(sum, counts))
    wide = draw(st.sampled_from([WHOLE, st.integers(-130, 130), st.integers(0, 70_000)]))
    ints = [draw(st.lists(wide, min_size=k, max_size=k)) for k in (n, n, n, levels)]
    time, ids, line, ticks = (np.array(values, np.int64) for values in ints)
    sizes = draw(st.lists(draw(st.sampled_from(SIZES)), min_size=levels, max_size=levels))
    first = np.concatenate([[0], np.cumsum([sum(one) for one in counts])]).astype(np.int64)
    return Messages(
        time=time,
        ids=ids,
        kinds=np.array(draw(st.lists(st.integers(-128, 127), min_size=n, max_size=n)), np.int8),
        first=first,
        middle=first[:-1] + np.array([bids for bids, _ in counts]),
        ticks=ticks,
        sizes=np.array(sizes, np.float64),
        line=line,
    )


def columns(parts):
    """Every column of the blocks together, as bytes, between the lines that were none."""
    made = []
    for part in parts:
        if isinstance(part, Malformed):
            made.append(part)
            continue
        for i in range(len(part)):
            levels = slice(part.first[i], part.first[i + 1])
            row = (part.time[i], part.ids[i], part.kinds[i], part.middle[i] - part.first[i], part.line[i])
            made.append((*map(int, row), part.ticks[levels].tobytes(), part.sizes[levels].tobytes()))
    return made


def written(path, parts, facts=FACTS):
    with PackedWriter(path) as file:
        for part in parts:
            file.add(part)
        file.finish(facts)
    return path


@given(st.lists(messages() | st.builds(Malformed, st.integers(1, 9), st.text(max_size=9)), max_size=4))
@settings(max_examples=120)
def test_any_messages_come_back_bit_for_bit(tmp_path_factory, parts):
    path = written(tmp_path_factory.mktemp("packed") / "any.packed", parts)
    found = PackedMessages(path)
    assert columns(found.parts()) == columns(parts)
    assert found.facts.messages == sum(len(part) for part in parts if isinstance(part, Messages))
    assert [file.name for file in path.parent.iterdir()] == ["any.packed"]


@given(st.lists(st.integers(0, 119), max_size=8), st.integers(1, 60))
@settings(max_examples=30)
def test_the_cut_of_the_blocks_never_shows(tmp_path_factory, at, together):
    [head, whole] = BybitLines().feed(b"".join(generated_lines(120)))
    path = tmp_path_factory.mktemp("packed") / "cut.packed"
    pieces = [head, *(piece for piece in cut(whole, at) if len(piece))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "_TOGETHER", together)
        written(path, pieces)
    found = list(PackedMessages(path).parts())
    assert columns(found) == columns([head, whole])
    for part in found:
        kinds = {name: getattr(part, name).dtype for name in ("time", "ids", "kinds", "first", "ticks")}
        assert kinds == {name: getattr(whole, name).dtype for name in kinds}
        assert part.first[0] == 0 and part.sizes.dtype == np.float64


@absent
@pytest.mark.parametrize("symbol", ["XRPUSDT", *SYMBOLS])
def test_real_messages_come_back_bit_for_bit(tmp_path, symbol):
    source = ARCHIVE if symbol == "XRPUSDT" else RECORDING
    lines = BybitLines(symbol, mixed=True)
    parts = [part for piece in unpacked(source) for part in lines.feed(piece)] + lines.finish()
    [report] = pack(source, tmp_path, ArchiveReader(symbol=symbol, mixed=True))
    assert (report.error, report.malformed) == ("", 0)
    found = PackedMessages(report.path)
    assert columns(found.parts()) == columns(parts)
    told = (found.symbol, found.depth, found.tick_size, found.lines, found.unusual, found.others, found.early)
    held = (lines.symbol, lines.depth, lines.tick_size, lines.lines, lines.unusual, lines.others, lines.early)
    assert told == held
    if symbol == "XRPUSDT":
        assert report.packed_bytes < HEADER + report.source_bytes
        assert report.path.endswith("2024-12-01_XRPUSDT_ob500.packed")


@pytest.fixture
def day(tmp_path):
    """An archive of an hour said twice, whose times so run backwards, with a line that is none; packed."""
    lines = generated_day("2024-02-28", stop_ms=HOUR_MS)
    lines[100] = b'{"topic": \n'
    path = archived(tmp_path / "in", "2024-02-28", [*lines, *generated_day("2024-02-28", stop_ms=HOUR_MS)])
    [report] = pack(path, tmp_path / "packed", ArchiveReader())
    return path, tmp_path / "packed" / "2024-02-28_GENERATED_ob200.packed", report


def test_samples_and_reports_of_a_packed_file_are_those_of_its_archive(day):
    path, target, report = day
    assert (report.error, report.malformed) == ("", 1)
    opened = [ArchiveReader(depth=20).open(one) for one in (path, target)]
    with pytest.raises(DataError) as theirs:
        list(opened[0])
    with pytest.raises(DataError) as ours:
        list(opened[1])
    assert str(ours.value) == str(theirs.value).replace(str(path), str(target))
    assert opened[1].summary() == opened[0].summary() and opened[0].summary()["faults"] == {"malformed": 1}


@pytest.mark.parametrize("every", ["1s", "700ms"])
def test_books_of_a_packed_day_are_those_of_its_archive(tmp_path, every):
    path = archived(tmp_path, "2024-02-28", generated_day("2024-02-28", stop_ms=HOUR_MS))
    [report] = pack(path, tmp_path / "packed", ArchiveReader())
    reader = ArchiveReader(depth=20, every=every)
    opened = [reader.open(one) for one in (path, report.path)]
    plain, ours = (Samples.concat(list(one)) for one in opened)
    for name, column in plain.columns().items():
        assert column.tobytes() == ours.columns()[name].tobytes(), name
    assert opened[1].summary() == opened[0].summary()


def test_packed_files_are_built_like_their_archives(tmp_path):
    archived(tmp_path / "in", "2024-02-28", generated_day("2024-02-28", stop_ms=HOUR_MS))
    pack(tmp_path / "in", tmp_path / "packed", ArchiveReader())
    kind = BookBars(depth=20)
    [one] = build(tmp_path / "in", tmp_path / "a", ArchiveReader(depth=20), kind)
    [other] = build(tmp_path / "packed", tmp_path / "b", ArchiveReader(depth=20), kind)
    assert (other.error, other.rows) == ("", 59)
    assert (tmp_path / "a" / one.days[0]).read_bytes() == (tmp_path / "b" / other.days[0]).read_bytes()
    both = tmp_path / "packed" / "2024-02-28_GENERATED_ob200.data.zip"
    both.write_bytes((tmp_path / "in" / both.name).read_bytes())
    _, twice = build(tmp_path / "packed", tmp_path / "c", ArchiveReader(depth=20), kind)
    assert "is of the same day as" in twice.error


def test_a_packed_file_of_something_else_than_asked_is_an_error(day):
    with pytest.raises(DataError, match="has the symbol 'GENERATED', not 'OTHER'"):
        ArchiveReader(symbol="OTHER").open(day[1])
    with pytest.raises(DataError, match=r"has the tick size 0\.01, not 0\.001"):
        ArchiveReader(tick_size=0.001).open(day[1])
    with pytest.raises(DataError, match="300 levels asked of lines of 200"):
        list(ArchiveReader(depth=300).open(day[1]))


def test_what_is_packed_is_left_until_its_archive_changes(day):
    path, target, first = day
    before = target.stat().st_mtime_ns
    [again] = pack(path, target.parent, ArchiveReader())
    assert again.resumed and (again.messages, again.malformed) == (first.messages, 1)
    assert target.stat().st_mtime_ns == before
    [finer] = pack(path, target.parent, ArchiveReader(tick_size=0.001))
    assert not finer.resumed and PackedMessages(target).tick_size == 0.001
    target.write_bytes(target.read_bytes()[:-1])
    [anew] = pack(path, target.parent, ArchiveReader(tick_size=0.001))
    assert (anew.error, anew.resumed) == ("", False)
    with pytest.raises(DataError, match="is packed already"):
        pack(target, target.parent, ArchiveReader())


def test_broken_archives_are_told_and_leave_nothing(tmp_path):
    lines = generated_day("2024-02-28", stop_ms=HOUR_MS)
    archived(tmp_path / "in", "2024-02-28", lines[1:])
    archived(tmp_path / "in", "2024-02-29", lines)
    cut_short = archived(tmp_path / "in", "2024-03-01", lines)
    cut_short.write_bytes(cut_short.read_bytes()[:-30])
    archived(tmp_path / "in" / "more", "2024-02-29", lines)
    none, good, twice, short = pack(tmp_path / "in", tmp_path / "out", ArchiveReader())
    assert "no snapshot of an order book in its 719 lines" in none.error and none.source in none.error
    assert good.error == "" and "would be packed over" in twice.error and "unpacked" in short.error
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["2024-02-29_GENERATED_ob200.packed"]


@given(st.data())
@settings(max_examples=150)
def test_a_changed_or_shorter_file_is_an_error_or_says_the_same(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("packed") / "bad.packed"
    parts = [*BybitLines().feed(b"".join(generated_lines(40))), Malformed(41, "it is a list")]
    good = written(path, parts).read_bytes()
    # What follows the header's text within it is unused.
    used = [*range(200), *range(HEADER, len(good))]
    at = data.draw(st.sampled_from(used))
    if data.draw(st.booleans()):
        bad = good[:at]
    else:
        changed = good[at] ^ data.draw(st.integers(1, 255))
        bad = good[:at] + bytes([changed]) + good[at + 1 :]
    path.write_bytes(bad)
    with pytest.raises(DataError, match=r"bad\.packed (is damaged|is no packed|is packed in form)"):
        list(PackedMessages(path).parts())


@pytest.mark.parametrize("sizes", [[0.0, -0.0], [-0.0, 1.5], [float("nan"), 1.0], [0.1, 1e-18], [3.0, -3.0]])
def test_sizes_that_look_alike_stay_apart(tmp_path, sizes):
    [head, *_] = BybitLines().feed(b"".join(generated_lines(1)))
    levels = np.array(sizes)
    one = Messages(
        **{**head.__dict__, "first": np.array([0, 2]), "middle": np.array([1])}
        | {"ticks": np.array([1, 2]), "sizes": levels}
    )
    [found] = PackedMessages(written(tmp_path / "a.packed", [one])).parts()
    assert found.sizes.tobytes() == levels.tobytes()


def test_records_that_changed_places_are_found(tmp_path):
    parts = [Malformed(1, "aa"), Malformed(2, "bb")]
    path = written(tmp_path / "turned.packed", parts)
    data = path.read_bytes()
    length = (len(data) - HEADER) // 2
    first, second = data[HEADER : HEADER + length], data[HEADER + length :]
    path.write_bytes(data[:HEADER] + second + first)
    with pytest.raises(DataError, match="its hash does not hold"):
        list(PackedMessages(path).parts())


def test_a_newer_form_and_other_files_are_told(tmp_path):
    path = written(tmp_path / "new.packed", [Malformed(1, "no line")])
    text = json.dumps({"version": 2, "what": "else"}).encode()
    start = struct.pack("<8sII", packed.MAGIC, len(text), zlib.crc32(text)) + text
    path.write_bytes(start.ljust(HEADER, b"\0"))
    with pytest.raises(DataError, match="is packed in form 2; allowed: form 1; try: a newer Bateia"):
        PackedMessages(path)
    path.write_bytes(b"PK\3\4 hello")
    with pytest.raises(DataError, match="is no packed order book"):
        PackedMessages(path)
    with pytest.raises(DataError, match="there is no file"):
        PackedMessages(tmp_path / "absent.packed")


def test_archives_are_packed_at_the_same_time(tmp_path):
    lines = generated_day("2024-02-28", stop_ms=HOUR_MS)
    for date in ("2024-02-28", "2024-02-29"):
        archived(tmp_path / "in", date, lines)
    (tmp_path / "in" / "2024-03-01_GENERATED_ob200.data").write_bytes(b"hello")
    one = pack(tmp_path / "in", tmp_path / "one", ArchiveReader())
    heard = []
    with ThreadPoolExecutor(2) as executor:
        many = pack(tmp_path / "in", tmp_path / "many", ArchiveReader(), executor, heard.append)
    assert [report.error for report in many] == [report.error for report in one]
    assert [bool(report.error) for report in one] == [False, False, True] and len(heard) == 3
    for report in one[:2]:
        name = Path(report.path).name
        assert (tmp_path / "many" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_zstd_that_is_not_installed_is_told(tmp_path, monkeypatch):
    path = written(tmp_path / "a.packed", [Malformed(1, "no line")])
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(DataError, match=r"zstd, which is not installed; try: pip install 'bateia\[book\]'"):
        list(PackedMessages(path).parts())
    with pytest.raises(DataError, match="not installed"):
        PackedWriter(tmp_path / "b.packed")


def test_messages_that_overlap_and_headers_that_do_not_fit_leave_nothing(tmp_path):
    [head, *_] = BybitLines().feed(b"".join(generated_lines(3)))
    wrong = Messages(**{**head.__dict__, "middle": head.middle + 1000})
    with pytest.raises(DataError, match="levels overlap"):
        written(tmp_path / "a.packed", [wrong])
    with pytest.raises(DataError, match="a header of"):
        written(tmp_path / "a.packed", [head], Facts("X" * HEADER, 50, 0.01))
    assert list(tmp_path.iterdir()) == []
