"""Audio files of every kind become sound; everything else is refused, and nothing else is opened."""

import io
import socket
import tracemalloc
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from opentalking.audio.containers import demuxer_of
from opentalking.audio.decode import audio_seconds, decode_audio
from opentalking.audio.wav import wav_bytes
from opentalking.core.errors import InvalidInput, TooLarge
from opentalking.core.media import Samples
from tests.support.audio_files import KINDS, encode, film, sine

TONE = sine(440, 1.0, 44_100)
NOISE = np.random.default_rng(1).bytes(50_000)


def decoded(data: bytes, rate: int = 48_000, raw_rate: int | None = None) -> Samples:
    return np.concatenate(list(decode_audio(io.BytesIO(data), rate, raw_rate=raw_rate)))


def pitch(pcm: Samples, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return float(np.argmax(spectrum) * rate / len(pcm))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_file_gives_its_sound(kind: str, channels: int) -> None:
    pcm = decoded(encode(TONE, 44_100, KINDS[kind], channels))
    assert pcm.dtype == np.int16
    assert len(pcm) == pytest.approx(48_000, abs=3_500), "coders add some ms at both ends"
    assert pitch(pcm, 48_000) == pytest.approx(440, abs=3)
    assert np.abs(pcm[10_000:40_000]).max() == pytest.approx(8000, rel=0.08), "one voice on two channels"


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_length_is_known_without_decoding(kind: str) -> None:
    file = io.BytesIO(encode(np.tile(TONE, 3), 44_100, KINDS[kind]))
    assert audio_seconds(file) == pytest.approx(3.0, abs=0.1)
    assert audio_seconds(file) == pytest.approx(3.0, abs=0.1), "it can be read again"
    with pytest.raises(TooLarge):
        audio_seconds(file, max_seconds=2.5)


def test_the_length_of_raw_samples_is_known() -> None:
    assert audio_seconds(io.BytesIO(bytes(48_001)), raw_rate=8_000) == pytest.approx(3.0, abs=0.01)
    with pytest.raises(TooLarge):
        audio_seconds(io.BytesIO(bytes(48_001)), raw_rate=8_000, max_seconds=2)


def test_the_sound_comes_at_the_rate_asked_for() -> None:
    assert len(decoded(encode(TONE, 44_100, KINDS["flac"]), 16_000)) == pytest.approx(16_000, abs=2)


def test_a_film_gives_its_sound() -> None:
    assert pitch(decoded(film(TONE, 44_100)), 48_000) == pytest.approx(440, abs=3)


def test_a_film_without_sound_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no sound"):
        decoded(film(None, 44_100))


def test_pieces_are_short_and_come_as_the_file_is_read() -> None:
    class Watched(io.BytesIO):
        furthest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.furthest = max(self.furthest, self.tell())
            return data

    file = Watched(wav_bytes(np.tile(TONE, 60), 44_100))
    pieces = decode_audio(file, 48_000)
    first = list(islice(pieces, 4))
    assert all(0 < len(piece) <= 48_000 for piece in first)
    assert file.furthest < 500_000, "of 5 MB"


def test_a_long_file_does_not_lie_in_memory() -> None:
    data = encode(np.zeros(120 * 8_000, np.int16), 8_000, KINDS["flac"])
    tracemalloc.start()
    samples = sum(len(piece) for piece in decode_audio(io.BytesIO(data), 48_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert samples == pytest.approx(120 * 48_000, rel=0.001)
    assert peak < 4_000_000, "of 12 MB"


def test_more_than_the_longest_time_is_too_large() -> None:
    data = encode(np.zeros(20 * 8_000, np.int16), 8_000, KINDS["flac"])
    with pytest.raises(TooLarge, match="10 s"):
        list(decode_audio(io.BytesIO(data), 48_000, max_seconds=10))
    assert list(decode_audio(io.BytesIO(data), 48_000, max_seconds=20.5))


def test_raw_samples_are_played_as_they_are() -> None:
    data = sine(440, 1.0, 16_000).astype("<i2").tobytes()
    pcm = decoded(data + b"\x01", raw_rate=16_000)
    assert len(pcm) == pytest.approx(48_000, abs=2)
    assert pitch(pcm, 48_000) == pytest.approx(440, abs=2)


def test_a_signature_wins_over_a_raw_rate() -> None:
    pcm = decoded(wav_bytes(TONE, 44_100), raw_rate=8_000)
    assert len(pcm) == pytest.approx(48_000, abs=2)


@pytest.mark.parametrize("word", [b"\xff\xfb", b"\xff\xf1", b"\xff\xf3"])
def test_raw_samples_that_begin_like_a_frame_are_raw(word: bytes) -> None:
    assert demuxer_of(word * 5_000) is None


def test_a_cut_file_gives_what_is_there() -> None:
    whole = encode(TONE, 44_100, KINDS["mp3"])
    assert 20_000 < len(decoded(whole[: len(whole) // 2])) < 30_000
    assert len(decoded(wav_bytes(TONE, 44_100)[:44_144])) == pytest.approx(24_000, abs=60)


@pytest.mark.parametrize("length", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"])
def test_a_wav_whose_header_lies_about_its_length_is_read_to_its_end(length: bytes) -> None:
    data = wav_bytes(TONE, 44_100)
    assert len(decoded(data[:40] + length + data[44:])) == pytest.approx(48_000, abs=60)


def test_damage_in_the_middle_is_left_out() -> None:
    whole = encode(np.tile(TONE, 3), 44_100, KINDS["mp3"])
    third = len(whole) // 3
    pcm = decoded(whole[:third] + NOISE[:third] + whole[2 * third :])
    assert 80_000 < len(pcm) < 140_000


def header_of(rate: int = 16_000, channels: int = 1) -> bytes:
    data = bytearray(wav_bytes(TONE, 16_000))
    data[22:24] = channels.to_bytes(2, "little")
    data[24:28] = rate.to_bytes(4, "little")
    data[32:34] = min(2 * channels, 65_535).to_bytes(2, "little")
    return bytes(data)


HOSTILE = {
    "empty": b"",
    "a header without sound": wav_bytes(TONE[:0], 16_000),
    "half a header": wav_bytes(TONE, 16_000)[:20],
    "noise": NOISE,
    "one byte": b"\x00",
    "text": b"hello " * 100,
    "a picture": b"\x89PNG\r\n\x1a\n" + NOISE,
    "1 Hz": header_of(rate=1),
    "4 GHz": header_of(rate=4_000_000_000),
    "no rate": header_of(rate=0),
    "64 channels": header_of(channels=64),
    "65535 channels": header_of(channels=65_535),
    "wav of noise": b"RIFF\xff\xff\xff\xffWAVE" + NOISE,
    "ogg of noise": b"OggS" + NOISE,
    "webm of noise": b"\x1a\x45\xdf\xa3" + NOISE,
    "mp4 of noise": b"\0\0\0\x20ftyp" + NOISE,
    "flac of noise": b"fLaC" + NOISE,
    "a tag and noise": b"ID3\x04\0\0\0\0\0\0" + NOISE,
    "an endless tag": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + NOISE,
    "cut mp4": encode(TONE, 44_100, KINDS["m4a"])[:5_000],
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_what_is_no_sound_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        decoded(HOSTILE[name])


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_damaged_file_ends_with_sound_or_an_error_of_ours(kind: str) -> None:
    chance = np.random.default_rng(7)
    whole = encode(TONE, 44_100, KINDS[kind])
    for _ in range(30):
        data = bytearray(whole)
        for place in chance.integers(0, min(len(data), 4_000), 12):
            data[place] = int(chance.integers(0, 256))
        with suppress(InvalidInput, TooLarge):
            decoded(bytes(data))


def test_playlists_open_nothing(tmp_path: Path) -> None:
    target = tmp_path / "secret.wav"
    target.write_bytes(wav_bytes(TONE, 44_100))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.mp3"
        lists = (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n",
            f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{target}\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile {target}\n",
            f"[playlist]\nFile1={url}\n",
            f'<?xml version="1.0"?><MPD><BaseURL>{url}</BaseURL></MPD>',
        )
        for text in lists:
            for head in (b"", b"ID3\x04\0\0\0\0\0\0", b"\xef\xbb\xbf"):
                with pytest.raises(InvalidInput):
                    decoded(head + text.encode())
        with pytest.raises(BlockingIOError):
            server.accept()
