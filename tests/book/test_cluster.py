"""Ray builds what one process builds."""

import polars as pl
import pytest

from bateia.book.archive import ArchiveReader
from bateia.book.bars import BookBars
from bateia.book.build import build
from bateia.book.cluster import RayExecutor
from bateia.core import ConfigError, DataError
from generated_days import archived, generated_day

READER, KIND = ArchiveReader(depth=10), BookBars(depth=10)


def test_ray_makes_the_same_files(tmp_path):
    for date in ("2024-02-28", "2024-02-29"):
        archived(tmp_path / "in", date, generated_day(date, stop_ms=600_000))
    (tmp_path / "in" / "2024-03-01_GENERATED_ob200.data.zip").write_bytes(b"hello")
    one = build(tmp_path / "in", tmp_path / "one", READER, KIND)
    with RayExecutor(workers=2) as executor:
        many = build(tmp_path / "in", tmp_path / "many", READER, KIND, executor)
    assert many == one and [bool(report.error) for report in many] == [False, False, True]
    for report in one[:2]:
        a, b = (pl.read_parquet(tmp_path / name / report.days[0]) for name in ("one", "many"))
        assert a.equals(b)


def test_a_cluster_that_is_not_there_is_told():
    with pytest.raises(DataError, match=r"cannot reach Ray at '127\.0\.0\.1:1'"):
        RayExecutor("127.0.0.1:1")


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'bateia\[ray\]'"):
        RayExecutor()
