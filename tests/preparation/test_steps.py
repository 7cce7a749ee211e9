"""Every step, and chains of them, through the shared suite on columns of every awkward sort."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.preparation import (
    PCA,
    AnyStep,
    Hampel,
    Impute,
    Preparation,
    Quantile,
    Robust,
    Select,
    Standard,
    Winsorise,
)
from bateia.testing import check_preparation
from bateia.testing.preparation import CHECKS, SORTS, generated_columns

WHOLE = [sort for sort in SORTS if sort not in {"gaps", "unknown", "late"}]
STEPS = [
    Standard(),
    Robust(),
    Quantile(),
    Quantile(to="normal", levels=7),
    Winsorise(),
    Winsorise(lower=0.0, upper=0.8),
    Hampel(),
    Hampel(k=1.0, to="median"),
    Impute(),
    Impute(fill="zero"),
    Select(by="mutual_information", k=2),
    Select(by="redundancy", k=2),
    Preparation(),
    Preparation(steps=[Impute(), Standard(), PCA(), Select(by="mutual_information", k=1)]),
    Preparation(steps=[Winsorise(), Robust(), Quantile(to="normal"), Hampel(), Select(by="redundancy", k=3)]),
]


def test_every_kind_of_step_is_checked_here():
    kinds = {part.model_fields["kind"].default for part in get_args(get_args(AnyStep)[0])}
    chained = [part for step in STEPS if isinstance(step, Preparation) for part in step.steps]
    assert kinds == {step.kind for step in [*STEPS, *chained] if not isinstance(step, Preparation)}


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_step_on_a_column_of_every_sort(step):
    assert check_preparation(step, generated_columns(list(SORTS), rows=150)) == list(CHECKS)


@pytest.mark.parametrize("step", STEPS, ids=str)
@settings(max_examples=12)
@given(
    st.lists(st.sampled_from(list(SORTS)), min_size=1, max_size=6), st.integers(30, 120), st.integers(0, 99)
)
def test_a_step_on_any_columns(step, sorts, rows, seed):
    check_preparation(step, generated_columns(sorts, rows, seed))


@pytest.mark.parametrize("step", [PCA(), PCA(share=0.5), PCA(components=1)], ids=str)
@settings(max_examples=12)
@given(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=6), st.integers(30, 120), st.integers(0, 99))
def test_principal_components_of_any_complete_columns(step, sorts, rows, seed):
    check_preparation(step, generated_columns(sorts, rows, seed))


@pytest.mark.parametrize("task", ["class", "return"])
@pytest.mark.parametrize("measure", ["likelihood", "accuracy"])
def test_selection_by_a_model(task, measure):
    data = generated_columns(["normal", "gaps", "constant", "counts"], rows=240, task=task)
    check_preparation(Select(k=2, measure=measure), data)
