"""Costs and execution as written in a recipe: round trips, latencies, and errors before anything runs."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bateia.core import BateiaError, ConfigError, DataError, Trades
from bateia.recipe import Recipe
from bateia.trading import (
    Account,
    Costs,
    FundingFile,
    LognormalLatency,
    Margin,
    SimulatedBroker,
    UniformLatency,
)
from bateia.trading.latency import AnyLatency, draw_latency, format_latency

FULL = """broker:
  kind: simulated
  latency: {kind: lognormal, median: 80ms, p99: 400ms, seed: 3}
  quantity: 1
  multiplier: 50
  orders: passive
  tick: 0.25
  lot: 1
  min_notional: 100
  costs:
    fee_bps: 4
    maker_bps: 1.5
    fee_per_unit: 1.25
    min_fee: 0.5
    tiers: [{notional: 1000000, fee_bps: 3, maker_bps: 1}]
    spread: {kind: roll, scale: 1.0}
    slippage_volatility: 0.1
    impact: 1.0
    borrow_bps: 300
  exits: {stop_loss: {atr: 2}, take_profit: {bp: 80}, trailing: {atr: 3}, time_out: 30m}
  funding: {kind: fixed, rate_bps: 1, every: 8h}
  margin: {capital: 100000, initial: 0.1, maintenance: 0.05, fee_bps: 50}
  market: {every: 1m, window: 1h, volume_window: 1d}
"""


def recipe(small_text, broker):
    return small_text[: small_text.index("broker:")] + broker


def test_a_full_broker_reads_back(small_text):
    made = Recipe.parse(recipe(small_text, FULL))
    assert Recipe.parse(made.to_yaml()) == made
    said = made.broker.describe()
    for words in (
        "maker fee 1.5 bp",
        "square-root impact 1",
        "stop-loss 2 ATR",
        "funding 1 bp",
        "latency lognormal",
    ):
        assert words in said
    assert made.broker.needs() == ["volatility", "volume", "spread", "range"]


@pytest.mark.parametrize(
    ("given", "wrong", "message"),
    [
        ("lot: 1", "lots: 1", "broker.lots: unknown key.*try: lot"),
        ("stop_loss: {atr: 2}", "stop_los: {atr: 2}", "broker.exits.stop_los: unknown key.*try: stop_loss"),
        ("stop_loss: {atr: 2}", "stop_loss: {}", "neither atr nor bp; allowed: one of the two"),
        ("spread: {kind: roll,", "spread: {kind: rolls,", "no kind 'rolls'; allowed: ticks, share, roll"),
        (
            "spread: {kind: roll, scale: 1.0}",
            "spread: {kind: book}",
            "there is no book; .*try: spread: .kind: roll",
        ),
        ("{kind: roll, scale: 1.0}", "{kind: roll}\n    half_spread: 1", "both half_spread and spread"),
        ("median: 80ms, p99: 400ms", "median: 80ms, p99: 40ms", "allowed: median <= p99"),
        ("{kind: lognormal, median: 80ms", "{kind: normal, median: 80ms", "no kind 'normal'.*try: lognormal"),
        ("median: 80ms", "mediam: 80ms", "broker.latency.mediam: unknown key.*try: median"),
        (
            "orders: passive",
            "orders: market",
            "a maker's fee that market orders never pay; try: orders: passive",
        ),
        ("tick: 0.25", "tick: -1", "broker.tick: .*greater than or equal to 0"),
        ("window: 1h", "window: 90s", "window 1m30s of intervals of 1m; allowed: a whole number"),
        ("maintenance: 0.05", "maintenance: 0.2", "allowed: maintenance <= initial"),
        ("notional: 1000000", "notional: 0", "greater than 0"),
        ("every: 8h", "every: 8", "broker.funding.every: .*text with a unit"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(small_text, given, wrong, message):
    assert given in FULL
    with pytest.raises(ConfigError, match=message):
        Recipe.parse(recipe(small_text, FULL.replace(given, wrong)), "my.yaml")


def test_a_spread_in_ticks_needs_a_tick():
    with pytest.raises(ValidationError, match=r"a spread in ticks, and no tick; .*try: tick: 0.25"):
        SimulatedBroker(costs=Costs(spread={"kind": "ticks"}), latency="0")


def generated_trades(sizes):
    time = np.arange(1, len(sizes) + 1) * 1_000_000
    return Trades(time, time, np.full(len(time), 100.0), np.array(sizes, float), np.zeros(len(time), np.int8))


def test_impact_without_volume_is_refused():
    broker = SimulatedBroker(costs=Costs(impact=1), latency="0")
    broker.check(generated_trades([1, 0]))
    with pytest.raises(DataError, match=r"needs volume, and no trade has a size"):
        broker.check(generated_trades([0, 0]))


def test_funding_must_reach_over_the_trades(tmp_path):
    rates = [{"time": "1970-01-02T00:00:00Z", "rate_bps": 1}, {"time": "1970-01-02T08:00:00Z", "rate_bps": 2}]
    broker = SimulatedBroker(costs=Costs(), latency="0", funding={"kind": "table", "rates": rates}, lot=1)
    assert SimulatedBroker.model_validate(broker.model_dump(mode="json")) == broker
    with pytest.raises(DataError, match=r"funding rates from 1970-01-02.*all the trades, 1970-01-01"):
        broker.check(generated_trades([1, 1]))
    with pytest.raises(ValidationError, match=r"oldest first"):
        SimulatedBroker(costs=Costs(), latency="0", funding={"kind": "table", "rates": rates[::-1]})
    path = tmp_path / "funding.csv"
    path.write_text("time,rate\n1970-01-01T00:00:00Z,0.0001\n1970-01-01T08:00:00Z,0.0002\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ConfigError, match=f"another file than the recipe's; try: sha256: {digest}"):
        FundingFile(path=path, sha256="0").table()
    found = FundingFile(path=path, sha256=digest)
    assert [column.tolist() for column in found.table()] == [[0, 28_800_000_000], [0.0001, 0.0002]]
    found.check(1, 2)
    path.write_text("time,rate\n1970-01-01T08:00:00Z,0.0001\n1970-01-01T00:00:00Z,0.0002\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DataError, match=r"no table of funding rates"):
        FundingFile(path=path, sha256=digest).table()
    with pytest.raises(BateiaError, match=r"no file of funding rates"):
        FundingFile(path=tmp_path / "none.csv", sha256=digest).table()


@given(st.integers(0, 2**31 - 1), st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_an_orders_latency_depends_on_its_row_alone(seed, rows):
    rows = np.array(rows)
    for latency in (
        UniformLatency(low="10ms", high="50ms", seed=seed),
        LognormalLatency(median="80ms", p99="400ms", seed=seed),
    ):
        whole = latency.draw(rows)
        assert whole.tolist() == [int(latency.draw(rows[k : k + 1])[0]) for k in range(len(rows))]
        assert (whole >= 0).all()


def test_draws_have_the_distribution_asked_for():
    rows = np.arange(200_000)
    uniform = UniformLatency(low="10ms", high="50ms").draw(rows)
    assert 10_000 <= uniform.min() < 10_010 and 49_990 < uniform.max() <= 50_000
    assert np.mean(uniform) == pytest.approx(30_000, rel=0.005)
    lognormal = LognormalLatency(median="80ms", p99="400ms").draw(rows)
    assert np.quantile(lognormal, [0.5, 0.99]) == pytest.approx([80_000, 400_000], rel=0.02)
    other = LognormalLatency(median="80ms", p99="400ms", seed=1).draw(rows)
    assert abs(np.corrcoef(lognormal, other)[0, 1]) < 0.02
    # Neighbours know nothing of each other.
    assert abs(np.corrcoef(uniform[1:], uniform[:-1])[0, 1]) < 0.01


@pytest.mark.parametrize(
    "latency",
    [
        "0",
        "250ms",
        {"kind": "uniform", "low": "0", "high": "1s"},
        {"kind": "lognormal", "median": "1s", "p99": "2s"},
    ],
)
def test_every_latency_reads_back(latency):
    adapter = TypeAdapter(AnyLatency)
    read = adapter.validate_python(latency)
    assert adapter.validate_python(adapter.dump_python(read, mode="json")) == read
    assert format_latency(read)
    assert len(draw_latency(read, np.arange(3))) == 3


def test_an_accounts_symbols_go_through_time_together():
    broker = SimulatedBroker(costs=Costs(), latency="0")
    account = Account(brokers={"A": broker, "B": broker})
    stream = account.start()
    stream.run({}, {"A": generated_trades([1, 1, 1])})
    with pytest.raises(
        DataError, match=r"comes after later ones of another symbol; allowed: one span of time"
    ):
        stream.run({}, {"B": generated_trades([1, 1])})
    with pytest.raises(DataError, match=r"no symbol 'C'; allowed: A, B"):
        stream.run({"C": (np.array([1]), [1])}, {})
    with pytest.raises(ValidationError, match=r"'A' has a margin of its own; allowed: one margin"):
        Account(brokers={"A": broker.model_copy(update={"margin": Margin(capital=1)})})
    assert Account.model_validate(account.model_dump(mode="json")) == account
