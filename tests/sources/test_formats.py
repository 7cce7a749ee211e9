"""Files as people write them: separators, decimals, zones, names, presets, symbols, in any pieces."""

import gzip
import zipfile
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bateia.core import Bars, DataError, Trades
from bateia.quality import validate_bars
from bateia.sources import CandleSource, FileSource, SampleSource, read_candles, read_trades, tables
from bateia.sources.formats import PRESETS, Format
from bateia.testing import check_source
from bateia.testing.bars import generated_trades

MINUTE = 60_000_000
ETAPA6 = "timestamp,open,high,low,close,volume,trades,buy_volume,sell_volume,vwap,symbol\n"
"""The header, and below the one row, that the system's own description shows; the others are generated."""
SHOWN = (
    "2025-02-03 09:01:00,5909.5,5910.0,5894.5,5904.0,799456430.0,13543,394124542.5,405331887.5,5904.0,WDOH25"
)


def generated_etapa6(minutes, symbol="WDOH25"):
    lines = [
        f"2025-02-{3 + m // 300:02} {10 + m // 60 % 5:02}:{m % 60:02}:00,10,{12 + m % 3},9,11,{100 + m},{m},"
        f"{60 + m},40,10.5,{symbol}"
        for m in minutes
    ]
    return "\n".join([SHOWN.replace("WDOH25", symbol), *lines]) + "\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="t.csv"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_etapa6_by_name(write):
    source = CandleSource(path=write(ETAPA6 + generated_etapa6(range(700))), preset="etapa6")
    assert check_source(source)
    bars = source.read()
    validate_bars(bars)
    first = datetime.fromisoformat("2025-02-03T12:01:00+00:00")
    assert bars.open_time[0] == int(first.timestamp()) * 10**6, "nine o'clock of Sao Paulo is noon of UTC"
    assert (bars.time - bars.open_time == MINUTE).all()
    assert (bars.close[0], bars.volume[0], bars.trades[0], bars.vwap[0]) == (
        5904.0,
        799456430.0,
        13543,
        5904.0,
    )
    assert bars.signed_volume[0] == 394124542.5 - 405331887.5
    assert bars.signed_volume[1:].tolist() == [20.0 + m for m in range(700)]
    assert bars.value[1:].tolist() == [10.5 * (100 + m) for m in range(700)]
    assert set(PRESETS) == {"etapa6"}


def test_what_is_said_goes_before_the_preset(write):
    text = ETAPA6.replace("timestamp", "when") + generated_etapa6(range(20))
    own = CandleSource(
        path=write(text), preset="etapa6", columns={"open_time": "when"}, format=Format(time_zone="UTC")
    )
    bars = own.read()
    assert bars.open_time[0] % (24 * 60 * MINUTE) == (9 * 60 + 1) * MINUTE
    closed = own.model_copy(update={"stamp": "close"}).read()
    assert closed.time.tolist() == bars.open_time.tolist()
    assert (closed.time - closed.open_time == MINUTE).all()


def test_contracts_in_one_file(write):
    text = ETAPA6 + generated_etapa6(range(20)) + generated_etapa6(range(20), "WINJ25")
    path = write(text)
    with pytest.raises(DataError, match=r"several symbols: WDOH25, WINJ25; .*try: symbol: WDOH25"):
        CandleSource(path=path, preset="etapa6").read()
    assert len(CandleSource(path=path, preset="etapa6", symbol="WINJ25").read()) == 21
    assert len(CandleSource(path=path, preset="etapa6", symbol="WDO*").read()) == 21
    with pytest.raises(DataError, match=r"holds no 'WDOK25'; allowed: WDOH25, WINJ25; try: WDOH25"):
        CandleSource(path=path, preset="etapa6", symbol="WDOK25").read()
    plain = write("time,price,size,symbol\n1377993600,1,1,A\n1377993601,2,1,B\n", "trades.csv")
    assert read_trades(plain, symbol="B").price.tolist() == [2.0]
    with pytest.raises(DataError, match="several symbols: A, B"):
        read_trades(plain)
    with pytest.raises(DataError, match="no column 'symbol'"):
        read_trades(write("time,price,size\n1377993600,1,1\n", "none.csv"), symbol="A")


def test_decimals_separators_and_formats_of_other_lands(write):
    path = write("03/02/2025 09:00:01;1,5;2\n03/02/2025 09:00:02;1,75;3\n")
    form = Format(
        separator=";",
        decimal=",",
        time_zone="America/Sao_Paulo",
        time_format="%d/%m/%Y %H:%M:%S",
        names=("time", "price", "size"),
    )
    source = FileSource(path=path, format=form)
    trades = source.read()
    assert trades.price.tolist() == [1.5, 1.75]
    assert trades.time[0] == int(datetime.fromisoformat("2025-02-03T12:00:01+00:00").timestamp()) * 10**6
    assert FileSource.model_validate(source.model_dump(mode="json")) == source
    assert source.hash() != FileSource(path=path).hash()
    with pytest.raises(
        DataError, match=r"row 1 .*'3/2', is not understood .*allowed: times written as %d/%m"
    ):
        read_trades(write("03/02/2025 09:00:01;1,5;2\n3/2;1,75;3\n", "bad.csv"), form=form)
    with pytest.raises(DataError, match=r"has 3 columns; allowed: 2: a, b"):
        read_trades(path, form=Format(separator=";", names=("a", "b")))


def test_digits_as_a_time_keep_their_zeros(write):
    form = Format(time_format="%d%m%Y%H%M%S")
    assert read_trades(write("time,price,size\n03022025120001,1,1\n"), form=form).time.tolist() == [
        int(datetime.fromisoformat("2025-02-03T12:00:01+00:00").timestamp()) * 10**6
    ]


@pytest.mark.parametrize(
    ("moment", "zone"), [("2018-11-04 00:30:00", "America/Sao_Paulo"), ("2024-11-03 01:30:00", "US/Central")]
)
def test_hours_that_a_zone_skips_or_repeats_are_not_guessed(write, moment, zone):
    text = f"time,price,size\n2018-11-01 12:00:00,1,1\n{moment},1,1\n"
    with pytest.raises(DataError, match=rf"row 1 of 'time' .* is no moment, or two, in {zone}"):
        read_trades(write(text), form=Format(time_zone=zone))
    assert len(read_trades(write(text))) == 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"separator": ","}, None),
        ({"separator": ",", "decimal": ","}, "separates columns and decimals"),
        ({"separator": ";;"}, "at most 1"),
        ({"separator": '"'}, "separates no columns"),
        ({"time_zone": "America/Sao_Paolo"}, "try: America/Sao_Paulo"),
        ({"names": ["a", "a"]}, "each name once"),
        ({"zone": "UTC"}, "Extra inputs"),
    ],
)
def test_formats_that_make_no_sense(wrong, says):
    if says is None:
        assert Format.model_validate(wrong) == Format()
        return
    with pytest.raises(ValidationError, match=says):
        Format.model_validate(wrong)


def test_existing_sources_pass_the_suite(tmp_path, write):
    assert check_source(SampleSource(name="es-trades-2013-09"))
    trades = generated_trades(500)
    frame = pl.DataFrame(trades.columns())
    for name in ("t.csv", "t.parquet", "t.feather"):
        path = tmp_path / name
        {".csv": frame.write_csv, ".parquet": frame.write_parquet, ".feather": frame.write_ipc}[path.suffix](
            path
        )
        source = FileSource(path=str(path))
        assert check_source(source)
        assert source.read().size.tolist() == trades.size.tolist()


def test_many_files_are_one_in_order_of_time(tmp_path):
    trades = generated_trades(500)
    for name, part in (("b", trades[:200]), ("a", trades[200:])):
        pl.DataFrame(part.columns()).write_csv(tmp_path / f"{name}.csv")
    source = FileSource(path=str(tmp_path / "*.csv"))
    assert source.read().time.tolist() == trades.time.tolist()
    assert check_source(source)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".zip", ".parquet", ".feather"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(piece=st.integers(1, 3000), rows=st.integers(1, 300), crlf=st.booleans(), cut=st.booleans())
def test_pieces_of_any_size_hold_the_same_trades(tmp_path_factory, suffix, piece, rows, crlf, cut):
    trades = generated_trades(260)
    path = tmp_path_factory.mktemp("t") / f"t{suffix}"
    frame = pl.DataFrame(trades.columns())
    if suffix in {".parquet", ".feather"}:
        frame.write_parquet(path) if suffix == ".parquet" else frame.write_ipc(path, compression="zstd")
    else:
        text = frame.write_csv(line_terminator="\r\n" if crlf else "\n").encode()
        text = text.rstrip() if cut else text
        if suffix == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("t.csv", text)
        else:
            path.write_bytes(gzip.compress(text) if suffix == ".csv.gz" else text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PIECE", piece)
        patch.setattr(tables, "ROWS", piece)
        blocks = list(FileSource(path=str(path)).blocks(rows))
    read = Trades.concat(blocks)
    assert all(np.array_equal(getattr(read, n), c) for n, c in trades.columns().items())


@given(fill=st.integers(0, 60), piece=st.integers(1, 200))
@settings(max_examples=40)
def test_lines_inside_quotes_do_not_cut_a_row(tmp_path_factory, fill, piece):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    note = '"a\n' + "x" * fill + ',""b"""'
    path.write_text(
        "time,note,price,size\n" + "".join(f"{1377993600 + k},{note},{k}.5,1\n" for k in range(30))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PIECE", piece)
        assert read_trades(path).price.tolist() == [k + 0.5 for k in range(30)]


@pytest.mark.parametrize(
    "text",
    [
        "time,price,size\n{0},1.5,2\n",
        "\ufefftime,price,size\r\n{0},1.5,2\r\n",
        " time , price, size\n{0}, 1.5, 2\n",
        '"time","price","size"\n"{0}","1.5","2"',
        "time,price,size\n\n{0},1.5,2\n\n\n",
        "time,price,size\r\n\r\n{0},1.5,2\r\n\r\n",
        "time,price,size,note\n{0},1.5,2\n",
    ],
)
@pytest.mark.parametrize("piece", [1, 1 << 22])
def test_untidy_files_that_can_only_mean_one_thing(write, monkeypatch, text, piece):
    monkeypatch.setattr(tables, "PIECE", piece)
    trades = read_trades(write(text.format(1377993600)))
    assert (len(trades), trades.time[0], trades.price[0], trades.size[0]) == (1, 1377993600000000, 1.5, 2.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time;price;size\n1;2;3\n", r'one column with .,. as the separator: .*separator: ";"'),
        ("time\tprice\tsize\n1\t2\t3\n", r'separator: "\\t"'),
        ("time,price,size,price\n1377993600,1,2,3\n", "has two columns 'price'; allowed: each name once"),
        ('time,price,size,note\n1377993600,1,2,5" pipe\n', "a quote that nothing closes, from line 2 on"),
        ("\0\0\n1\n", "cannot read .*it is no text"),
    ],
)
def test_files_that_could_mean_anything(write, text, says):
    with pytest.raises(DataError, match=says):
        read_trades(write(text))


def test_faults_far_into_a_file_name_their_row(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "PIECE", 200)
    lines = [f"{1377993600 + k},1.5,1,buy" for k in range(100)]
    path = tmp_path / "t.csv"
    for bad, says in (
        ("1377993650,abc,1,buy", "row 50 of 'price' .*'abc', is no number"),
        ("1377993650,1,1,bought", "row 50 of 'side' .*'bought', is no side"),
        (",1,1,buy", "row 50 of 'time' .* has no time"),
        ("1377993650000,1,1,buy", "row 50 of 'time' .*, is in another unit than the .* rows before it"),
        ("1377993650,1,1,buy,more", r"line 52 of .* has 5 fields; allowed: 4: time, price, size, side"),
    ):
        path.write_text("\n".join(["time,price,size,side", *lines[:50], bad, *lines[51:]]) + "\n")
        with pytest.raises(DataError, match=says):
            read_trades(path)


def test_types_that_change_far_into_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "PIECE", 100)
    lines = [f"{1377993600 + k},{k + 1},1,{'' if k < 20 else 1}" for k in range(40)]
    lines += [f"{1377993640 + k}.25,1.5,1,-1" for k in range(40)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["time,price,size,side", *lines]))
    trades = read_trades(path)
    assert trades.time[-1] == 1377993679_250_000
    assert trades.side.tolist() == [0] * 20 + [1] * 20 + [-1] * 40


def test_candles_in_pieces(tmp_path, monkeypatch):
    path = tmp_path / "c.csv"
    lines = [f"{1377993600 + 300 * k},10,12,9,11,{k}" for k in range(60)]
    path.write_text("\n".join(["open_time,open,high,low,close,volume", *lines]))
    whole = read_candles(path)
    for piece in (1, 40, 70, 300):
        monkeypatch.setattr(tables, "PIECE", piece)
        assert read_candles(path).time.tolist() == whole.time.tolist()
    assert check_source(CandleSource(path=str(path)))
    path.write_text("\n".join(["open_time,open,high,low,close,volume", *lines[:50], "1377993601,1,1,1,1,1"]))
    assert len(read_candles(path)) == 51, "that it runs backwards is for validation to say"
    late = [*lines[:50], f"{1377993600 + 300 * 50 + 7},1,1,1,1,1"]
    path.write_text("\n".join(["open_time,open,high,low,close,volume", *late]))
    with pytest.raises(DataError, match="lie 5m apart, but 1 of them off that grid"):
        read_candles(path)


def test_memory_does_not_grow_with_the_file(tmp_path):
    """The largest piece that is held is bounded, whatever the file's length."""
    path = tmp_path / "t.csv"
    path.write_text("time,price,size\n" + "1377993600,1.5,1\n" * 20_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PIECE", 1 << 12)
        seen = [len(frame) for frame in tables.open_table(path).pieces(["time", "price", "size"])]
    assert max(seen) <= (1 << 12) // len("1377993600,1.5,1\n") + 1
    assert sum(seen) == 20_000


def test_empty_tables(tmp_path):
    for name, frame in (("t.parquet", pl.DataFrame({"time": [], "price": [], "size": []})),):
        frame.write_parquet(tmp_path / name)
        with pytest.raises(DataError, match="holds no trades"):
            read_trades(tmp_path / name)
    assert len(Bars.empty()) == 0
