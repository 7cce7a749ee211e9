"""`bateia data check` as a user meets it."""

import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from bateia import cli
from bateia.core import ConfigError
from bateia.runs import file_hash
from quality import damaged_books, generated_bars, generated_trades


def checked(*words, status=0):
    result = CliRunner().invoke(cli.app, ["data", "check", *words], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.stdout


@pytest.fixture
def files(tmp_path, es_trades):
    """Real trades, generated candles, generated trades and no table at all."""
    es_trades[:30_000].to_frame().write_parquet(tmp_path / "real.parquet")
    rng = np.random.default_rng(0)
    generated_bars.random_walk(rng).to_frame().write_csv(tmp_path / "candles.csv")
    generated_trades.random_walk(rng).to_frame().write_parquet(tmp_path / "trades.parquet")
    (tmp_path / "words.txt").write_text("nothing")
    return {path.stem: str(path) for path in tmp_path.iterdir()}


def test_each_file_gets_its_grade_and_the_rest_is_still_told(files):
    names = ("words", "real", "candles", "trades")
    found = json.loads(checked(*(files[name] for name in names), "--json", status=1))
    grades = [found[files[name]]["grade"] for name in names]
    assert grades == ["unreadable", "ok", "blocked", "blocked"]
    assert [found[files[name]].get("kind") for name in names] == [None, "trades", "bars", "trades"]
    text = checked(files["words"], files["candles"], status=1)
    assert f"{files['words']}: unreadable: " in text
    assert f"{files['candles']}: blocked: 8,928 bars" in text
    assert "blocked  generated" in text


def test_what_passes_ends_well(files):
    assert "ok: 30,000 trades" in checked(files["real"])
    assert "suspect: " not in checked("es-trades-2013-09")


def test_grids_and_weekends_that_are_known(files):
    assert "no multiples of 0.5 [" in checked(files["real"], "--tick", "0.5", status=1)
    assert "blocked  lots" in checked(files["real"], "--lot", "2", status=1)
    # The sample begins on a Sunday evening, Chicago's Monday.
    assert "blocked  calendar" in checked(files["real"], "--no-weekend", status=1)


def test_columns_of_other_names(tmp_path, es_trades):
    path = tmp_path / "named.csv"
    frame = es_trades[:5_000].to_frame().select(ts="time", px="price", qty="size")
    frame.with_columns(pl.col("ts").dt.epoch("us")).write_csv(path)
    assert "unreadable" in checked(str(path), status=1)
    assert "ok: 5,000 trades" in checked(str(path), "--columns", "time=ts,price=px,size=qty")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--kind", "bars"], "data of kind 'bars'; allowed: trades or candles"),
        (["--preset", "etapa7"], "preset 'etapa7'; allowed: etapa6"),
        (["--tick", "-1"], "--tick -1.0; allowed: numbers above 0"),
        (["--lot", "nan"], "--lot nan; allowed: numbers above 0"),
    ],
)
def test_settings_that_make_no_sense(files, words, error):
    with pytest.raises(ConfigError, match=error):
        checked(files["real"], *words)


def test_a_file_of_several_symbols_asks_which(tmp_path, es_trades):
    path = tmp_path / "both.csv"
    frame = es_trades[:3_000].to_frame().with_columns(pl.col("time").dt.epoch("us"))
    both = pl.concat([frame.with_columns(symbol=pl.lit(name)) for name in ("ESU3", "ESZ3")])
    both.select("time", "price", "size", "symbol").write_csv(path)
    assert "several symbols: ESU3, ESZ3" in checked(str(path), status=1)
    assert "ok: 3,000 trades" in checked(str(path), "--symbol", "ESZ3")
    assert "holds no 'ESH4'" in checked(str(path), "--symbol", "ESH4", status=1)


def test_what_is_long_is_checked_in_parts(files, monkeypatch):
    monkeypatch.setattr("bateia.cli.data_check.MOST", 12_000)
    text = checked(files["real"])
    heads = [line for line in text.splitlines() if line.startswith(files["real"])]
    assert [line.split(", rows ")[1] for line in heads] == [
        "0 to 11,999: ok: 12,000 trades",
        "12,000 to 23,999: ok: 12,000 trades",
        "24,000 to 29,999: ok: 6,000 trades",
    ]
    found = json.loads(checked(files["real"], "--json"))[files["real"]]
    assert found["grade"] == "ok"
    assert [part["rows"] for part in found["parts"].values()] == [12_000, 12_000, 6_000]


def test_books_are_told_by_their_lines_and_hashes_by_their_file(tmp_path):
    book = tmp_path / "2024-01-01_GENERATED_ob200.data"
    book.write_bytes(b"\n".join(damaged_books.random_walk_book(np.random.default_rng(0))))
    assert "GENERATED book of 200: blocked: 2,000 messages of a book" in checked(str(book), status=1)
    found = json.loads(checked(str(book), "--json", status=1))[str(book)]
    assert (found["grade"], list(found["parts"])) == ("blocked", ["GENERATED book of 200"])
    said = tmp_path / f"{book.name}.CHECKSUM"
    said.write_text(f"{file_hash(book)}  {book.name}\n")
    assert "ok: 1 checksum" in checked(str(said))
    book.write_bytes(b"")
    assert "blocked  checksum" in checked(str(said), status=1)


def test_the_archive_of_bybit_needs_no_names_of_columns(tmp_path, es_trades):
    path = tmp_path / "BTCUSD2019-10-01.csv"
    some = es_trades[:2_000].to_frame()
    rest = {name: pl.lit("x") for name in ("symbol", "tickDirection", "trdMatchID")}
    side = pl.lit("Buy").alias("side")
    some = some.select((pl.col("time").dt.epoch("us") / 1e6).alias("timestamp"), "price", "size", side)
    some.with_columns(**rest).write_csv(path)
    assert ": 2,000 trades" in checked(str(path))
