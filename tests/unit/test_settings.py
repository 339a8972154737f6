"""Settings: names, precedence, validation."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from opentalking.settings import Environment, Settings, parse_port_range

NO_FILE = {"OPENTALKING_ENV_FILE": "/nonexistent"}


def test_every_setting_has_a_meaning_and_works_without_an_environment() -> None:
    assert Environment(NO_FILE).settings == Settings()
    assert all(field.description for field in Settings.model_fields.values())


def test_environment_beats_env_file_beats_yaml(tmp_path: Path) -> None:
    yaml = tmp_path / "config.yaml"
    yaml.write_text("max_sessions: 1\napi_port: 1\ntts_fallback: none\nwav2lip_backend: mock\n")
    dotenv = tmp_path / "env"
    dotenv.write_text("OPENTALKING_MAX_SESSIONS=2\nOPENTALKING_API_PORT=2\n")
    environment = Environment(
        {
            "OPENTALKING_ENV_FILE": str(dotenv),
            "OPENTALKING_CONFIG_FILE": str(yaml),
            "OPENTALKING_API_PORT": "3",
        }
    )
    settings = environment.settings
    assert (settings.api_port, settings.max_sessions, settings.tts_fallback) == (3, 2, "none")
    assert environment.backends == {"wav2lip": "mock"}


def test_the_own_name_beats_the_older_one_and_an_empty_value_is_none() -> None:
    both = {**NO_FILE, "OPENTALKING_UNIFIED_PORT": "1", "OPENTALKING_API_PORT": "2"}
    assert Environment(both).settings.api_port == 2
    assert Environment({**NO_FILE, "OPENTALKING_UNIFIED_PORT": "1"}).settings.api_port == 1
    assert Environment({**NO_FILE, "OPENTALKING_API_PORT": ""}).settings.api_port == 8000
    assert (
        Environment({**NO_FILE, "OPENTALKING_TTS_PROVIDER": "edge"}).settings.tts_default_provider == "edge"
    )


def test_home_is_expanded_in_defaults_too() -> None:
    settings = Environment(NO_FILE).settings
    assert settings.models_path.is_absolute()
    assert "~" not in str(settings.avatars_path)
    assert Environment({**NO_FILE, "OPENTALKING_MODELS_DIR": "~/m"}).settings.models_path == Path.home() / "m"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_PORT", "70000"),
        ("API_PORT", "http"),
        ("MAX_SESSIONS", "-1"),
        ("LOG_LEVEL", "chatty"),
        ("RTC_PORT_RANGE", "5-3"),
        ("SPEAK_MODE", "sing"),
    ],
)
def test_a_bad_value_names_its_setting(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Environment({**NO_FILE, f"OPENTALKING_{name}": value})
    assert caught.value.errors()[0]["loc"] == (name.lower(),)


def test_config_file_must_be_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("- a list\n")
    with pytest.raises(ValueError, match="mapping"):
        Environment({**NO_FILE, "OPENTALKING_CONFIG_FILE": str(path)})


def test_plug_in_options_come_typed_and_raw() -> None:
    environment = Environment(
        {**NO_FILE, "OPENTALKING_TTS_LOCAL_NOISE_SCALE": "0", "OPENTALKING_TTS_ACME_VOICE": "x"}
    )
    assert environment.options("tts_local_")["noise_scale"] == 0.0
    assert environment.options("tts_acme_") == {"voice": "x"}


@pytest.mark.parametrize("text", ["x", "1-2", "5000", "6000-5000", "60000-70000", "-"])
def test_port_ranges_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError, match="40000-40100"):
        parse_port_range(text)


def test_secrets_do_not_show() -> None:
    settings = Environment({**NO_FILE, "OPENTALKING_LLM_API_KEY": "sk-very-secret"}).settings
    assert "very-secret" not in repr(settings)
    assert settings.llm_api_key.get_secret_value() == "sk-very-secret"
