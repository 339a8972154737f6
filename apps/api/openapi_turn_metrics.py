"""The figures of `turn.metrics` in the OpenAPI document: what each one means, and an example of it."""

from typing import Any

_SINCE = "milliseconds since the turn's origin: the end of the user's speech, else the request."
FIGURES: dict[str, tuple[str, Any]] = {
    "kind": ("What the turn did: answered, said a text, or played a sound.", "chat"),
    "source": ("Where its words or sound came from.", "microphone"),
    "outcome": ("How it ended.", "completed"),
    "speech_ms": ("How long the user spoke.", 2140),
    "pause_noticed_ms": (f"The pause after the user's speech was noticed, {_SINCE}", 224),
    "turn_end_ms": (f"The user's turn was taken for finished, {_SINCE}", 262),
    "end_of_turn": ("What the turn detector believed, 0..1.", 0.93),
    "recognised_ms": (f"The final words were there, {_SINCE}", 480),
    "accepted_ms": (f"The turn was accepted (0 for a request), {_SINCE}", 482),
    "first_token_ms": (f"The language model's first words, {_SINCE}", 610),
    "first_sentence_ms": (f"The first sentence went to the voice engine, {_SINCE}", 690),
    "first_audio_ms": (f"The voice engine's first sound, {_SINCE}", 850),
    "media_started_ms": (f"The first packet of sound went out, {_SINCE}", 910),
    "first_frame_ms": (
        f"The turn's first picture went out; left out where nobody takes pictures, {_SINCE}",
        910,
    ),
    "last_audio_ms": (
        f"The last packet of the turn's own sound that was not silent went out, {_SINCE}",
        4630,
    ),
    "interrupted_ms": (f"The turn was silenced, {_SINCE}", 4650),
    "ended_ms": (f"The turn's end was told, {_SINCE}", 4652),
    "av_offset_ms": (
        "How far pictures were behind their own sound when both left the server, the median over the turn.",
        0.0,
    ),
}
