"""Built books as a recipe's source: the micro price's bars, the same from files as live."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bateia.book.bars import BookBars
from bateia.book.component import Book
from bateia.book.recordings import read_recording
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.core import BookedBars, ConfigError, DataError
from bateia.core.events import BOOK_COLUMNS, LEVEL_COLUMNS
from bateia.pipeline import run
from bateia.quality import validate_bars
from bateia.recipe import Recipe
from bateia.signal import Signal
from bateia.sources.books import BookSource
from bateia.testing.sources import check_source
from shipped_recipes import smaller

REAL = Path(os.environ.get("BATEIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
HOUR = REAL / "recordings" / "binance-spot-ethbtc-20201101T09"
RECIPE = Path(__file__).parents[2] / "recipes" / "quantgod.yaml"
pytestmark = pytest.mark.skipif(
    not HOUR.is_dir(), reason=f"no recorded hour at {HOUR}: set BATEIA_DATA to the folder above `recordings`"
)
STEP = 5_000_000


@pytest.fixture(scope="module")
def samples():
    messages = [row for row in read_recording(HOUR) if row[1] != "trade"]
    return SyncedReplay(Synchroniser(market="spot"), Book(tick_size=1e-6, depth=12), 1_000_000).run(messages)


@pytest.fixture(scope="module")
def rows(samples):
    return BookBars(depth=12, bar="5s").run(samples)


@pytest.fixture(scope="module")
def file(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("books")
    frame = rows.to_frame()
    frame[200:].write_parquet(folder / "b.parquet")
    frame[:200].write_parquet(folder / "c.parquet")
    return str(folder / "*.parquet")


def test_it_is_a_source(file):
    check_source(BookSource(path=file))


def test_files_and_live_rows_give_the_same_bits(file, rows):
    found, live = BookSource(path=file).read(), rows.to_bars(STEP)
    validate_bars(found)
    assert list(found.columns())[-len(LEVEL_COLUMNS) :] == list(LEVEL_COLUMNS)
    for name, column in live.columns().items():
        assert np.array_equal(column, found.columns()[name], equal_nan=True), name
    part = found[100:130]
    assert isinstance(part, BookedBars)
    assert np.array_equal(part.book["bid_3_s"], found.book["bid_3_s"][100:130])
    assert len(BookedBars.concat([part, part])) == 60
    assert set(BookedBars.empty().columns()) == set(found.columns())


def test_what_a_killed_build_left_behind_is_not_read(file, rows):
    (Path(file).parent / ".d.part.parquet").write_bytes(b"half")
    assert len(BookSource(path=file).read()) == len(rows.to_bars(STEP))


def test_prices_are_those_of_the_samples(samples, rows):
    """Open to close of the micro price against a loop over the samples of each bar."""
    bars, micro = rows.to_bars(STEP), samples.microprice()
    assert len(bars) == len(rows) - 1
    for k in range(0, len(bars), 29):
        inside = (samples.time > bars.time[k] - STEP) & (samples.time <= bars.time[k])
        seen = micro[inside]
        expected = [seen[0], seen.max(), seen.min(), seen[-1], samples.messages[inside].sum()]
        found = [bars.open[k], bars.high[k], bars.low[k], bars.close[k], bars.book["messages"][k]]
        assert found == pytest.approx(expected, rel=1e-12)


def small(file):
    return smaller(RECIPE.read_text().replace("books/BTCUSDT/*.parquet", f'"{file}"'))


def test_the_shipped_recipe_runs_on_an_hour_and_its_signal_runs_live(file, rows, tmp_path):
    recipe = Recipe.parse(small(file))
    done = run(recipe, root=tmp_path)
    assert done.metrics["data"]["kind"] == "books"
    assert {*BOOK_COLUMNS} & {*recipe.plan().columns}
    signal = Signal.load(done.path / "signal")
    bars = rows.to_bars(STEP)
    whole, stream = signal.run(bars), signal.start()
    assert np.isfinite(whole.score).any()
    for k in range(len(bars)):
        one = stream.run(bars[k : k + 1])
        assert np.array_equal(one.score, whole.score[k : k + 1], equal_nan=True)
        assert one.target[0] == whole.target[k]


def test_wrong_input_is_told(file, rows, tmp_path):
    with pytest.raises(ConfigError, match=r"from a source of books; try: bars: \{kind: books\}"):
        Recipe.parse(small(file).replace("bars: {kind: books}", "bars: {kind: candles}"))
    pl.DataFrame({"time": [1]}).write_parquet(tmp_path / "no.parquet")
    with pytest.raises(DataError, match="has no column body"):
        BookSource(path=str(tmp_path / "no.parquet")).read()
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="cannot read"):
        BookSource(path=str(tmp_path / "text.parquet")).read()
    with pytest.raises(DataError, match="one bar"):
        rows.to_frame()[:1].write_parquet(tmp_path / "one.parquet")
        BookSource(path=str(tmp_path / "one.parquet")).read()
    frame = rows.to_frame()
    frame[:50].write_parquet(tmp_path / "d1.parquet"), frame[30:80].write_parquet(tmp_path / "d2.parquet")
    with pytest.raises(DataError, match=r"d2\.parquet begins before .*d1\.parquet ends"):
        BookSource(path=str(tmp_path / "d*.parquet")).read()
    shallow = {name: column[:, :3] for name, column in rows.columns().items() if column.shape[1:] == (12,)}
    with pytest.raises(DataError, match="bars of 3 levels a side; allowed: 10 or more"):
        replace(rows, **shallow).to_bars(STEP)
