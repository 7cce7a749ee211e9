"""A model that has no number for a row is told at once, by name and fold, and leaves no trial behind."""

from __future__ import annotations

import numpy as np
import pytest

from bateia.core import DataError
from bateia.labels import Weights
from bateia.models import Logistic
from bateia.models.logistic import FittedLogistic
from bateia.pipeline import run
from bateia.recipe import Recipe
from bateia.research import prepare
from bateia.runs import Ledger
from bateia.splits import inner_tail
from bateia.vetting.bench import Bench
from bateia.vetting.null import build


@pytest.fixture
def broken(monkeypatch, request):
    """A logistic model whose third row is no number."""
    honest = FittedLogistic.predict

    def predict(self, X):
        score = honest(self, X).copy()
        score[2] = request.param
        return score

    monkeypatch.setattr(FittedLogistic, "predict", predict)


@pytest.mark.parametrize("broken", [np.nan, np.inf], indirect=True)
@pytest.mark.parametrize("where", ["model", "baselines"])
def test_predictions_that_are_no_numbers(broken, small_recipe, tmp_path, where):
    mine = Logistic() if where == "model" else (Logistic(),)
    recipe = small_recipe.model_copy(update={where: mine})
    with pytest.raises(
        DataError, match=r"logistic of fold 1 scores row 2 as (nan|inf), 1 of .*allowed: a fin"
    ):
        run(recipe, root=tmp_path)
    path = tmp_path / "ledger.sqlite"
    assert not path.exists() or not Ledger(path).trials()


def test_rows_are_weighted_by_the_regime_they_were_in(small_text):
    plain = Recipe.parse(f"{small_text}\nregime: {{kind: trend_strength}}")
    recipe = Recipe.parse(f"{plain.to_yaml()}").model_copy(
        update={"weights": Weights(regime={"ranging": 0.5, "trend_up": 0.0})}
    )
    assert recipe.hash != plain.hash
    market = build(recipe, recipe.source.read(), {})
    fold = market.folds[0]
    one, other = prepare(plain, market, fold), prepare(recipe, market, fold)
    names = np.array(market.regimes.names)
    for mine, theirs, rows in (
        (one.valid, other.valid, one.watched),
        (one.fit, other.fit, inner_tail(fold.train, market.labels.span, recipe.valid, 10_000_000)[0]),
    ):
        regime = names[market.regimes.number[rows]]
        factor = np.where(regime == "ranging", 0.5, np.where(regime == "trend_up", 0.0, 1.0))
        assert len(set(factor.tolist())) == 3
        assert np.array_equal(theirs.weight, mine.weight * factor)
        assert np.array_equal(theirs.X, mine.X, equal_nan=True)


def test_a_search_over_weights_fits_anew(small_text):
    recipe = Recipe.parse(f"{small_text}\nregime: {{kind: trend_strength}}")
    bench, found = Bench(recipe.model_copy(update={"baselines": ()}), 0.2), []
    for weight in (1.0, 0.01):
        tried = recipe.model_copy(update={"weights": Weights(regime={"ranging": weight})})
        found.append(next(bench.walk(tried))[2]().metrics.predictive.brier.value)
    assert found[0] != found[1]


@pytest.mark.parametrize("broken", [np.nan], indirect=True)
def test_a_search_meets_them_too(broken, small_recipe):
    recipe = small_recipe.model_copy(update={"model": Logistic(), "baselines": ()})
    with pytest.raises(DataError, match="logistic of fold 1 scores row 2 as nan"):
        next(Bench(recipe, 0.2).walk(recipe))
