"""What of a candle knows of the rest of it: moves, volume and the sides that traded."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr
from scipy.stats import rankdata

from bateia.core import Bars
from bateia.core.events import Floats
from bateia.quality.measures import autocorrelation, ljung_box, rank_correlation
from bateia.quality.report import Check
from bateia.quality.signs import SURE, told

LAGS = 20


def bonds(bars: Bars) -> list[Check]:
    """Memory of how far candles move, and its bonds with volume and with who traded."""
    move = np.log(bars.close / bars.open)
    tests = [_memory(np.abs(move)), _volume(np.abs(move), bars.volume)]
    known = np.isfinite(bars.signed_volume) & (bars.volume > 0)
    share = np.divide(bars.signed_volume, bars.volume, out=np.zeros(len(bars)), where=known)
    if known.mean() > 0.5 and np.unique(np.round(share[known], 6)).size > 2:
        tests.append(_sides(move[known], share[known]))
    return tests


def _memory(size: Floats) -> Check:
    """p-value of "how far a candle goes tells nothing of the next" (Ding, Granger & Engle 1993)."""
    correlations = autocorrelation(rankdata(size), LAGS)
    p = ljung_box(correlations, len(size))
    sign = 2.0 if p > SURE or correlations[:5].mean() <= 0 else 0.0
    odd, usual = "how far candles move has no memory", "how far candles move has a memory"
    return told("moves_memory", p, float(correlations[:5].mean()), sign, odd, usual)


def _volume(size: Floats, volume: Floats) -> Check:
    """p-value of "volume and how far a candle goes know nothing of each other" (Karpoff 1987)."""
    bond = rank_correlation(size, volume)
    p = float(ndtr(-bond * math.sqrt(len(size))))
    sign = 2.0 if p > SURE else 0.0
    odd, usual = "volume and moves know nothing of each other", "busy candles move further"
    return told("volume_move", p, bond, sign, odd, usual)


def _sides(move: Floats, share: Floats) -> Check:
    """p-value of "who bought tells nothing of where prices went" (Evans & Lyons 2002)."""
    bond = rank_correlation(move, share)
    p = float(ndtr(-bond * math.sqrt(len(move))))
    sign = 2.0 if p > SURE else 0.0
    odd = "prices do not rise with buyers: sides swapped, or moves in another order?"
    return told("sides_move", p, bond, sign, odd, "prices rise with buyers")
