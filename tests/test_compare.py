"""Two to five runs side by side: what differs is told, and what makes a difference unfair."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bateia.backtest.estimates import mean
from bateia.cli import app
from bateia.compare import compare, differing
from bateia.core import ConfigError, RunError
from bateia.core.clock import DAY
from bateia.pipeline import run
from bateia.recipe import Recipe
from bateia.runs import Run, RunFolder

EVIL = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("compared")


@pytest.fixture(scope="module")
def runs(root, small_text):
    """Three runs: the second with another threshold, the third with other costs."""
    other = small_text.replace("enter: 0.05", "enter: 0.1")
    dear = small_text.replace("fee_per_unit: 1.25", "fee_per_unit: 2.5").replace("name: small", "name: dear")
    return [run(Recipe.parse(text), root=root) for text in (small_text, other, dear)]


def test_numbers_stand_side_by_side(runs, root):
    found = compare(runs, root=root).to_dict()
    assert [one["letter"] for one in found["runs"]] == ["A", "B", "C"]
    assert [one["verdict"] for one in found["runs"]] == [r.metrics["verdict"]["headline"] for r in runs]
    nets = [r.metrics["strategy"]["financial"]["net"] for r in runs]
    assert found["numbers"]["financial.net"] == nets
    assert "predictive.auc.low" in found["numbers"] and "predictive.auc.value" not in found["numbers"]


def test_only_fields_that_differ_are_told(runs):
    found = compare(runs[:2]).to_dict()
    assert found["recipes"] == {"policy.enter": ["0.05", "0.1"]}
    found = compare(runs).to_dict()
    assert found["recipes"]["broker.costs.fee_per_unit"] == ["1.25", "1.25", "2.5"]
    assert set(found["recipes"]) == {"name", "policy.enter", "broker.costs.fee_per_unit"}


def test_other_costs_and_other_data_are_warned_of(runs, root, small_text):
    assert compare(runs[:2]).to_dict()["warnings"] == []
    (warning,) = compare([runs[0], runs[2]]).to_dict()["warnings"]
    assert "Not the same costs (A | B)" in warning
    again = run(Recipe.parse(small_text), root=root)
    (same,) = compare([runs[0], again]).to_dict()["warnings"]
    assert "The same numbers to the last digit (A, B)" in same


def copied(run, root, name, change):
    """A finished run with some of its files changed by `change(folder)`."""
    with RunFolder.create(root, name, "0" * 64) as folder:
        for path in run.path.rglob("*"):
            if path.is_file() and path.name != "manifest.json":
                target = folder.path / path.relative_to(run.path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
        change(folder.path)
    return Run.open(folder.path)


def rewrite(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def generated_days(days, seed):
    """Generated equity: daily net profits over `days` days from the epoch."""
    import polars as pl

    profit = np.random.default_rng(seed).normal(5.0, 50.0, days)
    time = DAY * np.arange(1, days + 1)
    return pl.DataFrame({"time": time, "net": np.cumsum(profit)}), profit


def test_other_data_are_the_first_warning(runs, root):
    def change(folder):
        rewrite(folder / "metrics.json", lambda value: value["data"].update(hash="other"))

    warnings = compare([runs[0], runs[1], copied(runs[0], root, "foreign", change)]).to_dict()["warnings"]
    assert "Not the same data (A, B | C)" in warnings[0]


def test_the_difference_a_day_is_that_of_the_common_days(runs, root):
    first, own = generated_days(60, 1)
    second, others = generated_days(50, 2)
    tables = [first, second]
    made = [
        copied(
            runs[0], root, f"days-{k}", lambda folder, k=k: tables[k].write_parquet(folder / "equity.parquet")
        )
        for k in (0, 1)
    ]
    (gap,) = compare(made).versus.gaps
    capital = runs[0].metrics["strategy"]["financial"]["capital"]
    assert gap.days == 50 and gap.against.startswith("A")
    assert gap.bp == mean(1e4 * others / capital - 1e4 * own[:50] / capital) or gap.bp.value == pytest.approx(
        1e4 * (others - own[:50]).mean() / capital
    )
    assert gap.bp.low < gap.bp.value < gap.bp.high
    page = compare(made).page()
    assert "holds 0: chance could do it" in page or "above 0" in page or "below 0" in page


def test_too_few_common_days_say_nothing(runs):
    (gap,) = compare(runs[:2]).versus.gaps
    assert gap.days < 30 and gap.bp.value is None


def test_the_page_is_whole_and_escaped(runs, root):
    def change(folder):
        rewrite(folder / "metrics.json", lambda value: value["verdict"].update(headline=EVIL))
        rewrite(folder / "metrics.json", lambda value: value.update(costs=EVIL))
        recipe = folder / "recipe.yaml"
        recipe.chmod(0o644)
        recipe.write_text(recipe.read_text().replace("about: ''", f"about: '{EVIL}'"))

    found = compare([runs[0], copied(runs[0], root, "evil", change)])
    text = found.page()
    assert EVIL not in text and text.count("&lt;script&gt;") >= 3
    for words in ("2 runs side by side", "Where the recipes differ", "B small"):
        assert words in text
    assert text.encode()[:15] == b"<!DOCTYPE html>" and len(text.encode()) < 2_000_000
    assert found.page() == text


def test_runs_that_cannot_be_compared_are_refused(runs, root):
    with pytest.raises(ConfigError, match="1 runs to compare; allowed: 2 to 5"):
        compare(runs[:1])
    with pytest.raises(ConfigError, match="given twice"):
        compare([runs[0], runs[1], Run.open(runs[0].path)])
    with pytest.raises(RunError, match="no run 'nothing'"):
        compare([runs[0], "nothing"], root=root)
    older = copied(
        runs[0],
        root,
        "older",
        lambda f: rewrite(f / "metrics.json", lambda v: v["strategy"].pop("financial")),
    )
    with pytest.raises(RunError, match="no numbers of this version"):
        compare([runs[0], older])
    changed = copied(runs[0], root, "changed", lambda folder: None)
    (changed.path / "equity.parquet").chmod(0o644)
    (changed.path / "equity.parquet").write_bytes(b"")
    with pytest.raises(RunError, match=r"equity\.parquet was changed"):
        compare([runs[0], changed])


def invoke(*words):
    return CliRunner().invoke(app, ["compare", *map(str, words)])


def test_the_command(runs, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ids = [one.id for one in runs]
    done = invoke(*ids, "--runs", root)
    assert done.exit_code == 0, done.output
    assert "C dear" in done.output and "warning: Not the same costs" in done.output
    assert Path("compare.html").read_text().startswith("<!DOCTYPE html>")
    told = json.loads(invoke(*ids, "--runs", root, "--json", "--out", "other.html").output)
    assert told["page"] == "other.html" and Path("other.html").is_file()
    Path("compare.html").unlink()
    assert json.loads(invoke(*ids[:2], "--runs", root, "--json").output)["page"] is None
    assert not Path("compare.html").exists()
    refused = invoke(*ids[:2], "--runs", root, "--out", tmp_path / "no" / "where.html")
    assert isinstance(refused.exception, RunError) and "cannot write" in str(refused.exception)


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz")), min_size=2, max_size=5))
def test_differing_is_all_fields_without_the_common_ones(recipes):
    found = differing(recipes)
    for name in "abcd":
        values = {recipe.get(name) for recipe in recipes}
        assert (name in found) == (len(values) > 1)
