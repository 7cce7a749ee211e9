"""What README.md and CONTRIBUTING.md show is run as it stands there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import yaml

from bateia.kernels.operators import OPERATORS
from bateia.recipe import Recipe
from bateia.testing import check_operator
from bateia.testing.operators import generated_market

ROOT = Path(__file__).parents[1]


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), flags=re.DOTALL)


def test_python_of_the_readme(tmp_path, monkeypatch, small_text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "ailab.yaml").write_text(small_text)
    known: dict[str, object] = {}
    for block in blocks("README.md", "python"):
        if "@operator" not in block:
            exec(block, known)
    assert {"trend", "rsi"} == set(known["features"])


def test_yaml_of_the_readme_fits_the_recipe_it_is_copied_into():
    whole = yaml.safe_load((ROOT / "recipes" / "ailab.yaml").read_text())
    recipe, features = (yaml.safe_load(section) for section in blocks("README.md", "yaml"))
    assert Recipe.parse(yaml.safe_dump(whole | recipe)).plan().names
    plan = Recipe.parse(yaml.safe_dump(whole | features)).plan()
    assert plan.others == ["ETHUSDT"]
    assert len(features["features"]["define"]) <= 10


@pytest.mark.parametrize(
    ("document", "name", "expression"),
    [("CONTRIBUTING.md", "ago", "ago(close, 3)"), ("README.md", "rising", "rising(close)")],
)
def test_operators_that_are_shown(tmp_path, document, name, expression):
    (block,) = (block for block in blocks(document, "python") if "@operator" in block)
    path = tmp_path / f"{name}.py"
    path.write_text(block)
    runpy.run_path(str(path))
    try:
        assert check_operator(expression, generated_market())
    finally:
        del OPERATORS[name]
    assert len(block.split("@operator")[1].splitlines()) <= 10
