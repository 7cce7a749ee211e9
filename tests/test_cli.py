"""The command line as a user meets it: every command, --json, one clear line for every mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import polars as pl
import pytest
from typer.testing import CliRunner

from bateia import cli
from bateia.core import RunError
from bateia.features import library

HERE = [sys.executable, "-m", "bateia"]


def bateia(*words: str, cwd=None) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    return subprocess.run([*HERE, *words], cwd=cwd, text=True, capture_output=True, timeout=120, check=False)


def invoke(*words: str) -> str:
    """The program in this process; its standard output."""
    result = CliRunner().invoke(cli.app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory, small_text):
    folder = tmp_path_factory.mktemp("home")
    (folder / "small.yaml").write_text(small_text)
    return folder


@pytest.fixture(scope="module")
def ran(home):
    return bateia("run", "small.yaml", cwd=home)


def test_run_shows_progress_table_and_verdict(ran, home):
    assert ran.returncode == 0, ran.stderr
    for stage in ("Read trades", "Build bars", "Compute ", "Train and test", "Backtest"):
        assert stage in ran.stderr
    for line in (
        "round trips",
        "net Sharpe",
        "max drawdown",
        "turnover",
        "hit rate",
        "break-even cost",
        "majority",
    ):
        assert line in ran.stdout
    report = next((home / "runs").glob("*/report.html"))
    assert report.parent.name in ran.stdout


def test_the_other_commands_find_the_run(ran, home):
    root = str(home / "runs")
    (row,) = json.loads(invoke("runs", "list", "--runs", root, "--json"))
    assert row["status"] == "finished"
    assert row["id"] in invoke("runs", "list", "--runs", root)
    shown = json.loads(invoke("runs", "show", "--runs", root, "--json"))
    assert shown["id"] == row["id"]
    assert shown["verdict"]["headline"] == row["verdict"]
    assert "round trips" in invoke("runs", "show", row["id"][:18], "--runs", root)
    page = json.loads(invoke("report", "--runs", root, "--json"))["report"]
    assert page.endswith(f"{row['id']}/report.html")
    copy = home / "copy.html"
    assert invoke("report", row["id"], "--runs", root, "--out", str(copy)).strip() == str(copy)
    assert copy.read_bytes().startswith(b"<!DOCTYPE html>")


def test_run_as_json_is_json_and_nothing_else(home, tmp_path):
    done = bateia("run", "small.yaml", "--runs", str(tmp_path), "--json", cwd=home)
    assert json.loads(done.stdout)["verdict"]["headline"]
    assert done.stderr == ""


def test_a_report_that_cannot_be_copied_is_one_line(ran, home):
    done = bateia("report", "--out", "none/copy.html", cwd=home)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write none/copy.html: No such file")


def test_a_run_without_its_report_is_one_line(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(RunError, match=r"has no report\.html"):
        invoke("report", str(tmp_path))


def test_report_opens_in_the_browser(ran, home, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    invoke("report", "--runs", str(home / "runs"), "--open")
    assert opened[0].startswith("file://")


def test_features_list(tmp_path):
    rows = json.loads(invoke("features", "list", "--json"))
    assert len(rows) >= 40
    assert {"name", "library", "formula", "about", "source", "columns", "warmup_rows"} <= set(rows[0])
    assert {row["library"] for row in json.loads(invoke("features", "list", "flow", "--json"))} == {"flow"}
    assert "rsi(close, 14)" in invoke("features", "list", "momentum")
    told = invoke("features", "list")
    assert " 1 row " in told and " 1 rows" not in told


def test_bars(tmp_path):
    out = tmp_path / "bars.parquet"
    words = ("bars", "es-trades-2013-09", "--kind", "time", "--size", "1h", "--out", str(out))
    summary = json.loads(invoke(*words, "--json"))
    assert summary == {"trades": 500_000, "bars": len(pl.read_parquet(out)), "out": str(out)}
    assert "2013-09-01 23:00:00" in invoke(*words)


def test_bars_of_a_file_with_names_of_its_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("ts,px,qty\n1377993600,1.5,2\n1377993601,1.75,3\n")
    words = ("bars", str(path), "--kind", "tick", "--size", "1", "--columns", "time=ts,price=px,size=qty")
    assert json.loads(invoke(*words, "--json"))["bars"] == 2


def test_version():
    assert invoke("--version").startswith("bateia ")


def test_long_reasons_are_indented_where_they_wrap(ran, home, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    shown = invoke("runs", "show", "--runs", str(home / "runs"))
    reasons = shown[shown.index("Sharpe net") : shown.index("Report")].splitlines()
    assert all(line.startswith("  ") for line in reasons[1:] if line.strip())


def test_no_runs_yet(tmp_path):
    assert "no runs in" in invoke("runs", "list", "--runs", str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "nothing.yaml"), "no such file"),
        (("runs", "show", "x"), "no run 'x'"),
        (("report",), "no finished run"),
        (("bars", "es-trades-2013-09", "--size", "many"), "dollar bars of size 'many'; allowed:"),
        (("bars", "none.csv", "--size", "1"), "no file 'none.csv'"),
        (("features", "list", "flwo"), "try: flow"),
        (("bars", "es-trades-2013-09", "--size", "9", "--columns", "time"), "columns 'time'; allowed:"),
    ],
)
def test_mistakes_give_one_line_and_exit_1(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bateia", *words])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error


def test_a_bad_recipe_leaves_no_traceback_and_no_run(home, small_text):
    (home / "bad.yaml").write_text(small_text.replace("horizon: 5", "horizn: 5"))
    done = bateia("run", "bad.yaml", "--runs", "other", cwd=home)
    assert done.returncode == 1
    assert "bad.yaml, line 11, label.horizn: unknown key" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert not (home / "other").exists()


def test_interrupt_marks_the_run_incomplete(home, small_text):
    (home / "long.yaml").write_text(
        small_text.replace("rounds: 20", "rounds: 100000, learning_rate: 0.0001").replace(
            "stopping_rounds: 5", "stopping_rounds: 90000"
        )
    )
    process = subprocess.Popen(
        [*HERE, "run", "long.yaml", "--runs", "cut"], cwd=home, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    # The datasets folder appears with the first fold: training is under way.
    while not list((home / "cut").glob("*.incomplete")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "marked incomplete" in errors
    (row,) = json.loads(invoke("runs", "list", "--runs", str(home / "cut"), "--json"))
    assert row["status"] == "incomplete: interrupted"
    assert "incomplete" in invoke("runs", "list", "--runs", str(home / "cut"))


def test_help_loads_no_compiler():
    code = "import sys; from bateia import cli; sys.exit('numba' in sys.modules or 'polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=os.environ).returncode == 0
    assert "Run a recipe" in bateia("--help").stdout


def test_features_of_a_file_of_bars(tmp_path):
    bars, out = tmp_path / "bars.parquet", tmp_path / "features.parquet"
    invoke("bars", "es-trades-2013-09", "--kind", "tick", "--size", "500", "--out", str(bars))
    done = invoke("features", "run", str(bars), str(out), "--define", "trend=ema(close, 5) / close - 1")
    assert "1,000 bars, 1 features" in done
    assert pl.read_parquet(out).columns == ["time", "trend"]
    told = json.loads(invoke("features", "run", str(bars), str(out), "--use", "ailab", "--json"))
    assert told == {"bars": 1000, "features": len(library("ailab")), "out": str(out)}
    refused = bateia("features", "run", str(bars), str(out), "--define", "ema(close, 5)")
    assert refused.returncode == 1
    assert "allowed: name=expression" in refused.stderr
