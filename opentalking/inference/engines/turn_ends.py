"""Smart Turn as a child process.

Operation `end_of_turn`: data is mono int16 at 16 kHz, of which the last 8 s are heard. The one part's header
has the `probability` that the speaker has finished.

It is a process of its own because a judgement takes the processor for a tenth of a second: beside it in one
process, a frame of another session's sound waited 20 to 70 ms for its 1 ms (p95), and waits 10 ms now.
"""

from collections.abc import Generator

import numpy as np

from opentalking.inference.child import Engine, Request, serve
from opentalking.inference.framing import Json, Part
from opentalking.inference.smart_turn import SmartTurn


def load(settings: Json) -> Engine:
    """Load the network."""
    network = SmartTurn()

    def end_of_turn(request: Request) -> Generator[Part, None, None]:
        pcm = np.frombuffer(request.data, np.int16)
        yield Part({"probability": network.probability(pcm, request)})

    return Engine({"end_of_turn": end_of_turn})


if __name__ == "__main__":
    serve(load)
