"""`opentalking avatar`: the characters on disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.core.errors import OpenTalkingError
from opentalking.settings import Environment

if TYPE_CHECKING:
    from opentalking.providers.render.portrait.study import Study

avatar_app = typer.Typer(help="Avatars on disk.", no_args_is_help=True)


@avatar_app.command("list")
def list_avatars() -> None:
    """Show every readable avatar, its size and where it lies."""
    from apps.unified.container import SHIPPED_AVATARS  # noqa: PLC0415 - keeps `--help` fast

    settings = Environment().settings
    catalog = AvatarCatalog([settings.avatars_path, SHIPPED_AVATARS], settings.portrait_max_pixels)
    for bundle in catalog.all():
        typer.echo(f"{bundle.id:24} {bundle.name:16} {bundle.width}x{bundle.height}  {bundle.directory}")


@avatar_app.command()
def create(  # noqa: PLR0913 - one option each
    photo: Annotated[Path, typer.Argument(help="PNG, JPEG or WebP picture of one person.")],
    *,
    avatar_id: Annotated[str | None, typer.Option("--id", help="Default: from the name.")] = None,
    name: Annotated[str | None, typer.Option(help="Default: from the file's name.")] = None,
    voice_en: Annotated[str | None, typer.Option(help="Voice for English, an id from `GET /voices`.")] = None,
    voice_zh: Annotated[str | None, typer.Option(help="Voice for Chinese.")] = None,
    avatars_dir: Annotated[Path | None, typer.Option("--out", help="Default: the avatars setting.")] = None,
    crop: Annotated[bool, typer.Option("--crop", help="Cut a small face to head and shoulders.")] = False,
) -> None:
    """Make an avatar from a photo."""
    from opentalking.services.custom_avatars import AvatarMaker, NewAvatar, slug_of  # noqa: PLC0415

    title = name or photo.stem.encode("utf-8", "replace").decode().replace("_", " ").strip()
    voices = {language: voice for language, voice in (("en", voice_en), ("zh", voice_zh)) if voice}
    root = avatars_dir.expanduser() if avatars_dir else Environment().settings.avatars_path
    wanted = NewAvatar(
        picture=_read(photo),
        name=title,
        avatar_id=avatar_id or slug_of(title) or None,
        voices=voices,
        crop=crop,
    )
    try:
        made = AvatarMaker(root).make(wanted)
    except OpenTalkingError as error:
        raise ValueError(error.message) from error
    found = made.study
    typer.echo(f"{made.manifest['id']}  {found.width}x{found.height}  {made.directory}")
    typer.echo(_told(found))
    if made.face_is_small and not crop:
        typer.echo("The face is small in this picture: --crop cuts it to head and shoulders.")


@avatar_app.command()
def validate(directory: Annotated[Path, typer.Argument(help="The bundle's directory.")]) -> None:
    """Say what is wrong with an avatar's directory; exit status 1 if anything is."""
    from opentalking.services.bundle_check import problems_of  # noqa: PLC0415 - keeps `--help` fast

    problems, found = problems_of(directory)
    for problem in problems:
        typer.echo(f"problem: {problem}")
    if found is not None:
        typer.echo(_told(found))
    if problems:
        raise typer.Exit(1)
    typer.echo("The bundle can be used.")


def _read(photo: Path) -> bytes:
    """As much of a file as tells that it is too large."""
    from opentalking.catalog.images import MAX_BYTES  # noqa: PLC0415 - keeps `--help` fast

    with photo.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _told(found: "Study") -> str:
    if found.verdict.mode == "face":
        return "The face will speak and blink."
    return f"The picture will move gently as a whole, the mouth stays shut: {found.verdict.reason}."
