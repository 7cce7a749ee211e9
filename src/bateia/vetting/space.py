"""A search's dotted paths: what may be searched, what a trial suggests, and the recipe that comes of it."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import ValidationError

from bateia.core import BateiaError, ConfigError, nearest
from bateia.recipe import Recipe
from bateia.search import Dimension, Search

JUDGES = (
    "name",
    "about",
    "source",
    "split",
    "baselines",
    "seed",
    "gates",
    "tune",
)
"""What a trial is judged by, or what changes nothing: a search over it would only move the goalposts."""
OURS = ("broker.exits", "broker.orders", "broker.quantity")
"""What of the broker is ours to choose; the rest is what the market charges."""
_UNSEARCHED = frozenset(("name", "about", "gates", "tune"))

Values = dict[str, Any]


class Asker(Protocol):
    """The part of an Optuna trial that suggests values."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int: ...

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float: ...

    def suggest_categorical(self, name: str, choices: list[str]) -> Any: ...


def read_search(path: str | Path) -> Search:
    """A search from a YAML file: a recipe's `tune` section, or only its paths; ConfigError otherwise."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read the search {str(path)!r}: {' '.join(str(error).split())}") from None
    if isinstance(data, dict) and set(data) == {"tune"}:
        data = data["tune"]
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path} holds no search",
            allowed="dotted paths",
            hint="model.learning_rate: {low: 0.01, high: 0.3}",
        )
    # Dotted paths alone are a space; a mistyped setting of the search has no dot.
    given = data if "space" in data or not all("." in str(key) for key in data) else {"space": data}
    try:
        return Search.model_validate(given)
    except ValidationError as error:
        raise ConfigError(f"{path}, {_told(error)}") from None


def paths(recipe: Recipe) -> dict[str, Any]:
    """Every setting and section of a recipe by its dotted path, with its present value.

    A list's items are numbered from 0: `prepare.0.kind`.
    """
    found = dict(_walk(_settings(recipe), ""))
    return {path: value for path, value in found.items() if path.partition(".")[0] not in _UNSEARCHED}


def check(recipe: Recipe, search: Search) -> None:
    """ConfigError for a path that is missing, judges, lies within another, or fits no value of its own."""
    known = paths(recipe)
    for path, dimension in search.space.items():
        _refuse_judges(path)
        if path not in known:
            raise ConfigError(
                f"no setting {path!r} in the recipe {recipe.name!r}",
                allowed="a dotted path of one, defaults included",
                hint=nearest(path, [p for p in known if not _judges(p)]),
            )
        within = [other for other in search.space if path.startswith(other + ".")]
        if within:
            raise ConfigError(f"{path!r} lies within {within[0]!r}", allowed="one of the two")
        if search.sampler == "grid":
            _points(path, dimension)
        _fits(recipe, path, dimension, known[path])


def suggest(asker: Asker, recipe: Recipe, search: Search) -> Values:
    """A value for each path: whole numbers where the recipe holds one, numbers or choices elsewhere."""
    known, found = paths(recipe), {}
    for path, dimension in search.space.items():
        d = dimension
        if d.choices is not None:
            names = [_label(choice) for choice in d.choices]
            found[path] = d.choices[names.index(asker.suggest_categorical(path, names))]
            continue
        assert d.low is not None and d.high is not None
        if _whole(known[path], d):
            found[path] = asker.suggest_int(path, int(d.low), int(d.high), step=int(d.step or 1), log=d.log)
        else:
            found[path] = asker.suggest_float(path, float(d.low), float(d.high), step=d.step, log=d.log)
    return found


def asked(values: Values, search: Search) -> Values:
    """Values as a trial names them, for one that is to take just these."""
    return {
        path: value if search.space[path].choices is None else _label(value) for path, value in values.items()
    }


def grid(search: Search) -> list[Values]:
    """Every combination of choices and steps; ConfigError where they are more than the search's trials."""
    lists = [_points(path, dimension) for path, dimension in search.space.items()]
    size = math.prod(len(points) for points in lists)
    if size > search.trials:
        raise ConfigError(
            f"the grid has {size:,} points, the search {search.trials:,} trials",
            allowed="a trial a point",
            hint=f"trials: {size}, larger steps, or sampler: tpe",
        )
    return [dict(zip(search.space, values, strict=True)) for values in itertools.product(*lists)]


def changed(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with other values at these paths, validated anew; ConfigError where they make no sense.

    >>> from bateia.recipe import Recipe
    >>> from bateia.samples import SAMPLES
    >>> text = '''
    ... {name: demo, source: {kind: sample, name: es-trades-2013-09}, bars: {kind: tick, size: 100},
    ...  features: {define: {trend: close / open}}, label: {kind: fixed_horizon, horizon: 5},
    ...  model: {kind: logistic}, policy: {kind: threshold, enter: 0.2, exit: 0.1},
    ...  broker: {kind: simulated, latency: 100ms, costs: {fee_per_unit: 1.25, half_spread: 0.125}}}'''
    >>> changed(Recipe.parse(text), {"policy.enter": 0.3}).policy.enter
    0.3
    """
    settings = _settings(recipe)
    for path, value in values.items():
        *parents, last = path.split(".")
        place: Any = settings
        for part in parents:
            place = place[int(part) if isinstance(place, list) else part]
        place[int(last) if isinstance(place, list) else last] = value
    try:
        made = Recipe.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(_told(error)) from None
    if any(path.startswith("features") for path in values):
        made.plan()
    return made


def _settings(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json")


def _walk(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if prefix:
        yield prefix.removesuffix("."), value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        yield from _walk(part, f"{prefix}{key}.")


def _judges(path: str) -> bool:
    parts = path.split(".")
    if parts[0] == "broker":
        return not any(_within(path, own) for own in OURS)
    return any(_within(path, judge) for judge in JUDGES) or (
        parts[0] == "others" and parts[2:3] in ([], ["source"])
    )


def _within(path: str, section: str) -> bool:
    return path == section or path.startswith(section + ".")


def _refuse_judges(path: str) -> None:
    if _judges(path):
        raise ConfigError(
            f"a search over {path!r}: it is what trials are judged by, or changes no result",
            allowed=f"settings of bars, features, label, prepare, model and policy, {', '.join(OURS)}",
            hint="model.learning_rate",
        )


def _whole(present: Any, dimension: Dimension) -> bool:
    """A range of whole numbers: where the recipe holds one, or holds none and the bounds are whole."""
    whole = all(isinstance(n, int) for n in (dimension.low, dimension.high, dimension.step or 1))
    return whole and not isinstance(present, float)


def _fits(recipe: Recipe, path: str, dimension: Dimension, present: Any) -> None:
    """ConfigError where none of a few of its values fits the recipe as it stands."""
    if dimension.choices is not None:
        tried: list[Any] = list(dimension.choices)
    elif _whole(present, dimension):
        tried = [dimension.low, dimension.high]
    else:
        assert dimension.low is not None and dimension.high is not None
        # Between the two and not whole: what a whole setting refuses.
        tried = [
            dimension.low + (dimension.high - dimension.low) * share for share in (0.318309886, 0.0, 1.0)
        ]
        if isinstance(present, int) and not isinstance(present, bool):
            tried = tried[:1]
    errors = []
    for value in tried:
        try:
            changed(recipe, {path: value})
        except BateiaError as error:
            errors.append(str(error))
    if len(errors) == len(tried):
        raise ConfigError(f"{path!r} fits none of {tried}: {errors[0]}")


def _points(path: str, dimension: Dimension) -> list[Any]:
    if dimension.choices is not None:
        return list(dimension.choices)
    if dimension.step is None:
        raise ConfigError(
            f"a grid over {path!r} without steps",
            allowed="choices, or a step",
            hint="{low: 1, high: 9, step: 2}",
        )
    assert dimension.low is not None and dimension.high is not None
    count = math.floor((dimension.high - dimension.low) / dimension.step + 1e-9) + 1
    return [dimension.low + k * dimension.step for k in range(count)]


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _told(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        place = ".".join(map(str, problem["loc"]))
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{place}: {message}" if place else message)
    return "; ".join(lines)
