"""A small store of generated trades, for tests of stores."""

import polars as pl

from bateia.core.clock import HOUR
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.store import Origin, Series, Store

SERIES = Series("mine", "spot", "BTCUSDT", "trades")
DAYS = [Period("2024-01-01"), Period("2024-01-02"), Period("2024-01-03")]


def whole(period):
    return Coverage.of([(period.start, period.end)])


def generated_trades(period, rows=24):
    """Rows an hour apart; the prices mean nothing."""
    time = pl.Series("time", [period.start + k * HOUR for k in range(rows)], pl.Int64)
    return pl.DataFrame({"time": time}).with_columns(
        pl.from_epoch("time", "us").dt.replace_time_zone("UTC"), price=pl.col("time") % 977 / 10
    )


def fill(where, days=DAYS, rows=24):
    store = Store.create(where)
    with store.writer(SERIES) as writer:
        for day in days:
            writer.write(day, generated_trades(day, rows), whole(day), origin=[Origin(name="test")])
    return store
