"""Hostile material: names, files and bodies that have broken servers before."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

IDS: tuple[str, ...] = (
    "",
    ".",
    "..",
    "...",
    "%2e",
    "%2e%2e",
    "%252e%252e",
    "%25252e%25252e",
    "%c0%ae%c0%ae",
    "%e0%80%ae%e0%80%ae",
    "..%2f..%2f..%2fetc%2fpasswd",
    "..%5c..%5cwindows%5cwin.ini",
    "%2e%2e%2fsecret",
    "..%2fsecret",
    "..%2f..%2fsecret%2fmanifest.json",
    "demo-avatar%2f..%2f..%2fsecret",
    "..;%2fsecret",
    "....%2f%2fsecret",
    "%2fetc%2fpasswd",
    "%2f",
    "%5c",
    "%5c%5cserver%5cshare",
    "C:",
    "C:%5cWindows",
    "c%3a%2fwindows",
    "file:%2f%2f%2fetc%2fpasswd",
    "http:%2f%2f127.0.0.1:1%2f",
    "~root",
    "-rf",
    "--help%20x",
    "%00",
    "demo-avatar%00",
    "demo-avatar%00.png",
    "%0d%0aSet-Cookie:%20a=b",
    "demo-avatar%0a",
    "demo-avatar%20",
    "%20demo-avatar",
    "demo-avatar.",
    "demo-avatar%2f",
    "demo-avatar;x=1",
    "demo-avatar:stream",
    "%ff",
    "%ed%a0%80",
    "%ed%b0%80%ed%a0%80",
    "%f4%90%80%80",
    "%ef%bb%bfdemo-avatar",
    quote("demo\u200b-avatar"),
    quote("\u202edemo-avatar"),
    quote("d\u0435mo-avatar"),
    quote("demo\u2011avatar"),
    quote("ｄｅｍｏ-avatar"),
    quote("demo\u2215avatar"),
    quote("demo\uff0f..\uff0favatar"),
    quote("\u4e2d" * 300),
    quote("e\u0301" * 40),
    quote("\U0001f600"),
    "a" * 97,
    "a" * 256,
    "a" * 5000,
    "*",
    "%3f",
    "%23",
    "%25",
    "%",
    "%zz",
    "%u002e",
    "CON",
    "nul.txt",
    "$%7bjndi:ldap:%2f%2fx%7d",
    "%7b%7b7*7%7d%7d",
    "' OR '1'='1".replace(" ", "%20"),
    "1;DROP%20TABLE%20voices",
    "%3Cscript%3E",
    "__proto__",
    "-1",
    "0x1",
    "1e3",
    "%2b1",
    "1.0",
    "NaN",
    "9223372036854775808",
    "9" * 4400,
    quote("１２"),
    quote("²"),
)
"""Path segments as they go over the wire."""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes, bits: int = 1) -> bytes:
    """A grey PNG; `rows` are compressed pixels, whatever the header says."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _deflated(zeros: int) -> bytes:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(zeros // 2**20))
    return packed + packer.flush()


def picture(suffix: str = ".png", side: int = 64) -> bytes:
    """A sound picture."""
    pixels = np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)
    done, packed = cv2.imencode(suffix, pixels)
    assert done
    return packed.tobytes()


def _jpeg_header(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes((1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1))
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def _webp_header(width: int, height: int) -> bytes:
    extended = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(extended)) + extended
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _gif() -> bytes:
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return screen + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\0;"


def _zip() -> bytes:
    return b"PK\x03\x04" + bytes(200) + b"PK\x05\x06" + bytes(18)


IMAGES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "one byte": lambda: b"\x89",
    "text": lambda: b"this is not a picture",
    "html": lambda: b"<html><script>alert(1)</script></html>",
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "gif": _gif,
    "zip": _zip,
    "png, 60000 squared by its header": lambda: png(60_000, 60_000, zlib.compress(b"\0" * 100)),
    "png, 2^31-1 squared by its header": lambda: png(2**31 - 1, 2**31 - 1, zlib.compress(b"\0")),
    "png, no width": lambda: png(0, 10, zlib.compress(b"\0")),
    "png, 268 megapixels in 33 kB": lambda: png(16_384, 16_384, _deflated(33 * 2**20)),
    "png, cut": lambda: picture(".png")[:-40],
    "png, its signature only": lambda: b"\x89PNG\r\n\x1a\n",
    "jpeg, 65500 squared by its header": lambda: _jpeg_header(65_500, 65_500),
    "jpeg, cut in its header": lambda: picture(".jpg")[:100],
    "webp, 2^24 squared by its header": lambda: _webp_header(2**24, 2**24),
    "webp, cut": lambda: picture(".webp")[:60],
    "8 pixels": lambda: picture(".png", 8),
    "pcm": lambda: np.zeros(16_000, np.int16).tobytes(),
}
"""Files that are no acceptable picture."""


def wav(
    data_bytes: int = 3200, *, rate: int = 16_000, said_bytes: int | None = None, channels: int = 1
) -> bytes:
    """A WAV file whose header may lie about its length."""
    said = data_bytes if said_bytes is None else said_bytes
    frame = 2 * channels
    form = struct.pack("<HHIIHH", 1, channels, rate & 0xFFFFFFFF, (rate * frame) & 0xFFFFFFFF, frame, 16)
    riff = b"RIFF" + struct.pack("<I", (said + 36) & 0xFFFFFFFF) + b"WAVEfmt " + struct.pack("<I", 16) + form
    return riff + b"data" + struct.pack("<I", said & 0xFFFFFFFF) + bytes(data_bytes)


_PLAYLIST = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
_CONCAT = b"ffconcat version 1.0\nfile /etc/passwd\n"
_SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n"
SOUNDS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"this is not sound",
    "html": lambda: b"<html></html>",
    "a picture": picture,
    "zip": _zip,
    "playlist": lambda: _PLAYLIST,
    "concat script": lambda: _CONCAT,
    "sdp": lambda: _SDP,
    "dash manifest": lambda: b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/passwd</BaseURL></MPD>',
    "wav, no data": lambda: wav(0),
    "wav, cut in its header": lambda: wav()[:30],
    "wav, rate 0": lambda: wav(rate=0),
    "wav, 255 channels": lambda: wav(channels=255),
    "ogg, its signature only": lambda: b"OggS" + bytes(60),
    "webm, its signature only": lambda: b"\x1a\x45\xdf\xa3" + bytes(60),
    "mp4, endless boxes": lambda: b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42" + b"\0\0\0\x08free" * 2000,
    "mp4, a box of 2^32": lambda: b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42\xff\xff\xff\xffmoov" + bytes(100),
    "flac, its signature only": lambda: b"fLaC" + bytes(60),
    "mp3, its signature only": lambda: b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f",
}
"""Files that are no acceptable sound."""

TEXTS: tuple[Any, ...] = (
    "\0",
    "\u202e\u200b\ufeff",
    "../../etc/passwd",
    "a\r\nSet-Cookie: b",
    "\ud7ff\ue000",
    "{{7*7}}${jndi:ldap://x}",
    "%s%n%x",
    "x" * 30_000,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 50,
    "e" + "\u0301" * 5000,
)


def form(fields: list[tuple[str, str | None, bytes]], boundary: str = "x-boundary") -> bytes:
    """A multipart body of (name, file name, content), with nothing escaped."""
    body = io.BytesIO()
    for name, filename, content in fields:
        where = f'; filename="{filename}"' if filename is not None else ""
        body.write(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{where}\r\n\r\n'.encode())
        body.write(content + b"\r\n")
    body.write(f"--{boundary}--\r\n".encode())
    return body.getvalue()
