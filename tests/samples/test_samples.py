"""The bundled data is there, is what its description says, and is found by name."""

import polars as pl
import pytest

from bateia.core import ConfigError
from bateia.core.clock import format_time
from bateia.samples import SAMPLES, sample_path
from bateia.sources import read_trades


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_lies_in_the_package_and_reads(name):
    path = sample_path(name)
    assert path.is_file()
    assert len(read_trades(path, rows=10)) == 10


def test_the_es_sample_is_what_its_description_says():
    name = "es-trades-2013-09"
    trades = read_trades(sample_path(name))
    first, last = format_time(int(trades.time[0])), format_time(int(trades.time[-1]))
    for words in (f"{len(trades):,}", first[:10], last[:10]):
        assert words in SAMPLES[name]
    assert (first[:16], last[:16]) == ("2013-09-01T22:00", "2013-09-03T18:51")
    assert pl.read_parquet_schema(sample_path(name)).names() == ["time", "price", "size"]


@pytest.mark.parametrize(
    ("given", "nearest"), [("es-trades", "try: es-trades-2013-09"), ("btc", "allowed: es-")]
)
def test_a_name_that_is_none_says_which_there_are(given, nearest):
    with pytest.raises(ConfigError, match=f"no sample {given!r}.*{nearest}"):
        sample_path(given)
