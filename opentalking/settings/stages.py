"""Settings of the stages of a turn: faces, language model, speech."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from opentalking.settings.service import ServiceSettings


class StageSettings(ServiceSettings):
    """Models and providers."""

    # --- models and faces
    default_model: str = Field("portrait", description="Talking-head model that lists name first.")
    prewarm_avatars: str = Field(
        "demo-avatar,*", description="Comma list of avatars prepared at start; `*`: then all others."
    )
    portrait_max_pixels: int = Field(
        409_600,
        ge=4096,
        le=4_194_304,
        description="Most pixels `portrait` streams; larger avatars are scaled down.",
    )
    render_threads: int = Field(
        0, ge=0, le=64, description="Threads that draw faces; 0 is one per core, at most 4."
    )

    # --- language model
    llm_provider: Literal["auto", "openai_compatible", "builtin"] = Field(
        "auto",
        description="`auto`: the configured endpoint, else Ollama or LM Studio here, else the built-in demo.",
    )
    llm_base_url: str = Field("", description="OpenAI-compatible endpoint, e.g. `http://127.0.0.1:11434/v1`.")
    llm_api_key: SecretStr = Field(SecretStr(""), description="Key of that endpoint, if it wants one.")
    llm_model: str = Field(
        "", description="Model name; empty takes the endpoint's first where that can be asked."
    )
    llm_system_prompt: str = Field(
        "", max_length=20_000, description="What the character is told about itself."
    )
    llm_emotion_tags: bool = Field(
        False,
        description="Tell the model that it may show feelings with tags such as `[happy]` (never spoken).",
    )
    llm_first_token_timeout_sec: float = Field(
        15.0, gt=0, description="Longest wait for the first token, and between two."
    )
    llm_timeout_sec: float = Field(90.0, gt=0, description="Longest time for a whole answer.")
    llm_max_tokens: int = Field(
        0, ge=0, description="Cap on an answer's tokens; 0 leaves it to the endpoint."
    )
    llm_temperature: float | None = Field(
        None, ge=0, le=2, description="Sampling temperature; empty: the endpoint's."
    )
    llm_history_messages: int = Field(
        40, ge=2, le=1000, description="Messages of a session that the model still sees."
    )
    llm_ollama_url: str = Field("http://127.0.0.1:11434/v1", description="Where `auto` looks for Ollama.")
    llm_lmstudio_url: str = Field("http://127.0.0.1:1234/v1", description="Where `auto` looks for LM Studio.")

    # --- speech
    tts_default_provider: str = Field(
        "local",
        description="Voice engine of sessions that name none.",
    )
    tts_fallback: str = Field(
        "local", description="Engine that steps in when another fails before its first sound; `none`: off."
    )
    tts_first_audio_timeout_sec: float = Field(
        20.0, gt=0, description="Longest wait for a sentence's first sound."
    )
    tts_local_voice: str = Field(
        "", description="Local voice of sessions and avatars that name none; empty: Joe if installed."
    )
    tts_local_threads: int = Field(
        0, ge=0, le=16, description="Threads of one Kokoro synthesis; 0 is two where there are two cores."
    )
    tts_local_noise_scale: float = Field(
        0.667, ge=0, le=2, description="Piper's variation of sound; 0 is repeatable."
    )
    tts_local_noise_w: float = Field(
        0.8, ge=0, le=2, description="Piper's variation of rhythm; 0 is repeatable."
    )
    tts_local_length_scale: float = Field(
        1.0, gt=0.2, le=4, description="Pace of local voices: 1 normal, 2 half as fast."
    )
    tts_local_pocket_language: str = Field(
        "english", description="Model of Pocket TTS, if that is installed for cloned voices."
    )
    tts_local_pocket_cache: Path | None = Field(
        None, description="Hugging Face's cache with its weights; default `~/.cache/huggingface`."
    )
    tts_dashscope_api_key: SecretStr = Field(
        SecretStr(""), description="Key of DashScope, for the engines `dashscope`, `cosyvoice` and `sambert`."
    )
    tts_dashscope_model: str = Field("qwen3-tts-flash-realtime", description="Qwen model that speaks.")
    tts_dashscope_voice: str = Field("Cherry", description="Qwen voice of sessions that name none.")
    tts_dashscope_service_url: str = Field(
        "wss://dashscope.aliyuncs.com/api-ws/v1/realtime", description="Where the Qwen voices are."
    )
    tts_dashscope_http_url: str = Field(
        "https://dashscope.aliyuncs.com/api/v1", description="Where DashScope makes and deletes voices."
    )
    tts_clone_timeout_sec: float = Field(
        180.0, gt=0, description="Longest wait for a service that makes or deletes a voice."
    )
    tts_cosyvoice_model: str = Field("cosyvoice-v3-flash", description="CosyVoice model that speaks.")
    tts_cosyvoice_voice: str = Field("longanyang", description="CosyVoice voice of sessions that name none.")
    tts_cosyvoice_service_url: str = Field(
        "wss://dashscope.aliyuncs.com/api-ws/v1/inference", description="Where CosyVoice and Sambert are."
    )
    tts_sambert_model: str = Field("sambert-zhichu-v1", description="Sambert model, which is its voice.")
    tts_elevenlabs_api_key: SecretStr = Field(SecretStr(""), description="Key of ElevenLabs.")
    tts_elevenlabs_base_url: str = Field("https://api.elevenlabs.io", description="Where ElevenLabs is.")
    tts_elevenlabs_model_id: str = Field("eleven_flash_v2_5", description="ElevenLabs model that speaks.")
    tts_elevenlabs_voice_id: str = Field("", description="ElevenLabs voice of sessions that name none.")
    tts_elevenlabs_output_format: str = Field(
        "mp3_22050_32", description="How ElevenLabs sends sound: one of its `mp3_…` or `pcm_…`."
    )
    tts_openai_base_url: str = Field(
        "", description="OpenAI-compatible voices, e.g. `http://127.0.0.1:8880/v1`; empty: none."
    )
    tts_openai_api_key: SecretStr = Field(SecretStr(""), description="Key of that endpoint, if it wants one.")
    tts_openai_model: str = Field("gpt-4o-mini-tts", description="Model of that endpoint.")
    tts_openai_voice: str = Field("alloy", description="Its voice for sessions that name none.")
    tts_openai_response_format: Literal["wav", "pcm", "mp3"] = Field(
        "wav", description="How it sends sound; `pcm` is 24 kHz."
    )
    tts_edge_voice: str = Field("zh-CN-XiaoxiaoNeural", description="Edge voice of sessions that name none.")
    tts_preview_max_chars: int = Field(500, ge=1, le=10_000, description="Longest text of `/tts/preview`.")

    # --- recognition
    stt_default_provider: str = Field("local", description="Recogniser of sessions that name none.")
    stt_fallback: str = Field(
        "local", description="Recogniser that steps in for an utterance when another fails; `none`: off."
    )
    stt_timeout_sec: float = Field(
        50.0, gt=0, le=600, description="Longest wait for the words of an utterance after its end."
    )
    stt_language_hints: str = Field(
        "en,zh",
        description="Languages that are told apart, a comma list of codes such as `en,zh,de`; one is fixed.",
    )
    stt_local_model: Literal["base", "tiny.en"] = Field(
        "base", description="Whisper of the local recogniser; `tiny.en` is lighter and knows English only."
    )
    stt_local_threads: int = Field(
        0, ge=0, le=16, description="Threads of the local recogniser; 0 is two where there are two cores."
    )
    stt_dashscope_api_key: SecretStr = Field(SecretStr(""), description="DashScope key for Paraformer.")
    stt_dashscope_model: str = Field("paraformer-realtime-v2", description="DashScope recogniser.")
    stt_dashscope_service_url: str = Field("", description="Its WebSocket; empty: DashScope's own.")
    stt_openai_base_url: str = Field(
        "", description="Endpoint with `/audio/transcriptions`, e.g. `http://127.0.0.1:9000/v1`."
    )
    stt_openai_api_key: SecretStr = Field(SecretStr(""), description="Key of that endpoint, if it wants one.")
    stt_openai_model: str = Field("whisper-1", description="Its model.")
    stt_openai_language: str = Field("", description="Language code that it is told; empty lets it find out.")

    # --- turn taking
    vad_provider: str = Field(
        "local", description="Turn detector: hears when somebody speaks, and whether they have finished."
    )
    turn_taking: Literal["auto", "push_to_talk", "off"] = Field(
        "auto",
        description="How sessions that do not say listen to the microphone: hands-free, a button, never.",
    )

    # --- talking
    speak_mode: Literal["verbatim", "chat"] = Field(
        "verbatim",
        description="`chat`: `/speak` answers like `/chat`, for clients that send the user's words there.",
    )

    @field_validator("tts_local_pocket_cache")
    @classmethod
    def _expand_cache(cls, path: Path | None) -> Path | None:
        return path.expanduser() if path is not None else None
