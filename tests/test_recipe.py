"""Recipes: round trips, hashes, and errors that name file, line and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bateia.core import ConfigError
from bateia.features.functions import FUNCTIONS
from bateia.recipe import Recipe, _plan_hash

RECIPES = Path(__file__).parents[1] / "recipes"
AILAB = (RECIPES / "ailab.yaml").read_text()


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_is_read_and_its_plan_compiles(path):
    recipe = Recipe.load(path)
    assert recipe.plan().names
    assert recipe.name == path.stem


def test_yaml_round_trip_keeps_everything(small_recipe):
    again = Recipe.parse(small_recipe.to_yaml())
    assert again == small_recipe
    assert again.hash == small_recipe.hash


def test_hash_is_of_the_meaning_not_of_the_text():
    spaced = yaml.safe_dump(yaml.safe_load(AILAB), default_flow_style=False)
    renamed = AILAB.replace("name: ailab", "name: other").replace("about: ", "about: again, ")
    assert Recipe.parse(spaced).hash == Recipe.parse(AILAB).hash == Recipe.parse(renamed).hash
    assert Recipe.parse(AILAB.replace("folds: 5", "folds: 4")).hash != Recipe.parse(AILAB).hash


def test_a_library_that_changes_changes_the_hash(small_recipe, monkeypatch):
    before = small_recipe.hash
    formulas = type(small_recipe.features).formulas
    monkeypatch.setattr(
        type(small_recipe.features), "formulas", lambda self: formulas(self) | {"more": "close"}
    )
    assert small_recipe.hash != before


def test_a_function_that_changes_changes_the_hash(small_text, monkeypatch):
    used = small_text.replace("  define:", '  define:\n    far: "zscore(close, 20)"')
    watched = f"{small_text}\nregime: {{kind: hmm, observe: {{far: 'zscore(close, 20)'}}}}"
    texts = (used, watched, small_text)
    before = [Recipe.parse(text).hash for text in texts]
    honest = FUNCTIONS["zscore"]
    monkeypatch.setitem(FUNCTIONS, "zscore", replace(honest, body=f"2 * ({honest.body})"))
    _plan_hash.cache_clear()
    after = [Recipe.parse(text).hash for text in texts]
    _plan_hash.cache_clear()
    assert [a == b for a, b in zip(after, before, strict=True)] == [False, False, True]


@pytest.mark.parametrize(
    ("given", "wrong", "said"),
    [
        (
            "ema(close, 20) /",
            "ema(colse, 20) /",
            "features.define.trend: .*unknown column 'colse'.*try: close",
        ),
        ("use: [ailab]", "use: [ailba]", "features: no feature library 'ailba'"),
    ],
)
def test_features_that_do_not_compile_are_told_with_the_recipe(given, wrong, said):
    with pytest.raises(ConfigError, match=rf"my\.yaml, line \d+, {said}"):
        Recipe.parse(AILAB.replace(given, wrong), where="my.yaml")


def test_a_recipe_is_frozen(small_recipe):
    with pytest.raises(ValueError, match="frozen"):
        small_recipe.seed = 3


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("given", "wrong", "key", "message"),
    [
        ("learning_rate", "lerning_rate", "model.lerning_rate", "try: learning_rate"),
        ("policy:", "polcy:", "polcy", "try: policy"),
        (
            "kind: dollar",
            "kind: dolar",
            "bars",
            "no kind 'dolar'; allowed: time, tick, volume, dollar, candles, books; try: dollar",
        ),
        ("folds: 5", "folds: none", "split.folds", "valid integer"),
        ("exit: 0.05", "exit: 0.5", "policy", "exit <= enter"),
        ("fee_per_unit: 1.25", "fee_per_lot: 1.25", "broker.costs.fee_per_lot", "try: fee_per_unit"),
        ("{kind: logistic}", "{kind: logistic, l3: 1}", "baselines.1.l3", "try: l2"),
        ("latency: 100ms", "latency: 100", "broker.latency", "text with a unit"),
        ("horizon: 5m", "horizon: 0", "label.horizon", "whole number of bars from 1"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_key(given, wrong, key, message):
    text = AILAB.replace(given, wrong)
    with pytest.raises(ConfigError) as caught:
        Recipe.parse(text, where="my.yaml")
    said = str(caught.value)
    assert f", {key}: " in said
    assert message in said
    if wrong != "{kind: logistic, l3: 1}" and key != "policy":
        assert f"my.yaml, line {line_of(text, wrong)}, " in said or key == "bars"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "risk: [{kind: kelly, by: prediction}]",
            "that read edge and probability, which .*by: trades",
        ),
        ("risk: [{kind: score, by: probability}]", "risk rules that read probability, which .*by: score"),
        (
            "risk: [{kind: regime, number: 1, rules: [{kind: score, by: probability}]}]",
            "risk rules that read probability",
        ),
        (
            "risk: [{kind: regime, number: 1, rules: [{kind: fixed}]}]",
            "no section `regime`; try: regime",
        ),
        (
            "regime: {kind: trend_strength}\nrisk: [{kind: regime, number: 9, rules: [{kind: fixed}]}]",
            "regime 9; allowed: 0 undefined, 1 .*; try: number: 3",
        ),
        ("weights: {regime: {ranging: 0.5}}", "weights by regime and no section `regime`; try: regime"),
        (
            "regime: {kind: etapa6}\nweights: {regime: {rangng: 0.5}}",
            "a weight for the regime 'rangng'; allowed: undefined, high_volatility, .*; try: ranging",
        ),
        ("regime: {kind: etapa6}\nweights: {regime: {ranging: -1}}", "weights.regime.ranging: .*greater"),
        ("risk: [{kind: fixed}, {kind: atr, risk: 0.01}]", "fixed and atr in the list; allowed: one sizer"),
    ],
)
def test_rules_and_weights_that_could_not_be_fed_are_refused_when_the_recipe_is_read(section, message):
    with pytest.raises(ConfigError, match=f"my.yaml, line .*{message}"):
        Recipe.parse(f"{AILAB}\n{section}\n", where="my.yaml")


@pytest.mark.parametrize("kind", ["regime", "leave_regime_out"])
def test_a_split_by_regimes_needs_a_detector(kind):
    text = AILAB.replace("{kind: walk_forward, folds: 5, train: expanding, min_train: 0.3", f"{{kind: {kind}")
    with pytest.raises(ConfigError, match=f"a split of kind '{kind}' and no section `regime`"):
        Recipe.parse(text)
    assert Recipe.parse(text + "\nregime: {kind: etapa6}").split.kind == kind


def test_every_problem_is_told_at_once():
    text = AILAB.replace("learning_rate", "lerning_rate").replace("folds: 5", "fold: 5")
    with pytest.raises(ConfigError) as caught:
        Recipe.parse(text)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no sections"),
        ("- a\n- b", "holds no sections"),
        ("name: [", "is not YAML"),
        (
            "name: x",
            r"'source' is missing; allowed: file, sample, candles, store, .*; try: source: \{kind: file, …\}",
        ),
        ("name: x", "'features' is missing; try: features: …"),
        ("bars: {size: 3}", "which kind is not said; allowed: time, tick, .*; try: kind: time"),
        ("baselines: [{l2: 3}]", "which kind is not said; allowed: .*majority"),
        ("others: {A: {sorce: 1}}", r"line 1, others\.A\.sorce: unknown key; .* try: source"),
        ("others: {A: {bars: {kind: tik}}}", "no kind 'tik'; allowed: time, tick"),
        ("name: 'a b'", "not a name; allowed: letters, digits"),
        ("about: 2013-99-99", r"recipe is not YAML: month must be in 1\.\.12"),
        ("seed: " + "9" * 5000, "recipe is not YAML: Exceeds the limit"),
        ("about: " + "[" * 5000, "recipe is not YAML: .*recursion"),
        ("bars: dollar", r"bars: not a section; allowed: keys below it; .*\(given 'dollar'\)"),
        ("bars: [dollar]", "bars: not a section"),
        ("features: {use: flow}", r"features.use: not a list; try: \[one, another\] \(given 'flow'\)"),
        ("features: {define: flow}", "features.define: not a section"),
        ("features: flow", "features: not a section"),
        ("about: &a [*a]", "recipe is not YAML: .*recursion"),
        ("about: x\nseed: 1\nseed: 2", r"recipe, line 3, seed: the key comes twice; allowed: once"),
        ("bars:\n  kind: tick\n  kind: time", r"recipe, line 3, kind: the key comes twice"),
        ("baselines:\n- {kind: tick, kind: time}", r"recipe, line 2, kind: the key comes twice"),
    ],
)
def test_texts_that_are_no_recipe(text, message):
    with pytest.raises(ConfigError, match=message):
        Recipe.parse(text)


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("", "seed"),
        ("label", "horizon"),
        ("label", "volatility_span"),
        ("model", "rounds"),
        ("model", "early_stopping_rounds"),
        ("model", "num_leaves"),
        ("model", "max_depth"),
        ("model", "min_data_in_leaf"),
        ("model", "seed"),
        ("model", "threads"),
        ("broker", "quantity"),
        ("broker", "multiplier"),
        ("broker.costs", "fee_bps"),
        ("broker.costs", "fee_per_unit"),
        ("broker.costs", "half_spread"),
        ("broker.costs", "slippage_bps"),
    ],
)
def test_numbers_that_no_machine_could_compute_with_are_refused(section, key):
    data = yaml.safe_load(AILAB)
    place = data
    for part in section.split(".") if section else ():
        place = place[part]
    place[key] = 10**30
    path = f"{section}.{key}" if section else key
    with pytest.raises(ConfigError, match=rf"{path}: .*\(given {10**30}\)$"):
        Recipe.parse(yaml.safe_dump(data))


def test_a_missing_file_says_which_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "ailab.yaml").write_text(AILAB)
    with pytest.raises(ConfigError, match=r"no such file; try: recipes/ailab\.yaml"):
        Recipe.load("recipes/ialab.yaml")


def test_a_missing_file_beside_a_recipe_and_with_none_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"no such file; try: a path from {tmp_path}"):
        Recipe.load("recipes/ailab.yaml")
    (tmp_path / "mine.yaml").write_text(AILAB)
    with pytest.raises(ConfigError, match=r"no such file; try: mine\.yaml"):
        Recipe.load("mine")


def test_a_recipe_that_is_not_text(tmp_path):
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot read the recipe"):
        Recipe.load(path)
