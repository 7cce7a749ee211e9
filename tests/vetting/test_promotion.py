"""Who gets a name, who does not, and what a changed run is told."""

from __future__ import annotations

import json
import shutil
import threading

import pytest
from typer.testing import CliRunner

from bateia import cli
from bateia.core import ConfigError, RunError
from bateia.pipeline import run
from bateia.recipe import Recipe
from bateia.runs import Ledger, Run, file_hash
from bateia.runs.aliases import history, read_alias, read_aliases, write_alias
from bateia.signal import Signal
from bateia.vetting.promotion import promote, promoted
from vetting.generated_market import RECIPE, generated_trades


@pytest.fixture(scope="module")
def skilled(tmp_path_factory):
    """A run on a generated market whose last move tells of the next: as plain an edge as there can be."""
    folder = tmp_path_factory.mktemp("skilled")
    path = generated_trades(folder / "generated_skill.parquet", days=120, memory=0.3, seed=3)
    return run(Recipe.parse(RECIPE.format(path=path)), root=folder / "runs")


@pytest.fixture
def root(skilled, tmp_path):
    """The run and its ledger in a folder of the test's own."""
    shutil.copytree(skilled.path.parent, tmp_path / "runs")
    for path in (tmp_path / "runs").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path / "runs"


def test_a_run_that_passes_all_gates_gets_the_name(skilled, root):
    done = promote(skilled.id, root=root)
    assert done.promoted, done.headline
    assert {ruling.status for ruling in done.rulings} == {"passed", "not judged"}
    alias = read_alias(root, "champion")
    assert alias.run == skilled.id
    assert (
        alias.signal == done.signal == json.loads((skilled.path / "signal/signal.json").read_text())["hash"]
    )
    assert [row["name"] for row in alias.gates] == [ruling.name for ruling in done.rulings]
    assert alias.judged_by == "the run's recipe"
    assert read_alias(root, "challenger") is None
    assert promoted(root, "champion") == promoted(f"{root}@champion") == root / skilled.id / "signal"
    assert isinstance(Signal.load(promoted(root, "champion")), Signal)


def test_who_was_before_is_kept(skilled, root):
    promote(skilled.id, root=root)
    write_alias(root, "champion", "another", "0" * 64, [])
    done = promote(skilled.id, root=root)
    assert done.before == "another"
    assert "instead of another" in done.headline
    assert [entry.run for entry in history(root, "champion")] == [skilled.id, "another", skilled.id]
    assert read_alias(root, "champion").before == "another"
    assert read_aliases(root) == {skilled.id: ["champion"]}


def test_failing_gates_write_nothing_and_are_told(skilled, root, tmp_path):
    hard = tmp_path / "hard.yaml"
    hard.write_text(
        "gates: [{kind: round_trips, at_least: 1000000}, {kind: drawdown},"
        " {kind: metric, path: strategy.financial.sharpe_net, at_least: 1000}]"
    )
    done = promote(skilled.id, root=root, gates=str(hard))
    assert not done.promoted
    assert done.headline.startswith("Not promoted: round trips ")
    assert "needed at least 1e+06" in done.headline
    assert "sharpe_net" in done.headline
    assert "drawdown" not in done.headline
    assert not (root / "aliases").exists()
    with pytest.raises(RunError, match=r"no champion in .*try: bateia promote"):
        promoted(root, "champion")


def test_etapa6_asks_for_a_year(skilled, root):
    done = promote(skilled.id, root=root, gates="etapa6")
    rulings = {ruling.name: ruling for ruling in done.rulings}
    assert not done.promoted
    assert rulings["days of data"].status == "failed"
    assert rulings["days of data"].value == pytest.approx(120, abs=0.1)
    assert done.judged_by == "etapa6"


def test_a_gate_on_a_metric_that_the_run_has_not(skilled, root, tmp_path):
    (tmp_path / "typo.yaml").write_text("gates: [{kind: metric, path: strategy.financial.nett, at_least: 0}]")
    with pytest.raises(
        ConfigError, match=r"no metric 'strategy.financial.nett'.*try: strategy.financial.net"
    ):
        promote(skilled.id, root=root, gates=str(tmp_path / "typo.yaml"))


@pytest.mark.parametrize(
    "name", ["signal/signal.json", "signal/model/model.json", "metrics.json", "equity.parquet"]
)
def test_a_changed_folder_is_refused(skilled, root, name):
    path = root / skilled.id / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(RunError, match=f"{name} was changed"):
        promote(skilled.id, root=root)


def test_a_manifest_that_was_mended_does_not_help(skilled, root):
    """Numbers rewritten together with their hash: the ledger remembers."""
    folder = root / skilled.id
    numbers = json.loads((folder / "metrics.json").read_text())
    numbers["strategy"]["financial"]["net"] = 1e9
    (folder / "metrics.json").write_text(json.dumps(numbers))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["metrics.json"] = file_hash(folder / "metrics.json")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="not those in the trial ledger"):
        promote(skilled.id, root=root)


def test_a_signal_changed_after_promotion_is_not_handed_out(skilled, root):
    promote(skilled.id, root=root)
    path = root / skilled.id / "signal" / "signal.json"
    path.write_text(path.read_text().replace('"hash": "', '"hash": "0'))
    with pytest.raises(RunError, match="not the one that was promoted"):
        promoted(root, "champion")


def test_a_run_without_its_ledger_is_not_promoted(skilled, root):
    for path in root.glob("ledger.sqlite*"):
        path.unlink()
    done = promote(skilled.id, root=root)
    assert not done.promoted
    assert "no trial ledger" in done.headline
    Ledger(root / "ledger.sqlite")
    assert "holds no profits of this run" in promote(skilled.id, root=root).headline


def test_names_and_places_that_are_not(skilled, root, tmp_path):
    with pytest.raises(ConfigError, match=r"alias 'champoin'.*try: champion"):
        promote(skilled.id, root=root, alias="champoin")
    with pytest.raises(RunError, match="does not lie in"):
        promote(Run.open(skilled.path), root=root)
    (root / "aliases").mkdir()
    (root / "aliases" / "champion.json").write_text("{")
    with pytest.raises(RunError, match="cannot read the alias"):
        promoted(root, "champion")
    assert read_aliases(root) == {}


def test_promotions_at_once_lose_no_history(tmp_path):
    threads = [
        threading.Thread(target=write_alias, args=(tmp_path, "champion", f"run-{k}", "0", []))
        for k in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry.run for entry in history(tmp_path, "champion")} == {f"run-{k}" for k in range(16)}
    assert read_alias(tmp_path, "champion").run.startswith("run-")
    assert not list((tmp_path / "aliases").glob(".champion-*"))


def test_the_command_says_why_and_ends_with_1(skilled, root, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    told = CliRunner().invoke(cli.app, ["promote", skilled.id, "--runs", str(root)])
    assert told.exit_code == 0, told.output
    assert "is champion now" in told.output
    assert "deflated Sharpe" in told.output
    words = ["promote", skilled.id, "--runs", str(root), "--as", "challenger", "--gates", "etapa6", "--json"]
    refused = CliRunner().invoke(cli.app, words)
    assert refused.exit_code == 1
    said = json.loads(refused.output)
    assert not said["promoted"]
    assert {row["status"] for row in said["gates"]} >= {"failed", "passed"}
    listed = CliRunner().invoke(cli.app, ["runs", "list", "--runs", str(root)])
    assert "champion" in listed.output
    assert "challenger" not in listed.output
    rows = json.loads(CliRunner().invoke(cli.app, ["runs", "list", "--runs", str(root), "--json"]).output)
    assert rows[0]["aliases"] == ["champion"]
