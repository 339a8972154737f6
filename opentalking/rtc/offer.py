"""Reading a client's SDP offer: what is accepted of it, and the answer's m-lines in its order.

aiortc answers the one audio and one video section that we can serve; every other section is
kept from it and rejected with port 0 here. Whatever is wrong with the text ends as `InvalidInput`.
"""

import ipaddress
import re
from dataclasses import dataclass, field

from aiortc.sdp import MediaDescription, SessionDescription

from opentalking.core.errors import InvalidInput
from opentalking.media.encoder import VideoCodec
from opentalking.rtc.aiortc_private import common_codec_names

MAX_SDP_CHARS = 65_536
_MAX_SECTIONS = 64
_MAX_CANDIDATES = 64
_CREDENTIAL = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")
_FINGERPRINT_ALGORITHMS = {"sha-256", "sha-384", "sha-512"}
_DIRECTIONS = {"a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"}
# aiortc's parser indicates bad text by whatever its code runs into.
_PARSER_ERRORS = (ValueError, AssertionError, LookupError, AttributeError, TypeError, StopIteration)


@dataclass
class Section:
    """One m-line with its attributes."""

    lines: list[str]
    index: int
    accepted: bool = False
    parsed: MediaDescription | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """The kind of media: audio, video, application, ..."""
        return self.lines[0][2:].split(" ", 1)[0]

    @property
    def mid(self) -> str:
        """The mid, made from the position when the offer has none."""
        return self.attribute("mid") or f"m{self.index}"

    @property
    def direction(self) -> str:
        """As the client sees it; sendrecv when nothing is said."""
        return next((line[2:] for line in self.lines if line in _DIRECTIONS), "sendrecv")

    def attribute(self, name: str) -> str | None:
        """The value of the first `a=name:value`."""
        prefix = f"a={name}:"
        return next((line[len(prefix) :] for line in self.lines if line.startswith(prefix)), None)

    @property
    def receives(self) -> bool:
        """Whether the client wants to receive it."""
        return self._is_enabled and self.direction in ("sendrecv", "recvonly")

    @property
    def sends(self) -> bool:
        """Whether the client wants to send it."""
        return self._is_enabled and self.direction in ("sendrecv", "sendonly")

    @property
    def _is_enabled(self) -> bool:
        return self.lines[0].split(" ")[1:2] != ["0"] or "a=bundle-only" in self.lines


@dataclass
class Offer:
    """An offer of which at least one section can be served."""

    session_lines: list[str]
    sections: list[Section]
    video_codec: VideoCodec | None = None
    voice: Section | None = None
    """Where the client wants to hear us."""
    microphone: Section | None = None
    """Where the client is heard: the same section, or one of its own."""

    @property
    def accepted(self) -> list[Section]:
        """The sections that are served, in the offer's order."""
        return [section for section in self.sections if section.accepted]

    def direction_of(self, section: Section) -> str:
        """What we do in an accepted section."""
        if section is not self.microphone:
            return "sendonly"
        return "sendrecv" if section is self.voice else "recvonly"

    def for_aiortc(self) -> str:
        """The offer reduced to the accepted sections, with candidates that aioice can use.

        End-of-candidates is left out: the agent then keeps waiting for the client's own checks,
        which is how clients with hidden (`.local`) or no candidates connect.
        """
        bundled = self._bundled_mids()
        lines = [line for line in self.session_lines if not line.startswith("a=group:BUNDLE")]
        mids = [section.mid for section in self.accepted if section.mid in bundled]
        if mids:
            lines.append("a=group:BUNDLE " + " ".join(mids))
        shared = _usable_candidates([s for s in self.sections if s.mid in bundled])
        for section in self.accepted:
            candidates = shared if section.mid in bundled else _usable_candidates([section])
            lines += [line for line in section.lines if not _is_replaced(line)]
            lines += [f"a=mid:{section.mid}", f"a={section.direction}", *candidates]
        return "\r\n".join(lines) + "\r\n"

    def complete_answer(self, answer: str) -> str:
        """Put the rejected sections into aiortc's answer, so that its m-lines match the offer's."""
        session, *served = re.split(r"(?m)^(?=m=)", answer)
        parts = [session]
        remaining = iter(served)
        for section in self.sections:
            parts.append(next(remaining) if section.accepted else _rejected(section))
        return "".join(parts)

    def _bundled_mids(self) -> set[str]:
        group = next((line for line in self.session_lines if line.startswith("a=group:BUNDLE")), "")
        return set(group.split()[1:])


def parse_offer(sdp: str, *, listens: bool = False) -> Offer:
    """Read an offer; raises `InvalidInput` when it is malformed or has nothing that we serve.

    A microphone is accepted if somebody `listens`.
    """
    if len(sdp) > MAX_SDP_CHARS:
        raise InvalidInput("the SDP is longer than 64 KiB")
    # Exactly as aiortc splits, so that no odd separator smuggles a line past the checks.
    lines = [line.strip() for line in sdp.splitlines() if line.strip()]
    if not lines or lines[0] != "v=0":
        raise InvalidInput("malformed SDP: it does not start with v=0")
    starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
    if not starts or len(starts) > _MAX_SECTIONS:
        raise InvalidInput("the SDP offers neither audio nor video")
    session_lines = lines[: starts[0]]
    ends = [*starts[1:], len(lines)]
    sections = [Section(lines[a:b], index) for index, (a, b) in enumerate(zip(starts, ends, strict=True))]
    offer = Offer(session_lines, sections)
    if len({section.mid for section in sections}) != len(sections):
        raise InvalidInput("malformed SDP: two sections with the same mid")
    for section in sections:
        _accept(offer, section, listens=listens)
    if not offer.accepted:
        raise InvalidInput("the SDP offers neither H.264 or VP8 video nor Opus audio that we could send")
    return offer


def _accept(offer: Offer, section: Section, *, listens: bool) -> None:
    if section.kind == "audio":
        is_voice = offer.voice is None and section.receives
        is_microphone = listens and offer.microphone is None and section.sends
        is_wanted = is_voice or is_microphone
    else:
        is_wanted = section.kind == "video" and offer.video_codec is None and section.receives
    if not is_wanted:
        return
    parsed = _parse(offer.session_lines, section)
    try:
        codecs = common_codec_names(parsed)
    except _PARSER_ERRORS as error:
        raise InvalidInput(f"malformed SDP: codecs of {section.kind}") from error
    if section.kind == "video":
        offer.video_codec = "h264" if "h264" in codecs else "vp8" if "vp8" in codecs else None
        section.accepted = offer.video_codec is not None
    elif "opus" in codecs:
        section.accepted = True
        offer.voice = section if is_voice else offer.voice
        offer.microphone = section if is_microphone else offer.microphone
    if section.accepted:
        _validate_transport(section, parsed)


def _parse(session_lines: list[str], section: Section) -> MediaDescription:
    lines = [line for line in section.lines if not line.startswith("a=candidate:")]
    text = "\r\n".join([*session_lines, *lines]) + "\r\n"
    try:
        return SessionDescription.parse(text).media[0]
    except _PARSER_ERRORS as error:
        raise InvalidInput(
            f"malformed SDP: the {section.kind} section cannot be read; send the browser's offer unchanged"
        ) from error


def _validate_transport(section: Section, parsed: MediaDescription) -> None:
    name = section.kind
    ice = parsed.ice
    for value in (ice.usernameFragment, ice.password) if ice else (None,):
        if not value or not _CREDENTIAL.fullmatch(value):
            raise InvalidInput(f"malformed SDP: ice-ufrag or ice-pwd of {name} is missing or wrong")
    if parsed.dtls is None:
        raise InvalidInput(f"malformed SDP: a=setup of {name} is missing")
    algorithms = {fingerprint.algorithm.lower() for fingerprint in parsed.dtls.fingerprints}
    if not algorithms & _FINGERPRINT_ALGORITHMS:
        raise InvalidInput(f"malformed SDP: no usable a=fingerprint in {name}")
    if not parsed.rtcp_mux:
        raise InvalidInput(f"malformed SDP: {name} has no a=rtcp-mux")


def _is_replaced(line: str) -> bool:
    starts = ("a=candidate:", "a=end-of-candidates", "a=mid:", "a=bundle-only")
    return line.startswith(starts) or line in _DIRECTIONS


def _usable_candidates(sections: list[Section]) -> list[str]:
    found = [line for section in sections for line in section.lines if line.startswith("a=candidate:")]
    usable = [line for line in dict.fromkeys(found) if _is_usable(line.split())]
    return usable[:_MAX_CANDIDATES]


def _is_usable(words: list[str]) -> bool:
    """UDP, first component, a plain address: names (`.local`) cannot be resolved here."""
    try:
        _, component, transport, priority, address, port, _typ, kind = words[:8]
        ipaddress.ip_address(address)
        numbers_fit = 0 <= int(priority) < 1 << 32 and 0 < int(port) < 1 << 16
    except ValueError:
        return False
    known_kind = kind in ("host", "srflx", "relay")
    return component == "1" and transport.lower() == "udp" and known_kind and numbers_fit


def _rejected(section: Section) -> str:
    words = section.lines[0].split(" ")
    media_line = " ".join([words[0], "0", *words[2:]])
    lines = [media_line, "c=IN IP4 0.0.0.0", "a=inactive"]
    if section.attribute("mid"):
        lines.append(f"a=mid:{section.mid}")
    return "\r\n".join(lines) + "\r\n"
