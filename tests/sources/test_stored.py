"""What was fetched is read by a recipe as it would be from the exchange's own files."""

from contextlib import contextmanager

import numpy as np
import polars as pl
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from bateia.core import DataError
from bateia.core.clock import HOUR
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.quality import validate_bars, validate_trades
from bateia.sources import AnySource, CandleSource, StoreSource
from bateia.sources.binance import fetch_binance
from bateia.store import Series, Store
from bateia.testing.sources import check_source
from loopback_exchange import Exchange, generated_klines, serving, zipped

JAN, FEB = Period("2024-01"), Period("2024-02")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Two months of generated hours in a store, by way of an archive."""
    where = tmp_path_factory.mktemp("kept")
    with serving(Exchange()) as exchange:
        exchange.put_months(months=[JAN.name, FEB.name], interval="1h")
        fetch_binance(where, "BTCUSDT", "1h", "2024-01", "2024-02", archive=exchange.url, rest=exchange.url)
    return str(where)


def source(kept, **more):
    return StoreSource(**({"symbol": "BTCUSDT", "interval": "1h", "store": kept} | more))


def test_the_checks_of_every_source(kept):
    check_source(source(kept))


def test_the_same_as_from_the_exchange_s_files(kept, tmp_path):
    rows = generated_klines(JAN.start, FEB.end, HOUR)
    (tmp_path / "a.zip").write_bytes(zipped("a", "\n".join(",".join(map(str, row)) for row in rows)))
    theirs, ours = CandleSource(path=str(tmp_path / "a.zip")).read(), source(kept).read()
    validate_bars(ours)
    assert len(ours) == (31 + 29) * 24
    for name, column in theirs.columns().items():
        assert np.array_equal(getattr(ours, name), column, equal_nan=True), name


def test_a_stretch_of_it(kept):
    part = source(kept, first="2024-01-31", last="2024-02-01").read()
    assert len(part) == 48
    assert part.open_time[0] == Period("2024-01-31").start
    hashes = {source(kept, first=first, last="2024-02").hash() for first in ("", "2024-01", "2024-01-01")}
    assert len(hashes) == 1
    assert source(kept, last="2024-01").hash() not in hashes


def test_what_yaml_makes_of_dates(kept):
    text = f"{{kind: store, symbol: BTCUSDT, interval: 1h, store: {kept}, first: 2024, last: 2024-01-31}}"
    found = TypeAdapter(AnySource).validate_python(yaml.safe_load(text))
    assert (found.first, found.last) == ("2024", "2024-01-31")
    assert len(found.read()) == 31 * 24
    assert found.gives == "candles"


def test_what_is_not_there_says_how_to_get_it(kept):
    with pytest.raises(DataError, match=r"lacks 2024-03-01.*try: bateia fetch binance BTCUSDT 1h"):
        source(kept, last="2024-03").read()
    with pytest.raises(DataError, match=r"has no binance/um/BTCUSDT/candles-1h"):
        source(kept, market="um").read()
    with pytest.raises(DataError, match="is no store"):
        source("nowhere").read()


def test_a_recipe_s_source_fetches_what_the_store_lacks(tmp_path, kept):
    asked = {"store": str(tmp_path / "store"), "fetch": True, "first": "2024-01", "last": "2024-02"}
    with serving(Exchange()) as exchange:
        exchange.put_months(months=[JAN.name, FEB.name], interval="1h")
        fetching = source(kept, **asked, archive=exchange.url, rest=exchange.url)
        names = []

        @contextmanager
        def stage(name, total):
            names.append(name)
            yield lambda steps: None

        fetching.bring(stage)
        requests = len(exchange.asked)
        assert names == ["BTCUSDT 1h"]
        assert fetching.hash() == source(kept).hash()
        fetching.bring(stage)
        assert (len(exchange.asked), len(names)) == (requests, 1), "what is there is not asked for again"
        shorter = source(
            kept, **asked | {"store": str(tmp_path / "other")}, archive=exchange.url, rest=exchange.url
        )
        assert shorter.hash() == fetching.hash(), "reading fetches too"


def test_what_could_not_be_fetched_is_said(tmp_path):
    with serving(Exchange()) as exchange:
        exchange.put_months(months=[JAN.name, FEB.name], interval="1h")
        exchange.klines.clear()
        (february,) = (path for path in exchange.files if path.endswith("2024-02.zip"))
        exchange.files[february] = exchange.files[february][:-9]
        asked = {"store": str(tmp_path), "fetch": True, "first": "2024-01", "last": "2024-02"}
        broken = source("", **asked, archive=exchange.url, rest=exchange.url)
        said = r"not all of binance/spot/BTCUSDT/candles-1h could be fetched: .*BTCUSDT-1h-2024-02\.zip"
        with pytest.raises(DataError, match=said):
            broken.read()
        january = source("", **asked | {"last": "2024-01"}, archive=exchange.url, rest=exchange.url)
        assert len(january.read()) == 31 * 24, "what came is kept"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"fetch": True}, "fetch without first and last"),
        ({"fetch": True, "source": "mine"}, "cannot fetch from 'mine'; allowed: binance or bybit"),
        ({"interval": ""}, "candles without an interval"),
        ({"data": "trades"}, "trades of an interval"),
        ({"interval": "soon"}, "'soon' is not a duration"),
        ({"first": "May"}, "'May' is no date"),
        ({"symbol": "a/b"}, "symbol 'a/b' of a series"),
    ],
)
def test_what_cannot_be_meant(more, says):
    with pytest.raises(ValidationError, match=says):
        source("x", **more)


def test_trades(tmp_path):
    store, day = Store.create(tmp_path), Period("2024-01-01")
    time = pl.from_epoch(pl.Series([day.start + k for k in range(100)]), "us").dt.replace_time_zone("UTC")
    generated = pl.DataFrame({"time": time, "known_at": time, "price": 1.5, "size": 2.0}).with_columns(
        side=pl.Series([(-1) ** k for k in range(100)], dtype=pl.Int8)
    )
    with store.writer(Series("binance", "um", "BTCUSDT", "agg_trades")) as writer:
        writer.write(day, generated, Coverage.of([(day.start, day.end)]))
    kept = StoreSource(symbol="BTCUSDT", market="um", data="agg_trades", store=str(tmp_path))
    assert kept.gives == "trades"
    validate_trades(kept.read())
    assert kept.read().side.sum() == 0
    check_source(kept)
