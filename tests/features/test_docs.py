"""The reference page and the entries of single names."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bateia.cli import app
from bateia.features import libraries
from bateia.features.docs import entry_text, markdown
from bateia.features.functions import FUNCTIONS
from bateia.features.language import INTERNAL
from bateia.features.table import describe
from bateia.kernels.operators import OPERATORS

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


@pytest.fixture(scope="module")
def page():
    return markdown()


def test_the_page_is_up_to_date(page):
    # Not compared by assert: a difference of thousands of lines would drown what to do.
    if PAGE.read_text("utf-8") != page:
        pytest.fail("docs/features.md is stale; run: bateia features docs > docs/features.md", pytrace=False)


def test_everything_is_on_the_page(page):
    for name in (name for found in libraries().values() for name in found):
        assert f"| `{name}` |" in page, name
    for function in FUNCTIONS.values():
        assert f"| `{function.signature}` |" in page, function.name
    for operator in OPERATORS.values():
        assert (f"| `{operator.signature}` |" in page) == (operator.name not in INTERNAL), operator.name


def test_the_contents_link_to_headings(page):
    anchors = {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
        for line in page.splitlines()
        if line.startswith("#")
    }
    linked = re.findall(r"\]\(#([^)]+)\)", page)
    assert len(linked) > 20
    assert set(linked) <= anchors


def test_every_row_of_a_table_has_the_same_cells(page):
    lengths = []
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        rows = block.splitlines()
        lengths.append(len(rows))
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1, rows[0]
    assert sum(lengths) > len(FUNCTIONS) + len(libraries())


def test_libraries_say_which_columns_are_not_in_every_bar(page):
    part = page[page.index("### Library `quantgod`") :]
    assert "Needs columns that not every bar has: `max_spread`" in part[: part.index("| feature")]


def test_the_text_of_a_feature():
    (row,) = describe("macd_histogram")
    text = entry_text(row, 80)
    assert text.startswith("feature    macd_histogram\nlibrary    momentum\n")
    assert "\noperators  (a - smooth(a, 9, 0.2)) / close\n  where    a = smooth(close, 12, " in text
    assert "\nwarm-up    33 rows\n" in text
    assert max(map(len, text.splitlines())) <= 80


def show(*words):
    result = CliRunner().invoke(app, ["features", "show", *words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rsi_14", "formula    rsi(close, 14)"),
        ("zscore", "operators  (x - sum(x, n, 1)) / std(x, n)"),
        ("ema(x, n)", "function   ema(x, n)"),
        ("std", "operator   std(x, n, ddof=1)"),
        ("at", "operator   at(timeframe, x)"),
        ("flow_5m", "warm-up    5m"),
    ],
)
def test_show(name, said):
    assert said in show(name)


def test_show_a_name_of_two():
    assert [row["kind"] for row in json.loads(show("hour", "--json"))] == ["feature", "function"]
    assert "\n\nfunction   hour()" in show("hour")


def test_docs_prints_the_page(page):
    assert CliRunner().invoke(app, ["features", "docs"]).output == page
