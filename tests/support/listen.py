"""Hearing what was said: a local Whisper, and how far its words are from the expected ones."""

import asyncio
import re
from pathlib import Path

import ctranslate2
import jiwer
import numpy as np
import soxr
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from tests.support.browser import Visit

RATE = 16_000
FRAMES_PER_SECOND = 100
WINDOW_FRAMES = 3000
PADDING_SECONDS = 2.0
"""Silence after the speech; with less the model is prone to loop."""
MAX_TOKENS_PER_SECOND = 12
_NUMBERS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "10": "ten"}
_SPELLINGS = {
    "traveled": "travelled",
    "traveling": "travelling",
    "riverbank": "river bank",
    "ok": "okay",
    "mr": "mister",
    "colour": "color",
    "grey": "gray",
    "good bye": "goodbye",
}


_CHINESE_PROMPT = "以下是普通话的句子。"
"""So that Whisper writes simplified characters."""
_SAME_SOUND = str.maketrans("她它", "他他")


class Listener:
    """Transcribes English or Chinese with the Whisper model in a folder (CTranslate2 format)."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        assert (folder / "model.bin").is_file(), (
            f"no Whisper model in {folder}: opentalking models pull --embedded"
        )
        self._model = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", intra_threads=threads
        )
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._features = FeatureExtractor()

    def transcribe(self, samples: NDArray[np.float32], rate: int, language: str = "en") -> str:
        """The words in mono `samples` (-1..1) of up to 28 s; `language` is "en" or "zh".

        Only the speech and a little silence are encoded, not Whisper's whole 30 s: a third of the work.
        """
        sound = soxr.resample(samples, rate, RATE).astype(np.float32) if rate != RATE else samples
        seconds = len(sound) / RATE
        mel = self._features(sound, padding=0)
        frames = min(WINDOW_FRAMES, int((seconds + PADDING_SECONDS) * FRAMES_PER_SECOND) // 2 * 2)
        if mel.shape[1] < frames:
            mel = np.pad(mel, ((0, 0), (0, frames - mel.shape[1])), constant_values=mel.min())
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[None, :, :frames], np.float32))
        prompt = self._prompt(language)
        [result] = self._model.generate(
            view,
            [prompt],
            beam_size=1,
            max_length=min(400, len(prompt) + 20 + int(seconds * MAX_TOKENS_PER_SECOND)),
            repetition_penalty=1.1,
        )
        return str(self._tokenizer.decode(result.sequences_ids[0], skip_special_tokens=True)).strip()

    def _prompt(self, language: str) -> list[int | None]:
        names = ("<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>")
        prompt = [self._tokenizer.token_to_id(name) for name in names]
        if language != "zh":
            return prompt
        earlier = self._tokenizer.encode(_CHINESE_PROMPT, add_special_tokens=False).ids
        return [self._tokenizer.token_to_id("<|startofprev|>"), *earlier, *prompt]


def normalised(text: str) -> str:
    """Lower case words without punctuation, numbers as words, one spelling of each."""
    text = re.sub(r"\d+", lambda number: f" {_NUMBERS.get(number[0], number[0])} ", text.lower())
    words = " ".join(re.sub(r"[^a-z' ]", " ", text).split())
    for other, usual in _SPELLINGS.items():
        words = re.sub(rf"\b{other}\b", usual, words)
    return words


def word_error_rate(expected: list[str], heard: list[str]) -> float:
    """Share of wrong, missing and added words over all texts together."""
    spoken = [normalised(text) for text in expected]
    return float(jiwer.wer(spoken, [normalised(text) or "-" for text in heard]))


def character_error_rate(expected: list[str], heard: list[str]) -> float:
    """Share of wrong, missing and added characters over all Chinese texts together, punctuation aside."""
    written = [_characters(text) for text in expected]
    return float(jiwer.cer(written, [_characters(text) or "-" for text in heard]))


def _characters(text: str) -> str:
    return re.sub(r"[^\u4e00-\u9fffa-z0-9]", "", text.lower()).translate(_SAME_SOUND)


async def hear(page: Visit, turn_id: str, listener: Listener, language: str = "en") -> str:
    """The words of a turn, as they come out of a visitor's loudspeaker."""
    begin = (await page.event("speech.media_started", turn_id)).at
    await page.event("speech.ended", turn_id)
    await page.silent_for(0.4)
    chunks = await page.sound(begin - 0.3, await page.now())
    samples = np.concatenate([chunk.samples for chunk in chunks])
    return await asyncio.to_thread(listener.transcribe, samples, chunks[0].rate, language)
