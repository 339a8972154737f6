"""Encoders: what they produce decodes to what went in."""

import av
import numpy as np
import pytest

from opentalking.media.encoder import OpusEncoder, VideoCodec, VideoEncoder, silence_packet
from tests.support.media import (
    HEIGHT,
    WIDTH,
    decode_sound,
    decode_video,
    level,
    live_picture,
    psnr,
    tone,
)

CODECS: list[VideoCodec] = ["h264", "vp8"]


@pytest.mark.parametrize("codec", CODECS)
def test_video_decodes_to_the_source_one_frame_in_one_frame_out(codec: VideoCodec) -> None:
    encoder = VideoEncoder(codec, WIDTH, HEIGHT)
    frames = [encoder.encode(live_picture(index)) for index in range(30)]
    assert frames[0].key
    assert not any(frame.key for frame in frames[1:])
    pictures = decode_video(frames, codec)
    assert min(psnr(live_picture(index), picture) for index, picture in enumerate(pictures)) > 30


@pytest.mark.parametrize("codec", CODECS)
def test_a_forced_key_frame_starts_a_decoder_afresh(codec: VideoCodec) -> None:
    encoder = VideoEncoder(codec, WIDTH, HEIGHT)
    frames = [encoder.encode(live_picture(index), force_key=index == 10) for index in range(20)]
    assert [index for index, frame in enumerate(frames) if frame.key] == [0, 10]
    pictures = decode_video(frames[10:], codec)
    assert min(psnr(live_picture(10 + index), picture) for index, picture in enumerate(pictures)) > 30


def test_h264_is_constrained_baseline_without_reordering() -> None:
    encoder = VideoEncoder("h264", WIDTH, HEIGHT)
    frame = encoder.encode(live_picture(0))
    parameters = frame.payload[frame.payload.index(b"\x00\x00\x01\x67") + 4 :]
    assert parameters[0] == 66
    assert parameters[1] & 0x40
    context = av.CodecContext.create("h264", "r")
    context.decode(av.Packet(frame.payload))
    assert context.has_b_frames is False


def test_bits_follow_the_bitrate_on_restless_pictures() -> None:
    rng = np.random.default_rng(1)
    encoder = VideoEncoder("h264", 320, 256, 300_000)
    noise = [rng.integers(0, 255, (384, 320), dtype=np.uint8) for _ in range(75)]
    payload = sum(len(encoder.encode(picture).payload) for picture in noise)
    assert payload * 8 / 3 < 1.5 * 300_000


def test_a_picture_of_another_size_is_refused() -> None:
    encoder = VideoEncoder("h264", WIDTH, HEIGHT)
    with pytest.raises(ValueError, match="picture of"):
        encoder.encode(np.zeros((96, 64), np.uint8))


def test_opus_carries_the_sound() -> None:
    encoder = OpusEncoder()
    sound = tone(10)
    packets = [encoder.encode(sound[start : start + 960]) for start in range(0, len(sound), 960)]
    decoded = decode_sound(packets)
    assert len(decoded) == len(sound)
    spectrum = np.abs(np.fft.rfft(decoded[4800:14400]))
    assert np.argmax(spectrum) * 48000 / 9600 == pytest.approx(440, abs=5)
    assert level(decoded[4800:]) == pytest.approx(level(sound), rel=0.1)
    assert max(len(packet) for packet in packets) < 400


def test_opus_takes_whole_packets_only() -> None:
    with pytest.raises(ValueError, match="960"):
        OpusEncoder().encode(np.zeros(480, np.int16))


def test_silence_after_sound_is_silent_within_one_packet() -> None:
    encoder = OpusEncoder()
    sound = tone(5)
    packets = [encoder.encode(sound[start : start + 960]) for start in range(0, len(sound), 960)]
    decoded = decode_sound([*packets, *[silence_packet()] * 5])
    assert level(decoded[len(sound) + 960 :]) < 20
    assert silence_packet() is silence_packet()
