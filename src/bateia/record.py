"""What a run leaves behind: the ledger's row, the folder's files, the report and the signal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bateia.backtest import Verdict, cost_curve, return_by_decile, verdict
from bateia.backtest.report import Baseline, FoldTimes, ReportData, render_report
from bateia.core import Bars, format_time
from bateia.recipe import Recipe
from bateia.research import Market, Tested, Watch
from bateia.runs import Ledger, RunFolder, Trial, content_hash, versions
from bateia.signal import Signal

LEDGER = "ledger.sqlite"


def record(
    recipe: Recipe, market: Market, tests: list[Tested], folder: RunFolder, root: Path, watch: Watch
) -> None:
    """Enter the trial in the ledger and write everything that the run folder holds."""
    with watch.stage("Write run and report", 2) as advance:
        numbers = _numbers(recipe, market, tests)
        ledger = Ledger(root / LEDGER)
        data_hash = market.data_hash
        ledger.record(Trial(recipe.name, recipe.hash, data_hash, folder.final.name, numbers["strategy"]))
        trials = ledger.count(data_hash)
        baselines = {test.walk.name: test.metrics for test in tests[1:]}
        judged = verdict(tests[0].metrics, baselines, trials=trials)
        _write_tables(market, tests, folder)
        _write_numbers(recipe, market, tests, numbers, judged, trials, folder)
        advance(1)
        page = _report(recipe, market, tests, judged, trials)
        folder.write_text("report.html", page)


def _numbers(recipe: Recipe, market: Market, tests: list[Tested]) -> dict[str, Any]:
    """Everything measured, as plain JSON, and its hash: the same recipe on the same data gives the same."""
    score, known = tests[0].walk.score, market.labels
    latency = recipe.model_dump(mode="json")["broker"]["latency"]
    numbers: dict[str, Any] = {
        "data": {
            "hash": market.data_hash,
            "trades": len(market.trades),
            "first": format_time(int(market.trades.time[0])),
            "last": format_time(int(market.trades.time[-1])),
            "bars": len(market.bars),
            "features": len(market.features.plan.names),
            "folds": len(market.folds),
            "tested": sum(len(fold.test) for fold in market.folds),
            "purged": sum(len(fold.purged) for fold in market.folds),
            "model": tests[0].walk.name,
        },
        "costs": f"{recipe.broker.costs.describe()}, latency {latency}",
        "strategy": tests[0].metrics.to_dict(),
        "baselines": {test.walk.name: test.metrics.to_dict() for test in tests[1:]},
        "deciles": [d.to_dict() for d in return_by_decile(score, known.ret, seed=recipe.seed)],
    }
    return {**numbers, "hash": content_hash(numbers)}


def _write_numbers(
    recipe: Recipe,
    market: Market,
    tests: list[Tested],
    numbers: dict[str, Any],
    judged: Verdict,
    trials: int,
    folder: RunFolder,
) -> None:
    """Recipe, data, versions, folds, importance and metrics as text that people can read."""
    folder.write_text("recipe.yaml", recipe.to_yaml())
    folder.write_json("data.json", {"source": recipe.source.model_dump(mode="json"), **numbers["data"]})
    folder.write_json("versions.json", versions())
    folder.write_json("folds.json", [vars(fold) for fold in _fold_times(market)])
    folder.write_json("importance.json", tests[0].walk.fitted[-1].importance())
    shown = {"headline": judged.headline, "edge": judged.edge, "reasons": list(judged.reasons)}
    folder.write_json("metrics.json", {"verdict": shown, "trials": trials, **numbers})
    signal = Signal(recipe.bars, market.features.plan, tests[0].walk.fitted[-1], recipe.policy)
    signal.save(folder.path / "signal")


def _write_tables(market: Market, tests: list[Tested], folder: RunFolder) -> None:
    """Predictions of every model, and the strategy's fills, round trips and equity, as Parquet."""
    known = market.labels
    columns = {"time": market.bars.time, "label": known.value, "ret": known.ret, "t1": known.span.t1}
    scores = {f"score_{test.walk.name}": test.walk.score for test in tests}
    folder.write_frame("predictions.parquet", columns | scores)
    done = tests[0].backtest
    for name, table in (("fills", done.fills), ("trades", done.trips), ("equity", done.equity)):
        folder.write_frame(f"{name}.parquet", table.columns())


def _fold_times(market: Market) -> list[FoldTimes]:
    time = market.bars.time
    return [
        FoldTimes(*(int(time[row]) for row in (f.train[0], f.train[-1], f.test[0], f.test[-1])))
        for f in market.folds
    ]


def _report(recipe: Recipe, market: Market, tests: list[Tested], judged: Verdict, trials: int) -> str:
    first, rest = tests[0], tests[1:]
    bars: Bars = market.bars[first.rows]
    source = ", ".join(f"{key} {value}" for key, value in recipe.source.model_dump(mode="json").items())
    return render_report(
        ReportData(
            name=recipe.name,
            description=recipe.about,
            recipe=recipe.to_yaml(),
            recipe_hash=recipe.hash,
            data={
                "Source": source,
                "Data hash": market.data_hash,
                "Trades": f"{len(market.trades):,}",
                "Bars": f"{len(market.bars):,}, {len(bars):,} of them out of sample",
            },
            bars=bars,
            backtest=first.backtest,
            metrics=first.metrics,
            verdict=judged,
            curve=cost_curve(first.backtest),
            trials=trials,
            baselines={t.walk.name: Baseline(t.metrics, t.backtest.equity) for t in rest},
            deciles=return_by_decile(first.walk.score, market.labels.ret, seed=recipe.seed),
            importance=tests[0].walk.fitted[-1].importance(),
            folds=_fold_times(market),
            versions=versions(),
        )
    )
