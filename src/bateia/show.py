"""What the terminal shows: progress bars, tables and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from bateia.core import RunError
from bateia.runs import Entry, Run

GOLD = "#b8860b"


class Progress:
    """One bar a stage; `silent` shows nothing, for --json."""

    def __init__(self, *, silent: bool = False) -> None:
        self._bars = RichProgress(
            TextColumn("{task.description:<28}"),
            BarColumn(complete_style=GOLD, finished_style=GOLD),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=silent,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        # The first line stands before the heavy imports begin.
        self._first = self._bars.add_task("Start", total=1)
        self._bars.refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.update(self._first, visible=False)
        self._bars.stop()

    @contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[Callable[[int], None]]:
        """A bar named `name`; call what it yields with the steps done; it is full at the end."""
        self._bars.update(self._first, completed=1, visible=False)
        task = self._bars.add_task(name, total=total)
        yield lambda steps: self._bars.advance(task, steps)
        self._bars.update(task, total=max(total, 1), completed=max(total, 1))


def _table() -> Table:
    return Table(
        header_style="bold", border_style="dim", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )


def show_run(run: Run) -> None:
    """The table of a finished run and its verdict."""
    console, metrics = Console(), run.metrics
    data = metrics["data"]
    for text in data.get("accepted", ()):
        console.print(Text(f"\n{text}", "bold red"))
    console.print(
        f"\n[bold]{run.id}[/]\n"
        f"{data['events']:,} {data['kind']}, {_minute(data['first'])} to {_minute(data['last'])} UTC\n"
        f"{data['bars']:,} bars, {data['features']} features, {data['folds']} folds, "
        f"{data['tested']:,} bars out of sample\n"
        f"Costs: {metrics['costs']}"
    )
    table = _table()
    table.add_column("out of sample", no_wrap=True)
    sides = {data["model"]: metrics["strategy"], **metrics["baselines"]}
    for name in sides:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("95% interval", no_wrap=True, style="dim")
    for label, cell in ROWS:
        cells = [cell(side["financial"], side["predictive"]) for side in sides.values()]
        table.add_row(label, *(value for value, _ in cells), cells[0][1])
    console.print(table)
    verdict = metrics["verdict"]
    console.print(f"\n[bold {'green' if verdict['edge'] else GOLD}]{verdict['headline']}[/]")
    for reason in verdict["reasons"]:
        console.print(Padding(Text(reason, "dim"), (0, 0, 0, 2), expand=False))
    console.print(
        f"\nReport  {run.path / 'report.html'}\nSignal  {run.path / 'signal'}",
        highlight=False,
        soft_wrap=True,
    )


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


Cell = Callable[[dict[str, Any], dict[str, Any]], tuple[str, str]]


def _number(value: float | None, form: str = "{:,.2f}") -> str:
    return "-" if value is None else form.format(value)


def _estimate(value: dict[str, Any] | None, form: str = "{:.2f}") -> tuple[str, str]:
    """The value, and its interval."""
    if not value or value["value"] is None:
        return "-", ""
    bounds = "" if value["low"] is None else f"{form.format(value['low'])} to {form.format(value['high'])}"
    return form.format(value["value"]), bounds


def _plain(section: int, key: str, form: str = "{:,.2f}") -> Cell:
    return lambda *sections: (_number(sections[section] and sections[section][key], form), "")


def _interval(section: int, key: str, form: str = "{:.2f}") -> Cell:
    return lambda *sections: _estimate(sections[section] and sections[section][key], form)


_MONEY, _SKILL = 0, 1
ROWS: tuple[tuple[str, Cell], ...] = (
    ("round trips", _plain(_MONEY, "round_trips", "{:,}")),
    ("net profit, currency", _plain(_MONEY, "net", "{:+,.0f}")),
    ("gross profit, currency", _plain(_MONEY, "gross", "{:+,.0f}")),
    ("net per trade, bp", _interval(_MONEY, "net_bp", "{:+.2f}")),
    ("gross per trade, bp", _interval(_MONEY, "gross_bp", "{:+.2f}")),
    ("net Sharpe, annualised", _interval(_MONEY, "sharpe_net", "{:+.1f}")),
    ("max drawdown, % capital", _plain(_MONEY, "max_drawdown_pct")),
    ("turnover, capital a day", _plain(_MONEY, "turnover_per_day", "{:,.1f}")),
    ("hit rate", _interval(_SKILL, "hit_rate", "{:.3f}")),
    ("AUC", _interval(_SKILL, "auc", "{:.3f}")),
    ("break-even cost, bp a side", _plain(_MONEY, "break_even_bp_side")),
    ("assumed cost, bp a side", _plain(_MONEY, "cost_bp_side")),
)


def run_row(entry: Entry) -> dict[str, Any]:
    """One line of the list of runs: its state and, where it finished, its main numbers."""
    row: dict[str, Any] = {"id": entry.id, "path": str(entry.path), "status": entry.status}
    unknown = {"round_trips": None, "net": None, "sharpe": None, "verdict": ""}
    if entry.status != "finished":
        return row | unknown
    try:
        metrics = Run(entry.path).metrics
        account = metrics["strategy"]["financial"]
        return row | {
            "round_trips": account["round_trips"],
            "net": account["net"],
            "sharpe": account["sharpe_net"]["value"],
            "verdict": metrics["verdict"]["headline"],
        }
    except (RunError, KeyError, TypeError):
        # One folder that somebody changed must not hide all the others.
        return row | unknown | {"status": "unreadable"}


def show_runs(rows: Sequence[dict[str, Any]], root: Path) -> None:
    """The runs, a line each."""
    if not rows:
        Console().print(f"no runs in {root}; try: bateia run recipes/ailab.yaml", highlight=False)
        return
    table = _table()
    for name in ("run", "trades", "net", "state or verdict"):
        table.add_column(
            name, justify="right" if name in {"trades", "net"} else "left", no_wrap=name == "run"
        )
    for row in rows:
        done = row["status"] == "finished"
        said = row["verdict"] if done else row["status"]
        borne = "".join(f" [bold {GOLD}]{name}[/]" for name in row.get("aliases", ()))
        table.add_row(
            row["id"] + borne, _number(row["round_trips"], "{:,}"), _number(row["net"], "{:+,.0f}"), said
        )
    Console().print(table)


def show_features(rows: Sequence[dict[str, Any]]) -> None:
    """The named features, library by library."""
    console = Console()
    for library in dict.fromkeys(row["library"] for row in rows):
        table = _table()
        for name in (library, "formula", "warm-up"):
            table.add_column(name, no_wrap=name != "formula")
        for row in rows:
            if row["library"] == library:
                count = row["warmup_rows"]
                parts = (f"{count} row{'' if count == 1 else 's'}", row["warmup_time"])
                warm = " + ".join(part for part in parts if part)
                source = f" ({row['source']})" if row["source"] else ""
                table.add_row(row["name"], f"{row['formula']}\n[dim]{row['about']}{source}[/]", warm)
        console.print(table)


def show_bars(summary: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """What was built, and the first bars."""
    console = Console()
    written = f", written to {summary['out']}" if summary["out"] else ""
    console.print(f"{summary['trades']:,} trades, {summary['bars']:,} bars{written}", highlight=False)
    table = _table()
    shown = ("time", "open", "high", "low", "close", "volume", "trades")
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        numbers = (f"{row[name]:,.2f}".removesuffix(".00") for name in shown[1:])
        table.add_row(f"{row['time']:%Y-%m-%d %H:%M:%S}", *numbers)
    console.print(table)


def show_null(test: dict[str, Any]) -> None:
    """A null test: each statistic beside the surrogates', and how often chance does as well."""
    table = _table()
    for name in (f"{test['kind']} moved about", "real", "median", "5% to 95%", "p"):
        table.add_column(name, justify="right" if table.columns else "left", no_wrap=True)
    for name, value in test["observed"].items():
        made = sorted(one for one in test["surrogates"][name] if one is not None)
        low, middle, high = (made[round(q * (len(made) - 1))] if made else None for q in (0.05, 0.5, 0.95))
        form = "{:.3f}" if name == "auc" else "{:+.2f}"
        bounds = f"{_number(low, form)} to {_number(high, form)}"
        p = _number(test["p"][name], "{:.3f}")
        table.add_row(NULL_ROWS[name], _number(value, form), _number(middle, form), bounds, p)
    console = Console()
    console.print(table)
    repeats, least = test["repeats"], 1 / (1 + test["repeats"])
    console.print(
        f"p: the share of {repeats} surrogates and the real data that do as well, never below {least:.3f}\n"
        f"Surrogates in blocks of {test['block']:,}, seed {test['seed']}. Written to {test['path']}",
        highlight=False,
        soft_wrap=True,
    )


NULL_ROWS = {
    "net_bp": "net per trade, bp",
    "gross_bp": "gross per trade, bp",
    "sharpe_net": "net Sharpe, annualised",
    "sharpe_gross": "gross Sharpe, annualised",
    "auc": "AUC",
}


def show_leaks(checks: Sequence[dict[str, Any]]) -> None:
    """A line for each check of a hunt for leaks."""
    console = Console(highlight=False, soft_wrap=True)
    style = {"ok": "green", "leak": "bold red"}
    for check in checks:
        verdict, rows = check["verdict"], check["rows"]
        at = f" (rows {', '.join(map(str, rows[:5]))}{', …' if len(rows) > 5 else ''})" if rows else ""
        line = Text(f"{verdict:<15}", style.get(verdict, "dim"))
        console.print(line + Text(f"{check['name']:<12}{check['evidence']}{at}"))


def show_fetched(report: dict[str, Any], store: str) -> None:
    """What a fetch brought, what the exchange does not have, and what is still missing."""
    console = Console(highlight=False, soft_wrap=True)
    rows, files = f"{report['rows']:,} rows", f"{report['files']:,} files"
    console.print(f"{report['series']}: {rows} added to {store} ({files}, {report['requests']:,} requests)")
    for note in report["notes"]:
        console.print(Text(f"note: {note}", "dim"))
    if report["absent"]:
        console.print(Text(f"the exchange itself has nothing for {_stretches(report['absent'])}", "dim"))
    for failed in report["failed"]:
        console.print(Text(f"missing: {_stretches(failed['missing'])}: {failed['reason']}", "bold red"))
    if report["whole"]:
        console.print(Text(f"whole from {' and '.join(_span(*s) for s in report['asked'])}", "green"))
    else:
        console.print("run the same again: it fetches only what is missing")


def _stretches(spans: Sequence[Sequence[str]], most: int = 5) -> str:
    more = f" and {len(spans) - most:,} more stretches" if len(spans) > most else ""
    return ", ".join(_span(*span) for span in spans[:most]) + more


def _span(start: str, end: str) -> str:
    return f"{_minute(start)} to {_minute(end)}"


def show_stored(rows: Sequence[dict[str, Any]], store: str) -> None:
    """The series of a store, a line each."""
    console = Console(highlight=False)
    if not rows:
        console.print(f"{store} holds nothing yet; try: bateia fetch binance BTCUSDT 5m --from 2024-01")
        return
    table = _table()
    for name in ("series", "from", "to", "rows", "MB"):
        table.add_column(name, justify="right" if name in {"rows", "MB"} else "left", no_wrap=True)
    for row in rows:
        ends = [_minute(row[end] or "-").removesuffix(" 00:00") for end in ("from", "to")]
        table.add_row(row["series"], *ends, f"{row['rows']:,}", f"{row['bytes'] / 1e6:,.1f}")
    console.print(table)
    for row in rows:
        for what, said in (("missing", "lacks"), ("absent", "has nothing, as its source, for")):
            if row[what]:
                console.print(f"{row['series']} {said} {_stretches(row[what])}", soft_wrap=True)
        if row["corrupt"]:
            line = f"{row['series']} is corrupt in {', '.join(row['corrupt'])}; fetch it again"
            console.print(Text(line, "bold red"), soft_wrap=True)
