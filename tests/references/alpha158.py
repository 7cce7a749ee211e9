"""Qlib's own ways of counting in plain Python."""

from references.base import NAN, known, register, rolling

rolling(
    "percent_rank",
    "percent_rank(close, {n})",
    lambda w: (sum(v < w[-1] for v in w) + (w.count(w[-1]) + 1) / 2) / len(w),
    "close",
    timed=False,
)


def first_of(size):
    def rows(m, n):
        x, found = m["high"], [NAN] * (size - 1)
        for i in range(size - 1, len(x)):
            w = x[i - size + 1 : i + 1]
            found.append(float(size - 1 - w.index(max(w))) if known(*w) else NAN)
        return found

    return rows


for _size in (5, 10, 20, 30, 60):
    register(f"first_argmax_{_size}", f"first_argmax_{_size}(high)", first_of(_size))
