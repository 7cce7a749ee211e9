"""Tables into files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import DataError
from bateia.sources import write_blocks, write_table

READ = {".csv": pl.read_csv, ".parquet": pl.read_parquet}


def test_a_table_is_written_whole_or_not_at_all(tmp_path):
    frame = pl.DataFrame({"a": [1]})
    for name in ("t.csv", "t.parquet"):
        write_table(frame, tmp_path / name)
        assert READ[name[1:]](tmp_path / name).equals(frame)
    with pytest.raises(DataError, match=r"ends in \.parquet or \.csv"):
        write_table(frame, tmp_path / "t.xlsx")
    with pytest.raises(DataError, match=r"cannot write .*: (?!None).*try"):
        write_table(frame, tmp_path / "nowhere" / "t.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.csv", "t.parquet"]


@given(cuts=st.lists(st.integers(0, 50), max_size=6), suffix=st.sampled_from(sorted(READ)))
def test_blocks_of_any_cut_make_the_same_file(tmp_path_factory, cuts, suffix):
    frame = pl.DataFrame({"a": range(50), "b": [k / 7 for k in range(50)]})
    edges = [0, *sorted(cuts), 50]
    path = tmp_path_factory.getbasetemp() / f"cut{suffix}"
    rows = write_blocks((frame[a:b] for a, b in pairwise(edges)), path)
    assert rows == 50
    assert READ[suffix](path).equals(frame)


def test_words_of_blocks_may_be_numbered_each_in_its_own_way(tmp_path):
    words = [["buy", "sell"], ["sell", "sell", "buy"], ["none"]]
    write_blocks(
        (pl.DataFrame({"side": pl.Series(one, dtype=pl.Categorical)}) for one in words), tmp_path / "s.csv"
    )
    assert pl.read_csv(tmp_path / "s.csv")["side"].to_list() == [word for one in words for word in one]


@pytest.mark.parametrize("error", [DataError("day 3 is corrupt"), KeyboardInterrupt("stopped")])
def test_an_error_on_the_way_is_told_as_it_is_and_leaves_what_was_there(tmp_path, error):
    def blocks() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"a": [2]})
        raise error

    write_table(pl.DataFrame({"a": [1]}), tmp_path / "t.parquet")
    with pytest.raises(type(error), match=re.escape(str(error))):
        write_blocks(blocks(), tmp_path / "t.parquet")
    assert pl.read_parquet(tmp_path / "t.parquet")["a"].to_list() == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


def test_no_tables_are_an_error(tmp_path):
    with pytest.raises(DataError, match="no rows to write to"):
        write_blocks([], tmp_path / "t.csv")
