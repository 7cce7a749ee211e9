"""Features of a file of bars: the same as of the bars in memory, and nothing half-written."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from bateia.core import DataError
from bateia.features import Plan, files, run_file
from bateia.testing.operators import generated_market

MARKET = generated_market(5000, 1)
PLAN = Plan({"trend": "ema(close, 20) / close - 1", "hour": "hour()", "pace": 'count(close, "1m")'})


def write(path, **changes):
    frame = pl.DataFrame(MARKET | changes)
    clocks = ("open_time", "time", "known_at")
    frame = frame.with_columns(pl.from_epoch(name, "us").dt.replace_time_zone("UTC") for name in clocks)
    frame.write_parquet(path, row_group_size=700)
    return path


@pytest.mark.parametrize(("rows", "threads"), [(64, 1), (1000, 2), (files.ROWS, 3)])
def test_the_same_as_in_memory(tmp_path, monkeypatch, rows, threads):
    monkeypatch.setattr(files, "ROWS", rows)
    done = []
    bars = write(tmp_path / "bars.parquet")
    assert run_file(PLAN, bars, tmp_path / "out.parquet", done.append, threads) == 5000 == sum(done)
    found, whole = pl.read_parquet(tmp_path / "out.parquet"), PLAN.run(MARKET)
    assert found.columns == ["time", *PLAN.names]
    assert found["time"].to_list() == pl.read_parquet(bars)["time"].to_list()
    for name in PLAN.names:
        assert np.array_equal(found[name].to_numpy(), whole[name], equal_nan=True)


def test_missing_values_are_nan(tmp_path):
    close = pl.Series(MARKET["close"]).scatter(100, None)
    bars = write(tmp_path / "bars.parquet", close=close)
    run_file(Plan({"f": "close"}), bars, tmp_path / "out.parquet")
    assert np.flatnonzero(pl.read_parquet(tmp_path / "out.parquet")["f"].is_nan()).tolist() == [100]


def refused(tmp_path, says, bars, out="out.parquet", plan=PLAN):
    with pytest.raises(DataError, match=says):
        run_file(plan, bars, tmp_path / out)
    assert not list(tmp_path.glob("*out*")), "something was left behind"


def test_bad_input(tmp_path):
    bars = write(tmp_path / "bars.parquet")
    refused(tmp_path, r"cannot read .*nothing\.parquet", tmp_path / "nothing.parquet")
    refused(tmp_path, r"allowed: a name that ends in \.parquet", bars, out="out.csv")
    refused(tmp_path, "no column 'depth'.*allowed: open_time", bars, plan=Plan({"f": "depth"}, ("depth",)))
    refused(
        tmp_path, r"features that look at ETH; try: plan\.run", bars, plan=Plan({"f": 'of("ETH", close)'})
    )
    (tmp_path / "text.parquet").write_text("time,close\n1,2\n")
    refused(tmp_path, r"cannot read .*text\.parquet", tmp_path / "text.parquet")
    with pytest.raises(DataError, match=r"cannot write .*nowhere"):
        run_file(PLAN, bars, tmp_path / "nowhere" / "out.parquet")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("close", ["1.5"] * 5000),
        ("close", [[1.0]] * 5000),
        ("close", [timedelta(seconds=1)] * 5000),
        ("time", [date(2020, 1, 1)] * 5000),
    ],
)
def test_what_is_no_number_is_refused(tmp_path, name, values):
    frame = pl.DataFrame(MARKET).with_columns(pl.Series(name, values))
    frame.write_parquet(tmp_path / "bars.parquet")
    refused(tmp_path, f"the column '{name}' of .* is .*; allowed: numbers", tmp_path / "bars.parquet")


def test_bars_are_not_overwritten(tmp_path):
    bars = write(tmp_path / "bars.parquet")
    before = bars.read_bytes()
    with pytest.raises(DataError, match="would take its place"):
        run_file(PLAN, bars, tmp_path / "." / "bars.parquet")
    assert bars.read_bytes() == before


def test_bars_out_of_order_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROWS", 64)
    time = MARKET["time"].copy()
    time[3000] = time[0]
    refused(tmp_path, r"row 3000 of .* is earlier", write(tmp_path / "bars.parquet", time=time))
