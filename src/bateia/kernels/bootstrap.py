"""The stationary bootstrap: resamples of a series in blocks of random length."""

from __future__ import annotations

import math

import numpy as np

from bateia.core.events import Floats
from bateia.kernels.jit import kernel


@kernel
def stationary_bootstrap(x: Floats, block: float, seed: int, mean: Floats, std: Floats) -> None:
    """Mean and standard deviation (ddof 1) of `len(mean)` resamples of `x`, written into `mean` and `std`.

    Blocks start anywhere, have geometric lengths of mean `block` and wrap around the end. Draw d uses its
    own splitmix64 stream of (seed, d): the same numbers whatever runs beside it, on any machine.

    Source: Politis and Romano, "The Stationary Bootstrap", JASA 89 (1994).
    """
    n = len(x)
    centre = 0.0
    for i in range(n):
        centre += x[i]
    centre /= n
    golden = np.uint64(0x9E3779B97F4A7C15)
    mix1 = np.uint64(0xBF58476D1CE4E5B9)
    mix2 = np.uint64(0x94D049BB133111EB)
    s27, s30, s31, s11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)
    unit = 1.0 / 9007199254740992.0
    stay = math.log1p(-1.0 / block) if block > 1.0 else 0.0
    for d in range(len(mean)):
        # The stream's start is itself mixed: neighbouring draws must not be shifted copies of each other.
        word = np.uint64(seed) * golden + np.uint64(d + 1) * mix2
        word = (word ^ (word >> s30)) * mix1
        word = (word ^ (word >> s27)) * mix2
        word = word ^ (word >> s31)
        total = 0.0
        squares = 0.0
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
                gap = x[at] - centre
                total += gap
                squares += gap * gap
                at += 1
                if at == n:
                    at = 0
            left -= length
        mean[d] = centre + total / n
        std[d] = math.sqrt(max(squares - total * total / n, 0.0) / (n - 1)) if n > 1 else 0.0
