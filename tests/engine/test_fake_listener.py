"""The shipped stand-in for a recogniser, where tests rely on how it ends."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np

from opentalking.core.media import Samples
from opentalking.providers.fake import ScriptedListener
from tests.engine.harness import virtual

SECOND = np.ones(16_000, np.int16)


@virtual
async def test_the_scripted_listener_is_closed_in_the_middle() -> None:
    listener = ScriptedListener(partials=["a"])

    async def sound() -> AsyncGenerator[Samples, None]:
        yield SECOND

    async with aclosing(sound()) as pieces, aclosing(listener.transcribe(pieces)) as found:
        async for _ in found:
            break
    assert listener.cancelled == 1
