"""Avatars from short videos: the best picture of it, and the person's own way of resting."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from opentalking.core.errors import InvalidInput
from opentalking.core.media import FPS
from opentalking.media.footage import FootageLimits, footage
from opentalking.providers.render.portrait.idling import MOTION_FILE
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.video_study import VideoStudy
from opentalking.services.custom_avatars import encoded_png

_STUDIED_SIDE = 640


@dataclass(frozen=True, slots=True)
class Filmed:
    """What an avatar needs of a video: a PNG file, and files beside it with their place in the manifest."""

    picture: bytes
    files: dict[str, bytes]
    animation: dict[str, object]
    at_seconds: float


def filmed(path: Path, limits: FootageLimits | None = None) -> Filmed:
    """Look through the video; blocking, some seconds.

    Raises `InvalidInput` for what is no short video of one face, `TooLarge`, `OSError`.
    """
    study = VideoStudy(FaceFinder())
    for shot in footage(path, limits):
        study.add(shot.picture(_STUDIED_SIDE))
        if study.is_hopeless:
            break
    if trouble := study.trouble():
        raise InvalidInput(trouble)
    number = study.best()
    best = next(islice(footage(path, limits), number, None))
    return Filmed(
        picture=encoded_png(best.picture()),
        files={MOTION_FILE: study.motion()},
        animation={"motion": MOTION_FILE},
        at_seconds=number / FPS,
    )
