"""Recently spoken phrases: bounded in bytes, and nothing in it that has no sound."""

import numpy as np

from opentalking.core.media import Speech
from opentalking.providers.tts.cache import PhraseCache


def sound(samples: int) -> list[Speech]:
    return [Speech(np.zeros(samples, np.int16), 16_000)]


def test_what_was_not_asked_for_longest_goes_first() -> None:
    cache = PhraseCache(max_bytes=4000)
    for name in ("a", "b", "c", "d"):
        cache.put(name, sound(500))
    assert cache.get("a") is not None
    cache.put("e", sound(500))
    assert [name for name in ("a", "b", "c", "d", "e") if cache.get(name)] == ["a", "c", "d", "e"]


def test_silence_and_what_is_too_large_are_not_kept() -> None:
    cache = PhraseCache(max_bytes=4000)
    cache.put("nothing", [])
    cache.put("no sound", sound(0))
    cache.put("too large", sound(501))
    assert [cache.get(name) for name in ("nothing", "no sound", "too large")] == [None] * 3
