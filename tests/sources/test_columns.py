"""Columns of a file as ours: what no calendar could show is refused by row."""

import polars as pl
import pytest

from bateia.core import DataError, format_time
from bateia.sources.columns import clock


@pytest.mark.parametrize("value", [-99_999_999_999_999, -62_135_596_801_000, 253_402_300_800_000])
def test_moments_that_are_no_date_are_refused(value):
    with pytest.raises(
        DataError, match=rf"row 1 of 't' in x\.csv, {value}000, .* is no date; allowed: the years"
    ):
        clock(pl.Series("t", [0, value]).cast(pl.Datetime("ms")), "x.csv")


def test_numbers_that_are_no_date_are_refused():
    with pytest.raises(DataError, match="is no date"):
        clock(pl.Series("t", [0, -99_999_999_999_999]), "x.csv")


def test_the_first_and_the_last_moment_can_be_shown():
    first, last = clock(
        pl.Series("t", [-62_135_596_800_000, 253_402_300_799_999], pl.Datetime("ms")), "x.csv"
    )
    assert format_time(int(first)) == "0001-01-01T00:00:00Z"
    assert format_time(int(last)) == "9999-12-31T23:59:59.999000Z"
