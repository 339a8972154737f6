"""Deleting cloned voices, and fetching samples."""

import httpx
import pytest

from tests.api.cloning import COSYVOICE, FORM, clones, equip, file, reachable
from tests.api.harness import Api
from tests.support.vendors.enrolment import EnrolmentService


@pytest.mark.parametrize("form", [FORM, COSYVOICE], ids=["qwen", "cosyvoice"])
async def test_deleting_frees_the_place_at_the_vendor(
    api: Api, vendor: EnrolmentService, form: dict[str, str]
) -> None:
    async with reachable(api, vendor) as client:
        entry = (await client.post("/voices/clone", data=form, files=file())).json()["entry_id"]
        answer = await client.delete(f"/voices/{entry}")
        assert (answer.status_code, answer.json()) == (200, {"deleted": True, "ok": True})
        assert vendor.voices == {}
        assert await clones(client) == []
        assert (await client.delete(f"/voices/{entry}")).status_code == 404


async def test_a_voice_that_its_vendor_keeps_is_kept_for_another_try(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor)
    entry = (await client.post("/voices/clone", data=FORM, files=file())).json()["entry_id"]
    vendor.mode = "refuse"
    answer = await client.delete(f"/voices/{entry}")
    assert answer.status_code == 502
    assert "the voice is kept" in answer.json()["detail"]
    assert [item["id"] for item in await clones(client)] == [entry]
    vendor.mode = "normal"
    vendor.voices.clear()  # deleted in the vendor's own console
    answer = await client.delete(f"/voices/{entry}")
    assert (answer.status_code, answer.json()) == (200, {"deleted": True, "ok": True})


async def test_without_a_key_a_voice_is_deleted_here_and_the_answer_says_so(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor)
    entry = (await client.post("/voices/clone", data=FORM, files=file())).json()["entry_id"]
    equip(api, vendor, key="")
    answer = (await client.delete(f"/voices/{entry}")).json()
    assert (answer["deleted"], answer["ok"]) == (True, True)
    assert "deleted here only" in answer["message"]
    assert vendor.actions == ["create"]
    assert await clones(client) == []


async def test_what_is_no_cloned_voice_is_not_deleted(client: httpx.AsyncClient) -> None:
    system = (await client.get("/voices")).json()["items"][0]["id"]
    answer = await client.delete(f"/voices/{system}")
    assert (answer.status_code, "system voice" in answer.text) == (400, True)
    for entry in ("310", "0", "-5", "%2B7", str(2**63 - 1), str(2**63), str(-(2**64)), "9" * 5000):
        assert (await client.delete(f"/voices/{entry}")).status_code == 404, entry
    for entry in ("clone", "abc", "3.0", "1e3", "0x10", "%20310", "310%0A", "1_000", "%D9%A3", "--1", "+"):
        assert (await client.delete(f"/voices/{entry}")).status_code == 400, entry


@pytest.mark.parametrize(
    "token", ["0" * 32, "short", "0" * 33, "%2e%2e%2fvoices.sqlite3", "..%2Fvoices.sqlite3", "*" * 32, "%00"]
)
async def test_other_tokens_open_nothing(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get(f"/voice-uploads/{token}")
    assert answer.status_code == 404
    assert list(answer.json()) == ["detail"]
