"""What the audio WebSocket understands, and what it says about the rest."""

import json

import pytest
from pydantic import BaseModel

from opentalking.core.audio_stream import (
    ConfigMessage,
    EndMessage,
    EosMessage,
    InterruptMessage,
    MetaMessage,
    parse_client_message,
)
from opentalking.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        ({"type": "config"}, ConfigMessage(sample_rate=16_000)),
        ({"type": "config", "sample_rate": ""}, ConfigMessage(sample_rate=16_000)),
        ({"type": "config", "sample_rate": 48_000, "codec": "pcm"}, ConfigMessage(sample_rate=48_000)),
        ({"type": "interrupt"}, InterruptMessage()),
        ({"type": "eos"}, EosMessage()),
        ({"type": "end"}, EndMessage()),
        ({"type": "meta", "voice": "", "tts_provider": "edge"}, MetaMessage(tts_provider="edge")),
    ],
)
def test_messages_are_understood(sent: dict[str, object], understood: BaseModel) -> None:
    assert parse_client_message(json.dumps(sent)) == understood


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "JSON object"),
        ("not json", "JSON object"),
        ("[]", "JSON object"),
        ("7", "JSON object"),
        ("[" * 100_000, "JSON object"),
        ('{"type":"meta","voice":"\\ud800"}', "JSON object"),
        ("{}", "type must be"),
        ('{"type":""}', "type must be"),
        ('{"type":["config"]}', "type must be"),
        ('{"type":"hello"}', "type must be"),
        ('{"type":"ack"}', "type must be"),
        ('{"type":"config","sample_rate":7999}', "sample_rate is not valid"),
        ('{"type":"config","sample_rate":48001}', "sample_rate is not valid"),
        ('{"type":"config","sample_rate":true}', "sample_rate is not valid"),
        ('{"type":"config","sample_rate":1e999}', "sample_rate is not valid"),
        ('{"type":"meta","voice":{}}', "voice is not valid"),
    ],
)
def test_anything_else_is_refused_with_the_remedy(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        parse_client_message(text)
    assert len(refused.value.message) < 200
