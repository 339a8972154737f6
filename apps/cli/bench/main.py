"""Three runs, the best of each figure beside the load of the machine; JSON and a table."""

import argparse
import asyncio
import json
import math
import os
import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from apps.cli.bench.scenarios import MANY, Figures, everything
from apps.cli.bench.server import running_server

_KEPT = ("PATH", "HOME", "LANG", "OPENTALKING_MODELS_DIR", "OPENTALKING_DATA_DIR", "OPENTALKING_CACHE_DIR")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `target` None has none. `lower` says which way is better."""

    key: str
    title: str
    unit: str
    target: float | None = None
    lower: bool = True


ROWS = (
    Row("healthy_ms", "start to healthy", "ms"),
    Row("session_ms", "POST /sessions", "ms"),
    Row("first_picture_ms", "offer to first decodable frame", "ms"),
    Row("speak_sound_ms", "/speak to first audible packet, median", "ms", 350),
    Row("speak_sound_p95_ms", "/speak to first audible packet, p95", "ms"),
    Row("speak_movement_ms", "/speak to first moving frame, median", "ms"),
    Row("chat_sound_ms", "/chat to first audible packet, median", "ms", 700),
    Row("chat_sound_p95_ms", "/chat to first audible packet, p95", "ms"),
    Row("chat_movement_ms", "/chat to first change of the picture (the look), median", "ms"),
    Row("speak_zh_sound_ms", "Chinese: /speak to first audible packet, median", "ms", 1500),
    Row("speak_zh_sound_p95_ms", "Chinese: /speak to first audible packet, p95", "ms"),
    Row("speak_en_kokoro_sound_ms", "English by Kokoro: the same, median", "ms"),
    Row("speak_zh_cpu_per_second", "CPU of Kokoro per second of Chinese", "s"),
    Row("speak_en_kokoro_cpu_per_second", "CPU of Kokoro per second of English", "s"),
    Row("speak_av_offset_p50_ms", "A/V offset at the receiver, p50", "ms"),
    Row("speak_av_offset_p95_ms", "A/V offset at the receiver, p95", "ms", 45),
    Row("interrupt_ms", "interrupt to last audible packet, median", "ms"),
    Row("interrupt_p95_ms", "interrupt to last audible packet, p95", "ms", 100),
    Row("speak_fps", "frames per second while turns run", "fps", 24, lower=False),
    Row("speaking_fps", "frames per second while speaking", "fps", 24, lower=False),
    Row(f"idle_{MANY}_fps", f"frames per second, slowest of {MANY} idle", "fps", 24, lower=False),
    Row("idle_1_cpu_percent", "CPU of one core, idle session, N = 1", "%"),
    Row(f"idle_{MANY}_cpu_percent", f"CPU of one core per idle session, N = {MANY}", "%", 1.5),
    Row("speaking_cpu_percent", "CPU of one core, speaking session (render, encode, send)", "%", 35),
    Row("speaking_tts_cpu_percent", "  beside it: speech synthesis", "%"),
    Row("speaking_llm_cpu_percent", "  beside it: language model", "%"),
    Row("rss_mb", "memory of the server, warm", "MB"),
    Row(f"idle_{MANY}_rss_mb", f"memory per session, N = {MANY}", "MB"),
)


def main(arguments: list[str]) -> None:
    """Entry point of `opentalking bench`."""
    parser = argparse.ArgumentParser(prog="opentalking bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--output", type=Path, default=Path("bench-results"), help="folder for the JSON")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    runs = [_run(number, options.runs, options.output) for number in range(1, options.runs + 1)]
    best = {row.key: best_of(row, [figures for figures, _ in runs]) for row in ROWS}
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


def _run(number: int, of: int, output: Path) -> tuple[Figures, list[float]]:
    print(f"run {number} of {of} …", flush=True)
    began, load_before = time.monotonic(), os.getloadavg()[0]
    figures = asyncio.run(_measure(output / f"server-{number}.log"))
    load_after = os.getloadavg()[0]
    print(
        f"  took {time.monotonic() - began:.0f} s, load average {load_before:.1f} → {load_after:.1f}",
        flush=True,
    )
    return figures, [load_before, load_after]


async def _measure(log: Path) -> Figures:
    from opentalking.settings import Environment  # noqa: PLC0415 - read once per run

    inherited = {name: value for name, value in Environment().variables.items() if name in _KEPT}
    pinned = {
        "OPENTALKING_LLM_PROVIDER": "builtin",
        "OPENTALKING_LOG_FORMAT": "json",
        "OPENTALKING_MAX_SESSIONS": "32",
        "OPENTALKING_ENV_FILE": os.devnull,
    }
    async with running_server({**inherited, **pinned}, log) as subject:
        return await everything(subject)


def best_of(row: Row, runs: list[Figures]) -> float:
    """The best value of a row over all runs; nan when none measured it."""
    values = [figures[row.key] for figures in runs if not math.isnan(figures.get(row.key, math.nan))]
    if not values:
        return math.nan
    return min(values) if row.lower else max(values)


def table_of(best: Figures, loads: list[list[float]], runs: list[Figures]) -> str:
    """The figures as text, a line a row, with the targets they miss."""
    shown = ", ".join(f"{before:.1f}→{after:.1f}" for before, after in loads)
    lines = [f"load average of each run: {shown}", f"{'':58} {'best':>9}  {'target':>8}  all runs"]
    for row in ROWS:
        value = best[row.key]
        every = " ".join(f"{figures.get(row.key, math.nan):.1f}" for figures in runs)
        target = "" if row.target is None else f"{'≤' if row.lower else '≥'} {row.target:g}"
        missed = row.target is not None and (value > row.target if row.lower else value < row.target)
        verdict = "  MISSED" if missed or math.isnan(value) else ""
        lines.append(f"{row.title:58} {value:7.1f} {row.unit:3} {target:>7}  {every}{verdict}")
    return "\n".join(lines)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
