"""The `opentalking` command: serve | worker | doctor | models | avatar | bench | openapi."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

import opentalking
from apps import logs
from apps.cli.avatar import avatar_app
from apps.cli.doctor import doctor
from apps.cli.models import models_app
from opentalking.settings import PREFIX, Environment

app = typer.Typer(
    name="opentalking",
    help="Self-hosted server for real-time digital humans.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models")
app.add_typer(avatar_app, name="avatar")
app.command()(doctor)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(opentalking.__version__)
        raise typer.Exit


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    speak_mode: Annotated[
        str | None, typer.Option(help="verbatim, or chat: /speak answers like /chat.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = None,
) -> None:
    """Serve the API, the page and a worker in one process."""
    from apps.unified.main import serve as run  # noqa: PLC0415 - keeps `--help` and `models` fast

    options = {"api_host": host, "api_port": port, "speak_mode": speak_mode, "log_level": log_level}
    environment = read_environment({name: value for name, value in options.items() if value is not None})
    settings = environment.settings
    logs.configure(settings.log_level, settings.log_format)
    run(environment, settings.api_host, settings.api_port)


@app.command()
def worker() -> None:
    """Run a worker on Redis (not built yet: `serve` runs one inside)."""
    raise ValueError(
        "a worker of its own needs the Redis bus, which is not built yet; use `opentalking serve`"
    )


@app.command()
def openapi(
    output: Annotated[Path, typer.Option(help="File to write.")] = Path("openapi.json"),
) -> None:
    """Write the OpenAPI document."""
    from apps.api.main import write_document  # noqa: PLC0415 - keeps `--help` fast

    write_document(output)
    typer.echo(f"wrote {output}")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def bench(context: typer.Context) -> None:
    """Measure this machine: latencies, lip sync, CPU (see `opentalking bench --help`)."""
    from apps.cli.bench import main as run  # noqa: PLC0415 - needs the test extra

    run(context.args)


def read_environment(overrides: dict[str, Any]) -> Environment:
    """The settings, or a `ValueError` that names each bad one and what it may be."""
    try:
        return Environment(**overrides)
    except ValidationError as error:
        lines = [
            f"{PREFIX}{'.'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise ValueError("; ".join(lines)) from error


def main() -> None:
    """Entry point: failures that a person can mend are one line, not a traceback."""
    try:
        app()
    except (ValueError, OSError) as error:
        typer.echo(f"opentalking: {error}", err=True)
        sys.exit(2)
