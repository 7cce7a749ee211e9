"""What the terminal shows of runs that are not as they were left."""

from __future__ import annotations

import pytest

from bateia.runs import list_runs
from bateia.show import run_row, show_runs


@pytest.mark.parametrize("metrics", [None, "no json", "{}", '{"strategy": 1}'])
def test_a_run_that_cannot_be_read_hides_no_other(tmp_path, metrics, capsys):
    folder = tmp_path / "20260101-000000-x-00000000"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    if metrics is not None:
        (folder / "metrics.json").write_text(metrics)
    rows = [run_row(entry) for entry in list_runs(tmp_path)]
    assert rows[0]["status"] == "unreadable"
    show_runs(rows, tmp_path)
    assert "unreadable" in capsys.readouterr().out
