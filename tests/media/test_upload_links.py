"""Sending a file by its signed link, over real connections: what it lets its holder do, and when it is over."""

import asyncio
import hashlib
import io
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import FastAPI
from PIL import Image

from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.settings import MediaSettings, Settings, install_settings
from app.identity.models import Account
from app.media.models import Upload
from tests.factories import identity
from tests.factories.sign_in import access_headers, session_of, sign_in
from tests.media import samples
from tests.streams import served

PIECE = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[Path]:
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield tmp_path
    install_settings(test_settings)


@dataclass
class App:
    """A phone's app: ``api`` is for what it does signed in, ``background`` for what the phone sends by itself."""

    owner: Account
    session_id: uuid.UUID
    headers: dict[str, str]
    api: httpx.AsyncClient
    background: httpx.AsyncClient

    async def begin(self, data: bytes, **changed: Any) -> dict[str, Any]:
        about = {"purpose": "photo", "content_type": "image/jpeg", "size": len(data)}
        about |= {"sha256": hashlib.sha256(data).hexdigest(), **changed}
        answer = await self.api.post("/v1/uploads", json=about, headers=self.headers)
        assert answer.status_code == 201, answer.text
        begun: dict[str, Any] = answer.json()
        return begun

    async def upload(self, upload_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.api.get(f"/v1/uploads/{upload_id}", headers=self.headers)).json()
        return found

    async def send(self, url: str, offset: int, piece: bytes) -> httpx.Response:
        at = {"Upload-Offset": str(offset)}
        return await self.background.patch(httpx.URL(url).raw_path.decode(), content=piece, headers=PIECE | at)

    async def head(self, url: str) -> httpx.Response:
        return await self.background.head(httpx.URL(url).raw_path.decode())


@pytest_asyncio.fixture(loop_scope="session")
async def phone(app: FastAPI, database: Database, clock: ManualClock) -> AsyncIterator[App]:
    owner = await identity.account(await identity.community(), name="Grace")
    session = await session_of(owner)
    async with (
        served(app) as address,
        httpx.AsyncClient(base_url=address, timeout=60) as api,
        httpx.AsyncClient(base_url=address, timeout=60) as background,
    ):
        yield App(owner, session.id, access_headers(session), api, background)


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def _refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_photo_arrives_after_the_access_token_has_ended_and_is_looked_into_and_stripped(
    phone: App, clock: ManualClock
) -> None:
    data = samples.photo()
    begun = await phone.begin(data)
    url = begun["upload_url"]
    first = await phone.send(url, 0, data[:300])
    assert (first.status_code, first.content, first.headers["Upload-Offset"]) == (204, b"", "300")
    clock.advance(timedelta(hours=2))
    assert (await phone.api.get("/v1/me/sessions", headers=phone.headers)).status_code == 401
    asked = await phone.head(url)
    assert asked.status_code == 204
    assert (asked.headers["Upload-Offset"], asked.headers["Upload-Length"]) == ("300", str(len(data)))
    last = await phone.send(url, 300, data[300:])
    # Whoever has the link sends, and nothing else: not even what they sent can they fetch.
    assert (last.status_code, last.content, last.headers["Upload-Offset"]) == (204, b"", str(len(data)))

    phone.headers = await sign_in(phone.owner)
    stored = await phone.upload(begun["id"])
    assert (stored["state"], stored["upload_url"]) == ("stored", None)
    served_file = await phone.api.get(httpx.URL(stored["url"]).raw_path.decode())
    with Image.open(io.BytesIO(served_file.content)) as image:
        assert not image.getexif()
    async with reading() as connection:
        kept = await connection.scalar(
            sa.select(sa.literal_column("stored_sha256")).select_from(sa.text("media_upload"))
        )
    assert kept == hashlib.sha256(served_file.content).digest()


async def test_a_piece_that_was_cut_off_is_sent_again_from_where_the_link_says(phone: App) -> None:
    data = samples.photo()
    url = httpx.URL((await phone.begin(data))["upload_url"])
    await phone.send(str(url), 0, data[:200])
    address = phone.background.base_url
    _, writer = await asyncio.open_connection(address.host, address.port)
    head = (
        f"PATCH {url.raw_path.decode()} HTTP/1.1\r\nHost: {address.host}\r\nContent-Type: {PIECE['Content-Type']}\r\n"
    )
    head += f"Upload-Offset: 200\r\nContent-Length: {len(data) - 200}\r\n\r\n"
    writer.write(head.encode() + data[200:400])
    await writer.drain()
    writer.transport.abort()
    offset = int((await phone.head(str(url))).headers["Upload-Offset"])
    assert offset == 200
    assert (await phone.send(str(url), offset, data[offset:])).status_code == 204


async def test_of_several_pieces_at_once_one_is_taken_and_the_others_are_told_where_to_go_on(phone: App) -> None:
    data = samples.photo()
    url = (await phone.begin(data))["upload_url"]
    answers = await asyncio.gather(*(phone.send(url, 0, data[:100]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409, 409]
    assert {answer.headers["Upload-Offset"] for answer in answers} == {"100"}


async def test_no_more_than_was_announced_arrives_and_only_in_order(phone: App) -> None:
    data = samples.photo()
    begun = await phone.begin(data)
    url = begun["upload_url"]
    assert _refusal(await phone.send(url, 0, data + b"x")) == (413, "upload_too_large")
    assert _refusal(await phone.send(url, 7, data[7:])) == (409, "upload_wrong_offset")
    assert (await phone.send(url, 0, bytes(begun["piece_size"] + 1))).status_code == 413
    path = httpx.URL(url).raw_path.decode()
    plain = {"Content-Type": "image/jpeg", "Upload-Offset": "0"}
    assert (await phone.background.patch(path, content=data, headers=plain)).status_code == 415
    assert (await phone.head(url)).headers["Upload-Offset"] == "0"


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"<html><script>alert(1)</script></html>", (415, "upload_content_mismatch")),
        (samples.photo()[:150], (422, "upload_unreadable")),
    ],
)
async def test_what_is_not_what_it_was_said_to_be_is_refused_for_good(
    phone: App, directory: Path, data: bytes, refusal: tuple[int, str]
) -> None:
    begun = await phone.begin(data)
    assert _refusal(await phone.send(begun["upload_url"], 0, data)) == refusal
    assert _refusal(await phone.send(begun["upload_url"], 0, data)) == (410, "upload_link_spent")
    assert (await phone.upload(begun["id"]))["reason"] == refusal[1]
    assert _files(directory) == []


async def test_other_bytes_than_were_declared_are_not_kept(phone: App) -> None:
    data, other = samples.photo(), samples.photo(gps=False)
    begun = await phone.begin(data, size=len(other))
    assert _refusal(await phone.send(begun["upload_url"], 0, other)) == (422, "upload_checksum_mismatch")


async def test_the_link_is_spent_once_everything_has_arrived(phone: App) -> None:
    data = samples.photo()
    url = (await phone.begin(data))["upload_url"]
    assert (await phone.send(url, 0, data)).status_code == 204
    assert (await phone.head(url)).status_code == 410
    for offset, piece in ((0, data), (len(data), b"")):
        assert _refusal(await phone.send(url, offset, piece)) == (410, "upload_link_spent")


async def test_a_link_is_good_for_its_upload_only_and_opens_nothing_else(phone: App) -> None:
    data = samples.photo()
    mine, other = await phone.begin(data), await phone.begin(data)
    url = httpx.URL(mine["upload_url"])
    path = url.raw_path.decode()
    forged = [
        path.replace(mine["id"], other["id"]),
        path.replace(mine["id"], str(uuid.UUID(int=7))),
        url.copy_merge_params({"signature": "schöner Versuch"}).raw_path.decode(),
        url.copy_merge_params({"expires": str(int(url.params["expires"]) + 60)}).raw_path.decode(),
        url.copy_merge_params({"session": str((await session_of(phone.owner)).id)}).raw_path.decode(),
    ]
    for wrong in forged:
        assert _refusal(await phone.send(wrong, 0, data)) == (404, "not_found")
        assert (await phone.head(wrong)).status_code == 404
    assert (
        await phone.background.patch(url.path, content=data, headers=PIECE | {"Upload-Offset": "0"})
    ).status_code == 422
    assert (await phone.background.get(path)).status_code == 405
    assert (await phone.background.delete(path)).status_code == 405
    signed_in_only = path.replace("/content", "")
    for method in ("GET", "PATCH", "DELETE"):
        refused = await phone.background.request(method, signed_in_only, headers=PIECE | {"Upload-Offset": "0"})
        assert refused.status_code == 401
    as_file = f"/v1/media/{mine['id']}?{url.query.decode()}"
    assert (await phone.background.get(as_file)).status_code == 404
    assert {(await phone.upload(found["id"]))["received"] for found in (mine, other)} == {0}


@pytest.mark.parametrize("column", ["size", "purpose", "owner_id"])
async def test_a_link_says_what_it_is_for(phone: App, column: str) -> None:
    data = samples.photo()
    begun = await phone.begin(data)
    changed: dict[str, Any] = {"size": len(data) + 1, "purpose": "document", "owner_id": uuid.UUID(int=7)}
    async with unit_of_work() as session:
        await session.execute(sa.update(Upload).values({column: changed[column]}))
    assert _refusal(await phone.send(begun["upload_url"], 0, data)) == (404, "not_found")


async def test_a_link_ends_with_its_time_and_a_new_one_is_given_to_whoever_is_signed_in(
    phone: App, clock: ManualClock
) -> None:
    data = samples.photo()
    begun = await phone.begin(data)
    clock.advance(timedelta(hours=6))
    assert _refusal(await phone.send(begun["upload_url"], 0, data)) == (403, "media_link_expired")
    phone.headers = await sign_in(phone.owner)
    again = (await phone.upload(begun["id"]))["upload_url"]
    clock.advance(timedelta(hours=5))
    assert (await phone.send(again, 0, data[:9])).headers["Upload-Offset"] == "9"
    # The link is never good for longer than its upload is waited for.
    clock.advance(timedelta(hours=12))
    phone.headers = await sign_in(phone.owner)
    last = httpx.URL((await phone.upload(begun["id"]))["upload_url"])
    assert int(last.params["expires"]) == int((clock.now() + timedelta(hours=1)).timestamp())
    clock.advance(timedelta(hours=1))
    assert _refusal(await phone.send(str(last), 9, data[9:])) == (404, "not_found")


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE identity_session SET revoked_at = :at WHERE id = :session",
        "UPDATE identity_session SET expires_at = :at WHERE id = :session",
        "UPDATE identity_account SET state = 'deactivated'",
    ],
)
async def test_a_link_ends_with_the_sign_in_it_was_given_in(phone: App, clock: ManualClock, end: str) -> None:
    data = samples.photo()
    begun = await phone.begin(data)
    await phone.send(begun["upload_url"], 0, data[:9])
    async with unit_of_work() as session:
        await session.execute(
            sa.text(end).bindparams(at=clock.now(), session=phone.session_id) if ":at" in end else sa.text(end)
        )
    assert _refusal(await phone.send(begun["upload_url"], 9, data[9:])) == (403, "upload_link_revoked")
    assert (await phone.head(begun["upload_url"])).status_code == 403


async def test_signing_out_ends_the_link_and_another_sign_in_gets_its_own(phone: App) -> None:
    data = samples.photo()
    begun = await phone.begin(data)
    out = await phone.api.delete(f"/v1/me/sessions/{phone.session_id}", headers=phone.headers)
    assert out.status_code == 204, out.text
    assert (await phone.head(begun["upload_url"])).status_code == 403
    phone.headers = await sign_in(phone.owner)
    again = (await phone.upload(begun["id"]))["upload_url"]
    assert (await phone.send(again, 0, data)).status_code == 204


async def test_a_cancelled_upload_takes_no_more(phone: App) -> None:
    data = samples.photo()
    begun = await phone.begin(data)
    await phone.api.delete(f"/v1/uploads/{begun['id']}", headers=phone.headers)
    assert _refusal(await phone.send(begun["upload_url"], 0, data)) == (404, "not_found")
