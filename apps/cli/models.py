"""`opentalking models`: list, fetch and check model files."""

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import typer

from opentalking.inference import models
from opentalking.settings import Environment

models_app = typer.Typer(help="Model files: data, fetched by name and verified.", no_args_is_help=True)

Directory = Annotated[
    Path | None, typer.Option("--dir", help="Where model files live; default: the setting.")
]


@models_app.command("list")
def list_models(directory: Directory = None) -> None:
    """Show every known model file, its size, licence and whether it is there."""
    for entry in models.status(_folder(directory)):
        size = f"{entry.file.size_bytes / 1e6:8.1f} MB"
        sets = ",".join(entry.sets)
        typer.echo(f"{entry.state:8} {sets:9} {size}  {entry.file.id:26} {entry.file.licence}")


@models_app.command()
def pull(
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Voices, recogniser and chat model of the offline stack.")
    ] = False,
    tiny_en: Annotated[
        bool, typer.Option("--tiny-en", help="The lighter recogniser that knows English only.")
    ] = False,
    directory: Directory = None,
) -> None:
    """Fetch model files (resumable; every file is checked against its SHA-256)."""
    if not (embedded or tiny_en):
        raise ValueError("name what to fetch: --embedded or --tiny-en")
    folder = _folder(directory)
    if embedded and importlib.util.find_spec("piper") is None:
        typer.echo("models: Piper is not installed, its voice is left out")
        _pull("permissive", folder)
    elif embedded:
        _pull("embedded", folder)
    if tiny_en:
        _pull("tiny.en", folder)


def _pull(name: str, folder: Path) -> None:
    if models.missing(name, folder):
        try:
            models.pull(name, folder, _Progress())
        except models.ModelStoreError as error:
            raise ValueError(str(error)) from error
    typer.echo(f"models: {name} is complete in {folder}")


def _folder(directory: Path | None) -> Path:
    return directory.expanduser() if directory else Environment().settings.models_path


class _Progress:
    """One line per step; on a terminal the line of a download moves."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, step: models.Progress) -> None:
        line = f"  {step.phase:9} {step.file.description}"
        if sys.stdout.isatty() and step.total_bytes:
            share = step.done_bytes / step.total_bytes
            end = "\n" if step.done_bytes >= step.total_bytes else "\r"
            sys.stdout.write(f"{line} {share:6.0%}{end}")
            sys.stdout.flush()
        elif line != self._last:
            typer.echo(line)
        self._last = line
