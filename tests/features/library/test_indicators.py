"""Price, momentum, trend, volatility and volume on real trades: known, within bounds, free of scale."""

import numpy as np
import pytest

from bateia.bars import TickBars
from bateia.features import Plan, library
from bateia.sources import SampleSource

LIBRARIES = ["price", "momentum", "trend", "volatility", "volume"]
UNDEFINED = {"skew_60", "kurt_60"}
"""A window without any change has no shape."""
FEATURES = {name: f.formula for found in LIBRARIES for name, f in library(found).items()}


@pytest.fixture(scope="module")
def bars():
    """Twelve trades a bar: bars without a range and stretches without a change are common."""
    found = TickBars(size=12).run(SampleSource(name="es-trades-2013-09").read()).columns()
    return {name: np.asarray(column, np.float64) for name, column in found.items()}


@pytest.fixture(scope="module")
def plan(bars):
    return Plan(FEATURES, tuple(bars))


@pytest.fixture(scope="module")
def table(plan, bars):
    return plan.run(bars)


@pytest.mark.parametrize("name", sorted(set(FEATURES) - UNDEFINED))
def test_known_after_the_warm_up(name, table, plan, bars):
    warm, values = plan.warmup[name], table[name]
    young = bars["time"] - bars["time"][0] < warm.micros
    late = (np.arange(len(values)) >= warm.rows) & ~young
    assert late.sum() > 10_000
    assert not np.isnan(values[late]).any()
    assert np.std(values[late]) > 0


HUNDRED = [
    *("rsi_2", "rsi_14", "stochastic_k_5", "stochastic_k_14", "stochastic_d_14", "stochastic_rsi_k"),
    *("ultimate_7_14_28", "intraday_momentum_14", "connors_rsi_3_2_100", "mfi_14", "relative_volatility_14"),
    *("adx_14", "adx_28", "adxr_14", "plus_di_14", "minus_di_14", "aroon_up_25", "aroon_down_25"),
    "choppiness_14",
]
BOUNDS = {
    **dict.fromkeys(HUNDRED, (0, 100)),
    **dict.fromkeys(["tsi_25_13", "cmo_14", "smi_13_25_2", "aroon_25", "di_balance_14"], (-100, 100)),
    **dict.fromkeys(["balance_of_power_14", "vigor_10", "cmf_20", "twiggs_21", "obv_change_20"], (-1, 1)),
    **dict.fromkeys(["supertrend_side", "psar_side", "cloud_side", "ema_order"], (-1, 1)),
    **dict.fromkeys(["volume_price_correlation_20", "regression_trend_50"], (-1, 1)),
    **dict.fromkeys(["efficiency_10", "regression_r2_20", "jump_share_20", "downside_share_50"], (0, 1)),
    **dict.fromkeys(["donchian_20", "donchian_55", "position_60", "up_volume_20", "volume_rank_100"], (0, 1)),
    "williams_r_14": (-100, 0),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_within_its_bounds(name, table):
    low, high = BOUNDS[name]
    spare = 1e-9 * (high - low)
    assert np.nanmin(table[name]) >= low - spare
    assert np.nanmax(table[name]) <= high + spare
    assert np.nanmax(table[name]) - np.nanmin(table[name]) > 0.3 * (high - low)


PRICES = ("open", "high", "low", "close", "vwap")


def test_the_same_in_another_currency_and_lot(plan, table, bars):
    # Powers of two change no digit of a price, so nothing but a scale could show.
    scales = dict.fromkeys(PRICES, 8.0) | {"volume": 4.0, "signed_volume": 4.0, "value": 32.0}
    other = plan.run({name: column * scales.get(name, 1.0) for name, column in bars.items()})
    moved = {
        name for name in FEATURES if not np.allclose(other[name], table[name], 1e-6, 1e-9, equal_nan=True)
    }
    assert moved == set()
