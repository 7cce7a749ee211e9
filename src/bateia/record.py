"""What a run leaves behind: the ledger's row, the folder's files, the report and the signal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bateia.backtest import (
    Backtest,
    Group,
    Grouping,
    Verdict,
    breakdowns,
    by_regime,
    calibration,
    cost_curve,
    max_drawdown,
    periods_per_year,
    return_by_decile,
    sharpe_ratio,
    verdict,
)
from bateia.backtest.chance import Chance, assess
from bateia.backtest.report import (
    Baseline,
    FoldSpans,
    FoldTimes,
    ReportData,
    other_thresholds,
    render_report,
    rulings,
)
from bateia.core import Bars, format_time
from bateia.recipe import Recipe
from bateia.research import Market, Tested, Watch, rules_of
from bateia.runs import DailyProfits, RunFolder, Trial, content_hash, ledger_of, versions
from bateia.signal import Signal
from bateia.trading import Threshold


def record(
    recipe: Recipe, market: Market, tests: list[Tested], folder: RunFolder, root: Path, watch: Watch
) -> None:
    """Enter the trial in the ledger and write everything that the run folder holds."""
    with watch.stage("Write run and report", 2) as advance:
        numbers = _numbers(recipe, market, tests)
        ledger = ledger_of(root)
        data_hash = market.data_hash
        equity, run_id = tests[0].backtest.equity, folder.final.name
        daily = DailyProfits.of(equity.time, equity.net)
        ledger.record(Trial(recipe.name, recipe.hash, data_hash, run_id, numbers["strategy"], profits=daily))
        trials = ledger.count(data_hash)
        baselines = {test.walk.name: test.metrics for test in tests[1:]}
        chance = assess(ledger, recipe.hash, data_hash, seed=recipe.seed)
        judged = verdict(tests[0].metrics, baselines, trials=trials, chance=chance)
        _write_tables(market, tests, folder)
        _write_numbers(recipe, market, tests, numbers, judged, chance, folder)
        advance(1)
        page = _report(recipe, market, tests, numbers, judged, chance)
        folder.write_text("report.html", page)


def _numbers(recipe: Recipe, market: Market, tests: list[Tested]) -> dict[str, Any]:
    """Everything measured, as plain JSON, and its hash: the same recipe on the same data gives the same."""
    score, known = tests[0].walk.score, market.labels
    numbers: dict[str, Any] = {
        "data": {
            "hash": market.data_hash,
            "kind": recipe.source.gives,
            "events": len(market.bars if recipe.source.gives != "trades" else market.trades),
            "first": format_time(int(market.trades.time[0])),
            "last": format_time(int(market.trades.time[-1])),
            "bars": len(market.bars),
            "features": len(market.features.plan.names),
            "folds": len(market.folds),
            "tested": int(np.isfinite(score).sum()),
            "purged": sum(len(fold.purged) for fold in market.folds),
            "model": tests[0].walk.name,
            **({"accepted": list(market.accepted)} if market.accepted else {}),
        },
        "costs": recipe.broker.describe(),
        "strategy": tests[0].metrics.to_dict(),
        "baselines": {test.walk.name: test.metrics.to_dict() for test in tests[1:]},
        "paths": [_path_numbers(done) for done in (tests[0].backtest, *tests[0].others)],
        "breakdowns": _breakdowns(recipe, market, tests[0]),
        "deciles": [d.to_dict() for d in return_by_decile(score, known.ret, seed=recipe.seed)],
    }
    return {**numbers, "hash": content_hash(numbers)}


def _path_numbers(done: Backtest) -> dict[str, Any]:
    """One out-of-sample history in short: the first is the strategy's own."""
    net = done.equity.net
    return {
        "net": float(net[-1]),
        "sharpe_net": sharpe_ratio(np.diff(net), periods_per_year(done.equity)),
        "max_drawdown": max_drawdown(net),
        "round_trips": len(done.trips),
    }


def _breakdowns(recipe: Recipe, market: Market, test: Tested) -> dict[str, list[dict[str, Any]]]:
    """The strategy's numbers by fold, hour, weekday and period."""
    rows, known, probability = test.rows, market.labels[test.rows], test.walk.probability
    found = breakdowns(
        test.backtest,
        path=market.paths[0],
        rows=rows,
        more=_by_regime(market, rows),
        bars=market.bars[rows],
        score=test.walk.score[rows],
        value=known.value,
        ret=known.ret,
        probability=None if probability is None else probability[rows],
        seed=recipe.seed,
    )
    return {by: [group.to_dict() for group in groups] for by, groups in found.items()}


def _by_regime(market: Market, rows: slice) -> dict[str, Grouping]:
    if market.regimes is None:
        return {}
    return {"regime": by_regime(market.regimes.number, market.regimes.names, rows)}


def _write_numbers(
    recipe: Recipe,
    market: Market,
    tests: list[Tested],
    numbers: dict[str, Any],
    judged: Verdict,
    chance: Chance,
    folder: RunFolder,
) -> None:
    """Recipe, data, versions, folds, importance and metrics as text that people can read."""
    folder.write_text("recipe.yaml", recipe.to_yaml())
    folder.write_json("data.json", {"source": recipe.source.model_dump(mode="json"), **numbers["data"]})
    folder.write_json("versions.json", versions())
    folder.write_json("folds.json", [vars(fold) for fold in _fold_times(market)])
    folder.write_json("importance.json", tests[0].walk.fitted[-1].importance())
    shown = {"headline": judged.headline, "edge": judged.edge, "reasons": list(judged.reasons)}
    folder.write_json(
        "metrics.json", {"verdict": shown, "trials": chance.trials, **numbers, "chance": chance.to_dict()}
    )
    walk, plan = tests[0].walk, market.features.plan
    others = {symbol: asset.bars for symbol, asset in recipe.others.items()}
    fitted = walk.preparation[-1], walk.fitted[-1], walk.policies[-1]
    detector = None if market.regimes is None else market.regimes.detector
    signal = Signal(recipe.bars, plan, *fitted, others, rules_of(recipe), detector)
    signal.save(folder.path / "signal")


def _write_tables(market: Market, tests: list[Tested], folder: RunFolder) -> None:
    """Predictions of every model, and the strategy's fills, round trips and equity, as Parquet."""
    known = market.labels
    columns = {"time": market.bars.time, "label": known.value, "ret": known.ret, "t1": known.span.t1}
    scores = {f"score_{test.walk.name}": test.walk.score for test in tests}
    for test in tests:
        if test.walk.probability is not None:
            scores[f"probability_{test.walk.name}"] = test.walk.probability
    folder.write_frame("predictions.parquet", columns | scores)
    nets = {test.walk.name: test.backtest.equity.net for test in tests[1:]}
    folder.write_frame("baselines.parquet", {"time": tests[0].backtest.equity.time} | nets)
    done = tests[0].backtest
    for name, table in (("fills", done.fills), ("trades", done.trips), ("equity", done.equity)):
        folder.write_frame(f"{name}.parquet", table.columns())


def _fold_times(market: Market) -> list[FoldTimes]:
    time = market.bars.time
    return [
        FoldTimes(*(int(time[row]) for row in (f.train[0], f.train[-1], f.test[0], f.test[-1])))
        for f in market.folds
    ]


def _report(
    recipe: Recipe,
    market: Market,
    tests: list[Tested],
    numbers: dict[str, Any],
    judged: Verdict,
    chance: Chance,
) -> str:
    first, rest = tests[0], tests[1:]
    score, known, up = first.walk.score[first.rows], market.labels[first.rows], first.walk.probability
    nets = {"strategy" if t is first else t.walk.name: t.backtest.equity.net for t in tests}
    bars: Bars = market.bars[first.rows]
    settings = recipe.source.model_dump(mode="json", exclude_defaults=True) | {"kind": recipe.source.kind}
    source = ", ".join(f"{key} {value}" for key, value in settings.items())
    return render_report(
        ReportData(
            name=recipe.name,
            description=recipe.about,
            accepted=market.accepted,
            recipe=recipe.to_yaml(),
            recipe_hash=recipe.hash,
            data={
                "Source": source,
                "Data hash": market.data_hash,
                numbers["data"]["kind"].capitalize(): f"{numbers['data']['events']:,}",
                "Bars": f"{len(market.bars):,}, {len(bars):,} of them out of sample",
            },
            bars=bars,
            backtest=first.backtest,
            metrics=first.metrics,
            verdict=judged,
            curve=cost_curve(first.backtest),
            trials=chance.trials,
            baselines={t.walk.name: Baseline(t.metrics, t.backtest.equity) for t in rest},
            others=[done.equity for done in first.others],
            chance=chance,
            gates=rulings(recipe.gates, numbers, chance, nets),
            groups={
                by: [Group.model_validate(group) for group in groups]
                for by, groups in numbers["breakdowns"].items()
            },
            deciles=return_by_decile(first.walk.score, market.labels.ret, seed=recipe.seed),
            calibration=[] if up is None else calibration(up[first.rows], known.value, seed=recipe.seed),
            sweep=other_thresholds(bars, score, recipe.policy, first.backtest),
            enter=recipe.policy.enter if isinstance(recipe.policy, Threshold) else None,
            importance=tests[0].walk.fitted[-1].importance(),
            folds=[FoldSpans.of(fold, market.bars.time) for fold in market.folds],
            versions=versions(),
        )
    )
