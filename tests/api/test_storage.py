"""A disk that takes nothing more: what clients are told, and that nothing half-done stays."""

import io
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from opentalking.core.errors import Unavailable
from opentalking.services.sound_file import SoundFile
from tests.api.harness import Api
from tests.support.films import full_disk
from tests.support.photos import encoded, spectacled

PHOTO = encoded(spectacled(), ".jpg")


def require_told(answer: httpx.Response, what: str) -> None:
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith(f"the server cannot keep {what} (")
    assert "/" not in answer.json()["detail"], "no paths of the server"


async def test_an_avatar_that_does_not_fit_is_refused(client: httpx.AsyncClient, api: Api) -> None:
    form = {"name": "Anna", "base_avatar_id": "demo-avatar"}
    with capture_logs() as logs, full_disk(1000):
        answer = await client.post("/avatars/custom", data=form, files={"image": ("a.jpg", PHOTO)})
    require_told(answer, "the avatar")
    assert [log["what"] for log in logs if log["event"] == "storage failed"] == ["the avatar"]
    assert [path.name for path in api.avatars_root.iterdir()] == ["demo-avatar"]


@pytest.mark.parametrize("path", ["", "/prompt", "/reference"])
async def test_a_customisation_that_cannot_be_written_is_refused(
    client: httpx.AsyncClient, tmp_path: Path, path: str
) -> None:
    (tmp_path / "customisations").write_text("a file where the folder should be")
    form = {"avatar_id": "demo-avatar", "llm_system_prompt": "Be brief."}
    with capture_logs():
        if path == "/prompt":
            answer = await client.post(f"/sessions/customize{path}", json=form)
        else:
            files = {"reference_image": ("a.jpg", PHOTO)}
            answer = await client.post(f"/sessions/customize{path}", data=form, files=files)
    require_told(answer, "the change")


async def test_a_sound_that_does_not_fit_is_refused() -> None:
    with capture_logs(), full_disk(1000), pytest.raises(Unavailable, match="cannot keep the sound"):
        await SoundFile.open(io.BytesIO(bytes(100_000)), 16_000, raw_rate=16_000)
