"""A chain is its steps in order; what makes no sense is refused before anything runs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from bateia.core import ConfigError, DataError, RunError
from bateia.models import Logistic
from bateia.preparation import (
    PCA,
    FittedPreparation,
    Hampel,
    Impute,
    Preparation,
    Quantile,
    Robust,
    Select,
    Standard,
    Winsorise,
)
from bateia.recipe import Recipe
from bateia.testing.preparation import SORTS, generated_columns, generated_spans

DATA = generated_columns(list(SORTS), rows=240)
SPAN = generated_spans(240)
ALL = Preparation(
    steps=[
        Winsorise(),
        Hampel(),
        Impute(),
        Robust(),
        Quantile(to="normal"),
        Standard(),
        Select(k=9),
        PCA(components=3),
    ]
)


@pytest.fixture(scope="module")
def fitted():
    return ALL.fit(DATA, SPAN, Logistic(iterations=20))


def test_steps_run_in_order_each_on_what_the_last_one_made(fitted):
    data, X = DATA, DATA.X
    for step, done in zip(ALL.steps, fitted.steps, strict=True):
        assert done.kind == step.kind
        assert done.names_in == tuple(data.names)
        again = step.fit(data, SPAN, Logistic(iterations=20))
        assert again.dump() == done.dump()
        data = FittedPreparation(done.names_in, (done,)).dataset(data)
        X = done.transform(X)
    assert fitted.names_in == tuple(DATA.names)
    assert fitted.names_out == ("pca_1", "pca_2", "pca_3") == tuple(data.names)
    assert np.array_equal(fitted.transform(DATA.X), X)
    assert data.task == DATA.task


def test_saved_and_read_back_it_is_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "a" / "preparation")
    again = FittedPreparation.load(tmp_path / "a" / "preparation")
    assert np.array_equal(again.transform(DATA.X), fitted.transform(DATA.X))
    again.save(tmp_path / "b")
    one, two = tmp_path / "a" / "preparation" / "preparation.json", tmp_path / "b" / "preparation.json"
    assert one.read_bytes() == two.read_bytes()
    assert [step["kind"] for step in json.loads(one.read_text())["steps"]] == [s.kind for s in ALL.steps]


@pytest.mark.parametrize("text", [None, "{}", "[]", '{"names": [], "steps": [{"kind": "magic"}]}', "{"])
def test_what_is_no_preparation(text, tmp_path):
    if text is not None:
        (tmp_path / "preparation.json").write_text(text)
    with pytest.raises(RunError, match=r"holds no preparation that can be read.*try: run the recipe again"):
        FittedPreparation.load(tmp_path)


def test_an_empty_chain_is_the_identity():
    fitted = Preparation().fit(DATA, SPAN)
    assert fitted.transform(DATA.X) is DATA.X
    assert fitted.names_out == fitted.names_in == tuple(DATA.names)


def test_one_span_for_each_row():
    with pytest.raises(DataError, match="3 label spans for 240 rows; allowed: one for each row"):
        Preparation().fit(DATA, generated_spans(3))


def test_impute_after_pca_is_refused():
    with pytest.raises(
        ValidationError, match="impute after pca, which needs complete rows; try: impute before"
    ):
        Preparation(steps=[PCA(), Impute()])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[{kind: standart}]", "no kind 'standart'; allowed: standard, robust.*; try: standard"),
        ("[{k: 3}]", "which kind is not said"),
        ("[{kind: pca}, {kind: impute}]", "prepare: impute after pca.*try: impute before pca"),
        ("[{kind: select, k: 0}]", r"prepare.0.k: Input should be greater than or equal to 1 \(given 0\)"),
        ("[{kind: select, by: luck}]", "prepare.0.by: Input should be 'mda'"),
        ("[{kind: winsorise}, {kind: hampel, q: 3}]", "prepare.1.q: unknown key; allowed: k, kind, to"),
        ("[{kind: winsorise, lower: 0.9, upper: 0.2}]", "allowed: lower < upper"),
    ],
)
def test_a_recipe_says_what_is_wrong_with_its_steps(small_text, steps, message):
    with pytest.raises(ConfigError, match=rf"line \d+, prepare.*{message}|{message}"):
        Recipe.parse(small_text + f"prepare: {steps}\n")
