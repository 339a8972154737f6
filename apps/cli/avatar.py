"""`opentalking avatar`: the characters on disk."""

import typer

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.settings import Environment

avatar_app = typer.Typer(help="Avatars on disk.", no_args_is_help=True)


@avatar_app.command("list")
def list_avatars() -> None:
    """Show every readable avatar, its size and where it lies."""
    from apps.unified.container import SHIPPED_AVATARS  # noqa: PLC0415 - keeps `--help` fast

    settings = Environment().settings
    catalog = AvatarCatalog([settings.avatars_path, SHIPPED_AVATARS], settings.portrait_max_pixels)
    for bundle in catalog.all():
        typer.echo(f"{bundle.id:24} {bundle.name:16} {bundle.width}x{bundle.height}  {bundle.directory}")
