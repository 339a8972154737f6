"""Change of sample rate: by soxr, and by swresample where nothing may be held back."""

import dataclasses

import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from opentalking.core.media import Mark, PhonemeTiming, Samples, Speech, WordTiming


def resample(pcm: Samples, from_rate: int, to_rate: int) -> Samples:
    """`pcm` (mono int16, shape (n,)) at another rate; the duration stays.

    For sound that is whole: pieces that follow each other without silence between them need
    `Resampler`, or every seam clicks.
    """
    if from_rate == to_rate or not len(pcm):
        return pcm
    return np.asarray(soxr.resample(pcm, from_rate, to_rate), dtype=np.int16)


class Resampler:
    """A continuous change of rate: the outputs joined are what one call with all the sound would give.

    Up to about 35 ms stay inside until more sound, or the end, arrives.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self.from_rate = from_rate
        self.to_rate = to_rate
        self._stream = None if from_rate == to_rate else soxr.ResampleStream(from_rate, to_rate, 1, "int16")

    def feed(self, pcm: Samples, *, last: bool = False) -> Samples:
        """Take mono int16 sound, shape (n,); give what is ready of it, all of it if it is the `last`.

        After the last piece the next one begins anew.
        """
        if self._stream is None:
            return pcm
        ready = np.asarray(self._stream.resample_chunk(pcm, last=last), dtype=np.int16)
        if last:
            self._stream = soxr.ResampleStream(self.from_rate, self.to_rate, 1, "int16")
        return ready


class LiveResampler:
    """A continuous change of rate that holds at most 2 ms back; flat to 0.9 of the narrower band.

    For sound that is played as it arrives: soxr holds 20 to 175 ms.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._from_rate = from_rate
        self._stream = None if from_rate == to_rate else AudioResampler("s16", "mono", to_rate)

    def feed(self, pcm: Samples, *, last: bool = False) -> Samples:
        """Take mono int16 sound, shape (n,); give what is ready of it, all of it if it is the `last`."""
        if self._stream is None:
            return pcm
        ready: list[AudioFrame] = []
        if len(pcm):
            frame = AudioFrame.from_ndarray(pcm[np.newaxis, :], format="s16", layout="mono")
            frame.sample_rate = self._from_rate
            ready += self._stream.resample(frame)
        if last:
            ready += self._stream.resample(None)
        return _joined(ready)

    def feed_frame(self, frame: AudioFrame) -> Samples:
        """Take a decoded frame of whatever format and layout (mixed down to mono); give what is ready."""
        if self._stream is None:
            raise ValueError("frames are for a change of rate")
        return _joined(self._stream.resample(frame))


def _joined(frames: list[AudioFrame]) -> Samples:
    parts = [frame.to_ndarray().reshape(-1) for frame in frames]
    return np.concatenate([np.zeros(0, np.int16), *parts]).astype(np.int16, copy=False)


class SpeechResampler:
    """Brings the pieces of sentences to one rate without a seam between them.

    Timings and marks move with the sound that stays inside the resampler for a while. One
    object serves the pieces of one speaker in order; a piece that `ends_sentence` leaves nothing behind.
    """

    def __init__(self, to_rate: int) -> None:
        self._to_rate = to_rate
        self._resampler: Resampler | None = None
        self._in_seconds = 0.0
        self._out_samples = 0

    def feed(self, speech: Speech) -> Speech:
        """The same speech at the new rate; `pcm` may be empty if the piece was very short."""
        head = np.zeros(0, np.int16)
        if self._resampler is not None and self._resampler.from_rate != speech.sample_rate:
            head = self._resampler.feed(head, last=True)  # the engine changed its mind within a sentence
            self._begin(speech.sample_rate)
        elif self._resampler is None:
            self._begin(speech.sample_rate)
        assert self._resampler is not None  # noqa: S101 - made by _begin
        shift_seconds = self._in_seconds - self._out_samples / self._to_rate + len(head) / self._to_rate
        body = self._resampler.feed(speech.pcm, last=speech.ends_sentence)
        self._in_seconds += speech.seconds
        self._out_samples += len(body)
        if speech.ends_sentence:
            self._resampler = None
        pcm = np.concatenate([head, body]) if len(head) else body
        return self._moved(speech, pcm, shift_seconds)

    def _begin(self, rate: int) -> None:
        self._resampler = Resampler(rate, self._to_rate)
        self._in_seconds, self._out_samples = 0.0, 0

    def _moved(self, speech: Speech, pcm: Samples, shift_seconds: float) -> Speech:
        def at(sample: int) -> int:
            return round((sample / speech.sample_rate + shift_seconds) * self._to_rate)

        return dataclasses.replace(
            speech,
            pcm=pcm,
            sample_rate=self._to_rate,
            phonemes=tuple(
                PhonemeTiming(p.symbol, p.start_seconds + shift_seconds, p.end_seconds + shift_seconds)
                for p in speech.phonemes
            ),
            words=tuple(
                WordTiming(
                    w.text,
                    w.text_start,
                    w.text_end,
                    w.start_seconds + shift_seconds,
                    w.end_seconds + shift_seconds,
                )
                for w in speech.words
            ),
            marks=tuple(Mark(m.kind, m.sentence_index, at(m.at_samples)) for m in speech.marks),
        )
