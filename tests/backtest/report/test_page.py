"""The report: self-contained, escaped, deterministic, and complete."""

import dataclasses
import json
from html.parser import HTMLParser

import numpy as np
import pytest

from bateia.backtest import cost_curve, measure, return_by_decile, simulate, verdict
from bateia.backtest.report import Baseline, FoldTimes, ReportData, render_report
from bateia.trading import Costs, SimulatedBroker

EVIL = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Collects what a browser would load, the visible text, and the scripts."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.words, self.scripts, self.tags = [], [], [], []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._script = tag == "script"
        if self._script:
            self.scripts.append("")
        self.loads += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]

    def handle_data(self, data):
        if self._script:
            self.scripts[-1] += data
        else:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def generated_report(market, **changes):
    bars, trades, target = market(6000, 4)
    costs = Costs(fee_per_unit=2.0, half_spread=0.125)
    broker = SimulatedBroker(costs=costs, latency="250ms", multiplier=50)
    score = np.random.default_rng(0).normal(size=len(bars))
    ret = np.append(np.diff(np.log(bars.close)), np.nan)
    run, hold = (simulate(bars, t, trades, broker) for t in (target, np.ones(len(bars))))
    metrics, base = measure(run, score, np.sign(ret), ret, draws=200), measure(hold, draws=200)
    times = bars.time
    values = {
        "name": "generated",
        "recipe": "bars: {kind: tick}\n",
        "recipe_hash": "sha256:abc",
        "bars": bars,
        "backtest": run,
        "metrics": metrics,
        "verdict": verdict(metrics, {"always long": base}, trials=1234),
        "curve": cost_curve(run),
        "trials": 1234,
        "data": {"File": "generated.parquet"},
        "baselines": {"always long": Baseline(base, hold.equity)},
        "deciles": return_by_decile(score, ret, draws=200),
        "importance": {f"feature_{i}": float(i) for i in range(30)},
        "folds": [FoldTimes(int(times[0]), int(times[200]), int(times[210]), int(times[-1]))],
        "versions": {"numpy": "2.4"},
        "currency": "USD",
    }
    return ReportData(**{**values, **changes})


@pytest.fixture(scope="module")
def report(generated_market):
    return generated_report(generated_market)


@pytest.fixture(scope="module")
def page(report):
    return Page(render_report(report))


def figures(page):
    return json.loads(page.scripts[0])


def test_nothing_is_loaded_from_anywhere(page):
    assert page.loads == ["data:,"]
    assert "iframe" not in page.tags and "img" not in page.tags
    assert page.tags.count("script") == len(page.scripts) == 3
    assert "plotly.js v" in page.scripts[1]
    style = page.text[: page.text.index("Bateia report")]
    assert "url(" not in style and "@import" not in style


def test_the_verdict_comes_first_and_everything_is_there(page, report):
    headline = report.verdict.headline.replace("-", "\u2212")
    order = [headline.split(":")[0], "Strategy and baselines", "What it did", "Why", "What it rests on"]
    places = [page.text.index(words) for words in order]
    assert places == sorted(places)
    for words in (
        "always long",
        "half spread 0.125",
        "1,234 on this data",
        "bars: {kind: tick}",
        "sha256:abc",
    ):
        assert words in page.text
    assert set(figures(page)) == {"equity", "drawdown", "price", "deciles", "costs", "importance", "folds"}
    assert len(figures(page)["importance"]["data"][0]["x"]) == 20


def test_the_same_input_gives_the_same_text(report):
    assert render_report(report) == render_report(report)


def test_every_word_is_escaped(generated_market):
    nasty = generated_report(
        generated_market,
        name=EVIL,
        description=EVIL,
        recipe=EVIL,
        recipe_hash=EVIL,
        currency=EVIL,
        data={EVIL: EVIL},
        versions={EVIL: EVIL},
        importance={EVIL: 1.0},
    )
    nasty = dataclasses.replace(nasty, baselines={EVIL: nasty.baselines["always long"]})
    nasty = dataclasses.replace(
        nasty, verdict=dataclasses.replace(nasty.verdict, headline=EVIL, reasons=(EVIL,))
    )
    text = render_report(nasty)
    page = Page(text)
    assert page.tags.count("script") == 3
    assert EVIL not in text
    assert page.text.count('alert("x")') > 8
    names = json.dumps(figures(page))
    assert "<script>" not in names and "&lt;script&gt;" in names


def test_it_draws_what_is_there_and_leaves_out_what_is_not(generated_market):
    bars, trades, target = generated_market(300, 1)
    run = simulate(bars, 0 * target, trades, SimulatedBroker(costs=Costs(), latency="0"))
    metrics = measure(run)
    bare = generated_report(
        generated_market,
        bars=bars,
        backtest=run,
        metrics=metrics,
        verdict=verdict(metrics),
        curve=cost_curve(run),
        baselines={},
        deciles=[],
        importance={},
        folds=[],
        currency="",
    )
    page = Page(render_report(bare))
    assert set(figures(page)) == {"equity", "drawdown", "price", "costs"}
    assert "No trades" in page.text and "no costs" in page.text
    assert "Prediction" not in page.text


def test_equity_ends_where_the_numbers_say(page, report):
    lines = {line["name"]: line for line in figures(page)["equity"]["data"]}
    account = report.metrics.financial
    assert lines["Net (after costs)"]["y"][-1] == pytest.approx(account.net, rel=1e-6)
    assert lines["Gross (before costs)"]["y"][-1] == pytest.approx(account.gross, rel=1e-6)
    assert min(figures(page)["drawdown"]["data"][0]["y"]) == pytest.approx(
        -account.max_drawdown_pct, rel=1e-6
    )
    shown = {note["text"].split()[0] for note in figures(page)["costs"]["layout"]["annotations"]}
    assert "assumed" in shown
    assert ("break-even" in shown) == (account.break_even_bp_side >= 0)


def test_many_trades_are_thinned_and_said_so(generated_market):
    bars, trades, _ = generated_market(30_000, 2)
    target = np.tile([1, -1], len(bars) // 2)
    run = simulate(bars, target, trades, SimulatedBroker(costs=Costs(), latency="0"))
    many = Page(
        render_report(generated_report(generated_market, bars=bars, backtest=run, curve=cost_curve(run)))
    )
    marks = {line["name"]: len(line["x"]) for line in figures(many)["price"]["data"]}
    assert 700 <= marks["Exit"] <= 1000
    assert marks["Exit"] == marks["Long entry"] + marks["Short entry"]
    assert marks["Close"] <= 5000
    assert "Every 3rd round trip is drawn." in many.text
