"""Paths of a recipe, what may be searched, and the recipes that come of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bateia.core import ConfigError
from bateia.search import Dimension, Search
from bateia.vetting.space import asked, changed, check, grid, paths, read_search, suggest


class Given:
    """An asker that gives the highest it may, and the last choice."""

    def suggest_int(self, name, low, high, *, step=1, log=False):
        assert isinstance(low, int)
        return high

    def suggest_float(self, name, low, high, *, step=None, log=False):
        return float(high)

    def suggest_categorical(self, name, choices):
        return choices[-1]


def search(space, **settings):
    return Search.model_validate({"space": space, **settings})


def test_every_setting_has_a_path_defaults_included(small_recipe):
    known = paths(small_recipe)
    assert known["model.rounds"] == 20
    assert known["model.learning_rate"] == 0.05
    assert known["features.use"] == ["calendar"]
    assert known["features.define.trend"].startswith("ema")
    assert not [path for path in known if path.startswith(("gates", "tune", "name"))]


def test_setting_a_path_to_what_it_is_changes_nothing(small_recipe):
    for path, value in paths(small_recipe).items():
        assert changed(small_recipe, {path: value}).hash == small_recipe.hash, path


@given(st.floats(1e-3, 1.0), st.integers(2, 500), st.sampled_from([["calendar"], ["calendar", "flow"]]))
def test_what_is_set_is_what_the_recipe_holds(small_text, rate, leaves, use):
    from bateia.recipe import Recipe

    recipe = Recipe.parse(small_text)
    made = changed(recipe, {"model.learning_rate": rate, "model.num_leaves": leaves, "features.use": use})
    assert (made.model.learning_rate, made.model.num_leaves, list(made.features.use)) == (rate, leaves, use)
    assert made.policy == recipe.policy
    assert recipe.model.num_leaves == 31


def test_a_trial_suggests_by_the_shape_of_the_setting(small_recipe):
    space = {
        "model.num_leaves": {"low": 4, "high": 64},
        "policy.enter": {"low": 0, "high": 1},
        "label.horizon": {"choices": [5, "1m"]},
        "features.use": {"choices": [["calendar"], []]},
        "model": {"choices": [{"kind": "logistic"}, {"kind": "majority"}]},
    }
    space.pop("model")
    found = suggest(Given(), small_recipe, search(space))
    assert found == {
        "model.num_leaves": 64,
        "policy.enter": 1.0,
        "label.horizon": "1m",
        "features.use": [],
    }
    assert isinstance(found["model.num_leaves"], int)
    assert isinstance(found["policy.enter"], float)


def test_a_whole_section_may_be_chosen(small_recipe):
    space = search({"model": {"choices": [{"kind": "logistic"}, {"kind": "majority"}]}})
    check(small_recipe, space)
    assert changed(small_recipe, suggest(Given(), small_recipe, space)).model.kind == "majority"


@pytest.mark.parametrize(
    ("path", "dimension", "said"),
    [
        ("model.lerning_rate", {"low": 0.1, "high": 0.2}, "no setting.*try: model.learning_rate"),
        ("policy.entr", {"low": 0.1, "high": 0.2}, "try: policy.enter"),
        ("broker.costs.fee_per_unit", {"low": 0.0, "high": 1.0}, "what trials are judged by"),
        ("broker", {"choices": [{}, {}]}, "what trials are judged by"),
        ("broker.multiplier", {"low": 1.0, "high": 9.0}, "what trials are judged by"),
        ("others", {"choices": [{}, {}]}, "what trials are judged by"),
        ("split.folds", {"low": 2, "high": 4}, "what trials are judged by"),
        ("source.name", {"choices": ["a", "b"]}, "what trials are judged by"),
        ("model.num_leaves", {"low": 2.5, "high": 4.5}, "model.num_leaves' fits none.*integer"),
        ("model.learning_rate", {"low": 2.0, "high": 3.0}, "less than or equal to 1"),
        ("features.use", {"choices": [["calender"], ["calndar"]]}, "calender"),
    ],
)
def test_paths_that_cannot_be_searched_are_told_before_the_first_trial(small_recipe, path, dimension, said):
    with pytest.raises(ConfigError, match=said):
        check(small_recipe, search({path: dimension}))


def test_what_we_choose_of_the_broker_may_be_searched(small_recipe):
    check(small_recipe, search({"broker.quantity": {"low": 1.0, "high": 2.0}}))


def test_a_path_within_another_is_refused(small_recipe):
    both = {"label": {"choices": [{}, {}]}, "label.horizon": {"choices": [1, 2]}}
    with pytest.raises(ConfigError, match=r"'label.horizon' lies within 'label'|'label' fits none"):
        check(small_recipe, search(both))


@pytest.mark.parametrize(
    ("dimension", "said"),
    [
        ({}, "without low or high"),
        ({"low": 1}, "without low or high"),
        ({"low": 2, "high": 1}, "low < high"),
        ({"low": 0, "high": 1, "log": True}, "low > 0"),
        ({"choices": [1]}, "two or more"),
        ({"choices": [1, 2], "low": 1}, "one of the two"),
        ({"low": 1, "hi": 2}, "Extra inputs"),
    ],
)
def test_dimensions_that_make_no_sense(dimension, said):
    with pytest.raises(ValidationError, match=said):
        Dimension.model_validate(dimension)


def test_a_grid_holds_every_combination_once():
    space = {"a.x": {"low": 1, "high": 5, "step": 2}, "b.y": {"choices": ["u", "v"]}}
    found = grid(search(space, sampler="grid"))
    assert len(found) == 6
    assert {(point["a.x"], point["b.y"]) for point in found} == {(x, y) for x in (1, 3, 5) for y in "uv"}
    with pytest.raises(ConfigError, match=r"6 points, the search 5 trials.*trials: 6"):
        grid(search(space, sampler="grid", trials=5))


def test_a_grid_needs_steps(small_recipe):
    with pytest.raises(ConfigError, match="without steps"):
        check(small_recipe, search({"policy.enter": {"low": 0.1, "high": 0.2}}, sampler="grid"))


def test_values_are_named_as_a_trial_names_them():
    space = search({"a.b": {"choices": [[1], "x"]}, "c.d": {"low": 1, "high": 2}})
    assert asked({"a.b": [1], "c.d": 2}, space) == {"a.b": "[1]", "c.d": 2}


def test_a_file_may_hold_the_section_or_only_the_paths(tmp_path):
    only = tmp_path / "only.yaml"
    only.write_text("policy.enter: {low: 0.1, high: 0.5}\n")
    whole = tmp_path / "whole.yaml"
    whole.write_text("tune:\n  trials: 7\n  space:\n    policy.enter: {low: 0.1, high: 0.5}\n")
    assert read_search(only).space == read_search(whole).space
    assert read_search(whole).trials == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1", "holds no search"),
        ("a: [", "cannot read the search"),
        ("space: {a.b: {low: 1, high: 2}}\ntrails: 3", "trails: Extra inputs"),
        ("policy.enter: {low: 1}", "without low or high"),
    ],
)
def test_a_file_that_holds_no_search(tmp_path, text, said):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_search(path)
    with pytest.raises(ConfigError, match="cannot read"):
        read_search(tmp_path / "none.yaml")
