"""Vetting: is it more than chance, and does anything leak?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bateia.cli.common import DEFAULT_ROOT, AsJson, BateiaInterrupt, Root, show_json

RecipeFile = Annotated[Path, typer.Argument(help="A recipe file, such as recipes/ailab.yaml.")]


class Surrogate(StrEnum):
    """What is moved about: the market's returns, or the labels against the features."""

    returns = "returns"
    labels = "labels"


def null(
    recipe: RecipeFile,
    repeats: Annotated[int, typer.Option(min=1, help="Surrogates; p is never below 1 / (1 + these).")] = 20,
    kind: Annotated[
        Surrogate, typer.Option(help="Move blocks of the market's returns, or of labels.")
    ] = Surrogate.returns,
    seed: Annotated[int | None, typer.Option(min=0, help="The recipe's if absent.")] = None,
    root: Root = DEFAULT_ROOT,
    as_json: AsJson = False,
) -> None:
    """Rerun a recipe on surrogates without any signal: the chance that its numbers are luck."""
    try:
        from bateia.show import Progress, show_null

        with Progress(silent=as_json) as progress:
            from bateia.recipe import Recipe
            from bateia.vetting.null import null_test

            loaded = Recipe.load(recipe)
            test = null_test(
                loaded, repeats=repeats, kind=kind.value, seed=seed, root=root, watch=progress
            ).to_dict()
    except KeyboardInterrupt:
        raise BateiaInterrupt from None
    if as_json:
        show_json(test)
    else:
        show_null(test)


def leaks(recipe: RecipeFile, as_json: AsJson = False) -> None:
    """Hunt for leaks in a recipe on its own data; exit code 1 where one is found, a line each."""
    try:
        from bateia.show import Progress, show_leaks

        with Progress(silent=as_json) as progress:
            from bateia.recipe import Recipe
            from bateia.vetting.leaks import hunt

            found = [check.to_dict() for check in hunt(Recipe.load(recipe), watch=progress)]
    except KeyboardInterrupt:
        raise BateiaInterrupt from None
    if as_json:
        show_json(found)
    else:
        show_leaks(found)
    if any(check["verdict"] == "leak" for check in found):
        raise typer.Exit(1)
