"""Columns of a packed order book: bytes of one significance together, the lowest first, back to numbers."""

from __future__ import annotations

import numba
import numpy as np

from bateia.kernels.jit import kernel


@numba.njit(cache=True)
def _words(data, at, width, out):
    """Numbers below 256 to the power of `width`, whose planes of bytes follow each other from `at` on."""
    n = len(out)
    low, high = data[at : at + n], data[at + n * (width > 1) : at + n * (width > 1) + n]
    if width == 0:
        out[:] = 0
    elif width == 1:
        for i in range(n):
            out[i] = low[i]
    else:
        for i in range(n):
            out[i] = np.int64(low[i]) | (np.int64(high[i]) << 8)
    for plane in range(2, width):
        high = data[at + n * plane : at + n * plane + n]
        for i in range(n):
            out[i] |= np.int64(high[i]) << (8 * plane)


@kernel
def unpack_ints(data, at, width, rising, out):
    """Whole numbers, 0, -1, 1, -2, 2, … written as 0, 1, 2, 3, 4, …; if rising, each less the one before."""
    _words(data, at, width, out)
    if rising:
        last = np.int64(0)
        for i in range(len(out)):
            word = np.uint64(out[i])
            last += np.int64(word >> np.uint64(1)) ^ -np.int64(word & np.uint64(1))
            out[i] = last
    else:
        for i in range(len(out)):
            word = np.uint64(out[i])
            out[i] = np.int64(word >> np.uint64(1)) ^ -np.int64(word & np.uint64(1))


@kernel
def unpack_sizes(data, at, width, scale, words, out):
    """Sizes, each a whole number over `scale`; `words` is room for as many numbers."""
    _words(data, at, width, words)
    for i in range(len(out)):
        out[i] = words[i] / scale
