"""A recipe: one YAML file, frozen and hashed, that says everything a run depends on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from pydantic import Field, ValidationError

from bateia.bars import AnyBars
from bateia.core import Component, ConfigError, nearest
from bateia.features import Features
from bateia.labels import AnyLabel
from bateia.models import AnyModel, Majority
from bateia.runs import content_hash
from bateia.sources import AnySource
from bateia.splits import AnySplitter, WalkForward
from bateia.trading import AnyBroker, AnyPolicy


class Recipe(Component):
    """Source, bars, features, label, split, model, baselines, policy and broker of one experiment.

    Each section is a component; `Recipe.load(path)` reads one from YAML, `recipe.hash` identifies it.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)
    """Letters, digits and `_.-`: it becomes part of the run folder's name."""
    about: str = ""
    source: AnySource
    bars: AnyBars
    features: Features
    label: AnyLabel
    split: AnySplitter = WalkForward()
    valid: float = Field(default=0.15, gt=0.0, lt=0.5)
    """Share of each training part, its end, that early stopping watches; purged from the rest."""
    model: AnyModel
    baselines: tuple[AnyModel, ...] = (Majority(),)
    policy: AnyPolicy
    broker: AnyBroker
    seed: int = Field(default=0, ge=0)
    """Seed of the bootstrap intervals; a model has a seed of its own."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a recipe file; ConfigError names file, line and key of everything wrong in it."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            known = [str(p) for p in Path("recipes").glob("*.yaml")]
            reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
            raise ConfigError(
                f"cannot read the recipe {str(path)!r}: {reason}",
                hint=nearest(str(path), known) or "recipes/ailab.yaml",
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
        except yaml.YAMLError as error:
            raise ConfigError(f"{where} is not YAML: {' '.join(str(error).split())}") from None
        if not isinstance(data, dict):
            keys = ", ".join(cls.model_fields)
            raise ConfigError(f"{where} holds no sections", allowed=keys, hint="recipes/ailab.yaml")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            # A mistyped key is also a missing one: the typing mistake is what helps.
            found = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
            problems = [_explain(cls, problem, tree, where) for problem in found]
            raise ConfigError("\n".join(problems)) from None

    @property
    def hash(self) -> str:
        """Content hash, hex: the same for the same settings however the file is written."""
        return content_hash(self.model_dump(mode="json", exclude={"name", "about"}))

    def to_yaml(self) -> str:
        """The whole recipe with every default written out; `Recipe.parse` reads it back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


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
        return f"{place}: {location[-1]!r} is missing; try: {location[-1]}: …"
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        kinds = [kind.strip("' ") for kind in context["expected_tags"].split(",")]
        close = nearest(context["tag"], kinds)
        hint = f"; try: {close}" if close else ""
        return f"{place}: no kind {context['tag']!r}; allowed: {', '.join(kinds)}{hint}"
    if problem["type"] == "union_tag_not_found":
        return f"{place}: which kind is not said; try: kind: …"
    given = "" if isinstance(problem["input"], dict | list) else f" (given {problem['input']!r})"
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}{given}"


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
    """The keys allowed where `location` lies: its sections followed through unions by their tags."""
    classes = [root]
    for part in location[:-1]:
        fields = [cls.model_fields[part] for cls in classes if part in cls.model_fields]
        if fields:
            classes = [member for field in fields for member in _components(field.annotation)]
        elif isinstance(part, str):
            classes = [cls for cls in classes if cls.model_fields["kind"].default == part]
    return {name for cls in classes for name in cls.model_fields}


def _components(annotation: Any) -> Iterator[type[Component]]:
    if isinstance(annotation, type) and issubclass(annotation, Component):
        yield annotation
    for argument in get_args(annotation):
        yield from _components(argument)
