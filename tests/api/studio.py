"""The API with a job process whose faces a test watches, holds up and breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from opentalking.core.commands import CopySaid
from opentalking.core.media import MEDIA_RATE, Speech
from opentalking.media import said
from opentalking.services.exports.render import RenderPlugin
from opentalking.services.exports.service import ExportConfig
from tests.api.harness import Api

ENGINE = "tests.support.engines.film"


@dataclass
class Studio:
    """The API with faces that a test watches; sessions of model `mock` wait for `go`."""

    api: Api
    client: httpx.AsyncClient
    folder: Path

    @property
    def recordings(self) -> Path:
        return self.folder / "recordings"

    def go(self) -> None:
        (self.folder / "go").touch()

    async def post(self, session_id: str, sound: bytes | None = None, **form: Any) -> httpx.Response:
        files = None if sound is None else {"file": ("clip.wav", sound, "audio/wav")}
        return await self.client.post(
            f"/sessions/{session_id}/flashtalk-offline-bundle", files=files, data=form or None
        )

    async def begin(self, session_id: str, sound: bytes) -> str:
        answer = await self.post(session_id, sound)
        assert answer.status_code == 200, answer.text
        assert answer.json() | {"job_id": ""} == {"session_id": session_id, "status": "queued", "job_id": ""}
        return str(answer.json()["job_id"])

    async def status(self, session_id: str, job_id: str) -> dict[str, Any]:
        answer = await self.client.get(f"/sessions/{session_id}/flashtalk-offline-bundle/{job_id}")
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen

    async def until(self, session_id: str, job_id: str, *statuses: str) -> list[dict[str, Any]]:
        """Every status seen until one of these."""
        seen: list[dict[str, Any]] = []
        async with asyncio.timeout(30):
            while not seen or seen[-1]["status"] not in statuses:
                seen.append(await self.status(session_id, job_id))
                await asyncio.sleep(0.01)
        return seen

    async def moving(self, session_id: str, job_id: str) -> dict[str, Any]:
        """The first status with some progress."""
        async with asyncio.timeout(30):
            while True:
                seen = await self.status(session_id, job_id)
                if seen["progress"]:
                    return seen
                await asyncio.sleep(0.01)

    async def download(self, session_id: str, job_id: str, artifact: str, **headers: str) -> httpx.Response:
        return await self.client.get(
            f"/sessions/{session_id}/flashtalk-offline-bundle/{job_id}/download",
            params={"artifact": artifact},
            headers=headers,
        )


@asynccontextmanager
async def studio(folder: Path, face: str = "flat", **config: Any) -> AsyncIterator[Studio]:
    def plugin(name: str) -> RenderPlugin:
        options = {"until": str(folder / "go")}
        return RenderPlugin(name=name, models_dir=folder, cache_dir=folder, options=options)

    plugins = {"portrait": plugin(face), "mock": plugin("waits")}
    api = Api(folder, exports=ExportConfig(**{"plugins": plugins, "module": ENGINE, "niceness": 0, **config}))
    async with api.client() as client:
        yield Studio(api, client, folder)


def says(recordings: Path, *turns: tuple[int, list[Speech]]) -> Any:
    """A worker's part of `CopySaid`: these turns, each as far as it was heard (samples)."""

    def copy(command: CopySaid) -> None:
        folder = said.session_folder(recordings, command.session_id)
        kept = []
        for number, (heard, pieces) in enumerate(turns):
            start = 0
            for speech in pieces:
                said.append(folder, str(number), said.SaidPiece(speech, start, bool(speech.text)))
                start = said.end_after(start, speech)
            kept.append(said.SaidTurn(str(number), heard))
        target = said.job_folder(recordings, command.session_id, command.job_id) / "work" / "said"
        said.copy_turns(folder, target, kept)

    return copy


def tone(seconds: float, text: str = "", **more: Any) -> Speech:
    times = np.arange(int(seconds * MEDIA_RATE)) / MEDIA_RATE
    pcm = (9000 * np.sin(2 * np.pi * 300 * times)).astype(np.int16)
    return Speech(pcm, MEDIA_RATE, text, **more)
