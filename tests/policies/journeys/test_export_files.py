"""The files of an export: byte for byte, said to be gone where they are, and read while nobody waits for the reader."""

import asyncio
import base64
import hashlib
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from app import assembly
from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.core.jobs import settle
from app.core.problems import Unauthenticated
from app.core.settings import DatabaseSettings, MediaSettings, Settings, install_settings
from app.identity.models import Account, Resident
from app.media.models import STORED, Upload
from app.media.storage import storage
from app.policies.journeys.export import service, views
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity as make
from tests.factories import media
from tests.factories.sign_in import session_of, sign_in_resident
from tests.media import samples
from tests.streams import served

FHIR = {"format": "fhir"}
_LARGE = 3 * 2**20 + 1


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[Path]:
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield tmp_path
    install_settings(test_settings)


async def kept(resident: Resident, content: bytes) -> uuid.UUID:
    """Insert a document about the resident as it is stored."""
    row = Upload(
        community_id=resident.community_id,
        owner_id=resident.account_id,
        about_id=resident.id,
        purpose="document",
        content_type="application/pdf",
        size=len(content),
        received=len(content),
        stored_size=len(content),
        sha256=bytes(32),
        stored_sha256=hashlib.sha256(content).digest(),
        state=STORED,
    )
    async with unit_of_work() as session:
        session.add(row)
    await storage().finish(row.id, content)
    return row.id


async def export(client: httpx.AsyncClient, headers: dict[str, str], **params: str) -> Any:
    answer = await client.get("/v1/me/export", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def resident(client: httpx.AsyncClient, clock: ManualClock) -> Resident:
    return await make.resident(await make.community(), name="Grace", phone="+8613800000001")


async def test_files_come_back_byte_for_byte_with_what_they_are(client: httpx.AsyncClient, resident: Resident) -> None:
    headers = await sign_in_resident(resident)
    photo = await media.sent(client, headers, samples.photo())
    large = os.urandom(_LARGE)  # more than one part
    document = await kept(resident, large)
    other = await make.resident(await make.community(name="Elsewhere"), name="Ada", phone="+8613800000002")
    await kept(other, b"not Grace's")
    upload_id, link = await media.declared(client, headers, samples.photo())
    piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    await client.patch(link, content=samples.photo()[:100], headers=piece)

    found = await export(client, headers)
    files = {file["id"]: file for file in found["files"]}
    assert set(files) == {photo, str(document), upload_id}
    assert {row["id"] for row in found["tables"]["media_upload"]["rows"]} == set(files)
    for name, expected in ((photo, await _stored(photo)), (str(document), large), (upload_id, samples.photo()[:100])):
        content = base64.b64decode(files[name]["content"], validate=True)
        assert content == expected
        assert (files[name]["size"], files[name]["trouble"]) == (len(expected), None)
        assert files[name]["sha256"] == hashlib.sha256(expected).hexdigest()
    assert [files[name]["is_whole"] for name in (photo, str(document), upload_id)] == [True, True, False]
    assert files[photo]["content_type"] == "image/jpeg"
    assert found["exported_at"] <= found["finished_at"]


async def _stored(upload_id: str) -> bytes:
    return await storage().part(uuid.UUID(upload_id), 0, 2**20)


async def test_the_health_record_holds_the_files_as_binaries_that_documents_refer_to(
    client: httpx.AsyncClient, resident: Resident
) -> None:
    content = os.urandom(_LARGE)
    media_id = await kept(resident, content)
    bundle = await export(client, await sign_in_resident(resident), **FHIR)
    entries = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    assert len(entries) == len(bundle["entry"]) == 3
    assert all(url == f"urn:uuid:{resource['id']}" for url, resource in entries.items())
    (document,) = [found for found in entries.values() if found["resourceType"] == "DocumentReference"]
    (held,) = document["content"]
    binary = entries[held["attachment"]["url"]]
    assert base64.b64decode(binary["data"], validate=True) == content
    assert binary == {
        "resourceType": "Binary",
        "id": str(media_id),
        "contentType": "application/pdf",
        "data": binary["data"],
    }
    assert (held["attachment"]["contentType"], held["attachment"]["size"]) == ("application/pdf", len(content))
    assert base64.b64decode(held["attachment"]["hash"]) == hashlib.sha1(content, usedforsecurity=False).digest()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    assert document["masterIdentifier"] == {"system": "urn:ietf:rfc:3986", "value": f"ni:///sha-256;{digest}"}
    assert (document["status"], document["type"]) == ("current", {"text": "document"})
    assert entries[document["subject"]["reference"]]["resourceType"] == "Patient"


async def test_what_the_store_no_longer_has_or_has_differently_is_said_in_its_place(
    client: httpx.AsyncClient, resident: Resident
) -> None:
    gone, changed, there = [await kept(resident, content) for content in (b"%PDF gone", b"%PDF kept", b"%PDF there")]
    await storage().delete(gone)
    await storage().finish(changed, b"%PDF other")
    headers = await sign_in_resident(resident)
    files = {file["id"]: file for file in (await export(client, headers))["files"]}
    assert len(files) == 3
    assert (files[str(gone)]["trouble"], files[str(gone)]["content"], files[str(gone)]["size"]) == (
        "unreadable",
        None,
        9,
    )
    assert files[str(changed)]["trouble"] == "altered"
    assert files[str(there)]["trouble"] is None
    assert base64.b64decode(files[str(there)]["content"]) == b"%PDF there"

    resources = [entry["resource"] for entry in (await export(client, headers, **FHIR))["entry"]]
    assert {found["id"] for found in resources if found["resourceType"] == "Binary"} == {str(changed), str(there)}
    documents = [found for found in resources if found["resourceType"] == "DocumentReference"]
    assert len(documents) == 3
    (absent,) = [found for found in documents if "url" not in found["content"][0]["attachment"]]
    assert absent["description"] == "The content can no longer be read from the store."
    (why,) = absent["content"][0]["attachment"]["_url"]["extension"]
    assert (why["url"].rpartition("/")[2], why["valueCode"]) == ("data-absent-reason", "error")


async def test_tables_are_whole_however_many_chunks_they_take(
    client: httpx.AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await vitals.scene()
    readings = set()
    for beat in range(7):
        readings.add(str(await vitals.reading(scene.resident, 60 + beat)))
        clock.advance(timedelta(seconds=1))
    headers = await sign_in_resident(scene.resident)
    at_once = (await export(client, headers))["tables"]
    monkeypatch.setattr(views, "CHUNK", 3)
    chunked = (await export(client, headers))["tables"]
    assert {row["id"] for row in chunked["eldercare_vital_reading"]["rows"]} == readings
    growing = {"core_audit_entry"}  # each export adds to it
    assert {name: table for name, table in chunked.items() if name not in growing} == {
        name: table for name, table in at_once.items() if name not in growing
    }
    bundle = await export(client, headers, **FHIR)
    seen = [entry["resource"]["id"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Observation"]
    assert (len(seen), set(seen)) == (7, readings)


@pytest.mark.parametrize("query", ["", "?format=fhir"])
async def test_whoever_reads_slowly_holds_no_connection(
    app: FastAPI, client: httpx.AsyncClient, resident: Resident, opened: Database, query: str
) -> None:
    content = os.urandom(12 * 2**20)  # more than what sockets hold
    await kept(resident, content)
    headers, sizes = await sign_in_resident(resident), DatabaseSettings()
    async with (
        served(app) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as reader,
        reader.stream("GET", f"/v1/me/export{query}", headers=headers) as answer,
    ):
        received = answer.aiter_raw()
        told = await anext(received)
        # All connections there are: each comes free, for none is held by what waits for its reader.
        async with AsyncExitStack() as taken:
            for doors, size in ((opened.writing, sizes.writing_pool), (opened.reading, sizes.reading_pool)):
                for _ in range(size):
                    await taken.enter_async_context(doors.connection())
        assert (await client.get("/v1/me/sessions", headers=headers)).status_code == 200
        assert await asyncio.wait_for(export(client, headers), 30)  # nor does it stand in another's way
        told += b"".join([piece async for piece in received])
    assert base64.b64encode(content) in told


async def test_an_export_breaks_off_when_the_session_ends(resident: Resident, clock: ManualClock) -> None:
    await kept(resident, os.urandom(_LARGE))
    async with unit_of_work() as session:
        signed_in = await session_of(await session.get_one(Account, resident.account_id))
    actor = Actor("account", resident.account_id, resident.community_id, signed_in.id, resident.id)
    pieces = await service.all_of_oneself(actor)
    told = b""
    while b'"content":"' not in told:
        told += await anext(pieces)
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE identity_session SET revoked_at = :at").bindparams(at=clock.now()))
    with pytest.raises(Unauthenticated):
        await _last(pieces)


async def _last(pieces: AsyncIterator[bytes]) -> bytes:
    return [piece async for piece in pieces][-1]


async def test_an_erasure_removes_files_and_what_had_arrived_of_others(
    client: httpx.AsyncClient, resident: Resident, directory: Path
) -> None:
    headers = await sign_in_resident(resident)
    await media.sent(client, headers, samples.photo())
    await kept(resident, b"%PDF about Grace")
    _, link = await media.declared(client, headers, samples.photo())
    piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    assert (await client.patch(link, content=samples.photo()[:100], headers=piece)).status_code == 204
    assert len(_files(directory)) == 3
    assert (await client.delete("/v1/me", headers=headers)).status_code == 204
    assert (await client.patch(link, content=b"x", headers=piece | {"Upload-Offset": "100"})).status_code == 404
    await settle(assembly.JOBS)
    assert _files(directory) == []


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]
