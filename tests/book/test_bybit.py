"""Lines of Bybit: the kernel against the JSON library, any cut of the bytes, and lines that are none."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.book import bybit
from bateia.book.bybit import BybitLines, Malformed
from bateia.book.bybit_line import ENOUGH, read_line
from bateia.core import DataError
from bateia.sources.unpack import unpacked
from plain_lines import ARCHIVE, RECORDING, SYMBOLS, cut, generated_line, generated_lines

absent = pytest.mark.skipif(not ARCHIVE.exists(), reason="real data is absent")
DECIMAL = st.from_regex(r"[1-9][0-9]{0,5}(\.[0-9]{1,9})?", fullmatch=True)
FIRST = generated_line(0, [("9.99", "1")], [("10.01", "2")], kind="snapshot")


def parsed(data, at=(), **options):
    lines = BybitLines(**options)
    parts = [part for piece in cut(data, at) for part in lines.feed(piece)]
    return lines, parts + lines.finish()


def rows(parts):
    """Every message as plain values, whatever the blocks."""
    made = []
    for part in parts:
        if isinstance(part, Malformed):
            made.append(part)
            continue
        for i in range(len(part)):
            levels = slice(part.first[i], part.first[i + 1])
            sides = (
                part.ticks[levels].tolist(),
                part.sizes[levels].tolist(),
                int(part.middle[i] - part.first[i]),
            )
            made.append((int(part.time[i]), int(part.ids[i]), int(part.kinds[i]), int(part.line[i]), *sides))
    return made


def plain_rows(lines, tick_size):
    """The same by the JSON library alone."""
    made = []
    for number, line in enumerate(lines, 1):
        m = json.loads(line)
        levels = [*m["data"]["b"], *m["data"]["a"]]
        ticks = [round(float(price) / tick_size) for price, _ in levels]
        sizes = [float(size) for _, size in levels]
        kind = int(m["type"] == "snapshot")
        made.append((m["ts"] * 1000, m["data"]["u"], kind, number, ticks, sizes, len(m["data"]["b"])))
    return made


@absent
@pytest.mark.parametrize("symbol", ["XRPUSDT", *SYMBOLS])
def test_real_lines_are_read_as_json_reads_them(symbol):
    data = b"".join(unpacked(ARCHIVE if symbol == "XRPUSDT" else RECORDING))
    lines, parts = parsed(data, symbol=symbol, mixed=True)
    own = [line for line in data.splitlines() if f'"s":"{symbol}"'.encode() in line]
    # Line numbers are those of the file, with the other symbols in between.
    numbered = [(*row[:3], *row[4:]) for row in plain_rows(own, lines.tick_size)]
    assert [(*row[:3], *row[4:]) for row in rows(parts)] == numbered
    assert (lines.unusual, lines.symbol) == (1, symbol)
    assert lines.depth == (500 if symbol == "XRPUSDT" else 200)


@given(st.lists(st.integers(0, 20_000), max_size=12), st.integers(1, 3))
@settings(max_examples=40)
def test_any_cut_of_the_bytes_gives_the_same_messages(at, seed):
    data = b"".join(generated_lines(40, seed))
    whole = rows(parsed(data)[1])
    assert whole == plain_rows(data.splitlines(), 0.01)
    assert rows(parsed(data, [min(a, len(data)) for a in at])[1]) == whole
    assert rows(parsed(data[:-1], [min(a, len(data) - 1) for a in at])[1]) == whole


@given(st.lists(st.tuples(DECIMAL, DECIMAL | st.just("0") | st.just("0.000")), min_size=1, max_size=9))
def test_numbers_are_those_nearest_to_their_text(levels):
    line = generated_line(1, levels, levels[::-1])
    _, [first, found] = parsed(FIRST + line, tick_size=1e-9)
    assert rows([first, found])[1:] == [
        (
            *row[:3],
            2,
            [int(price.replace(".", "").ljust(9 + len(price.split(".")[0]), "0")) for price, _ in both],
            *row[5:],
        )
        for row, both in zip(plain_rows([line], 1e-9), [levels + levels[::-1]], strict=True)
    ]


SPACED = json.dumps(json.loads(generated_line(1, [("9.98", "1.5")], [("10.02", "0")]))).encode() + b"\n"
TURNED = json.dumps(dict(reversed(json.loads(SPACED).items()))).encode() + b"\n"
NUMBERS = SPACED.replace(b'"9.98"', b"9.98").replace(b'"1.5"', b"1.5")
LONG = generated_line(1, [("9.98", "1.500000000000000000000000")], [("10.020000000000000000000", "0")])
WHOLE = generated_line(1, [("9.98", "1.5"), ("0.05", "12")], [("10.02", "0"), ("123456.78", "3")])
PIECES = [
    b'"',
    b"]",
    b"[",
    b"}",
    b"{",
    b",",
    b"0",
    b"7",
    b".",
    b"-",
    b"e",
    b" ",
    b"\x00",
    b"\xff",
    b'"a":[',
    b"null",
]
EDITS = st.lists(
    st.tuples(st.integers(0, len(WHOLE) - 2), st.integers(0, 2), st.sampled_from(PIECES)), max_size=3
)


@given(EDITS)
@settings(max_examples=400)
def test_a_changed_line_says_what_the_json_library_says_or_nothing(edits):
    line = WHOLE[:-1]
    for at, removed, added in edits:
        line = line[:at] + added + line[at + removed :]
    _, parts = parsed(FIRST + line + b"\n", tick_size=1e-9, mixed=True)
    try:
        read = read_line(line.strip()) if line.strip() else None
    except (ValueError, TypeError, KeyError, ArithmeticError):
        assert isinstance(parts[1], Malformed)
        return
    if read is None or (read.symbol, read.depth) != ("GENERATED", 50):
        assert len(parts) == 1
        return
    found = rows(parts)[1]
    both = [*read.bids, *read.asks]
    if any(price.scaleb(9) >= 2**53 for price, _ in both):
        assert isinstance(found, Malformed)
        return
    assert found[:3] == (read.time, read.number, int(read.snapshot))
    assert found[4] == [int(price.scaleb(9)) for price, _ in both]
    assert found[5:] == ([size for _, size in both], len(read.bids))


UNUSUAL = {
    "spaced": SPACED,
    "keys turned": TURNED,
    "numbers": NUMBERS,
    "many places": LONG,
    "exponent": SPACED.replace(b'"1.5"', b'"15e-1"'),
    "no cts": generated_line(1, [("9.98", "1.5")], [("10.02", "0")]).split(b',"cts"')[0] + b"}\n",
    "carriage return": generated_line(1, [("9.98", "1.5")], [("10.02", "0")])[:-1] + b"\r\n",
}


@pytest.mark.parametrize("form", UNUSUAL)
def test_unusual_lines_are_read_all_the_same(form):
    after = generated_line(2, [("9.97", "3")], [])
    lines, parts = parsed(FIRST + b"\n  \n" + UNUSUAL[form] + after)
    [_, found, last] = rows(parts)
    assert found[4:] == ([998, 1002], [1.5, 0.0], 1)
    assert (found[0], found[1], found[3], last[3]) == (1_700_000_000_100_000, 101, 4, 5)
    assert lines.unusual == (1 if form in {"no cts", "carriage return"} else 2)


BAD = {
    "cut short": (generated_line(1, [("9.98", "1.5")], [])[:70] + b"\n", "Unterminated"),
    "no JSON": (b"hello\n", "Expecting value"),
    "a list": (b"[1, 2]\n", "it is a list"),
    "no topic": (b'{"type": "delta"}\n', "it has no 'topic'"),
    "no data": (b'{"topic": "orderbook.50.GENERATED", "type": "delta"}\n', "it has no 'data'"),
    "another type": (generated_line(1, [], [], kind="patch"), "neither snapshot nor delta"),
    "a topic of nothing": (SPACED.replace(b"orderbook.50.GENERATED", b"orderbook.x"), "names no depth"),
    "data of another": (SPACED.replace(b'"s": "GENERATED"', b'"s": "OTHER"'), "its data of 'OTHER'"),
    "a price of text": (generated_line(1, [("abc", "1")], []), "'abc' is no price"),
    "a price with a line": (generated_line(1, [("9_98", "1")], []), "'9_98' is no price"),
    "a price of true": (SPACED.replace(b'"9.98"', b"true"), "True is no price"),
    "digits of another script": (generated_line(1, [("٩", "1")], []), "is no price"),
    "zeros before a number": (generated_line(1, [], []).replace(b'"u":', b'"u":0'), "delimiter"),
    "a price of 0": (generated_line(1, [("0", "1")], []), "no level can be"),
    "a price below 0": (generated_line(1, [("-1", "1")], []), "no level can be"),
    "a huge price": (generated_line(1, [("1e300", "1")], []), "no level can be"),
    "an infinite size": (generated_line(1, [("9.98", "inf")], []), "'inf' is no price or size"),
    "a price of too many ticks": (generated_line(1, [("1e14", "1")], []), "has a price of 1E"),
    "a size beyond numbers": (generated_line(1, [("9.98", "1e999")], []), "no level can be"),
    "a size of NaN": (generated_line(1, [("9.98", "nan")], []), "'nan' is no price or size"),
    "a size below 0": (generated_line(1, [("9.98", "-1")], []), "no level can be"),
    "a level of three": (SPACED.replace(b'"1.5"', b'"1.5", "7"'), "too many values"),
    "a time of text": (SPACED.replace(b"1700000000100,", b'"soon",', 1), "'soon' is no time or id"),
    "a time of many digits": (SPACED.replace(b"1700000000100", b"9" * 30), "no time or id"),
    "no UTF-8": (b'{"topic": "\xff\xfe"}\n', "decode"),
    "a NUL": (generated_line(1, [("9.98", "1")], []).replace(b"9.98", b"9\x0098"), "control character"),
    "deeper than JSON goes": (b"[" * 100_000 + b"\n", ""),
}


@pytest.mark.parametrize("bad", BAD)
def test_malformed_lines_come_out_with_their_number_and_the_others_go_on(bad):
    text, says = BAD[bad]
    _, parts = parsed(FIRST + text + generated_line(2, [("9.97", "3")], []))
    [first, malformed, last] = rows(parts)
    assert isinstance(malformed, Malformed) and malformed.line == 2
    assert says in malformed.what
    assert (first[3], last[3]) == (1, 3)


def test_lines_of_other_topics_are_left_out():
    others = b'{"success":true,"op":"subscribe"}\n{"topic":"publicTrade.GENERATED","data":[]}\n'
    lines, parts = parsed(others + FIRST + others)
    assert (lines.others, lines.lines, len(parts)) == (4, 5, 1)


@pytest.mark.parametrize(
    "other",
    [generated_line(1, [], [], symbol="OTHER"), FIRST.replace(b"orderbook.50", b"orderbook.200")],
)
def test_another_symbol_or_depth_is_an_error_unless_mixed(other):
    with pytest.raises(
        DataError, match=r"line 2: \w+ of \d+ levels in a book of GENERATED of 50; allowed: one symbol"
    ):
        parsed(FIRST + other)
    lines, parts = parsed(FIRST + other + FIRST, mixed=True)
    assert (lines.others, [len(part) for part in parts]) == (1, [1, 1])
    with pytest.raises(DataError, match="in a book of WANTED"):
        parsed(FIRST, symbol="WANTED")


def test_a_price_off_the_grid_is_an_error_with_its_line():
    for text in ("9.985", "9.9850", "9.98500000000000000001"):
        with pytest.raises(DataError, match=r"line 3: the price 9.985\d* is off the tick grid; .* 0.01"):
            parsed(FIRST + generated_line(1, [], []) + generated_line(2, [(text, "1")], []), tick_size=0.01)
    with pytest.raises(DataError, match=r"line 1: the price 9\.99 is off the tick grid; .*size of 0\.01"):
        parsed(FIRST + generated_line(1, [("9.98", "1")], []), tick_size=0.05)


@pytest.mark.parametrize(
    ("first", "step", "tick"),
    [("1.9530", "0.0001", 0.0001), ("65114.20", "0.10", 0.1), ("100", "50", 50.0), ("0.05", "0.05", 0.05)],
)
@pytest.mark.parametrize("extra", [0, 7])
def test_the_tick_size_is_the_coarsest_that_fits_many_prices(first, step, tick, extra):
    prices = [Decimal(first) + i * Decimal(step) for i in range(ENOUGH + extra)]
    lines, _ = parsed(generated_line(0, [(str(price), "1") for price in prices], [], kind="snapshot"))
    assert lines.tick_size == tick


def test_a_few_prices_tell_the_last_place_that_is_written():
    few = generated_line(0, [("9.50", "1"), ("9.00", "2")], [], kind="snapshot")
    empty = generated_line(0, [], [], kind="snapshot")
    lines, parts = parsed(empty + few + generated_line(1, [("9.51", "1")], []))
    assert (lines.tick_size, lines.early) == (0.01, 1)
    assert [part.ticks.tolist() for part in parts] == [[950, 900], [951]]


def test_changes_before_any_tick_size_is_known_are_counted():
    lines, parts = parsed(generated_line(0, [("9.95", "1")], []) + FIRST)
    assert (lines.early, len(parts), lines.tick_size) == (1, 1, 0.01)


@pytest.mark.compiled
def test_a_line_longer_than_the_buffer_and_one_without_end(monkeypatch):
    many = [(f"{i // 100}.{i % 100:02d}", "1.5") for i in range(1, 100_000)]
    data = FIRST + generated_line(1, many, []) + generated_line(2, [], [])
    _, parts = parsed(data, [5, 2_000_000], tick_size=0.01)
    assert rows(parts) == plain_rows(data.splitlines(), 0.01)
    monkeypatch.setattr(bybit, "LONGEST", 1 << 20)
    with pytest.raises(DataError, match="line 2 has over 1048576 bytes"):
        parsed(FIRST + b"x" * 4_000_000)


def test_one_line_by_the_json_library():
    line = read_line(SPACED)
    assert (line.depth, line.symbol, line.snapshot, line.time, line.number) == (
        50,
        "GENERATED",
        False,
        1_700_000_000_100_000,
        101,
    )
