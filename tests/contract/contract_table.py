"""The contract of the API as data: what third-party clients rely on, row by row.

A row's words: `name!` is required, `a.b` is field `b` of the object (or of each object in the list) `a`.
`choices` are values that a field's enumeration must have. Status 500 is every route's and not named. The
document may have more of everything, but for routes: each one has its row.
"""

from dataclasses import dataclass, field

JSON = "application/json"
FORM = "multipart/form-data"
PLAIN_ERRORS = "400 404 409 413"
SUMMARY = "id name model_type width height is_custom"


@dataclass(frozen=True)
class Row:
    """One endpoint."""

    route: str
    answer: str = ""
    errors: str = ""
    query: str = ""
    json: str = ""
    form: str = ""
    media: str = JSON
    choices: dict[str, str] = field(default_factory=dict)
    one_of: str = ""
    additive: bool = False
    also: str = ""
    """Statuses below 400 besides 200."""


_SESSION = "/sessions/{session_id}"
_RECORDING = f"{_SESSION}/flashtalk-recording"
_BUNDLE = f"{_SESSION}/flashtalk-offline-bundle"
_TURN = "session_id status turn_id"
_QUEUED = {"status": "queued"}

ACCESS = (
    Row(
        "POST /auth/token",
        json="session_id",
        answer="access_token! token_type! expires_in! session_id!",
        choices={"token_type": "bearer"},
        errors="400 401 403 409 413 429",
        additive=True,
    ),
)

HEALTH_AND_MODELS = (
    Row(
        "GET /health",
        answer="status version stt_key_set tts_key_set llm_key_set stt_provider tts_provider "
        "llm.provider llm.model llm.demo",
    ),
    Row("GET /healthz", answer="status"),
    Row("GET /metrics", media="text/plain", additive=True),
    Row("GET /queue/status", answer="slot_occupied queue_size"),
    Row(
        "GET /models",
        answer="models statuses.id statuses.backend statuses.connected statuses.reason default_model",
        choices={
            "statuses.backend": "mock local omnirt direct_ws",
            "statuses.reason": "local_self_test local_runtime local_adapter_missing weights_missing omnirt "
            "omnirt_unavailable not_configured legacy_ws direct_ws direct_ws_unavailable",
        },
    ),
)

AVATARS = (
    Row("GET /avatars", answer=SUMMARY),
    Row(
        "GET /avatars/{avatar_id}",
        answer=f"{SUMMARY} fps sample_rate version metadata",
        errors="404",
    ),
    Row("GET /avatars/{avatar_id}/preview", media="image/png", errors="404", also="304"),
    Row(
        "POST /avatars/custom",
        form="name! base_avatar_id! image!",
        answer=SUMMARY,
        errors="400 404 413",
    ),
    Row(
        "DELETE /avatars/{avatar_id}",
        answer="deleted avatar_id status",
        errors="403 404",
        choices={"status": "deleted"},
    ),
    Row(
        "POST /avatars/{avatar_id}/prewarm",
        json="model",
        answer="avatar_id model status runtime_status",
        errors="400 404",
        choices={"status": "ready", "runtime_status": "ready"},
        additive=True,
    ),
)

LIFE_CYCLE = (
    Row(
        "POST /sessions",
        json="avatar_id! model! tts_provider tts_voice tts_model stt_provider llm_system_prompt "
        "wav2lip_postprocess_mode",
        answer="session_id status",
        errors="400 404 413 503",
        choices={"status": "created initializing queued"},
    ),
    Row(
        f"GET {_SESSION}",
        answer="session_id avatar_id model state tts_provider tts_voice tts_model stt_provider "
        "wav2lip_postprocess_mode llm_system_prompt_set created_at",
        errors="404",
        choices={"state": "queued initializing worker_ready ready speaking closing error"},
    ),
    Row(
        f"POST {_SESSION}/start",
        answer="session_id status",
        errors="400 404 409",
        choices={"status": "running"},
    ),
    Row(
        f"DELETE {_SESSION}",
        answer="session_id status",
        errors="404",
        choices={"status": "terminated"},
    ),
    Row(
        "POST /sessions/customize",
        form="avatar_id! llm_system_prompt reference_image",
        answer="avatar_id saved image_updated",
        errors="400 404 413",
    ),
    Row(
        "POST /sessions/customize/prompt",
        json="avatar_id! llm_system_prompt",
        answer="avatar_id saved",
        errors="400 404 413",
    ),
    Row(
        "POST /sessions/customize/reference",
        form="avatar_id! reference_image reset",
        answer="avatar_id saved image_updated",
        errors="400 404 413",
    ),
)

TALKING = (
    Row(
        f"POST {_SESSION}/chat",
        json="prompt text voice tts_provider tts_model",
        one_of="prompt text",
        answer=_TURN,
        errors=PLAIN_ERRORS,
        choices=_QUEUED,
    ),
    Row(
        f"POST {_SESSION}/speak",
        json="text! voice tts_provider tts_model",
        answer=_TURN,
        errors=PLAIN_ERRORS,
        choices=_QUEUED,
    ),
    Row(
        f"POST {_SESSION}/transcribe",
        form="file audio sample_rate stt_provider trigger_chat",
        answer="session_id text transcript",
        errors=f"{PLAIN_ERRORS} 502",
    ),
    Row(
        f"POST {_SESSION}/speak_audio",
        form="audio file sample_rate voice tts_provider tts_model stt_provider mode",
        answer=f"{_TURN} text",
        errors=f"{PLAIN_ERRORS} 502",
        choices=_QUEUED,
    ),
    Row(
        f"POST {_SESSION}/speak_flashtalk_audio",
        form="file audio sample_rate",
        answer=_TURN,
        errors=PLAIN_ERRORS,
        choices=_QUEUED,
    ),
    Row(
        f"POST {_SESSION}/interrupt",
        json="turn_id",
        answer="session_id status interrupted",
        errors="400 404",
        choices={"status": "interrupted"},
    ),
    Row(
        f"POST {_SESSION}/playout",
        json="turn_id! silent_after_ms!",
        answer="session_id status",
        errors="400 404 429",
        choices={"status": "noted"},
        additive=True,
    ),
    Row(
        f"POST {_SESSION}/listening",
        json="turn_taking talking",
        answer="session_id turn_taking talking",
        errors=PLAIN_ERRORS,
        choices={"turn_taking": "auto push_to_talk off"},
        additive=True,
    ),
    Row(
        f"POST {_SESSION}/webrtc/offer",
        json="sdp! type!",
        answer="sdp type",
        errors="400 404 409 413 503",
        choices={"type": "answer"},
    ),
)

RECORDING_AND_BUNDLE = (
    Row(
        f"POST {_RECORDING}/start",
        answer="session_id status",
        errors="404",
        choices={"status": "recording"},
    ),
    Row(
        f"POST {_RECORDING}/stop",
        answer="session_id status",
        errors="404",
        choices={"status": "stopped"},
    ),
    Row(
        f"GET {_RECORDING}",
        query="format",
        media="video/mp4 application/json text/vtt",
        answer="state artifact_url duration_ms",
        errors="400 404 416",
        choices={"state": "idle recording complete"},
        also="206",
    ),
    Row(
        f"POST {_BUNDLE}",
        form="file audio",
        answer="session_id job_id status",
        errors=f"{PLAIN_ERRORS} 503",
        choices=_QUEUED,
    ),
    Row(
        f"GET {_BUNDLE}/{{job_id}}",
        answer="session_id job_id status state progress error message",
        errors="404",
        choices={"status": "queued processing done error", "state": "pending running complete failed"},
    ),
    Row(
        f"GET {_BUNDLE}/{{job_id}}/download",
        query="artifact",
        media="video/mp4 application/zip audio/wav",
        errors="400 404 409 416",
        also="206",
    ),
)

TTS_AND_VOICES = (
    Row(
        "POST /tts/preview",
        json="text! voice tts_provider provider tts_model model",
        media="audio/wav",
        errors="400 502",
    ),
    Row(
        "GET /voices",
        query="provider",
        answer="items.id items.user_id items.provider items.voice_id items.display_label "
        "items.target_model items.source",
        choices={"items.source": "clone system"},
    ),
    Row(
        "POST /voices/clone",
        form="provider! target_model! display_label! audio! prefix preferred_name prompt_text",
        answer="ok entry_id voice_id display_label provider target_model message",
        errors="400 502",
    ),
    Row("DELETE /voices/{entry_id}", answer="deleted ok", errors="400 404"),
    Row("GET /voice-uploads/{token}", media="audio/wav", errors="404"),
)

STREAMS = (
    Row(
        f"GET {_SESSION}/events",
        query="last_event_id",
        media="text/event-stream",
        errors="404 429",
    ),
    Row(f"GET {_SESSION}/speak_audio_stream", media="", also="101"),
)


TABLE: tuple[Row, ...] = (
    ACCESS
    + HEALTH_AND_MODELS
    + AVATARS
    + LIFE_CYCLE
    + TALKING
    + RECORDING_AND_BUNDLE
    + TTS_AND_VOICES
    + STREAMS
)

INTEGERS = (
    "ms_elapsed sentence_index frame_idx pts_ms start_ms end_ms position remaining_sec duration_ms "
    "queue_size width height"
)

EVENTS: dict[str, str] = {
    "transcript": "text! is_final!",
    "llm": "delta!",
    "tts": "stage! ms_elapsed! sentence_index!",
    "frame": "frame_idx! pts_ms!",
    "status": "stage! message",
    "error": "code! message!",
    "session.queued": "position! message!",
    "session.state_changed": "state!",
    "session.expiring": "remaining_sec!",
    "session.expired": "message!",
    "session.terminated": "reason!",
    "speech.started": "text!",
    "speech.media_started": "",
    "subtitle.chunk": "text! is_final! start_ms! end_ms! words words.text words.start_ms words.end_ms",
    "assistant.message": "text!",
    "speech.ended": "text reason!",
    "turn.metrics": "kind! source! outcome! speech_ms pause_noticed_ms turn_end_ms end_of_turn recognised_ms "
    "accepted_ms first_token_ms first_sentence_ms first_audio_ms media_started_ms first_frame_ms "
    "last_audio_ms interrupted_ms ended_ms av_offset_ms",
}
"""Payload of each event, besides `session_id!` and `turn_id`, which all have."""

EVENT_CHOICES: dict[str, dict[str, str]] = {
    "tts": {"stage": "start first_audio complete"},
    "status": {"stage": "listening thinking speaking idle interrupted error"},
    "session.queued": {"message": "waiting slot_acquired timeout"},
    "session.expired": {"message": "session_expired peer_lost worker_lost"},
    "speech.ended": {"reason": "completed interrupted failed"},
    "turn.metrics": {
        "kind": "chat speak play",
        "source": "text audio microphone",
        "outcome": "completed interrupted failed",
    },
}

STREAM_SENT: dict[str, str] = {
    "config": "sample_rate",
    "interrupt": "",
    "eos": "",
    "meta": "voice tts_provider tts_model stt_provider",
    "end": "",
}
STREAM_RECEIVED: dict[str, str] = {
    "AckMessage": "type",
    "QueuedMessage": "session_id status text",
    "ErrorMessage": "type code message error",
}
STREAM_CLOSE_CODES = "1000 1011 4004 4400 4408 4409"

SETTINGS = (
    "API_HOST API_PORT UNIFIED_HOST UNIFIED_PORT CORS_ORIGINS PUBLIC_BASE_URL REDIS_MODE REDIS_URL "
    "WORKER_HOST WORKER_PORT WORKER_URL AVATARS_DIR VOICES_DIR SQLITE_PATH DEFAULT_MODEL LLM_BASE_URL "
    "LLM_API_KEY LLM_MODEL LLM_SYSTEM_PROMPT TTS_DEFAULT_PROVIDER TTS_PROVIDER STT_DEFAULT_PROVIDER "
    "TTS_FALLBACK STT_FALLBACK SPEAK_MODE TTS_PREVIEW_MAX_CHARS FLASHTALK_WS_URL FLASHHEAD_WS_URL "
    "FLASHHEAD_BASE_URL FLASHHEAD_MODEL FLASHTALK_MAX_QUEUE_SIZE FLASHTALK_SLOT_TIMEOUT_SEC "
    "FLASHTALK_MAX_SESSION_SEC FLASHTALK_RECORDINGS_DIR RECORDING_MAX_SEC RETENTION_HOURS RETENTION_GIB "
    "PREWARM_AVATARS MAX_SESSIONS QUEUE_SESSIONS SESSION_CONNECT_TIMEOUT SESSION_RECONNECT_TIMEOUT "
    "SESSION_IDLE_TIMEOUT ICE_SERVERS RTC_PORT_RANGE CUSTOM_AVATAR_MAX_WIDTH CUSTOM_AVATAR_MAX_HEIGHT "
    "ALLOW_SHARED_CUSTOMIZE PORTRAIT_MAX_PIXELS LLM_PROVIDER API_KEYS"
)
"""Names behind `OPENTALKING_`; `CONFIG_FILE`, `ENV_FILE` and `<MODEL>_BACKEND` are read before all others."""
