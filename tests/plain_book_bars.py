"""Features of book bars in NumPy and Polars, from the sampled books alone."""

import numpy as np
import polars as pl

from bateia.book.bars import DEEP, FEATURES


def plain_bars(samples, bar, every):
    """Closes and ten features of whole bars; the close before counts only where it is the bar's open."""
    b, a = samples.bid_size, samples.ask_size
    deep_b, deep_a = np.nansum(b[:, :DEEP], axis=1), np.nansum(a[:, :DEEP], axis=1)
    frame = pl.DataFrame(
        {
            "end": -(-samples.time // bar) * bar,
            "messages": samples.messages,
            "micro": (samples.bid_price[:, 0] * a[:, 0] + samples.ask_price[:, 0] * b[:, 0])
            / (a[:, 0] + b[:, 0]),
            "spread": samples.ask_price[:, 0] - samples.bid_price[:, 0],
            "obi": (b[:, 0] - a[:, 0]) / (b[:, 0] + a[:, 0]),
            "deep": (deep_b - deep_a) / (deep_b + deep_a),
        }
    )
    micro = pl.col("micro")
    bars = (
        frame.group_by("end", maintain_order=True)
        .agg(
            n=pl.len(),
            open=micro.first(),
            high=micro.max(),
            low=micro.min(),
            close=micro.last(),
            volatility=micro.std(),
            max_spread=pl.col("spread").max(),
            mean_obi=pl.col("obi").mean(),
            mean_deep_obi=pl.col("deep").mean(),
            log_volume=(pl.col("messages").sum() + 1).log(),
        )
        .filter(pl.col("n") == bar // every)
    )
    before = pl.when(pl.col("end").diff() == bar).then(pl.col("close").shift()).otherwise(float("nan"))
    body_top, body_low = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    bars = bars.with_columns(before=before).with_columns(
        body=(pl.col("close") / pl.col("open")).log(),
        upper_wick=(pl.col("high") - body_top) / pl.col("before"),
        lower_wick=(body_low - pl.col("low")) / pl.col("before"),
        log_ret_close=(pl.col("close") / pl.col("before")).log(),
    )
    return bars["end"].to_numpy(), bars.select(FEATURES).to_numpy()
