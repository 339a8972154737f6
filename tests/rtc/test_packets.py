"""RTP payloads: aiortc's depayloaders put together what we took apart."""

import pytest
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import vp8_depayload

from opentalking.media.encoder import EncodedFrame, VideoCodec
from opentalking.rtc.packets import MAX_PAYLOAD_BYTES, nal_units, payloads, split_h264, split_vp8
from tests.support.media import idle_loop


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_payloads_of_real_frames_join_to_the_frame(codec: VideoCodec) -> None:
    join = h264_depayload if codec == "h264" else vp8_depayload
    for frame in idle_loop(codec, 30).frames:
        parts = payloads(frame, codec)
        assert max(len(part) for part in parts) <= MAX_PAYLOAD_BYTES
        joined = b"".join(join(part) for part in parts)
        if codec == "h264":
            assert list(nal_units(joined)) == list(nal_units(frame.payload))
        else:
            assert joined == frame.payload


@pytest.mark.parametrize("size", [1, 1195, 1197, 1198, 1199, 1200, 1201, 1202, 2399, 2400, 9000])
def test_h264_of_every_size(size: int) -> None:
    units = [b"\x67" + b"a" * 20, b"\x68" + b"b" * 5, b"\x65" + b"c" * (size - 1)]
    stream = b"".join(b"\x00\x00\x00\x01" + unit for unit in units)
    parts = split_h264(stream)
    assert max(len(part) for part in parts) <= MAX_PAYLOAD_BYTES
    assert list(nal_units(b"".join(h264_depayload(part) for part in parts))) == units


@pytest.mark.parametrize("size", [1, 1199, 1200, 5000])
def test_vp8_of_every_size_with_the_start_bit_on_the_first_only(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    parts = split_vp8(data[:size])
    assert b"".join(part[1:] for part in parts) == data[:size]
    assert [part[0] for part in parts] == [0x10] + [0] * (len(parts) - 1)


def test_a_shared_frame_is_packetised_once() -> None:
    frame = EncodedFrame(b"\x00\x00\x01\x65" + b"x" * 5000, True)
    assert payloads(frame, "h264") is payloads(frame, "h264")
