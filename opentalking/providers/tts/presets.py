"""System voices of services that cannot be asked for them, as their documentation lists them.

A list here is a choice: every other voice of a service can be named in requests, too.
"""

from opentalking.core.conversation import Gender, Voice

_QWEN_MODEL = "qwen3-tts-flash-realtime"
_COSYVOICE_MODEL = "cosyvoice-v3-flash"


def _qwen(name: str, gender: Gender, language: str = "zh-CN") -> Voice:
    return Voice(name, name, "dashscope", _QWEN_MODEL, language=language, gender=gender, engine="qwen")


def _edge(name: str, gender: Gender) -> Voice:
    language = "-".join(name.split("-")[:2])
    label = f"{name.split('-')[2].removesuffix('Neural')} ({language})"
    return Voice(name, label, "edge", language=language, gender=gender, engine="edge")


QWEN_VOICES = (
    _qwen("Cherry", "female"),
    _qwen("Serena", "female"),
    _qwen("Ethan", "male"),
    _qwen("Chelsie", "female"),
    _qwen("Dylan", "male"),
    _qwen("Jada", "female"),
    _qwen("Roy", "male"),
)
COSYVOICE_VOICES = (
    Voice("longanyang", "longanyang", "cosyvoice", _COSYVOICE_MODEL, language="zh-CN", gender="male"),
)
EDGE_VOICES = (
    _edge("zh-CN-XiaoxiaoNeural", "female"),
    _edge("zh-CN-YunxiNeural", "male"),
    _edge("en-US-AriaNeural", "female"),
    _edge("en-US-GuyNeural", "male"),
)
