"""The signal: any cut of the trades gives the same decisions, and a changed folder is refused."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.bars import TickBars
from bateia.core import ConfigError, DataError, RunError
from bateia.features import Plan
from bateia.models import Dataset, Majority
from bateia.preparation import FittedPreparation
from bateia.regimes import HMM, Etapa6, TrendStrength
from bateia.signal import Decisions, Signal, warm_rows
from bateia.sources import SampleSource
from bateia.trading import Threshold
from bateia.trading.risk import Risk, Standing

TRADES = SampleSource(name="es-trades-2013-09").read()[:6000]
RAW = FittedPreparation(("trend",))
"""No steps."""


class Slope:
    """A model that scores the first feature, scaled: enough to make the policy move."""

    names = ("trend",)

    def predict(self, X):
        return np.clip(X[:, 0] * 5000, -1, 1)


@pytest.fixture(scope="module")
def signal() -> Signal:
    plan = Plan({"trend": "ema(close, 3) / ema(close, 8) - 1"})
    return Signal(TickBars(size=50), plan, RAW, Slope(), Threshold(enter=0.2, exit=0.05))


@pytest.fixture(scope="module")
def whole(signal) -> Decisions:
    return signal.run(TRADES)


def same(a: Decisions, b: Decisions) -> bool:
    return all(np.array_equal(a.columns()[k], b.columns()[k], equal_nan=True) for k in a.columns())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, len(TRADES) - 1), max_size=30, unique=True))
def test_any_cut_gives_the_same_decisions(cuts):
    plan = Plan({"trend": "ema(close, 3) / ema(close, 8) - 1"})
    signal = Signal(TickBars(size=50), plan, RAW, Slope(), Threshold(enter=0.2, exit=0.05))
    stream = signal.start()
    edges = [0, *sorted(cuts), len(TRADES)]
    parts = [stream.run(TRADES[a:b]) for a, b in pairwise(edges)]
    assert same(Decisions.concat(parts), signal.run(TRADES))


def test_trade_by_trade_equals_all_at_once(signal, whole):
    stream = signal.start()
    parts = [stream.run(TRADES[i : i + 1]) for i in range(1500)]
    live = Decisions.concat(parts)
    assert len(live) == 30
    assert same(live, whole[:30])


def test_it_moves_and_is_silent_while_warming_up(whole):
    assert np.isnan(whole.score[:7]).all()
    assert np.isfinite(whole.score[7:]).all()
    assert (whole.target[:7] == 0).all()
    assert {-1, 0, 1} == set(whole.target.tolist())
    assert (whole.known_at >= whole.time).all()


def test_warm_means_that_every_feature_has_been_known_once():
    nan = np.nan
    features = np.array([[nan, 1.0], [nan, nan], [2.0, nan], [nan, nan]])
    warm, seen = warm_rows(features, np.zeros(2, np.bool_))
    assert warm.tolist() == [False, False, True, True]
    assert seen.tolist() == [True, True]
    assert warm_rows(features[:0], seen)[1].tolist() == [True, True]


@pytest.fixture
def saved(tmp_path):
    data = Dataset(np.zeros((4, 1)), np.array([1.0, 1.0, -1.0, 0.0]), np.ones(4), ("trend",))
    plan = Plan({"trend": "ema(close, 3) / ema(close, 8) - 1"})
    signal = Signal(TickBars(size=50), plan, RAW, Majority().fit(data, data), Threshold(enter=0.2, exit=0.05))
    return signal, signal.save(tmp_path / "signal"), tmp_path / "signal"


def test_saved_and_loaded_it_decides_the_same(saved):
    signal, digest, folder = saved
    loaded = Signal.load(folder)
    assert same(loaded.run(TRADES), signal.run(TRADES))
    assert loaded.save(folder.with_name("again")) == digest


def test_a_changed_signal_is_refused(saved):
    *_, folder = saved
    spec = json.loads((folder / "signal.json").read_text())
    (folder / "signal.json").write_text(json.dumps(spec | {"policy": spec["policy"] | {"enter": 0.1}}))
    with pytest.raises(RunError, match="was changed after it was saved"):
        Signal.load(folder)


def test_a_changed_model_is_refused(saved):
    *_, folder = saved
    (folder / "model" / "model.json").write_text("{}")
    with pytest.raises(RunError, match="was changed after it was saved"):
        Signal.load(folder)


def test_what_is_no_signal(tmp_path, saved):
    with pytest.raises(RunError, match="is not a signal"):
        Signal.load(tmp_path / "nothing")
    *_, folder = saved
    (folder / "signal.json").write_text('{"format": 99}')
    with pytest.raises(RunError, match="has format 99; allowed: format 2; try: run the recipe again"):
        Signal.load(folder)


@pytest.fixture(scope="module")
def pair() -> Signal:
    plan = Plan({"trend": 'log(close / of("SLOW", ema(close, 3)))'})
    bars = TickBars(size=50)
    policy = Threshold(enter=0.2, exit=0.05)
    return Signal(bars, plan, RAW, Slope(), policy, {"SLOW": TickBars(size=400)})


def test_another_asset_is_fed_beside(pair):
    whole = pair.run(TRADES, {"SLOW": TRADES})
    assert np.isfinite(whole.score).sum() > 50
    stream, parts = pair.start(), []
    for a, b in pairwise([0, 1000, 1001, 4000, len(TRADES)]):
        stream.feed("SLOW", TRADES[a:b])
        parts.append(stream.run(TRADES[a:b]))
    assert same(Decisions.concat(parts), whole)


@pytest.mark.parametrize("cut", [1, 149, 2025, 5990])
def test_a_stream_resumes_from_a_snapshot_in_the_middle_of_a_bar(signal, pair, cut):
    for one, others in ((signal, ()), (pair, ("SLOW",))):
        stream, first = one.start(), TRADES[:cut]
        for symbol in others:
            stream.feed(symbol, first)
        before = stream.run(first)
        memory = stream.snapshot()
        for symbol in others:
            stream.feed(symbol, TRADES[cut:])
        expected = stream.run(TRADES[cut:])
        again = one.restore(memory)
        for symbol in others:
            again.feed(symbol, TRADES[cut:])
        assert same(again.run(TRADES[cut:]), expected)
        assert len(before) + len(expected) == len(TRADES) // 50
    with pytest.raises(DataError, match="belongs to another"):
        signal.restore(memory)


BARS = TickBars(size=50)
HIDDEN = HMM(observe={"size": "log_return(close, 1)"}).fit(BARS.run(TRADES))
RULES = Risk(
    rules=[
        {"kind": "fixed", "units": 3},
        {"kind": "regime", "number": 1, "rules": [{"kind": "fixed", "units": 1}]},
    ]
)


def by_regime(detector=HIDDEN, model=None) -> Signal:
    plan = Plan({"trend": "ema(close, 3) / ema(close, 8) - 1"})
    policy = Threshold(enter=0.2, exit=0.05)
    return Signal(BARS, plan, RAW, model or Slope(), policy, risk=RULES, regime=detector)


@pytest.mark.parametrize("detector", [HIDDEN, TrendStrength(window=10)], ids=lambda d: d.kind)
@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(1, len(TRADES) - 1), max_size=20, unique=True))
def test_regimes_are_the_detectors_own_however_the_trades_are_cut(detector, cuts):
    signal = by_regime(detector)
    whole = signal.run(TRADES)
    assert np.array_equal(whole.regime, detector.run(BARS.run(TRADES)))
    assert len(set(whole.regime.tolist())) > 2
    stream = signal.start()
    parts = [stream.run(TRADES[a:b]) for a, b in pairwise([0, *sorted(cuts), len(TRADES)])]
    assert same(Decisions.concat(parts), whole)


def test_a_saved_signal_finds_the_same_regimes_and_risk_goes_by_them_live(tmp_path):
    data = Dataset(np.zeros((4, 1)), np.array([1.0, 1.0, -1.0, 0.0]), np.ones(4), ("trend",))
    signal = by_regime(model=Majority().fit(data, data))
    digest = signal.save(tmp_path / "s")
    assert digest != by_regime(TrendStrength(), signal.model).save(tmp_path / "other")
    loaded = Signal.load(tmp_path / "s")
    assert loaded.regime == HIDDEN
    decided, bars = signal.run(TRADES), BARS.run(TRADES)
    stream, judge, held = loaded.start(), loaded.risk.start(), []
    for i in range(len(bars)):
        now = stream.run(TRADES[50 * i : 50 * i + 50])
        standing = Standing.of([1e6], held[-1] if held else 0.0)
        held.append(judge.run(bars[i : i + 1], now.target, standing, regime=now.regime).position[0])
    expected = decided.target * np.where(decided.regime == 1, 1.0, 3.0)
    assert np.array_equal(held, expected)
    assert {1.0, 3.0} <= set(np.abs(expected).tolist())


def test_a_changed_detector_is_refused(tmp_path):
    data = Dataset(np.zeros((4, 1)), np.array([1.0, 1.0, -1.0, 0.0]), np.ones(4), ("trend",))
    by_regime(model=Majority().fit(data, data)).save(tmp_path / "s")
    path = tmp_path / "s" / "signal.json"
    spec = json.loads(path.read_text())
    spec["regime"]["chain"]["mean"][0][0] += 1e-9
    path.write_text(json.dumps(spec))
    with pytest.raises(RunError, match="was changed after it was saved"):
        Signal.load(tmp_path / "s")


def test_the_regime_resumes_from_a_snapshot_of_its_own_signal_alone(signal):
    one = by_regime()
    stream = one.start()
    stream.run(TRADES[:3210])
    memory = stream.snapshot()
    expected = stream.run(TRADES[3210:])
    assert same(one.restore(memory).run(TRADES[3210:]), expected)
    for other in (signal, by_regime(Etapa6())):
        with pytest.raises(DataError):
            other.restore(memory)


def test_another_asset_that_is_not_there_is_named(pair, signal):
    with pytest.raises(ConfigError, match=r"no trades of 'SLOW'; try: others="):
        pair.run(TRADES)
    with pytest.raises(ConfigError, match=r"trades of 'SLO'; allowed: SLOW; try: SLOW"):
        pair.start().feed("SLO", TRADES)
    with pytest.raises(ConfigError, match="allowed: none: its features look at no other asset"):
        signal.start().feed("SLOW", TRADES)


def test_a_saved_signal_keeps_its_other_assets(tmp_path, pair):
    fitted = Majority().fit(
        Dataset(np.zeros((4, 1)), np.array([1.0, 1, -1, 1]), np.ones(4), ("trend",)), None
    )
    Signal(pair.bars, pair.plan, RAW, fitted, pair.policy, pair.others).save(tmp_path / "s")
    loaded = Signal.load(tmp_path / "s")
    assert loaded.others == pair.others
    assert loaded.plan.hash == pair.plan.hash
