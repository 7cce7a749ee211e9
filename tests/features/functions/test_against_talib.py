"""The functions that TA-Lib has, against TA-Lib, after the warm-up."""

import numpy as np
import pytest
import talib

from bateia.features import Plan
from bateia.testing.operators import generated_market

M = generated_market(3000, 8)
OPEN, HIGH, LOW, CLOSE, VOLUME = (M[name] for name in ("open", "high", "low", "close", "volume"))
HLC = (HIGH, LOW, CLOSE)
HLCV = (*HLC, VOLUME)
CHANNEL = talib.DONCHIAN(HIGH, LOW, 20)
KELTNER = talib.KC(*HLC, 20, 20, 2)
UPPER, MIDDLE, LOWER = talib.BBANDS(CLOSE, 20, 2, 2)

EXACT = {
    "typical_price()": talib.TYPPRICE(*HLC),
    "median_price()": talib.MEDPRICE(HIGH, LOW),
    "mean(mean(stochastic(14), 3), 3)": talib.STOCH(*HLC, 14, 3, 0, 3, 0)[1],
    "williams_r(14)": talib.WILLR(*HLC, 14),
    "cmo(close, 14)": talib.CMOU(CLOSE, 14),
    # TA-Lib's CMO is Wilder's RSI on another scale; its CMOU is the book's formula, as is ours.
    "2 * rsi(close, 14) - 100": talib.CMO(CLOSE, 14),
    "tsi(25, 13)": talib.TSI(CLOSE, 25, 13),
    "trix(close, 15)": talib.TRIX(CLOSE, 15),
    "ultimate(7, 14, 28)": talib.ULTOSC(*HLC, 7, 14, 28),
    "awesome(5, 34)": talib.AO(HIGH, LOW, 5, 34),
    "awesome(5, 34) - mean(awesome(5, 34), 5)": talib.AC(HIGH, LOW, 5, 34, 5),
    "balance_of_power()": talib.BOP(OPEN, *HLC),
    "intraday_momentum(14)": talib.IMI(OPEN, CLOSE, 14),
    "coppock()": talib.COPPOCK(CLOSE, 10, 11, 14),
    "cci(20)": talib.CCI(*HLC, 20),
    "adxr(14)": talib.ADXR(*HLC, 14),
    "plus_dm()": talib.PLUS_DM(HIGH, LOW, 1),
    "minus_dm()": talib.MINUS_DM(HIGH, LOW, 1),
    "aroon_up(25)": talib.AROON(HIGH, LOW, 25)[1],
    "aroon_down(25)": talib.AROON(HIGH, LOW, 25)[0],
    "aroon(25)": talib.AROONOSC(HIGH, LOW, 25),
    "vortex_up(14)": talib.VORTEX(*HLC, 14)[0],
    "vortex_down(14)": talib.VORTEX(*HLC, 14)[1],
    "midprice(26)": talib.MIDPRICE(HIGH, LOW, 26),
    "efficiency(close, 10)": talib.ER(CLOSE, 10),
    "vertical_filter(close, 28)": talib.VHF(CLOSE, 28),
    "zlema(close, 21, 10)": talib.ZLEMA(CLOSE, 21),
    "hull(close, 20, 10, 4)": talib.HMA(CLOSE, 20),
    "bull_power(13)": talib.ERI(*HLC, 13)[0],
    "bear_power(13)": talib.ERI(*HLC, 13)[1],
    "qstick(10)": talib.QSTICK(OPEN, CLOSE, 10),
    "natr(14)": talib.NATR(*HLC, 14),
    "bollinger_percent(close, 20, 2)": (CLOSE - LOWER) / (UPPER - LOWER),
    "bollinger_width(close, 20, 2)": (UPPER - LOWER) / MIDDLE,
    "mass_index(9, 25)": talib.MASSI(HIGH, LOW, 9, 25),
    "chaikin_volatility(10, 10)": talib.CVI(HIGH, LOW, 10, 10),
    "relative_volatility(14, 10)": talib.RVI(CLOSE, 14, 10),
    "mfi(14)": talib.MFI(*HLCV, 14),
    "cmf(20)": talib.CMF(*HLCV, 20),
    "ad_line()": talib.AD(*HLCV),
    "force_index(13)": talib.EFI(CLOSE, VOLUME, 13),
    "vwma(close, 30)": talib.VWMA(CLOSE, VOLUME, 30),
    "ppo(close, 12, 26)": talib.PPO(CLOSE, 12, 26, 1),
    "ppo(volume, 12, 26)": talib.PVO(VOLUME, 12, 26, 1),
    "divide(volume, lag(mean(volume, 20), 1), 1)": talib.RVOL(VOLUME, 20),
    "donchian(20)": (CLOSE - CHANNEL[2]) / (CHANNEL[0] - CHANNEL[2]),
    "donchian_width(20)": (CHANNEL[0] - CHANNEL[2]) / CLOSE,
    "(high - low) / volume": talib.MARKETFI(HIGH, LOW, VOLUME),
    "mean(stochastic_rsi(close, 14, 10), 3)": talib.STOCHRSI(CLOSE, 14, 10, 3, 0)[1],
}
PART = {
    # TA-Lib starts the outputs of one call together, where the last of them is known.
    "stochastic(14)": talib.STOCHF(*HLC, 14, 3, 0)[0],
    "mean(stochastic(14), 3)": talib.STOCH(*HLC, 14, 3, 0, 3, 0)[0],
    "stochastic_rsi(close, 14, 10)": talib.STOCHRSI(CLOSE, 14, 10, 3, 0)[0],
    "smi(13, 25, 2)": talib.SMI(*HLC, 13, 2, 25, 9)[0],
    # Its cumulative lines have a value before the first change: a level that means nothing.
    "obv()": talib.OBV(CLOSE, VOLUME) - VOLUME[0],
    "price_volume_trend()": talib.PVT(CLOSE, VOLUME),
    "quiet_returns()": np.log(talib.NVI(CLOSE, VOLUME) / talib.NVI(CLOSE, VOLUME)[0]),
    "busy_returns()": np.log(talib.PVI(CLOSE, VOLUME) / talib.PVI(CLOSE, VOLUME)[0]),
}
SETTLED = {
    # TA-Lib starts the averages of one call together, where the last of them can begin, and Wilder's sums
    # with n - 1 moves, not n: other seeds, forgotten in time.
    "keltner(20, 2)": (CLOSE - KELTNER[2]) / (KELTNER[0] - KELTNER[2]),
    "keltner_width(20, 2)": (KELTNER[0] - KELTNER[2]) / KELTNER[1],
    "macd(12, 26)": talib.MACD(CLOSE, 12, 26, 9)[0],
    "macd_signal(12, 26, 9)": talib.MACD(CLOSE, 12, 26, 9)[1],
    "plus_di(14)": talib.PLUS_DI(*HLC, 14),
    "minus_di(14)": talib.MINUS_DI(*HLC, 14),
    "dx(14)": talib.DX(*HLC, 14),
    "ad_oscillator(3, 10)": talib.ADOSC(*HLCV, 3, 10),
}


def ours(expression):
    return Plan({"feature": expression}).run(M)["feature"]


@pytest.mark.parametrize("expression", EXACT)
def test_the_same_from_the_first_known_row(expression):
    expected, got = EXACT[expression], ours(expression)
    assert np.array_equal(np.isnan(got), np.isnan(expected)), "known in other rows"
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("expression", PART)
def test_the_same_in_the_rows_that_both_know(expression):
    expected, got = PART[expression], ours(expression)
    both = ~np.isnan(got) & ~np.isnan(expected)
    assert both.sum() > len(CLOSE) - 50
    np.testing.assert_allclose(got[both], expected[both], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("expression", SETTLED)
def test_the_same_once_the_seed_is_forgotten(expression):
    np.testing.assert_allclose(ours(expression)[500:], SETTLED[expression][500:], rtol=1e-9, atol=1e-11)
