"""A face that thinks and listens: what `status` events say, shown while nobody speaks."""

from collections.abc import Callable
from functools import partial

from opentalking.core.events import Event, StatusEvent
from opentalking.core.providers import Face, LookingFace
from opentalking.media.output import MediaOutput


class Looks:
    """Lets the face follow a session's `status` events.

    `thinking` and `listening` begin a look; the output ends it with the turn's first picture, every
    other stage but `speaking` leads it back into the idle loop. `face` tells the session's face, once
    it is loaded; nothing happens when its renderer is not able (`RendererCapabilities.looks`).
    """

    def __init__(self, output: MediaOutput, face: Callable[[], Face | None], *, able: bool) -> None:
        self._output = output
        self._face = face
        self._able = able

    def told(self, event: Event) -> None:
        """The session tells its clients this."""
        face = self._face() if self._able and isinstance(event, StatusEvent) else None
        if not isinstance(event, StatusEvent) or not isinstance(face, LookingFace):
            return
        match event.stage:
            case "thinking" | "listening":
                self._output.look(partial(face.look, event.stage))
            case "idle" | "interrupted" | "error":
                self._output.rest(partial(face.look, "rest"))
