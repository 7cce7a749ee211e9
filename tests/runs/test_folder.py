"""Runs are whole or marked, immutable, and found again."""

from __future__ import annotations

import json
import stat

import numpy as np
import polars as pl
import pytest

from bateia.core import DataError, RunError
from bateia.runs import Run, RunFolder, list_runs

HASH = "abcdef0123456789"


def make(root, name="demo", **metrics) -> Run:
    with RunFolder.create(root, name, HASH) as folder:
        folder.write_json("metrics.json", metrics)
        folder.write_text("recipe.yaml", "name: demo\n")
        folder.write_frame("deep.parquet", {"time": np.arange(3), "x": np.ones(3)})
    return Run.open(folder.path)


def test_a_finished_run_is_renamed_listed_and_read_only(tmp_path):
    run = make(tmp_path, net=1.5)
    assert run.id.endswith("-demo-abcdef01")
    assert run.metrics == {"net": 1.5}
    assert run.recipe == "name: demo\n"
    assert set(run.manifest) == {"metrics.json", "recipe.yaml", "deep.parquet"}
    assert pl.read_parquet(run.path / "deep.parquet").shape == (3, 2)
    run.verify()
    for path in run.path.iterdir():
        assert not stat.S_IMODE(path.stat().st_mode) & 0o222
    assert [(entry.id, entry.status) for entry in list_runs(tmp_path)] == [(run.id, "finished")]


def test_runs_of_one_second_do_not_meet(tmp_path):
    ids = {make(tmp_path).id for _ in range(4)}
    assert len(ids) == 4


def test_while_it_runs_it_is_marked(tmp_path):
    folder = RunFolder.create(tmp_path, "demo", HASH)
    (entry,) = list_runs(tmp_path)
    assert entry.status == "incomplete: still running, or killed"
    with pytest.raises(RunError, match=r"is incomplete.*try: run its recipe again"):
        Run.open(folder.final.name, tmp_path)


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), "incomplete: interrupted"), (ValueError("odd"), "incomplete: ValueError: odd")],
)
def test_an_interrupt_or_a_defect_leaves_it_marked(tmp_path, error, status):
    with pytest.raises(type(error)), RunFolder.create(tmp_path, "demo", HASH):
        raise error
    assert [entry.status for entry in list_runs(tmp_path)] == [status]


def test_an_error_to_mend_leaves_nothing(tmp_path):
    with pytest.raises(DataError), RunFolder.create(tmp_path, "demo", HASH) as folder:
        folder.write_text("half.txt", "half")
        raise DataError("no trades")
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RunError, match=r"cannot write runs to .*try: --runs"):
            RunFolder.create(root, "demo", HASH)


def test_a_run_is_found_by_id_by_its_start_and_as_the_latest(tmp_path):
    first = make(tmp_path, "first")
    last = make(tmp_path, "last")
    assert Run.open(first.id, tmp_path).path == first.path
    assert Run.open(first.path).id == first.id
    assert Run.open("latest", tmp_path).id in {first.id, last.id}
    with pytest.raises(RunError, match="2 runs begin with"):
        Run.open(first.id[:8], tmp_path)
    with pytest.raises(RunError, match=f"no run .*try: {first.id}"):
        Run.open(first.id.replace("first", "frist"), tmp_path)
    with pytest.raises(RunError, match=r"no run 'x'.*try: bateia runs list"):
        Run.open("x", tmp_path)
    with pytest.raises(RunError, match="no finished run"):
        Run.open("latest", tmp_path / "empty")


def test_changes_are_detected(tmp_path):
    run = make(tmp_path)
    (run.path / "recipe.yaml").chmod(0o644)
    (run.path / "recipe.yaml").write_text("name: other\n")
    (run.path / "deep.parquet").unlink()
    with pytest.raises(RunError, match=r"deep\.parquet is missing, recipe\.yaml was changed"):
        run.verify()


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_numbers_that_cannot_be_read(tmp_path, text):
    run = make(tmp_path)
    (run.path / "metrics.json").chmod(0o644)
    (run.path / "metrics.json").write_text(text)
    with pytest.raises(RunError, match=r"metrics.json of the run"):
        Run(run.path).metrics  # noqa: B018


def test_strangers_in_the_folder_are_no_runs(tmp_path):
    make(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "ledger.sqlite").write_text("")
    broken = RunFolder.create(tmp_path, "broken", HASH)
    (broken.path / "status.json").write_text("{")
    assert sorted(entry.status for entry in list_runs(tmp_path)) == ["finished", "incomplete: unknown"]
    assert list_runs(tmp_path / "none") == []


def test_numbers_without_a_value_are_refused_not_written(tmp_path):
    folder = RunFolder.create(tmp_path, "demo", HASH)
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.write_json("metrics.json", {"sharpe": float("nan")})
    assert json.loads(folder.write_json("nested/ok.json", {"a": 1}).read_text()) == {"a": 1}


def test_a_file_that_is_not_there_is_named(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    run = Run.open(tmp_path)
    with pytest.raises(RunError, match=r"has no report\.html; try: run it again"):
        run.file("report.html")
    with pytest.raises(RunError, match=r"has no recipe\.yaml"):
        run.recipe  # noqa: B018
    assert run.file("manifest.json") == tmp_path / "manifest.json"
