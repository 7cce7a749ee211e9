"""Planted leaks of every kind are found, by the check that is for them; shipped recipes have none."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bateia import cli, research
from bateia.core import Spans, Trades
from bateia.labels import Labels
from bateia.quality import Quality
from bateia.recipe import Recipe
from bateia.splits import Fold
from bateia.vetting import leaks
from bateia.vetting.leaks import CHECKS, hunt, overlapping
from bateia.vetting.likeness import alike, doubled_trades, repeated_stretch, shared_rows
from generated_markets import candle_recipe, generated_noise, generated_signal, tiny_recipe
from shipped_recipes import RECIPES, runnable


@pytest.fixture
def recipe(tmp_path):
    return tiny_recipe(generated_noise(2000), tmp_path)


def hunted(recipe, *names, monkeypatch=None):
    """The verdicts of some checks, or of all."""
    if monkeypatch is not None:
        monkeypatch.setattr(leaks, "CHECKS", {name: CHECKS[name] for name in names})
    return {check.name: check for check in hunt(recipe)}


def test_a_clean_recipe_is_clean(recipe):
    found = hunted(recipe)
    assert list(found) == list(CHECKS)
    told = {name: check.verdict for name, check in found.items()}
    assert told == dict.fromkeys(CHECKS, "ok") | dict.fromkeys(("others", "regimes"), "not applicable"), found
    assert all(check.evidence and not check.rows for check in found.values())


def test_a_real_signal_is_no_leak(tmp_path):
    found = hunted(tiny_recipe(generated_signal(2000), tmp_path))
    assert "leak" not in {check.verdict for check in found.values()}, found


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_clean(path):
    found = hunt(Recipe.parse(runnable(path)))
    assert [check for check in found if check.verdict == "leak"] == []


@pytest.fixture
def longer(tmp_path):
    """Enough bars before the first test to fit a detector on."""
    return tiny_recipe(generated_noise(5000), tmp_path)


def with_regime(recipe, kind):
    return Recipe.parse(f"{recipe.to_yaml().replace('regime: null', f'regime: {{kind: {kind}}}')}")


@pytest.mark.parametrize("kind", ["hmm", "trend_strength"])
def test_regimes_that_are_known_when_they_are_known(longer, kind, monkeypatch):
    found = hunted(with_regime(longer, kind), "regimes", monkeypatch=monkeypatch)["regimes"]
    assert found.verdict == "ok", found
    assert ("fitted on the" in found.evidence) == (kind == "hmm")


def test_a_detector_fitted_too_late_is_found(longer, monkeypatch):
    def late(recipe, bars, features, labels, watch):
        detector = recipe.regime.fit(bars)
        return research.Regimes(detector.run(bars), detector)

    monkeypatch.setattr(research, "find_regimes", late)
    found = hunted(with_regime(longer, "hmm"), "regimes", monkeypatch=monkeypatch)["regimes"]
    assert (found.verdict, found.evidence) == (
        "leak",
        "the hmm was fitted on bars from the first tested one on",
    )


def test_a_detector_fitted_a_few_bars_too_late_is_found(longer, monkeypatch):
    def late(recipe, bars, features, labels, watch):
        first = int(research.make_folds(recipe, features, labels)[0].test[0])
        detector = recipe.regime.fit(bars[: first + 3])
        return research.Regimes(detector.run(bars), detector)

    monkeypatch.setattr(research, "find_regimes", late)
    assert hunted(with_regime(longer, "hmm"), "regimes", monkeypatch=monkeypatch)["regimes"].verdict == "leak"


def test_a_regime_that_looks_ahead_is_found(longer, monkeypatch):
    def early(recipe, bars, features, labels, watch):
        number = recipe.regime.run(bars)
        return research.Regimes(np.concatenate([number[5:], number[-5:]]), recipe.regime)

    monkeypatch.setattr(research, "find_regimes", early)
    found = hunted(with_regime(longer, "trend_strength"), "regimes", monkeypatch=monkeypatch)["regimes"]
    assert found.verdict == "leak" and "known after their bar" in found.evidence and found.rows


def ahead(values, rows):
    """What a column shows `rows` later."""
    return np.concatenate([values[rows:], np.full(rows, values[-1])])


def plant_feature(monkeypatch, column):
    """`column(bars)` in the place of the first feature."""
    honest = research.compute_features

    def planted(recipe, bars, watch, others=None):
        table = honest(recipe, bars, watch, others)
        values = table.values.copy()
        values[:, 0] = column(bars)
        return replace(table, values=values)

    monkeypatch.setattr(research, "compute_features", planted)


COLUMNS = {
    "the return to come": lambda bars: np.log(ahead(bars.close, 4) / bars.close),
    "the whole sample's mean": lambda bars: bars.volume - bars.volume.mean(),
    "the next bar's volume": lambda bars: ahead(bars.volume, 1),
    "the extreme to come": lambda bars: np.maximum.accumulate(bars.high[::-1])[::-1] / bars.close,
}


@pytest.mark.parametrize("column", COLUMNS)
def test_features_that_see_the_future(recipe, monkeypatch, column):
    plant_feature(monkeypatch, COLUMNS[column])
    found = hunted(recipe, "future", monkeypatch=monkeypatch)["future"]
    assert found.verdict == "leak"
    assert "flow" in found.evidence and found.rows


ANSWERS = {
    "itself": lambda ret, rng: ret,
    "almost itself": lambda ret, rng: ret + 0.3 * ret.std() * rng.normal(size=len(ret)),
    "its place among all": lambda ret, rng: -np.exp(300 * ret),
    "its square": lambda ret, rng: ret**2,
}


@pytest.mark.parametrize("disguise", ANSWERS)
def test_features_that_are_the_answer(tmp_path, monkeypatch, disguise):
    recipe = tiny_recipe(generated_noise(8000), tmp_path)

    def column(bars):
        ret = np.log(ahead(bars.close, 4) / bars.close)
        return ANSWERS[disguise](ret, np.random.default_rng(0))

    plant_feature(monkeypatch, column)
    found = hunted(recipe, "features", "shifted", monkeypatch=monkeypatch)
    assert found["features"].verdict == "leak" and "flow" in found["features"].evidence
    if disguise != "its square":
        # Skill that no market gives, and nothing of it at the next answer.
        assert found["shifted"].verdict == "leak", found["shifted"]


def test_skill_that_appears_at_the_next_answer(recipe, monkeypatch):
    plant_feature(monkeypatch, lambda bars: np.log(ahead(bars.close, 8) / ahead(bars.close, 4)))
    found = hunted(recipe, "shifted", monkeypatch=monkeypatch)["shifted"]
    assert found.verdict == "leak"


def test_a_bar_that_looks_ahead(recipe, monkeypatch):
    honest = research.build_bars

    def planted(kind, events, watch, whose=""):
        bars = honest(kind, events, watch, whose)
        return replace(bars, high=np.maximum(bars.high, ahead(bars.high, 1)))

    monkeypatch.setattr(research, "build_bars", planted)
    found = hunted(recipe, "future", monkeypatch=monkeypatch)["future"]
    assert found.verdict == "leak" and found.evidence.startswith("high of a bar")


def test_bars_that_claim_to_be_known_early(tmp_path, monkeypatch):
    trades = generated_noise(2000)
    late = replace(trades, known_at=trades.time + 5_000_000)
    recipe = tiny_recipe(late, tmp_path)
    assert hunted(recipe, "future", "clocks", "answers", monkeypatch=monkeypatch)["clocks"].verdict == "ok"
    honest = research.build_bars

    def early(*given):
        bars = honest(*given)
        return replace(bars, known_at=bars.time)

    monkeypatch.setattr(research, "build_bars", early)
    found = hunted(recipe)
    assert found["clocks"].verdict == "leak" and found["clocks"].rows[0] == 0
    assert found["future"].verdict == "leak"


def plant_labels(monkeypatch, change):
    honest = research.make_labels

    def planted(recipe, bars, watch):
        return change(honest(recipe, bars, watch), bars)

    monkeypatch.setattr(research, "make_labels", planted)


def past(labels: Labels, bars) -> Labels:
    """The return before the question under the span of the one after."""
    value = np.concatenate([np.zeros(4), labels.ret[:-4]])
    value[~labels.valid] = np.nan
    return replace(labels, value=value, ret=value.copy())


def short(labels: Labels, bars) -> Labels:
    """An honest answer that claims to be known after one bar instead of four."""
    return replace(labels, span=Spans(labels.span.t0, ahead(bars.time, 1)))


def known(labels: Labels, bars) -> Labels:
    """An answer that is known before its question."""
    return replace(labels, span=Spans(labels.span.t0, labels.span.t0 - 1))


@pytest.mark.parametrize(
    ("change", "says"),
    [(past, "whatever comes after"), (short, "look further than"), (known, "known before their row's")],
    ids=["past", "short", "known"],
)
def test_labels_that_are_not_what_they_say(recipe, monkeypatch, change, says):
    plant_labels(monkeypatch, change)
    found = hunted(recipe, "answers", monkeypatch=monkeypatch)["answers"]
    assert found.verdict == "leak" and says in found.evidence and found.rows


def test_a_split_without_purge(recipe, monkeypatch):
    honest = research.make_folds

    def careless(*given):
        return [Fold(np.union1d(f.train, f.purged), f.test, f.purged[:0]) for f in honest(*given)]

    monkeypatch.setattr(research, "make_folds", careless)
    found = hunted(recipe, "folds", monkeypatch=monkeypatch)["folds"]
    assert found.verdict == "leak" and "fold 1" in found.evidence


def test_a_row_in_train_and_test(recipe, monkeypatch):
    honest = research.make_folds

    def twice(*given):
        return [Fold(np.union1d(f.train, f.test[-3:]), f.test, f.purged) for f in honest(*given)]

    monkeypatch.setattr(research, "make_folds", twice)
    found = hunted(recipe, "folds", monkeypatch=monkeypatch)["folds"]
    assert found.verdict == "leak" and len(found.rows) == 3


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1, max_size=25), st.data())
def test_overlaps_are_those_of_every_pair(pairs, data):
    spans = Spans(np.array([a for a, _ in pairs]), np.array([a + b for a, b in pairs]))
    cut = data.draw(st.integers(0, len(pairs)))
    train, test = spans[:cut], spans[cut:]
    tests = list(zip(test.t0, test.t1, strict=True))
    slow = [any(a <= d and c <= b for c, d in tests) for a, b in zip(train.t0, train.t1, strict=True)]
    assert overlapping(train, test).tolist() == slow


def plant_prepare(monkeypatch, change):
    """`change(market, fold)` gives the market that a fold's preparation is fitted on."""
    honest = research.prepare

    def planted(recipe, market, fold):
        return honest(recipe, change(market), fold)

    monkeypatch.setattr(research, "prepare", planted)


def scaled(market):
    """Features standardised by all rows there are."""
    values = market.features.values
    whole = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    return replace(market, features=replace(market.features, values=whole))


def test_a_scaler_fitted_outside_the_fold(recipe, monkeypatch):
    plant_prepare(monkeypatch, scaled)
    found = hunted(recipe, "fitted", "decisions", monkeypatch=monkeypatch)
    assert {check.verdict for check in found.values()} == {"leak"}, found


def test_a_preparation_fitted_outside_the_fold(tmp_path, monkeypatch):
    from bateia.preparation import Preparation, Standard

    recipe = tiny_recipe(generated_noise(2000), tmp_path, prepare=(Standard(),))
    assert hunted(recipe, "fitted", monkeypatch=monkeypatch)["fitted"].verdict == "ok"
    honest = research.prepare

    def planted(recipe, market, fold):
        ready = honest(recipe, market, fold)
        data = replace(
            ready.fit,
            X=market.features.values[4:],
            y=np.ones(len(market.bars) - 4),
            weight=np.ones(len(market.bars) - 4),
            names=market.features.plan.names,
        )
        whole = Preparation(steps=recipe.prepare).fit(data, market.labels.span[4:])
        return replace(ready, preparation=whole)

    monkeypatch.setattr(research, "prepare", planted)
    found = hunted(recipe, "fitted", monkeypatch=monkeypatch)["fitted"]
    assert found.verdict == "leak" and "the preparation of fold 1" in found.evidence


def test_a_policy_that_ranks_scores_it_cannot_have_seen(recipe, monkeypatch):
    class Ranked:
        def fit(self, *given):
            return self

        def run(self, score):
            return np.where(score > np.median(score), 1.0, -1.0)

    planted = SimpleNamespace(**{name: getattr(recipe, name) for name in type(recipe).model_fields})
    planted.policy = Ranked()
    market = leaks.build(recipe, recipe.source.read(), {})
    case = leaks.Case(planted, recipe.source.read(), {}, market)
    guilty, told, rows = leaks.decisions(case)
    assert guilty and told.startswith("a target") and len(rows)


def test_rows_that_are_in_training_and_in_test(recipe, monkeypatch):
    honest = research.compute_features

    def copied(*given):
        table = honest(*given)
        values = table.values.copy()
        values[-30:-10] = values[30:50]
        return replace(table, values=values)

    monkeypatch.setattr(research, "compute_features", copied)
    found = hunted(recipe, "duplicates", monkeypatch=monkeypatch)["duplicates"]
    assert found.verdict == "leak" and len(found.rows) > 15 and set(found.rows) <= set(range(170, 190))


def test_features_of_few_values_are_bound_to_repeat():
    rng = np.random.default_rng(0)
    hours = rng.integers(0, 24, (400, 2)).astype(float)
    train, test = np.arange(300), np.arange(300, 400)
    assert shared_rows(hours, train, test) is None
    mixed = np.column_stack([hours, rng.normal(size=400)])
    assert len(shared_rows(mixed, train, test)[0]) == 0
    still = mixed.copy()
    still[50:350] = 0.0
    # A market that stands still explains equal rows, as do constant columns.
    assert not len((shared_rows(still, train, test) or [()])[0])
    odd = mixed.copy()
    odd[350], odd[351, 1] = odd[20], -0.0
    rows, expected = shared_rows(odd, train, test)
    assert rows.tolist() == [350] and expected < 0.1


def test_coarse_features_meet_by_chance_about_as_often_as_expected():
    rng = np.random.default_rng(1)
    coarse = np.column_stack([rng.integers(0, 900, 1000), rng.integers(0, 3, 1000)]).astype(float)
    rows, expected = shared_rows(coarse, np.arange(600), np.arange(600, 1000))
    assert len(rows) > 20
    assert len(rows) < 0.4 + expected + 4 * np.sqrt(expected)


def test_trades_that_come_twice():
    trades = generated_noise(3000)
    assert not len(doubled_trades(trades)[0]) and not len(repeated_stretch(trades)[0])
    part = np.sort(np.concatenate([np.arange(3000), np.arange(2000, 2400)]))
    rows, told = doubled_trades(trades[part])
    assert len(rows) >= 400 and 1999 <= rows[0] <= 2001 and "come twice" in told
    # The same minutes again a day later, as a broken download leaves them.
    day = 86_400_000_000
    again = trades[500:700]
    later = replace(again, time=again.time + day, known_at=again.known_at + day)
    rows, told = repeated_stretch(Trades.concat([trades, later]))
    assert len(rows) >= 130 and rows[0] in {3000, 3001} and "seen before" in told


def test_doubled_trades_are_found_in_a_recipe(tmp_path, monkeypatch):
    trades = generated_noise(2400)
    twice = trades[np.sort(np.concatenate([np.arange(2400), np.arange(2200, 2400)]))]
    recipe = tiny_recipe(twice, tmp_path, quality=Quality(accept=["generated", "repeats"]))
    found = hunted(recipe, "duplicates", monkeypatch=monkeypatch)["duplicates"]
    assert found.verdict == "leak" and "come twice" in found.evidence


@pytest.fixture
def pair(tmp_path):
    """A recipe whose first feature looks at another asset."""
    recipe = tiny_recipe(generated_noise(2000), tmp_path)
    path = tmp_path / "other.parquet"
    pl.DataFrame(generated_noise(2000, seed=9).columns()).write_parquet(path)
    settings = recipe.model_dump(mode="json")
    settings["others"] = {
        "OTHER": {"source": {"kind": "file", "path": str(path)}, "bars": {"kind": "tick", "size": 7}}
        | {"quality": {"accept": ["generated"]}}
    }
    settings["features"]["define"]["apart"] = 'log(close / of("OTHER", close))'
    return Recipe.model_validate(settings)


def test_other_assets_joined_too_early(pair, monkeypatch):
    clean = hunted(pair, "others", "future", monkeypatch=monkeypatch)
    assert {check.verdict for check in clean.values()} == {"ok"}
    honest = research.compute_features

    def planted(recipe, bars, watch, others=None):
        early = {s: replace(b, known_at=b.known_at - 60_000_000) for s, b in (others or {}).items()}
        return honest(recipe, bars, watch, early)

    monkeypatch.setattr(research, "compute_features", planted)
    found = hunted(pair, "others", "future", monkeypatch=monkeypatch)
    assert found["others"].verdict == "leak" and "apart" in found["others"].evidence
    assert found["future"].verdict == "ok"


def test_candles_are_hunted_as_trades_are(tmp_path, monkeypatch):
    recipe = candle_recipe(generated_noise(4000), tmp_path)
    told = {name: check.verdict for name, check in hunted(recipe).items()}
    assert told == dict.fromkeys(CHECKS, "ok") | dict.fromkeys(("others", "regimes"), "not applicable")
    plant_feature(monkeypatch, lambda bars: ahead(bars.close, 1) / bars.close)
    assert hunted(recipe, "future", monkeypatch=monkeypatch)["future"].verdict == "leak"


def test_likeness_is_held_against_how_much_there_is():
    rng = np.random.default_rng(0)
    slow = np.cumsum(rng.normal(size=300))
    other = np.cumsum(rng.normal(size=300))
    # Two random walks are alike by chance: with three answers that do not overlap it means nothing.
    _, size, limit = alike(slow, other, 3)
    assert size < limit
    assert alike(slow, slow, 300)[1:] == (1.0, 0.5)
    assert alike(np.ones(300), slow, 300)[1] == 0.0
    assert alike(np.where(slow > 0, slow, np.nan), slow, 300)[1] == 1.0


def test_the_command_says_it_in_a_line_each_and_by_its_exit_code(tmp_path, monkeypatch):
    path = tmp_path / "tiny.yaml"
    path.write_text(tiny_recipe(generated_noise(1500), tmp_path).to_yaml())
    monkeypatch.setattr(leaks, "CHECKS", {name: CHECKS[name] for name in ("future", "others")})
    clean = CliRunner().invoke(cli.app, ["leaks", str(path)], catch_exceptions=False)
    assert clean.exit_code == 0
    assert [line.split()[0] for line in clean.stdout.splitlines()] == ["ok", "not"]
    plant_feature(monkeypatch, lambda bars: ahead(bars.volume, 1))
    found = CliRunner().invoke(cli.app, ["leaks", str(path)], catch_exceptions=False)
    assert found.exit_code == 1
    assert [line for line in found.stdout.splitlines() if line.startswith("leak")] != []
    told = CliRunner().invoke(cli.app, ["leaks", str(path), "--json"], catch_exceptions=False)
    assert told.exit_code == 1
    first = json.loads(told.stdout)[0]
    assert (first["name"], first["verdict"]) == ("future", "leak") and first["rows"]
