"""What a run sees of its data before anything is trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bateia import research
from bateia.core import ConfigError
from bateia.recipe import Recipe
from bateia.research import Silent

SPLITS = [
    {"kind": "walk_forward", "folds": 2, "min_train": 0.5, "embargo": "1s"},
    {"kind": "walk_forward", "folds": 2, "min_train": 600, "embargo": "1s"},
    {"kind": "session", "folds": 1, "train": "before", "length": "12h", "embargo": "1s"},
]


def with_regime(recipe, split):
    """States that must be learnt, features that warm up at once, answers that are long in coming."""
    settings = recipe.model_dump(mode="json")
    settings["features"] = {"define": {"tick": "diff(close, 1)"}}
    settings["label"] = {"kind": "fixed_horizon", "horizon": 100}
    return Recipe.model_validate(settings | {"regime": {"kind": "hmm", "rounds": 20}, "split": split})


def regimes_of(recipe, bars, features, labels):
    return research.find_regimes(recipe, bars, features, labels, Silent()).number


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: f"{split['kind']}-{split.get('min_train', '')}")
def test_a_regime_learns_nothing_from_tested_bars(small_recipe, es_trades, split):
    recipe = with_regime(small_recipe, split)
    bars = research.build_bars(recipe.bars, es_trades, Silent())
    features = research.compute_features(recipe, bars, Silent())
    labels = research.make_labels(recipe, bars, Silent())
    first = int(research.make_folds(recipe, features, labels)[0].test[0])
    before = regimes_of(recipe, bars, features, labels)[:first]
    close = bars.close.copy()
    close[first:] *= np.exp(np.random.default_rng(0).normal(0, 0.02, len(close) - first))
    other = regimes_of(recipe, replace(bars, close=close), features, labels)[:first]
    assert len(set(before.tolist())) > 2
    np.testing.assert_array_equal(before, other)


@pytest.mark.parametrize("split", [{"kind": "purged_k_fold"}, {"kind": "session"}], ids=lambda s: s["kind"])
def test_a_regime_that_learns_needs_a_past_that_is_never_tested(small_recipe, es_trades, split):
    recipe = with_regime(small_recipe, split)
    bars = research.build_bars(recipe.bars, es_trades, Silent())
    features = research.compute_features(recipe, bars, Silent())
    labels = research.make_labels(recipe, bars, Silent())
    with pytest.raises(ConfigError, match=f"'hmm', which learns .* kind '{split['kind']}'"):
        regimes_of(recipe, bars, features, labels)
