"""`opentalking avatar`: the characters on disk."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.core.consent import consent_of
from opentalking.core.errors import OpenTalkingError
from opentalking.settings import Environment

if TYPE_CHECKING:
    from opentalking.providers.render.portrait.study import Study

avatar_app = typer.Typer(help="Avatars on disk.", no_args_is_help=True)


@avatar_app.command("list")
def list_avatars() -> None:
    """Show every avatar, its size and where it lies; also hidden ones, and why others cannot be used."""
    from apps.unified.container import SHIPPED_AVATARS  # noqa: PLC0415 - keeps `--help` fast

    settings = Environment().settings
    catalog = AvatarCatalog([settings.avatars_path, SHIPPED_AVATARS], settings.portrait_max_pixels)
    for entry in catalog.survey():
        bundle = entry.bundle
        if bundle is None:
            typer.echo(f"{entry.directory.name:24} not usable: {entry.reason}  {entry.directory}")
            continue
        traits = [word for word, holds in (("custom", bundle.is_custom), ("hidden", bundle.hidden)) if holds]
        told = f"  ({', '.join(traits)})" if traits else ""
        size = f"{bundle.width}x{bundle.height}"
        typer.echo(f"{bundle.id:24} {bundle.name:16} {size}{told}  {bundle.directory}")


@avatar_app.command()
def create(  # noqa: PLR0913 - one option each
    source: Annotated[Path, typer.Argument(help="Photo (PNG, JPEG, WebP) or short video of one person.")],
    *,
    avatar_id: Annotated[str | None, typer.Option("--id", help="Default: from the name.")] = None,
    name: Annotated[str | None, typer.Option(help="Default: from the file's name.")] = None,
    voice_en: Annotated[str | None, typer.Option(help="Voice for English, an id from `GET /voices`.")] = None,
    voice_zh: Annotated[str | None, typer.Option(help="Voice for Chinese.")] = None,
    avatars_dir: Annotated[Path | None, typer.Option("--out", help="Default: the avatars setting.")] = None,
    crop: Annotated[bool, typer.Option("--crop", help="Cut a small face to head and shoulders.")] = False,
    consent: Annotated[bool, typer.Option("--consent", help="The person in the picture has agreed.")] = False,
) -> None:
    """Make an avatar from a photo, or from a short video: its best picture, and how the head moves."""
    from opentalking.services.custom_avatars import AvatarMaker, NewAvatar, slug_of  # noqa: PLC0415

    settings = Environment().settings
    agreed = consent_of("true" if consent else None, required=False)
    if settings.require_consent and not consent:
        raise ValueError("consent is required here; add --consent when the person has agreed")
    title = name or source.stem.encode("utf-8", "replace").decode().replace("_", " ").strip()
    voices = {language: voice for language, voice in (("en", voice_en), ("zh", voice_zh)) if voice}
    root = avatars_dir.expanduser() if avatars_dir else settings.avatars_path
    size = (settings.custom_avatar_max_width, settings.custom_avatar_max_height)
    try:
        picture, files, animation = _material(source)
        wanted = NewAvatar(
            picture=picture,
            name=title,
            avatar_id=avatar_id or slug_of(title) or None,
            voices=voices,
            consent=agreed,
            crop=crop,
            files=files,
            animation=animation,
        )
        made = AvatarMaker(root, size).make(wanted)
    except OpenTalkingError as error:
        raise ValueError(error.message) from error
    found = made.study
    typer.echo(f"{made.manifest['id']}  {found.width}x{found.height}  {made.directory}")
    typer.echo(_told(found))
    if made.face_is_small and not crop:
        typer.echo("The face is small in this picture: --crop cuts it to head and shoulders.")


@avatar_app.command()
def delete(avatar_id: Annotated[str, typer.Argument(help="Id of a custom avatar.")]) -> None:
    """Delete a custom avatar with its customisations and all that was prepared of it."""
    try:
        asyncio.run(_delete(avatar_id))
    except OpenTalkingError as error:
        raise ValueError(error.message) from error
    typer.echo(f"deleted {avatar_id}")


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


async def _delete(avatar_id: str) -> None:
    from apps.unified.container import build  # noqa: PLC0415 - keeps `--help` fast

    server = build(Environment())
    try:
        await server.services.studio.delete(avatar_id)
    finally:
        for renderer in server.toolbox.renderers.values():
            await renderer.aclose()


def _material(source: Path) -> tuple[bytes, dict[str, bytes], dict[str, object]]:
    """The picture file, the files to put beside it, and what the manifest says of them."""
    from opentalking.catalog.images import MAX_BYTES  # noqa: PLC0415 - keeps `--help` fast
    from opentalking.media.footage import is_video  # noqa: PLC0415

    with source.open("rb") as file:
        if not is_video(file.read(16)):
            file.seek(0)
            return file.read(MAX_BYTES + 1), {}, {}  # as much as tells that it is too large
    from opentalking.services.video_avatars import filmed  # noqa: PLC0415

    seen = filmed(source)
    typer.echo(f"The picture at {seen.at_seconds:.2f} s is the best; the head moves as in the video, calmer.")
    return seen.picture, seen.files, seen.animation


def _told(found: "Study") -> str:
    if found.verdict.mode == "face":
        return "The face will speak and blink."
    return f"The picture will move gently as a whole, the mouth stays shut: {found.verdict.reason}."
