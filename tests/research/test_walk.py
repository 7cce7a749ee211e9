"""A model that has no number for a row is told at once, by name and fold, and leaves no trial behind."""

from __future__ import annotations

import numpy as np
import pytest

from bateia.core import DataError
from bateia.models import Logistic
from bateia.models.logistic import FittedLogistic
from bateia.pipeline import run
from bateia.runs import Ledger
from bateia.vetting.bench import Bench


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


@pytest.mark.parametrize("broken", [np.nan], indirect=True)
def test_a_search_meets_them_too(broken, small_recipe):
    recipe = small_recipe.model_copy(update={"model": Logistic(), "baselines": ()})
    with pytest.raises(DataError, match="logistic of fold 1 scores row 2 as nan"):
        next(Bench(recipe, 0.2).walk(recipe))
