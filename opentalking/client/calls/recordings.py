"""Recordings of sessions, and bundles that are rendered offline."""

from opentalking.client.models import Bundle, CreatedBundle, Recording, SessionStatus
from opentalking.client.wire import (
    SLOW_CALL_SECONDS,
    Call,
    FileRequest,
    FileSource,
    endpoint,
    parsed,
    place,
    sent,
)

_RECORDING = "/sessions/{session_id}/flashtalk-recording"
_BUNDLE = "/sessions/{session_id}/flashtalk-offline-bundle"


@endpoint(f"POST {_RECORDING}/start")
def start_recording(session_id: str) -> Call[SessionStatus]:
    """Record what the session shows and says from now on; what was recorded before is dropped."""
    return Call("POST", place(f"{_RECORDING}/start", session_id=session_id), parsed(SessionStatus))


@endpoint(f"POST {_RECORDING}/stop")
def stop_recording(session_id: str) -> Call[SessionStatus]:
    """End the recording; the answer comes when the file is complete."""
    return Call("POST", place(f"{_RECORDING}/stop", session_id=session_id), parsed(SessionStatus))


@endpoint(f"GET {_RECORDING}")
def get_recording(session_id: str) -> Call[Recording]:
    """How far the recording is; `download_recording` gets the file."""
    path = place(_RECORDING, session_id=session_id)
    return Call("GET", path, parsed(Recording), query={"format": "json"})


@endpoint(f"GET {_RECORDING}")
def download_recording(session_id: str, *, format: str = "mp4") -> FileRequest:
    """The finished recording: `mp4`, or its captions as `vtt`."""
    return FileRequest(place(_RECORDING, session_id=session_id), {"format": format})


@endpoint(f"POST {_BUNDLE}")
def create_bundle(
    session_id: str,
    *,
    file: FileSource | None = None,
    audio: FileSource | None = None,
    sample_rate: int | None = None,
) -> Call[CreatedBundle]:
    """Render a video of a sound (raw PCM: `audio` with `sample_rate`), or of what the session has said."""
    return Call(
        "POST",
        place(_BUNDLE, session_id=session_id),
        parsed(CreatedBundle),
        form=sent(sample_rate=None if sample_rate is None else str(sample_rate)),
        files=sent(file=file, audio=audio),
        read_seconds=SLOW_CALL_SECONDS,
    )


@endpoint(f"GET {_BUNDLE}/{{job_id}}")
def get_bundle(session_id: str, job_id: str) -> Call[Bundle]:
    """How far the rendering is; `download_bundle` gets the files."""
    path = place(f"{_BUNDLE}/{{job_id}}", session_id=session_id, job_id=job_id)
    return Call("GET", path, parsed(Bundle))


@endpoint(f"GET {_BUNDLE}/{{job_id}}/download")
def download_bundle(session_id: str, job_id: str, *, artifact: str = "bundle") -> FileRequest:
    """A finished artifact: `bundle` (MP4), `zip`, `audio` (WAV) or `video` (silent MP4)."""
    path = place(f"{_BUNDLE}/{{job_id}}/download", session_id=session_id, job_id=job_id)
    return FileRequest(path, {"artifact": artifact})
