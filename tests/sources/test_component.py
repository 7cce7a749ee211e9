"""Sources as the recipe names them."""

import hashlib

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from bateia.core import ConfigError, DataError, Trades
from bateia.samples import SAMPLES, sample_path
from bateia.sources import AnySource, FileSource, SampleSource, file_hash, open_source

TEXT = "ts,price,size\n1377993600,1.5,2\n1377993601,1.75,3\n1377993602,1.5,1\n"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "trades.csv"
    path.write_text(TEXT)
    return FileSource(path=str(path), columns={"time": "ts"})


def test_a_file_in_blocks_is_the_file(source):
    whole = source.read()
    for rows in (1, 2, 3, 10):
        blocks = list(source.blocks(rows))
        assert [len(block) for block in blocks[:-1]] == [rows] * (len(blocks) - 1)
        assert Trades.concat(blocks).price.tolist() == whole.price.tolist() == [1.5, 1.75, 1.5]
    with pytest.raises(ConfigError, match="blocks of 0 rows"):
        source.blocks(0)


def test_the_hash_is_of_the_bytes_and_of_how_they_are_read(source):
    same = FileSource(path=source.path, columns={"time": "ts"})
    assert source.hash() == same.hash()
    assert source.hash() != FileSource(path=source.path, columns={"time": "ts", "side": "size"}).hash()
    assert file_hash(source.path) == hashlib.sha256(TEXT.encode()).hexdigest()
    before = source.hash()
    with open(source.path, "a") as file:  # noqa: PTH123
        file.write("1377993603,1.5,1\n")
    assert source.hash() != before
    with pytest.raises(DataError, match="no file"):
        FileSource(path=source.path + "x").hash()


def test_sources_read_back_their_parameters(source):
    adapter = TypeAdapter(AnySource)
    for one in (source, SampleSource(name="es-trades-2013-09")):
        assert adapter.validate_python(one.model_dump()) == one
    for wrong in (
        {"kind": "file"},
        {"kind": "sample"},
        {"kind": "web", "path": "x"},
        {"kind": "file", "file": "x"},
    ):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


def test_the_bundled_sample_is_what_it_says(es_trades):
    assert len(es_trades) == 500_000
    assert np.all(np.diff(es_trades.time) >= 0)
    assert np.array_equal(es_trades.time, es_trades.known_at)
    assert np.all(es_trades.price % 0.25 == 0)
    assert es_trades.side.any() == np.False_
    assert sum(len(block) for block in SampleSource(name="es-trades-2013-09").blocks(120_000)) == 500_000
    assert SAMPLES.keys() == {"es-trades-2013-09"}


def test_no_such_sample_names_the_nearest():
    with pytest.raises(ConfigError, match="try: es-trades-2013-09"):
        sample_path("es-trades-2013")
    with pytest.raises(ConfigError, match="no sample"):
        SampleSource(name="nasdaq").read()


def test_a_source_from_words():
    assert open_source("es-trades-2013-09") == SampleSource(name="es-trades-2013-09")
    assert open_source("my/trades.csv") == FileSource(path="my/trades.csv")


@pytest.mark.parametrize("columns", ["time", "time=", "=ts", "time=ts,price"])
def test_columns_in_words_that_cannot_be_read(columns):
    with pytest.raises(ConfigError, match="try: time=ts,price=px"):
        open_source("mine.csv", columns)


def test_a_sample_has_its_own_columns():
    with pytest.raises(ConfigError, match="columns of a file only"):
        open_source("es-trades-2013-09", "time=ts")
