"""Offers: what is accepted, the order of the answer's m-lines, and every way to be malformed."""

import asyncio
import random
from collections.abc import Callable

import pytest

from opentalking.core.errors import InvalidInput
from opentalking.core.media import Samples
from opentalking.rtc.offer import parse_offer
from opentalking.rtc.peer import Peer, RtcConfig
from tests.support.rtc_client import RtcClient

TRANSPORT = (
    """a=ice-ufrag:abcd
a=ice-pwd:0123456789abcdefghijklmn
a=fingerprint:sha-256 """
    + ":".join(["AB"] * 32)
    + """
a=setup:actpass
a=rtcp-mux
"""
)
DIRECTIONS = {"a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"}
VIDEO = (
    """m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99
c=IN IP4 0.0.0.0
a=mid:v
a=recvonly
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 H264/90000
a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
"""
    + TRANSPORT
)
AUDIO = (
    """m=audio 9 UDP/TLS/RTP/SAVPF 111 0
c=IN IP4 0.0.0.0
a=mid:a
a=sendrecv
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:0 PCMU/8000
"""
    + TRANSPORT
)
DATA = (
    """m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:d
a=sctp-port:5000
"""
    + TRANSPORT
)


def sdp(*sections: str, bundle: str = "v a d") -> str:
    head = f"v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE {bundle}\na=msid-semantic: WMS\n"
    return (head + "".join(sections)).replace("\n", "\r\n")


async def answer(text: str, on_sound: Callable[[Samples], None] | None = None) -> list[list[str]]:
    """The sections of the answer, as lines."""
    peer = await Peer.answer(text, RtcConfig(loopback=True), lambda state: None, lambda: None, on_sound)
    await peer.close()
    lines = peer.answer_sdp.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
    return [lines[a:b] for a, b in zip([0, *starts], [*starts, len(lines)], strict=True)]


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ((VIDEO, AUDIO), ["video", "audio"]),
        ((AUDIO, VIDEO), ["audio", "video"]),
        ((DATA, AUDIO, VIDEO), ["application 0", "audio", "video"]),
        ((VIDEO, DATA, AUDIO), ["video", "application 0", "audio"]),
        ((VIDEO, VIDEO.replace("mid:v", "mid:w"), AUDIO), ["video", "video 0", "audio"]),
        ((VIDEO.replace("recvonly", "sendonly"), AUDIO), ["video 0", "audio"]),
        ((VIDEO.replace("m=video 9", "m=video 0"), AUDIO), ["video 0", "audio"]),
        ((VIDEO,), ["video"]),
        ((AUDIO,), ["audio"]),
    ],
)
async def test_m_lines_are_answered_in_the_offers_order(
    sections: tuple[str, ...], expected: list[str]
) -> None:
    session, *answered = await answer(sdp(*sections))
    found = [
        section[0].split()[0][2:] + (" 0" if section[0].split()[1] == "0" else "") for section in answered
    ]
    assert found == expected
    offered_mids = [text.split("a=mid:")[1].split()[0] for text in sections]
    answered_mids = [next(line[6:] for line in section if line.startswith("a=mid:")) for section in answered]
    assert answered_mids == offered_mids
    (bundle,) = (line.split()[1:] for line in session if line.startswith("a=group:BUNDLE"))
    served = [mid for mid, name in zip(offered_mids, expected, strict=True) if not name.endswith(" 0")]
    assert bundle == served
    for section, name in zip(answered, expected, strict=True):
        assert any(line.startswith("a=candidate:") for line in section) != name.endswith(" 0")


async def test_h264_is_preferred_whatever_the_offers_order() -> None:
    baseline = "a=rtpmap:95 H264/90000\na=fmtp:95 packetization-mode=1;profile-level-id=42001f\n"
    both = VIDEO.replace("SAVPF 96", "SAVPF 95 96").replace("a=rtpmap:96", baseline + "a=rtpmap:96")
    _, video, _ = await answer(sdp(both, AUDIO))
    assert video[0].split()[3] == "98"
    assert "a=rtpmap:98 H264/90000" in video
    assert not any("VP8" in line for line in video)
    assert any(line == "a=sendonly" for line in video)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("packetization-mode=1", "packetization-mode=0"),
        lambda text: text.replace("H264/90000", "H265/90000"),
        lambda text: text.replace("42e01f", "64001f"),
    ],
)
async def test_vp8_when_the_offer_has_no_h264_that_we_send(change: Callable[[str], str]) -> None:
    _, video, _ = await answer(sdp(change(VIDEO), AUDIO))
    assert "a=rtpmap:96 VP8/90000" in video


async def test_the_microphone_is_accepted_only_when_offered_to_a_session_that_listens() -> None:
    _, _, audio = await answer(sdp(VIDEO, AUDIO), on_sound=lambda sound: None)
    assert "a=sendrecv" in audio
    _, _, audio = await answer(sdp(VIDEO, AUDIO))
    assert "a=sendonly" in audio
    offer = sdp(VIDEO, AUDIO.replace("sendrecv", "recvonly"))
    _, _, audio = await answer(offer, on_sound=lambda sound: None)
    assert "a=sendonly" in audio


async def test_a_microphone_may_have_a_section_of_its_own() -> None:
    listening = AUDIO.replace("sendrecv", "recvonly")
    speaking = AUDIO.replace("a=mid:a", "a=mid:m").replace("sendrecv", "sendonly")
    for first, second, expected in (
        (listening, speaking, ["a=sendonly", "a=recvonly"]),
        (speaking, listening, ["a=recvonly", "a=sendonly"]),
        (AUDIO, speaking, ["a=sendrecv", "a=inactive"]),
    ):
        offer = sdp(VIDEO, first, second, bundle="v a m")
        _, _, *audio = await answer(offer, on_sound=lambda sound: None)
        assert [line for section in audio for line in section if line in DIRECTIONS] == expected
    _, _, *audio = await answer(sdp(VIDEO, listening, speaking, bundle="v a m"))
    assert [section[0].split()[1] for section in audio] != ["0", "0"]
    assert audio[1][0].split()[1] == "0"


async def test_a_client_that_only_speaks_is_heard() -> None:
    offer = sdp(VIDEO.replace("recvonly", "sendonly"), AUDIO.replace("sendrecv", "sendonly"))
    _, video, audio = await answer(offer, on_sound=lambda sound: None)
    assert video[0].split()[1] == "0"
    assert "a=recvonly" in audio


async def test_lines_may_end_with_lf_only_and_mids_may_be_missing() -> None:
    bare = sdp(VIDEO.replace("a=mid:v\n", ""), AUDIO.replace("a=mid:a\n", ""), bundle="").replace("\r", "")
    _, video, audio = await answer(bare)
    assert video[0].startswith("m=video")
    assert audio[0].startswith("m=audio")


GOOD = sdp(VIDEO, AUDIO)
BROKEN = {
    "empty": "",
    "random": "hello, this is not SDP",
    "json": '{"sdp": 1}',
    "nul": "v=0\x00\r\n" * 5,
    "only a session": GOOD[: GOOD.index("m=video")],
    "no version": GOOD.replace("v=0\r\n", ""),
    "no fingerprint": GOOD.replace("a=fingerprint:", "a=x:"),
    "empty fingerprint": GOOD.replace("a=fingerprint:sha-256 ", "a=fingerprint:").replace("AB:", ""),
    "other fingerprint": GOOD.replace("sha-256", "md5"),
    "no ufrag": GOOD.replace("a=ice-ufrag:abcd", "a=x"),
    "no password": GOOD.replace("a=ice-pwd:", "a=x:"),
    "attribute without value": GOOD.replace("a=ice-ufrag:abcd", "a=ice-ufrag"),
    "wrong ufrag": GOOD.replace("ufrag:abcd", "ufrag:a b"),
    "no setup": GOOD.replace("a=setup:actpass", "a=x"),
    "wrong setup": GOOD.replace("a=setup:actpass", "a=setup:maybe"),
    "no rtcp-mux": GOOD.replace("a=rtcp-mux", "a=x"),
    "unknown codecs": GOOD.replace("VP8/", "AV1/").replace("H264/", "H266/").replace("opus/", "lpc/"),
    "no rtpmap": "\r\n".join(line for line in GOOD.splitlines() if "rtpmap" not in line),
    "broken rtpmap": GOOD.replace("opus/48000/2", "opus/x/2"),
    "fmtp of nothing": GOOD.replace("a=fmtp:98", "a=fmtp:42"),
    "broken m-line": GOOD.replace("m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99", "m=video"),
    "payload type out of range": GOOD.replace("SAVPF 111 0", "SAVPF 999 0"),
    "broken extmap": GOOD.replace("a=recvonly", "a=recvonly\r\na=extmap:1"),
    "broken apt": GOOD.replace("apt=98", "apt=x"),
    "two equal mids": GOOD.replace("a=mid:a", "a=mid:v"),
    "only data": sdp(DATA),
    "only sending": GOOD.replace("a=recvonly", "a=sendonly").replace("a=sendrecv", "a=sendonly"),
    "too long": GOOD + "a=x:" + "y" * 70_000,
    "too many sections": GOOD + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 100,
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_malformed_offer_is_invalid_input(name: str) -> None:
    before = len(asyncio.all_tasks())
    with pytest.raises(InvalidInput) as caught:
        await Peer.answer(BROKEN[name], RtcConfig(loopback=True), lambda state: None, lambda: None)
    assert caught.value.message
    assert len(asyncio.all_tasks()) == before


def test_cut_and_scrambled_offers_never_end_otherwise() -> None:
    generator = random.Random(7)
    for _ in range(600):
        lines = GOOD.splitlines()
        for _ in range(generator.randint(1, 4)):
            where = generator.randrange(len(lines))
            line = lines[where]
            cut = generator.randint(0, len(line))
            lines[where] = generator.choice(
                [line[:cut], line[:cut] + generator.choice("\x00 :;/=é9") + line[cut:], line + line, ""]
            )
        text = "\r\n".join(lines)[: generator.choice([10_000, 10_000, len(GOOD) // 2, 300])]
        try:
            offer = parse_offer(text, listens=True)
        except InvalidInput:
            continue
        assert offer.accepted


async def test_scrambled_offers_that_parse_are_answered_or_refused() -> None:
    generator = random.Random(11)
    for _ in range(60):
        lines = GOOD.splitlines()
        where = generator.randrange(5, len(lines))
        lines[where] = lines[where][: generator.randint(0, len(lines[where]))]
        try:
            peer = await Peer.answer(
                "\r\n".join(lines), RtcConfig(), lambda state: None, lambda: None, lambda sound: None
            )
        except InvalidInput:
            continue
        await peer.close()


async def test_only_candidates_that_can_work_are_passed_on() -> None:
    candidates = [
        "a=candidate:1 1 udp 2122260223 3e1a.local 50000 typ host",
        "a=candidate:2 1 udp 2122260223 192.0.2.7 50001 typ host",
        "a=candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active",
        "a=candidate:4 2 udp 2122260222 192.0.2.7 50002 typ host",
        "a=candidate:5 1 udp x 192.0.2.7 50001 typ host",
        "a=candidate:6 1 udp 1 192.0.2.7 70000 typ host",
        "a=candidate:broken",
        "a=end-of-candidates",
    ]
    text = parse_offer(sdp(VIDEO + "\n".join(candidates) + "\n", AUDIO)).for_aiortc()
    assert [line for line in text.splitlines() if "candidate" in line] == [candidates[1]] * 2


async def test_a_client_with_data_channel_and_microphone_connects() -> None:
    async with RtcClient(microphone=True, data_channel=True) as client:
        offer = await client.offer()
        peer = await Peer.answer(offer, RtcConfig(loopback=True), lambda state: None, lambda: None)
        assert [
            line.split()[:2] for line in peer.answer_sdp.splitlines() if line.startswith("m=application")
        ] == [["m=application", "0"]]
        await peer.close()
