"""Resampled means of many columns at once: the stationary bootstrap's rows, weighted sums, pairs."""

from __future__ import annotations

import math

import numpy as np

from bateia.core.events import Bools, Floats, Ints
from bateia.kernels.jit import kernel


@kernel
def stationary_indices(block: float, seed: int, first: int, out: Ints) -> None:
    """Rows of stationary bootstrap draws `first`, `first + 1`, … written into `out` (draws, rows).

    Blocks start anywhere, have geometric lengths of mean `block` and wrap around the end. Draw d uses its
    own splitmix64 stream of (seed, d), the very stream of `kernels.bootstrap.stationary_bootstrap`.

    Source: Politis and Romano, "The Stationary Bootstrap", JASA 89 (1994).
    """
    draws, n = out.shape
    golden = np.uint64(0x9E3779B97F4A7C15)
    mix1 = np.uint64(0xBF58476D1CE4E5B9)
    mix2 = np.uint64(0x94D049BB133111EB)
    s27, s30, s31, s11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)
    unit = 1.0 / 9007199254740992.0
    stay = math.log1p(-1.0 / block) if block > 1.0 else 0.0
    for d in range(draws):
        word = np.uint64(seed) * golden + np.uint64(first + d + 1) * mix2
        word = (word ^ (word >> s30)) * mix1
        word = (word ^ (word >> s27)) * mix2
        word = word ^ (word >> s31)
        left = n
        while left > 0:
            word += golden
            z = (word ^ (word >> s30)) * mix1
            z = (z ^ (z >> s27)) * mix2
            z = z ^ (z >> s31)
            at = min(int(float(z >> s11) * unit * n), n - 1)
            length = 1
            if stay < 0.0:
                word += golden
                z = (word ^ (word >> s30)) * mix1
                z = (z ^ (z >> s27)) * mix2
                z = z ^ (z >> s31)
                draw = math.log((float(z >> s11) + 1.0) * unit) / stay
                length = left if draw >= left else 1 + int(draw)
            for _ in range(min(length, left)):
                out[d, n - left] = at
                left -= 1
                at += 1
                if at == n:
                    at = 0


@kernel
def counts(indices: Ints, out: Floats) -> None:
    """How often each draw of `indices` (draws, rows) holds each row: `out` (rows, draws)."""
    out[:] = 0.0
    for d in range(indices.shape[0]):
        for i in range(indices.shape[1]):
            out[indices[d, i], d] += 1.0


@kernel
def weighted_sums(weights: Floats, x: Floats, out: Floats) -> None:
    """`weights.T @ x` into `out` (draws, columns), rows in order: the same bits on any machine.

    `weights` (rows, draws), `x` (rows, columns). Tiles of columns keep the sums in the cache; weights of 0
    are passed over, about a third of a bootstrap's.
    """
    rows, draws = weights.shape
    columns = x.shape[1]
    out[:] = 0.0
    tile = 256
    for low in range(0, columns, tile):
        high = min(low + tile, columns)
        for t in range(rows):
            row = x[t, low:high]
            for d in range(draws):
                w = weights[t, d]
                if w != 0.0:
                    total = out[d, low:high]
                    for k in range(high - low):
                        total[k] += w * row[k]


@kernel
def pair_scales(centred: Floats, out: Floats) -> None:
    """1 / root mean square over draws of each pair's difference: `centred` (columns, draws), `out` square.

    A pair whose difference never varies gets a huge one: whatever separates it is no chance.
    """
    columns, draws = centred.shape
    for i in range(columns):
        out[i, i] = 0.0
        for j in range(i):
            total = 0.0
            for b in range(draws):
                gap = centred[i, b] - centred[j, b]
                total += gap * gap
            scale = 1.0 / math.sqrt(max(total / draws, 1e-300))
            out[i, j] = scale
            out[j, i] = scale


@kernel
def elimination(mean: Floats, scale: Floats, order: Ints, largest: Floats, squares: Floats) -> None:
    """Drop the worst column again and again: who went when, and the two statistics before each drop.

    The worst is the one with the largest shortfall |mean difference| x scale against any that remain.
    `largest[m]` and `squares[m]` are the greatest and the sum of squares of the scaled differences among
    `order[m:]`.
    """
    n = len(mean)
    alive = np.ones(n, np.bool_)
    worst = np.zeros(n)
    against = np.zeros(n, np.int64)
    remaining = 0.0
    for i in range(n):
        worst[i] = -np.inf
        for j in range(n):
            t = (mean[j] - mean[i]) * scale[i, j]
            if i != j and t > worst[i]:
                worst[i] = t
                against[i] = j
    for m in range(n):
        drop = -1
        for i in range(n):
            if alive[i] and (drop < 0 or worst[i] > worst[drop]):
                drop = i
        order[m] = drop
        largest[m] = max(worst[drop], 0.0) if m < n - 1 else 0.0
        alive[drop] = False
        for i in range(n):
            if alive[i] and against[i] == drop:
                worst[i] = -np.inf
                for j in range(n):
                    if alive[j] and i != j:
                        t = (mean[j] - mean[i]) * scale[i, j]
                        if t > worst[i]:
                            worst[i] = t
                            against[i] = j
    # Backwards, so that a sum over pairs grows by one column's pairs a step.
    for m in range(n - 1, -1, -1):
        i = order[m]
        for k in range(m + 1, n):
            t = (mean[order[k]] - mean[i]) * scale[i, order[k]]
            remaining += t * t
        squares[m] = remaining


@kernel
def exceedances(
    centred: Floats, scale: Floats, order: Ints, largest: Floats, squares: Floats, out: Ints
) -> None:
    """In how many draws chance alone reaches each statistic of `elimination`: `out` (columns, 2).

    The set grows from the last survivor backwards, so each pair is looked at once.
    """
    n, draws = centred.shape
    out[:] = 0
    # A tile of draws keeps all columns in the cache.
    tile = 256
    for low in range(0, draws, tile):
        high = min(low + tile, draws)
        top = np.zeros(high - low)
        total = np.zeros(high - low)
        for m in range(n - 1, -1, -1):
            mine = centred[order[m], low:high]
            for k in range(m + 1, n):
                s = scale[order[m], order[k]]
                other = centred[order[k], low:high]
                for b in range(high - low):
                    t = abs(mine[b] - other[b]) * s
                    top[b] = max(top[b], t)
                    total[b] += t * t
            for b in range(high - low):
                out[m, 0] += top[b] >= largest[m]
                out[m, 1] += total[b] >= squares[m]


@kernel
def best_scores(means: Floats, centre: Floats, scale: Floats, use: Bools, low: float, out: Floats) -> None:
    """The greatest of (mean - centre) x scale over the columns in use, `low` at least, for each draw."""
    for d in range(means.shape[0]):
        best = low
        for k in range(means.shape[1]):
            if use[k]:
                best = max(best, (means[d, k] - centre[k]) * scale[k])
        out[d] = best
