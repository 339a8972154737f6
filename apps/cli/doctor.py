"""`opentalking doctor`: what works on this machine, and what to do about the rest."""

import asyncio
import importlib
import importlib.util
import platform
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from opentalking.inference import models
from opentalking.settings import Environment, Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One checked thing; `remedy` is empty when it is well."""

    what: str
    found: str
    remedy: str = ""
    is_fatal: bool = False


def doctor() -> None:
    """Check Python, processor, packages, model files, page, port and chat model."""
    findings = list(_findings(Environment()))
    for finding in findings:
        mark = "ok  " if not finding.remedy else ("FAIL" if finding.is_fatal else "warn")
        typer.echo(f"{mark} {finding.what:16} {finding.found}")
        if finding.remedy:
            typer.echo(f"     {'':16} → {finding.remedy}")
    if any(finding.is_fatal and finding.remedy for finding in findings):
        raise typer.Exit(1)


def _findings(environment: Environment) -> Iterator[Finding]:
    settings = environment.settings
    version = platform.python_version()
    is_supported = sys.version_info[:2] in ((3, 11), (3, 12))
    yield Finding("Python", version, "" if is_supported else "use Python 3.11 or 3.12", is_fatal=True)
    yield _processor()
    yield _installed("piper", "Piper voice engine", "pip install 'opentalking[piper]'")
    yield _installed("rjieba", "Kokoro voice engine", "pip install 'opentalking[local]'")
    yield _package("ctranslate2", "local recogniser", "pip install 'opentalking[local]'")
    yield _package("xllamacpp", "built-in chat model", "pip install 'opentalking[local]'")
    offline = "embedded" if importlib.util.find_spec("piper") else "permissive"
    missing = [file.id for file in models.missing(offline, settings.models_path)]
    yield Finding(
        "model files",
        f"missing: {', '.join(missing)}" if missing else f"complete in {settings.models_path}",
        "opentalking models pull --embedded" if missing else "",
    )
    yield _voices(environment)
    yield _recogniser(environment)
    yield _turn_detector(environment)
    yield from _traces(environment)
    yield _page()
    yield _port(settings)
    yield asyncio.run(_chat(environment))


def _processor() -> Finding:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return Finding("processor", platform.machine())
    has_avx2 = " avx2 " in flags or " avx2\n" in flags
    remedy = "" if has_avx2 else "the built-in chat model needs AVX2; set OPENTALKING_LLM_BASE_URL instead"
    return Finding("processor", f"{platform.machine()}, AVX2 {'yes' if has_avx2 else 'no'}", remedy)


def _package(module: str, what: str, remedy: str) -> Finding:
    try:
        importlib.import_module(module)
    except ImportError as error:
        if "libgomp" in str(error):
            return Finding(module, f"{what}: {error}", "sudo apt-get install libgomp1")
        return Finding(module, f"{what}: not installed", remedy)
    return Finding(module, what)


def _installed(module: str, what: str, remedy: str) -> Finding:
    """Like `_package`, without importing: Piper (GPL) is imported in its own process only."""
    is_there = importlib.util.find_spec(module) is not None
    return Finding(module, what if is_there else f"{what}: not installed", "" if is_there else remedy)


def _voices(environment: Environment) -> Finding:
    from apps.unified.container import local_voices  # noqa: PLC0415 - imports the whole server

    found = asyncio.run(local_voices(environment))
    remedy = "" if found else "opentalking models pull --embedded"
    return Finding("local voices", ", ".join(found) or "none", remedy)


def _recogniser(environment: Environment) -> Finding:
    from apps.unified.listening import recogniser_state  # noqa: PLC0415 - imports the whole server

    name, trouble = recogniser_state(environment)
    return Finding("recogniser", f"{name}: {'cannot listen' if trouble else 'ready'}", trouble)


def _turn_detector(environment: Environment) -> Finding:
    from apps.unified.listening import turn_detector_state  # noqa: PLC0415 - imports the whole server

    name, trouble = turn_detector_state(environment)
    return Finding("turn detector", f"{name}: {'cannot hear' if trouble else 'ready'}", trouble)


def _traces(environment: Environment) -> Iterator[Finding]:
    from apps.unified.observability_traces import tracing_trouble  # noqa: PLC0415 - imports the whole server

    target = environment.traces
    if target is not None:
        trouble = tracing_trouble(target)
        yield Finding("traces", "configured, but not sent" if trouble else f"sent to {target.url}", trouble)


def _page() -> Finding:
    from apps.unified.services import WEB_DIST  # noqa: PLC0415 - imports the whole server

    is_built = (WEB_DIST / "index.html").is_file()
    return Finding(
        "page", str(WEB_DIST) if is_built else "not built", "" if is_built else "make run builds it"
    )


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.api_host, settings.api_port))
        except OSError as error:
            return Finding(
                "port", f"{settings.api_port}: {error.strerror}", "stop what uses it, or set --port"
            )
    return Finding("port", f"{settings.api_port} is free")


async def _chat(environment: Environment) -> Finding:
    from apps.unified.container import chat_model  # noqa: PLC0415 - imports the whole server

    model = chat_model(environment)
    info = model.info()
    await model.aclose()
    who = f"{info.provider} {info.model}{' (demo)' if info.demo else ''}".strip()
    return Finding("chat model", who or "none", "" if info.ready else info.reason)
