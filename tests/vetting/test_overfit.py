"""The pan itself: 200 trials on generated noise find a fine backtest; promotion refuses it and says why."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from bateia import cli
from bateia.recipe import Recipe
from bateia.runs import Ledger
from bateia.search import Search
from bateia.vetting.promotion import promote
from bateia.vetting.tuning import tune
from vetting.generated_market import RECIPE, generated_trades

TRIALS = 200
SPACE = {
    "policy.enter": {"low": 0.0, "high": 0.06},
    "policy.exit": {"low": -0.05, "high": 0.0},
    "policy.side": {"choices": ["both", "long", "short"]},
    "label.horizon": {"choices": [1, 2, 3, 5]},
}


@pytest.fixture(scope="module")
def overfitted(tmp_path_factory):
    """The best of 200 on a random walk, with next to no holdout: what an eager search brings home."""
    folder = tmp_path_factory.mktemp("overfitted")
    path = generated_trades(folder / "generated_noise.parquet", days=150, memory=0.0, seed=5)
    recipe = Recipe.parse(RECIPE.format(path=path)).model_copy(update={"baselines": ()})
    search = Search.model_validate(
        {"space": SPACE, "trials": TRIALS, "sampler": "random", "pruner": "none", "holdout": 0.02}
    )
    return tune(recipe, search, root=folder / "runs"), folder / "runs"


def test_the_backtest_looks_fine(overfitted):
    done, _ = overfitted
    account = done.run.metrics["strategy"]["financial"]
    assert account["sharpe_net"]["value"] > 1.5
    assert account["net"] > 0
    assert account["round_trips"] >= 100


def test_the_ledger_counted_all_of_them(overfitted):
    done, root = overfitted
    assert Ledger(root / "ledger.sqlite").count(done.run.metrics["data"]["hash"]) == TRIALS
    assert done.run.metrics["trials"] == TRIALS


def test_luck_alone_refuses_it_and_names_the_trials(overfitted):
    done, root = overfitted
    judged = promote(done.run, root=root)
    assert not judged.promoted
    refused = {ruling.name: ruling for ruling in judged.rulings if not ruling.holds}
    assert set(refused) == {"deflated Sharpe", "PBO"}
    for ruling in refused.values():
        assert ruling.status == "failed"
        assert f"{TRIALS} trials" in ruling.reason
    assert refused["deflated Sharpe"].value < 0.5
    assert refused["PBO"].value > 0.2
    assert "200 trials" in judged.headline
    assert not (root / "aliases").exists()


def test_the_page_shows_what_promotion_judges_by(tmp_path):
    """A holdout of a fifth: the trials know four fifths of the run's days, on the page and for the gates."""
    path = generated_trades(tmp_path / "generated_noise.parquet", days=150, memory=0.0, seed=5)
    recipe = Recipe.parse(RECIPE.format(path=path)).model_copy(update={"baselines": (), "seed": 3})
    search = Search.model_validate(
        {"space": SPACE, "trials": 12, "sampler": "random", "pruner": "none", "holdout": 0.2}
    )
    done = tune(recipe, search, root=tmp_path / "runs")
    told = done.run.metrics["chance"]
    assert told["compared"] == told["trials"] == 12
    judged = {ruling.name: ruling for ruling in promote(done.run, root=tmp_path / "runs").rulings}
    assert judged["deflated Sharpe"].value == told["dsr"] is not None
    assert judged["PBO"].value == told["pbo"] is not None
    page = done.run.file("report.html").read_text(encoding="utf-8")
    assert judged["deflated Sharpe"].reason in page.replace("\u2212", "-")


def test_the_command_says_so_too(overfitted):
    done, root = overfitted
    words = ["promote", done.run.id, "--runs", str(root), "--json"]
    told = CliRunner().invoke(cli.app, words)
    assert told.exit_code == 1
    assert "200 trials of this data in the ledger" in json.loads(told.output)["headline"]


def test_without_the_ledger_it_would_have_passed(overfitted):
    """All other gates hold: it is the count of trials that tells luck from skill."""
    done, root = overfitted
    others = [r for r in promote(done.run, root=root).rulings if r.name not in {"deflated Sharpe", "PBO"}]
    assert others
    assert all(ruling.holds for ruling in others)
