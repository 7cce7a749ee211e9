"""The report: self-contained, escaped, deterministic, and complete."""

import dataclasses
import json
import zlib
from base64 import b85decode
from html.parser import HTMLParser

import numpy as np
import pytest

from bateia.backtest import (
    breakdowns,
    by_name,
    calibration,
    cost_curve,
    measure,
    return_by_decile,
    simulate,
    sweep,
    verdict,
)
from bateia.backtest.chance import assess
from bateia.backtest.evidence import Ruling
from bateia.backtest.report import Baseline, FoldSpans, ReportData, render_report
from bateia.runs import TrialMatrix
from bateia.splits import Piece
from bateia.trading import Costs, SimulatedBroker

EVIL = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Collects what a browser would load, the visible text, and the scripts."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.words, self.scripts, self.tags = [], [], [], []
        self.ids, self.links, self.lengths = set(), [], []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._script = tag == "script"
        if self._script:
            self.scripts.append("")
            self.lengths.append(int(dict(attrs).get("data-length", 0)))
        self.ids |= {value for name, value in attrs if name == "id"}
        found = [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.links += [value[1:] for value in found if value.startswith("#")]
        self.loads += [value for value in found if not value.startswith("#")]

    def handle_data(self, data):
        if self._script:
            self.scripts[-1] += data
        else:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def unpacked(page, number):
    """A packed script as the page's own script reads it: five signs for four bytes, inflated."""
    signs = page.scripts[-1].split('signs = "')[1].split('"')[0]
    pythons = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
    text = page.scripts[number].strip().translate(str.maketrans(signs, pythons))
    return zlib.decompress(b85decode(text)[: page.lengths[number]]).decode()


def figures(page):
    return {name.removeprefix("chart-"): drawn for name, drawn in json.loads(unpacked(page, 0)).items()}


def generated_report(market, **changes):
    bars, trades, target = market(6000, 4)
    costs = Costs(fee_per_unit=2.0, half_spread=0.125)
    broker = SimulatedBroker(costs=costs, latency="250ms", multiplier=50)
    score = np.random.default_rng(0).normal(size=len(bars))
    ret = np.append(np.diff(np.log(bars.close)), np.nan)
    run, hold = (simulate(bars, t, trades, broker) for t in (target, np.ones(len(bars))))
    metrics, base = measure(run, score, np.sign(ret), ret, draws=200), measure(hold, draws=200)
    half, n = len(bars) // 2, len(bars)
    path = [Piece(0, 0, half), Piece(1, half, n)]
    regimes = by_name(np.where(np.arange(n) % 90 < 40, "calm", "wild").tolist())
    profits = np.random.default_rng(1).normal(size=(60, 3))
    matrix = TrialMatrix(np.arange(60), ("own", "second", "third"), profits, 1234)
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
        "folds": [spans(bars.time, (0, 200), (200, 210), (210, n))],
        "chance": assess(matrix, "own", draws=200),
        "gates": [
            Ruling("profit net of costs", -12.5, "above 0", "failed"),
            Ruling("round trips", 5000.0, "at least 100", "passed"),
            Ruling("PBO", None, "at most 0.2", "not judged", "too few trials", blocks=False),
        ],
        "groups": breakdowns(
            run, path=path, more={"regime": regimes}, score=score, value=np.sign(ret), ret=ret
        ),
        "calibration": calibration((1 + np.tanh(score)) / 2, np.sign(ret), draws=200),
        "sweep": sweep(bars, score, np.linspace(0.0, 2.0, 9), 0.0, bp_side=1.0),
        "enter": 0.5,
        "versions": {"numpy": "2.4"},
        "currency": "USD",
    }
    return ReportData(**{**values, **changes})


def spans(time, train, purged, test):
    whole = [((int(time[a]), int(time[b - 1])),) for a, b in (train, test, purged)]
    return FoldSpans(*whole)


@pytest.fixture(scope="module")
def report(generated_market):
    return generated_report(generated_market)


@pytest.fixture(scope="module")
def page(report):
    return Page(render_report(report))


def test_nothing_is_loaded_from_anywhere(page):
    assert page.loads == ["data:,"]
    assert "iframe" not in page.tags and "img" not in page.tags
    assert page.tags.count("script") == len(page.scripts) == 3
    assert "plotly.js v" in unpacked(page, 1)
    assert "http" not in page.scripts[2]
    style = page.text[: page.text.index("Bateia report")]
    assert "url(" not in style and "@import" not in style


def test_the_verdict_comes_first_and_everything_is_there(page, report):
    headline = report.verdict.headline.replace("-", "\u2212")
    order = [
        headline.split(":")[0],
        "Strategy and baselines",
        "Could it be luck?",
        "What the recipe asks of a run",
        "What it did",
        "By fold",
        "By regime",
        "What the score is worth",
        "What it cost",
        "Price and trades",
        "What it rests on",
    ]
    places = [page.text.index(words) for words in order]
    assert places == sorted(places)
    for words in (
        "always long",
        "half spread 0.125",
        "1,234 on this data",
        "bars: {kind: tick}",
        "sha256:abc",
        "entries and exits; dotted, a fold begins.",
    ):
        assert words in page.text
    assert set(figures(page)) == {
        *("equity", "drawdown", "folds", "week", "weekcount", "deciles", "calibration", "sweep"),
        *("importance", "costs", "kinds", "price"),
    }
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
    assert "<" not in page.scripts[0] + page.scripts[1]
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
        calibration=[],
        sweep=None,
        chance=None,
        gates=[],
        groups={},
        importance={},
        folds=[],
        currency="",
    )
    page = Page(render_report(bare))
    assert set(figures(page)) == {"equity", "drawdown", "price", "costs"}
    assert "No trades" in page.text and "no costs" in page.text
    for absent in ("Prediction", "luck", "Gates", "By fold", "Hour and weekday"):
        assert absent not in page.text
    assert "a fold begins" not in page.text


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
    assert 600 <= marks["Exit"] <= 800
    assert marks["Exit"] == marks["Long entry"] + marks["Short entry"]
    assert marks["Close"] <= 1200
    assert "Every 4th round trip is drawn." in many.text


def test_contents_lead_to_sections_that_exist(page):
    assert len(page.links) == 10
    assert set(page.links) <= page.ids
    assert {f"chart-{name}" for name in figures(page)} <= page.ids


def test_every_chart_has_titles_on_its_axes(page):
    for name, drawn in figures(page).items():
        for axis in ("xaxis", "yaxis"):
            assert drawn["layout"][axis]["title"]["text"], f"{name} {axis}"


def test_it_stays_below_two_megabytes(report):
    rng = np.random.default_rng(0)
    n = 105_120  # a year of five minutes
    time = np.arange(n, dtype=np.int64) * 300_000_000
    walk = lambda: np.cumsum(rng.normal(size=n)) * 50.0  # noqa: E731
    equity = report.backtest.equity
    columns = {name: np.zeros(n) for name in equity.columns()} | {"time": time}
    made = [
        type(equity)(**columns | {"net": walk(), "gross": walk(), "traded": np.arange(n) + 1.0})
        for _ in range(9)
    ]
    bars = type(report.bars)(
        **{name: np.abs(walk()) + 1e5 for name in report.bars.columns()} | {"time": time}
    )
    year = dataclasses.replace(
        report,
        bars=bars,
        backtest=dataclasses.replace(report.backtest, equity=made[0]),
        others=made[1:6],
        baselines={name: Baseline(report.metrics, made[6 + k]) for k, name in enumerate("abc")},
    )
    text = render_report(year)
    assert len(text.encode()) < 2_000_000
    assert "Other paths (net)" in json.dumps(figures(Page(text)))


def test_where_the_verdicts_path_lies_among_all_is_said(report):
    equity = report.backtest.equity
    better = dataclasses.replace(equity, net=equity.net + 1e6)
    text = Page(render_report(dataclasses.replace(report, others=[better, better]))).text
    assert "tested 3 times" in text and "the verdict's is number 3 of 3" in text


def test_purged_zones_are_drawn_where_they_were(page, report):
    bars = {bar["name"]: bar for bar in figures(page)["folds"]["data"]}
    (span,) = report.folds[0].purged
    assert bars["Purged"]["base"] == [pytest.approx(span[0] / 1000)]
    assert bars["Purged"]["x"] == [pytest.approx((span[1] - span[0]) / 1000)]
    assert set(bars) == {"Train", "Test", "Purged"}


def test_the_week_holds_every_round_trip(page, report):
    trips, drawn = report.backtest.trips, figures(page)
    count = np.array([[0 if v is None else v for v in row] for row in drawn["weekcount"]["data"][0]["z"]])
    mean = np.array([[0 if v is None else v for v in row] for row in drawn["week"]["data"][0]["z"]])
    assert count.sum() == len(trips)
    assert (count * mean).sum() == pytest.approx(trips.net_bp.sum(), rel=1e-4)
    first = trips.entry_time.astype("datetime64[us]").astype(object)[0]
    assert count[first.weekday(), first.hour] > 0


def test_what_each_cost_came_to_adds_up(page, report):
    paid = figures(page)["kinds"]["data"][0]
    assert sum(paid["x"]) == pytest.approx(report.metrics.financial.cost, rel=1e-6)


def test_gates_are_counted_without_flattery(page):
    assert "1 of 3 passed, 1 in the way, so it would be refused" in page.text
    assert "\u2717 failed" in page.text and "not judged, not in the way" in page.text


def test_luck_has_a_number_or_a_reason(page, report):
    assert report.chance.dsr is not None
    assert "Deflated Sharpe ratio" in page.text and "Model confidence set" in page.text
    short = report.chance.model_copy(
        update={"dsr": None, "missing": {"dsr": "1 day, at least 30 are needed"}}
    )
    told = Page(render_report(dataclasses.replace(report, chance=short))).text
    assert "Not known: 1 day, at least 30 are needed." in told
