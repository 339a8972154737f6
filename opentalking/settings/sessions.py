"""Settings of sessions and their media."""

import re
from typing import Literal

from pydantic import Field, field_validator

from opentalking.settings.stages import StageSettings


class Settings(StageSettings):
    """Every setting of the server."""

    # --- sessions
    max_sessions: int = Field(0, ge=0, description="Sessions at once; 0 is four per core.")
    queue_sessions: bool = Field(
        False, description="Let sessions wait when the server is full instead of 503."
    )
    queue_max_size: int = Field(
        32, ge=1, le=10_000, description="Most sessions that wait when `queue_sessions` is on."
    )
    session_connect_timeout: float = Field(
        300.0, ge=0, description="Close a session that no peer joined; seconds, 0 is off."
    )
    session_reconnect_timeout: float = Field(
        15.0, ge=0, description="Keep a session whose peer was lost; seconds, 0 is for ever."
    )
    session_idle_timeout: float = Field(
        1800.0, ge=0, description="Close a session that nobody uses; seconds, 0 is off."
    )
    flashtalk_max_queue_size: int = Field(3, ge=0, description="Sessions that wait for a single-slot model.")
    flashtalk_slot_timeout_sec: float = Field(
        3600.0, ge=0, description="Longest wait for its slot; 0 is off."
    )
    flashtalk_max_session_sec: float = Field(600.0, ge=0, description="Longest session on it; 0 is off.")

    # --- media
    ice_servers: str = Field(
        "",
        description="STUN/TURN servers: comma list of URLs, or JSON like a browser's `iceServers`.",
    )
    rtc_port_range: str = Field("", description="UDP ports for media, e.g. `40000-40100`; empty takes any.")
    rtc_loopback: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Offer 127.0.0.1 as a media address; `auto`: when the API listens on loopback only.",
    )
    video_bitrate: int = Field(
        500_000, ge=100_000, le=8_000_000, description="Bits per second of live video."
    )

    @field_validator("rtc_port_range")
    @classmethod
    def _port_range(cls, text: str) -> str:
        parse_port_range(text)
        return text


def parse_port_range(text: str) -> tuple[int, int] | None:
    """`"40000-40100"` → (40000, 40100); "" → None; raises ValueError with the remedy."""
    if not text:
        return None
    found = re.fullmatch(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", text)
    low, high = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1024 <= low <= high <= 65535:
        raise ValueError("rtc_port_range must look like 40000-40100, both within 1024..65535")
    return low, high
