"""API keys, and the short-lived tokens that stand in for them where a key must not be shown.

A token is `<payload>.<signature>`, both base64url without padding: the payload is JSON, the
signature HMAC-SHA-256 over the payload's text. Nothing is stored; a token ends with its time,
its key, or the secret that signed it.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

KEY_MIN_CHARACTERS = 16
SECRET_MIN_CHARACTERS = 32
_TOKEN_MAX_CHARACTERS = 1024
_KEY = re.compile(r"[!-+\--~]+")
_NAME_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Pass:
    """A credential that was accepted: of which key, and for which session only ("" for all)."""

    key_name: str
    session_id: str = ""
    is_key: bool = True


def parse_keys(text: str) -> tuple[str, ...]:
    """The keys of a comma list; raises `ValueError` with the remedy, which shows no key."""
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    for number, key in enumerate(keys, 1):
        if len(key) < KEY_MIN_CHARACTERS or not _KEY.fullmatch(key):
            raise ValueError(
                f"OPENTALKING_API_KEYS: key number {number} must have {KEY_MIN_CHARACTERS} printable ASCII "
                "characters or more and no spaces; make one with `openssl rand -hex 24`"
            )
    return keys


def parse_secret(text: str) -> bytes:
    """The secret that signs tokens; one of this process when none is set. Raises `ValueError`."""
    if not text:
        return secrets.token_bytes(32)
    if len(text) < SECRET_MIN_CHARACTERS:
        raise ValueError(
            f"OPENTALKING_API_TOKEN_SECRET must have {SECRET_MIN_CHARACTERS} characters or more; "
            "make one with `openssl rand -hex 32`"
        )
    return text.encode()


class KeyRing:
    """Knows keys by their SHA-256 only, makes tokens and checks both in constant time.

    `seconds` is how long a token is good, `now` the time in seconds since 1970.
    """

    def __init__(
        self, keys: Sequence[str], secret: bytes, seconds: int = 900, now: Callable[[], float] = time.time
    ) -> None:
        self.seconds = seconds
        self._secret = secret
        self._digests = {self._name(key): _digest(key) for key in keys}
        self._now = now

    def check_key(self, presented: str) -> Pass | None:
        """What a key opens, or None."""
        digest = _digest(presented)
        found = None
        for name, known in self._digests.items():
            if hmac.compare_digest(digest, known):
                found = Pass(name)
        return found

    def issue(self, key_name: str, session_id: str = "") -> str:
        """A token on behalf of a key, for all its rights or for one session."""
        claims = {
            "key": key_name,
            "session": session_id,
            "until": int(self._now()) + self.seconds,
            "nonce": secrets.token_hex(8),
        }
        payload = _encode(json.dumps(claims, separators=(",", ":")).encode())
        return f"{payload}.{_encode(self._sign(payload))}"

    def check_token(self, presented: str) -> Pass | None:
        """What a token opens, or None when it is not ours, has expired, or its key is gone."""
        payload, dot, signature = presented.partition(".")
        if not dot or len(presented) > _TOKEN_MAX_CHARACTERS or not presented.isascii():
            return None
        if not hmac.compare_digest(_encode(self._sign(payload)).encode(), signature.encode()):
            return None
        claims = json.loads(_decode(payload))
        if claims["until"] <= self._now() or claims["key"] not in self._digests:
            return None
        return Pass(claims["key"], claims["session"], is_key=False)

    def _name(self, key: str) -> str:
        """A name for a key that does not give it away, not even a weak one."""
        return hmac.digest(self._secret, b"name of " + key.encode(), hashlib.sha256).hex()[:_NAME_DIGITS]

    def _sign(self, payload: str) -> bytes:
        return hmac.digest(self._secret, payload.encode(), hashlib.sha256)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
