"""The indicators that TA-Lib has, against TA-Lib, after the warm-up."""

import numpy as np
import pytest
import talib

from bateia.features import Plan
from bateia.testing.operators import generated_market

M = generated_market(3000, 8)
HIGH, LOW, CLOSE = M["high"], M["low"], M["close"]
VOLUME = M["volume"]


EXACT = {
    "ema(close, 20)": talib.EMA(CLOSE, 20),
    "ema(ema(close, 5), 9)": talib.EMA(talib.EMA(CLOSE, 5), 9),
    "rsi(close, 14)": talib.RSI(CLOSE, 14),
    "rsi(close, 2)": talib.RSI(CLOSE, 2),
    "atr(14)": talib.ATR(HIGH, LOW, CLOSE, 14),
    "adx(high, low, close, 14)": talib.ADX(HIGH, LOW, CLOSE, 14),
    "std(close, 20, 0)": talib.STDDEV(CLOSE, 20),
    "std(close, 20, 0) ** 2": talib.VAR(CLOSE, 20),
    "max(high, 30)": talib.MAX(HIGH, 30),
    "min(low, 30)": talib.MIN(LOW, 30),
    "sum(volume, 30)": talib.SUM(VOLUME, 30),
    "mean(close, 30)": talib.SMA(CLOSE, 30),
    "slope(close, 14)": talib.LINEARREG_SLOPE(CLOSE, 14),
    "intercept(close, 14)": talib.LINEARREG_INTERCEPT(CLOSE, 14),
    "linreg(close, 14)": talib.LINEARREG(CLOSE, 14),
    "linreg(close, 14) + slope(close, 14)": talib.TSF(CLOSE, 14),
    "wma(close, 2)": talib.WMA(CLOSE, 2),
    "wma(close, 30)": talib.WMA(CLOSE, 30),
    "kama(close, 2)": talib.KAMA(CLOSE, 2),
    "kama(close, 30)": talib.KAMA(CLOSE, 30),
    "dema(close, 20)": talib.DEMA(CLOSE, 20),
    "tema(close, 20)": talib.TEMA(CLOSE, 20),
    "mad(close, 20)": talib.AVGDEV(CLOSE, 20),
    "(close - mean(close, 20)) / (0.015 * mad(close, 20))": talib.CCI(CLOSE, CLOSE, CLOSE, 20),
    "corr(close, volume, 30)": talib.CORREL(CLOSE, VOLUME, 30),
    "mean(close, 20) + 2 * std(close, 20, 0)": talib.BBANDS(CLOSE, 20, 2, 2)[0],
    "mean(close, 20) - 2 * std(close, 20, 0)": talib.BBANDS(CLOSE, 20, 2, 2)[2],
    "roc(close, 10)": talib.ROCP(CLOSE, 10),
    "diff(close, 10)": talib.MOM(CLOSE, 10),
    "true_range(high, low, close)": talib.TRANGE(HIGH, LOW, CLOSE),
    "psar(high, low)": talib.SAR(HIGH, LOW, 0.02, 0.2),
    "psar(high, low, 0.05, 0.1)": talib.SAR(HIGH, LOW, 0.05, 0.1),
    "psar(high, low, 0.3, 0.2)": talib.SAR(HIGH, LOW, 0.3, 0.2),
    "100 * (max(high, 14) - close) / (min(low, 14) - max(high, 14))": talib.WILLR(HIGH, LOW, CLOSE, 14),
}
SETTLED = {
    # TA-Lib starts the fast average of MACD at the slow one's first row: other seeds, forgotten in time.
    "ema(close, 12) - ema(close, 26)": talib.MACD(CLOSE, 12, 26, 9)[0],
    "ema(ema(close, 12) - ema(close, 26), 9)": talib.MACD(CLOSE, 12, 26, 9)[1],
    "ema(close, 12) - ema(close, 26) - ema(ema(close, 12) - ema(close, 26), 9)": talib.MACD(CLOSE, 12, 26, 9)[
        2
    ],
}
SPARE = {"corr(close, volume, 30)": 1e-11, "std(close, 20, 0)": 1e-10, "std(close, 20, 0) ** 2": 1e-9}
"""TA-Lib's one-pass sums lose digits that ours keep: an absolute allowance for its rounding."""


def ours(expression):
    return Plan({"feature": expression}).run(M)["feature"]


@pytest.mark.parametrize("expression", EXACT)
def test_the_same_from_the_first_known_row(expression):
    expected, got = EXACT[expression], ours(expression)
    assert np.array_equal(np.isnan(got), np.isnan(expected)), "known in other rows"
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=SPARE.get(expression, 1e-12))


@pytest.mark.parametrize("expression", SETTLED)
def test_the_same_once_the_seed_is_forgotten(expression):
    np.testing.assert_allclose(ours(expression)[500:], SETTLED[expression][500:], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("n", [2, 5, 60])
def test_rows_since_the_extremes(n):
    rows = np.arange(len(CLOSE))[n - 1 :]
    # Where several rows share the extreme, TA-Lib may name another of them: compare where there is one.
    windows = np.lib.stride_tricks.sliding_window_view(CLOSE, n)
    for expression, index, extreme in (
        (f"argmax(close, {n})", talib.MAXINDEX(CLOSE, n), windows.max(axis=1)),
        (f"argmin(close, {n})", talib.MININDEX(CLOSE, n), windows.min(axis=1)),
    ):
        alone = (windows == extreme[:, None]).sum(axis=1) == 1
        assert alone.mean() > 0.4
        got = ours(expression)[n - 1 :]
        assert np.array_equal(got[alone], (rows - index[n - 1 :])[alone])
        assert np.array_equal(CLOSE[rows - got.astype(int)], extreme)
