"""Three runs, the best of each figure beside the load of the machine; JSON and a table."""

import argparse
import asyncio
import json
import math
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path

from apps.cli.bench.listening import everything_heard
from apps.cli.bench.rows import ROWS, Row
from apps.cli.bench.scenarios import Figures, everything_said
from apps.cli.bench.server import running_server
from apps.cli.bench.streaming import streamed

_KEPT = ("PATH", "HOME", "LANG", "OPENTALKING_MODELS_DIR", "OPENTALKING_DATA_DIR", "OPENTALKING_CACHE_DIR")


SCENARIOS = {"speaking": (everything_said, streamed), "listening": (everything_heard,)}


def main(arguments: list[str]) -> None:
    """Entry point of `opentalking bench`."""
    parser = argparse.ArgumentParser(prog="opentalking bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder for the JSON")
    parser.add_argument("--only", choices=tuple(SCENARIOS), help="one group of measurements (all)")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    runs = [_run(number, options) for number in range(1, options.runs + 1)]
    best = {row.key: best_of(row, [figures for figures, _ in runs]) for row in ROWS}
    if options.only:
        best = {key: value for key, value in best.items() if not math.isnan(value)}
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "processor": _processor(),
            "python": platform.python_version(),
        },
        "best": best,
        "runs": [{"load_average": load, "figures": figures} for figures, load in runs],
    }
    path = options.output / f"bench-{stamp}.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(table_of(best, [load for _, load in runs], [figures for figures, _ in runs]))
    print(f"written to {path}")


def _run(number: int, options: argparse.Namespace) -> tuple[Figures, list[float]]:
    print(f"run {number} of {options.runs} …", flush=True)
    began, load_before = time.monotonic(), os.getloadavg()[0]
    figures = asyncio.run(_measure(options.output / f"server-{number}.log", options.only))
    load_after = os.getloadavg()[0]
    print(
        f"  took {time.monotonic() - began:.0f} s, load average {load_before:.1f} → {load_after:.1f}",
        flush=True,
    )
    return figures, [load_before, load_after]


async def _measure(log: Path, only: str | None) -> Figures:
    from opentalking.settings import Environment  # noqa: PLC0415 - read once per run

    inherited = {name: value for name, value in Environment().variables.items() if name in _KEPT}
    pinned = {
        "OPENTALKING_LLM_PROVIDER": "builtin",
        "OPENTALKING_LOG_FORMAT": "json",
        "OPENTALKING_MAX_SESSIONS": "32",
        "OPENTALKING_ENV_FILE": os.devnull,
    }
    async with running_server({**inherited, **pinned}, log) as subject:
        figures: Figures = {"healthy_ms": subject.healthy_ms, "rss_mb": subject.rss_mb()}
        for name, measurements in SCENARIOS.items():
            for measure in measurements if only in (None, name) else ():
                figures |= await measure(subject)
        return figures


def best_of(row: Row, runs: list[Figures]) -> float:
    """The best value of a row over all runs, the worst of a fault; nan when none measured it."""
    values = [figures[row.key] for figures in runs if not math.isnan(figures.get(row.key, math.nan))]
    if not values:
        return math.nan
    return min(values) if row.lower != row.fault else max(values)


def table_of(best: Figures, loads: list[list[float]], runs: list[Figures]) -> str:
    """The figures as text, a line a row, with the targets they miss."""
    shown = ", ".join(f"{before:.1f}→{after:.1f}" for before, after in loads)
    lines = [f"load average of each run: {shown}", f"{'':66} {'best':>9}  {'target':>8}  all runs"]
    for row in ROWS:
        if row.key not in best:
            continue
        value = best[row.key]
        every = " ".join(f"{figures.get(row.key, math.nan):.1f}" for figures in runs)
        target = "" if row.target is None else f"{'≤' if row.lower else '≥'} {row.target:g}"
        missed = row.target is not None and (value > row.target if row.lower else value < row.target)
        verdict = "  MISSED" if missed or math.isnan(value) else ""
        lines.append(f"{row.title:66} {value:7.1f} {row.unit:3} {target:>7}  {every}{verdict}")
    return "\n".join(lines)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
