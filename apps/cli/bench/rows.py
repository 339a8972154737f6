"""The lines of the table, and which way is better."""

from dataclasses import dataclass

from apps.cli.bench.scenarios import MANY


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `target` None has none. `lower` says which way is better.

    Of a `fault` the worst run counts: that it did not happen in another one is no merit.
    """

    key: str
    title: str
    unit: str
    target: float | None = None
    lower: bool = True
    fault: bool = False


def _answer_rows(name: str, voice: str) -> tuple[Row, ...]:
    """What is measured of hands-free answers with one voice."""
    return (
        Row(f"{name}_sound_ms", f"end of speech to first audible packet ({voice}), median", "ms", 1200),
        Row(f"{name}_sound_p95_ms", "  the same, p95", "ms", 2400),
        Row(f"{name}_movement_ms", "  to first moving frame, median", "ms", 1200),
        Row(f"{name}_movement_p95_ms", "  the same, p95", "ms", 2400),
        Row(f"{name}_turn_end_ms", "  of that: until the turn is taken for finished, median", "ms"),
        Row(f"{name}_recognised_ms", "  until its words are there, median", "ms"),
        Row(f"{name}_first_token_ms", "  until the model's first token, median", "ms"),
        Row(f"{name}_first_audio_ms", "  until the voice's first sound, median", "ms"),
        Row(f"{name}_turns", "  utterances answered and measured", "", lower=False),
        Row(f"{name}_turns_per_utterance", "  turns per utterance", "", 1, fault=True),
        Row(f"{name}_unanswered", "  utterances without an answer", "", 0, fault=True),
    )


ROWS = (
    Row("healthy_ms", "start to healthy", "ms"),
    Row("session_ms", "POST /sessions", "ms"),
    Row("first_picture_ms", "offer to first decodable frame", "ms"),
    Row("speak_sound_ms", "/speak to first audible packet, median", "ms", 350),
    Row("speak_sound_p95_ms", "/speak to first audible packet, p95", "ms"),
    Row("speak_movement_ms", "/speak to first moving frame, median", "ms"),
    Row("chat_sound_ms", "/chat to first audible packet, median", "ms", 700),
    Row("chat_sound_p95_ms", "/chat to first audible packet, p95", "ms"),
    Row("chat_movement_ms", "/chat to first change of the picture (the look), median", "ms"),
    Row("speak_zh_sound_ms", "Chinese: /speak to first audible packet, median", "ms", 1500),
    Row("speak_zh_sound_p95_ms", "Chinese: /speak to first audible packet, p95", "ms"),
    Row("speak_en_kokoro_sound_ms", "English by Kokoro: the same, median", "ms"),
    Row("speak_zh_cpu_per_second", "CPU of Kokoro per second of Chinese", "s"),
    Row("speak_en_kokoro_cpu_per_second", "CPU of Kokoro per second of English", "s"),
    Row("speak_av_offset_p50_ms", "A/V offset at the receiver, p50", "ms"),
    Row("speak_av_offset_p95_ms", "A/V offset at the receiver, p95", "ms", 45),
    Row("interrupt_ms", "interrupt to last audible packet, median", "ms"),
    Row("interrupt_p95_ms", "interrupt to last audible packet, p95", "ms", 100),
    Row("stream_movement_ms", "first chunk of streamed PCM to first moving frame, median", "ms", 200),
    Row("stream_movement_p95_ms", "  the same, p95", "ms"),
    Row("stream_sound_ms", "  to first audible packet, median", "ms", 200),
    Row("stream_sound_p95_ms", "  the same, p95", "ms"),
    Row("stream_failed", "  streams not seen or heard", "", 0, fault=True),
    Row("speak_fps", "frames per second while turns run", "fps", 24, lower=False),
    Row("speaking_fps", "frames per second while speaking", "fps", 24, lower=False),
    Row(f"idle_{MANY}_fps", f"frames per second, slowest of {MANY} idle", "fps", 24, lower=False),
    Row("idle_1_cpu_percent", "CPU of one core, idle session, N = 1", "%"),
    Row(f"idle_{MANY}_cpu_percent", f"CPU of one core per idle session, N = {MANY}", "%", 1.5),
    Row("speaking_cpu_percent", "CPU of one core, speaking session (render, encode, send)", "%", 35),
    Row("speaking_tts_cpu_percent", "  beside it: speech synthesis", "%"),
    Row("speaking_llm_cpu_percent", "  beside it: language model", "%"),
    *_answer_rows("heard", "Joe, Piper"),
    *_answer_rows("heard_own", "Mira's own, Kokoro"),
    Row("heard_zh_sound_ms", "Chinese: end of speech to first audible packet, median", "ms"),
    Row("heard_zh_sound_p95_ms", "Chinese: the same, p95", "ms"),
    Row("barge_in_ducked_p95_ms", "speech to avatar turned down by 18 dB, p95", "ms", 400),
    Row("barge_in_silent_p95_ms", "speech that goes on to last audible packet, p95", "ms", 900),
    Row("barge_in_decided_p95_ms", "decision to last audible packet, p95", "ms", 100),
    Row("barge_in_missed", "speech that did not interrupt", "", 0, fault=True),
    Row(
        "back_channel_resumes_percent",
        "back-channels that leave the answer alone",
        "%",
        100,
        lower=False,
        fault=True,
    ),
    Row("back_channel_loud_again_ms", "end of back-channel to full loudness, median", "ms"),
    Row(
        "echo_10_db_interruptions_per_minute",
        "false interruptions a minute, echo at -10 dB",
        "",
        0,
        fault=True,
    ),
    Row(
        "echo_20_db_interruptions_per_minute",
        "false interruptions a minute, echo at -20 dB",
        "",
        0,
        fault=True,
    ),
    Row("microphone_off_media_cpu_percent", "CPU of one core, idle session, microphone off", "%"),
    Row("microphone_idle_media_cpu_percent", "the same, microphone in a quiet room: media", "%"),
    Row("microphone_idle_vad_cpu_percent", "  beside it: VAD and turn detection", "%"),
    Row("microphone_speech_media_cpu_percent", "the same, speech without end: media", "%"),
    Row("microphone_speech_vad_cpu_percent", "  beside it: VAD and turn detection", "%"),
    Row("microphone_speech_stt_cpu_percent", "  beside it: recognition", "%"),
    Row("rss_mb", "memory of the server, warm", "MB"),
    Row(f"idle_{MANY}_rss_mb", f"memory per session, N = {MANY}", "MB"),
)
