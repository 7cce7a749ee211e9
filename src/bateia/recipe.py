"""A recipe: one YAML file, frozen and hashed, that says everything a run depends on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from pydantic import Field, ValidationError, model_validator

from bateia.backtest.gates import DEFAULT_GATES, AnyGate
from bateia.bars import AnyBars
from bateia.core import INT32, BateiaError, Component, ConfigError, ExpressionError, nearest
from bateia.core.events import BAR_COLUMNS
from bateia.features import Features, Plan
from bateia.labels import AnyLabel, Weights
from bateia.models import AnyModel, Majority
from bateia.preparation import Steps
from bateia.quality import Quality
from bateia.regimes import AnyRegime
from bateia.runs import content_hash
from bateia.search import Search
from bateia.sources import AnySource
from bateia.splits import AnySplitter, WalkForward
from bateia.trading import AnyBroker, AnyPolicy
from bateia.trading.risk import Regime as RegimeRules
from bateia.trading.risk import Risk, Rules


class Asset(Component):
    """Another asset that features look at by `of("SYMBOL", x)`: where its trades come from, and its bars."""

    source: AnySource
    bars: AnyBars
    quality: Quality = Quality()
    """What its data must be like."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        fit_bars(self.source, self.bars)
        return self


def fit_bars(source: AnySource, bars: AnyBars) -> None:
    """ValueError unless candles and books go with bars of their kind, and trades with the others."""
    given, ready = source.gives, bars.kind if bars.kind in {"candles", "books"} else "trades"
    if given != ready:
        hint = "bars: {kind: time, size: 5m}" if given == "trades" else f"bars: {{kind: {given}}}"
        raise ValueError(f"bars of kind {bars.kind!r} from a source of {given}; try: {hint}")


_REGIME = "try: regime: {kind: etapa6}"


@lru_cache(maxsize=64)
def _plan_hash(formulas: tuple[tuple[str, str], ...], columns: tuple[str, ...]) -> str:
    """The hash of what these formulas compile to, hex: a search asks for it once a trial."""
    return Plan(dict(formulas), columns).hash


def _feed_risk(rules: Rules) -> None:
    """ValueError for rules that contradict each other, or that read what no model of a recipe gives."""
    unfed = sorted(Risk(rules=rules).needs & {"edge", "probability"})
    if unfed:
        raise ValueError(
            f"risk rules that read {' and '.join(unfed)}, which a run does not give them; allowed: rules "
            "that read the score, the account or the bars; try: kelly by: trades, score by: score"
        )


class Recipe(Component):
    """Source, bars, features, label, split, steps, model, baselines, policy and broker of one experiment.

    Each section is a component; `Recipe.load(path)` reads one from YAML, `recipe.hash` identifies it.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)
    """Letters, digits and `_.-`: it becomes part of the run folder's name."""
    about: str = ""
    source: AnySource
    bars: AnyBars
    quality: Quality = Quality()
    """What the data must be like, and which blocked checks are accepted."""
    others: dict[str, Asset] = Field(default_factory=dict)
    """Symbol -> another asset, for features such as `close / of("SYMBOL", close)`."""
    features: Features
    label: AnyLabel
    weights: Weights = Weights()
    """How much training rows count beyond the weights of their labels, such as less in some regimes."""
    split: AnySplitter = WalkForward()
    valid: float = Field(default=0.15, gt=0.0, lt=0.5)
    """Share of each training part, its end, that early stopping watches; purged from the rest."""
    prepare: Steps = ()
    """Steps between features and model, in order, fitted in each fold on what the model learns from."""
    model: AnyModel
    baselines: tuple[AnyModel, ...] = (Majority(),)
    policy: AnyPolicy
    risk: Rules = ()
    """Sizers, stops and limits between policy and broker; none: a target of 1 is the broker's quantity."""
    regime: AnyRegime | None = None
    """What state the market is in, for reports, splits and risk rules by regime."""
    broker: AnyBroker
    gates: tuple[AnyGate, ...] = Field(default=DEFAULT_GATES, min_length=1)
    """What a run must show before `bateia promote` gives it a name."""
    tune: Search | None = None
    """The search of `bateia tune`; a run takes the settings as they stand."""
    seed: int = Field(default=0, ge=0, le=INT32)
    """Seed of the bootstrap intervals; a model has a seed of its own."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        fit_bars(self.source, self.bars)
        _feed_risk(self.risk)
        self._know_regimes()
        return self

    def _know_regimes(self) -> None:
        """ValueError where split, weights or a risk rule go by regimes that nobody finds or names."""
        if self.regime is None:
            if self.split.kind in {"regime", "leave_regime_out"}:
                raise ValueError(f"a split of kind {self.split.kind!r} and no section `regime`; {_REGIME}")
            if any(isinstance(rule, RegimeRules) for rule in self.risk):
                raise ValueError(f"risk rules of a regime and no section `regime`; {_REGIME}")
            if self.weights.regime:
                raise ValueError(f"weights by regime and no section `regime`; {_REGIME}")
            return
        names = self.regime.names
        try:
            self.weights.factors(names)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        for rule in self.risk:
            if isinstance(rule, RegimeRules) and rule.number >= len(names):
                known = ", ".join(f"{number} {name}" for number, name in enumerate(names))
                given = f"risk rules of regime {rule.number}"
                raise ValueError(str(ConfigError(given, allowed=known, hint=f"number: {len(names) - 1}")))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a recipe file; ConfigError names file, line and key of everything wrong in it."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            known = sorted(str(p) for d in {path.parent, Path("recipes")} for p in d.glob("*.yaml"))
            reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
            raise ConfigError(
                f"cannot read the recipe {str(path)!r}: {reason}",
                hint=nearest(str(path), known)
                or next(iter(known), f"a path from {Path.cwd()}, or a whole one"),
            ) from None
        return cls.parse(text, where=str(path))

    @classmethod
    def parse(cls, text: str, where: str = "recipe") -> Self:
        """A recipe from YAML text; `where` names it in error messages.

        >>> Recipe.parse("nmae: x")
        Traceback (most recent call last):
        bateia.core.errors.ConfigError: recipe, line 1, nmae: unknown key; ... try: name...
        """
        try:
            tree = yaml.compose(text, Loader=yaml.SafeLoader)
            data = yaml.safe_load(text)
            _refuse_twice(tree, where)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            # A date such as 2013-99-99 and a number of 5,000 digits are ValueErrors of Python's own.
            raise ConfigError(f"{where} is not YAML: {' '.join(str(error).split())}") from None
        if not isinstance(data, dict):
            keys = ", ".join(cls.model_fields)
            raise ConfigError(f"{where} holds no sections", allowed=keys, hint="recipes/ailab.yaml")
        try:
            recipe = cls.model_validate(data)
            # Now, not after minutes of reading trades.
            recipe.plan()
        except BateiaError as error:
            own = ("define", error.feature) if isinstance(error, ExpressionError) else ()
            line, path = _find(tree, ("features", *own))
            raise ConfigError(f"{where}, line {line}, {'.'.join(path)}: {error}") from None
        except ValidationError as error:
            # A mistyped key is also a missing one: the typing mistake is what helps.
            found = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
            problems = [_explain(cls, problem, tree, where) for problem in found]
            raise ConfigError("\n".join(problems)) from None
        return recipe

    def plan(self) -> Plan:
        """The features, compiled over the columns that the bars have."""
        return self.features.plan(self.bars.columns)

    @property
    def hash(self) -> str:
        """Content hash, hex: the same for the same settings however the file is written.

        Features, and what a regime looks at, are hashed as they are compiled: when a library's formula or a
        function's body changes, the experiment is another one.
        """
        # What a run must show, what might be searched and what is accepted change nothing that it measures.
        aside = {"name", "about", "gates", "tune", "quality"}
        others = {"__all__": {"quality"}}
        settings = self.model_dump(mode="json", exclude={**dict.fromkeys(aside, True), "others": others})
        looks = self.regime.expressions() if self.regime is not None else {}
        plans = [(self.features.formulas(), self.bars.columns), (looks, BAR_COLUMNS)]
        return content_hash([settings, *(_plan_hash(tuple(f.items()), tuple(c)) for f, c in plans if f)])

    def data_hash(self) -> str:
        """Hash of all the data that the recipe reads, hex."""
        own = self.source.hash()
        theirs = {symbol: asset.source.hash() for symbol, asset in self.others.items()}
        return content_hash([own, theirs]) if theirs else own

    def to_yaml(self) -> str:
        """The whole recipe with every default written out; `Recipe.parse` reads it back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _refuse_twice(node: yaml.Node | None, where: str) -> None:
    """ConfigError for a key that a mapping holds twice: YAML would quietly take the last."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_twice(item, where)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                line = key.start_mark.line + 1
                raise ConfigError(f"{where}, line {line}, {name}: the key comes twice", allowed="once")
            seen.add(name)
            _refuse_twice(value, where)


_SECTION = "not a section; allowed: keys below it; try: {key: value}"
_SHAPES = {
    "model_attributes_type": _SECTION,
    "model_type": _SECTION,
    "dict_type": _SECTION,
    "tuple_type": "not a list; try: [one, another]",
    "string_pattern_mismatch": "not a name; allowed: letters, digits and _.-; try: my-recipe",
}


def _explain(root: type[Component], problem: Any, tree: yaml.Node | None, where: str) -> str:
    """One line for one thing pydantic refuses: file, line, key, what is allowed, what to try."""
    location = problem["loc"]
    line, path = _find(tree, location)
    place = f"{where}, line {line}, {'.'.join(path)}" if path else f"{where}, line {line}"
    if problem["type"] == "extra_forbidden":
        known = sorted(_known_keys(root, location))
        close = nearest(str(location[-1]), known)
        hint = f"; try: {close}" if close else ""
        return f"{place}: unknown key; allowed: {', '.join(known)}{hint}"
    if problem["type"] == "missing":
        kinds = _kinds(root, location)
        allowed, value = (
            (f"; allowed: {', '.join(kinds)}", f"{{kind: {kinds[0]}, …}}") if kinds else ("", "…")
        )
        return f"{place}: {location[-1]!r} is missing{allowed}; try: {location[-1]}: {value}"
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        kinds = [kind.strip("' ") for kind in context["expected_tags"].split(",")]
        close = nearest(context["tag"], kinds)
        hint = f"; try: {close}" if close else ""
        return f"{place}: no kind {context['tag']!r}; allowed: {', '.join(kinds)}{hint}"
    if problem["type"] == "union_tag_not_found":
        kinds = _kinds(root, location)
        return f"{place}: which kind is not said; allowed: {', '.join(kinds)}; try: kind: {kinds[0]}"
    given = "" if isinstance(problem["input"], dict | list) else f" (given {problem['input']!r})"
    message = _SHAPES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return f"{place}: {message}{given}"


def _find(tree: yaml.Node | None, location: tuple[str | int, ...]) -> tuple[int, list[str]]:
    """The line of a location in the YAML tree, and its keys without pydantic's union tags."""
    node, line, path = tree, 1, []
    for part in location:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    node, line = value, key.start_mark.line + 1
                    path.append(str(part))
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
            path.append(str(part))
    return line, path


def _known_keys(root: type[Component], location: tuple[str | int, ...]) -> set[str]:
    """The keys allowed beside the last one of `location`."""
    return {name for cls in _classes(root, location[:-1]) for name in cls.model_fields}


def _kinds(root: type[Component], location: tuple[str | int, ...]) -> list[str]:
    """The kinds of section that may stand at `location`."""
    fields = [cls.model_fields for cls in _classes(root, location)]
    return [known["kind"].default for known in fields if "kind" in known]


def _classes(root: type[Component], location: tuple[str | int, ...]) -> list[type[Component]]:
    """The sections that may stand at `location`, followed through unions by their tags."""
    classes = [root]
    for part in location:
        fields = [cls.model_fields[part] for cls in classes if part in cls.model_fields]
        tagged = [
            cls for cls in classes if "kind" in cls.model_fields and cls.model_fields["kind"].default == part
        ]
        if fields:
            classes = [member for field in fields for member in _components(field.annotation)]
        elif tagged:
            classes = tagged
    return classes


def _components(annotation: Any) -> Iterator[type[Component]]:
    if isinstance(annotation, type) and issubclass(annotation, Component):
        yield annotation
    for argument in get_args(annotation):
        yield from _components(argument)
