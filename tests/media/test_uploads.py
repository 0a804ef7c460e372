"""Uploads over HTTP: resumed, refused, served, attached, forgotten."""

import asyncio
import hashlib
import io
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from PIL import Image

from app.core import privacy
from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.problems import NotFound
from app.core.settings import MediaSettings, Settings, install_settings
from app.identity.models import Account
from app.media import api, jobs, service
from app.media.problems import UploadInUse, UploadUnfinished, WrongPurpose
from app.media.rules import Purpose
from app.media.storage import DirectoryStorage, storage
from tests.factories import identity
from tests.factories.sign_in import sign_in
from tests.media import samples

PIECES = {"Content-Type": "application/offset+octet-stream"}
Headers = dict[str, str]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[Path]:
    media = MediaSettings(directory=tmp_path, max_upload=100_000, max_unfinished=3, max_pixels=1_000_000)
    install_settings(test_settings.model_copy(update={"media": media}))
    yield tmp_path
    install_settings(test_settings)


@pytest.fixture
async def owner(client: httpx.AsyncClient, clock: ManualClock) -> Account:
    return await identity.account(await identity.community(), name="Grace")


@pytest.fixture
async def headers(owner: Account) -> Headers:
    return await sign_in(owner)


def _actor(account: Account) -> Actor:
    return Actor(kind="account", id=account.id, community_id=account.community_id)


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def _begin(
    client: httpx.AsyncClient, headers: Headers, data: bytes, content_type: str = "image/jpeg", **changed: object
) -> httpx.Response:
    body = {
        "purpose": "photo",
        "content_type": content_type,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        **changed,
    }
    return await client.post("/v1/uploads", json=body, headers=headers)


async def _send(client: httpx.AsyncClient, headers: Headers, upload: str, offset: int, piece: bytes) -> httpx.Response:
    at = {"Upload-Offset": str(offset)}
    return await client.patch(f"/v1/uploads/{upload}", content=piece, headers={**headers, **PIECES, **at})


async def _uploaded(client: httpx.AsyncClient, headers: Headers, data: bytes, **changed: str) -> httpx.Response:
    begun = await _begin(client, headers, data, **changed)
    assert begun.status_code == 201, begun.text
    return await _send(client, headers, begun.json()["id"], 0, data)


async def test_a_photo_arrives_in_pieces_and_is_served_without_its_metadata(
    client: httpx.AsyncClient, headers: Headers, directory: Path
) -> None:
    data = samples.photo()
    begun = await _begin(client, headers, data)
    upload = begun.json()["id"]
    assert begun.headers["Location"] == f"/v1/uploads/{upload}"
    first = await _send(client, headers, upload, 0, data[:300])
    assert (first.status_code, first.json()["state"], first.headers["Upload-Offset"]) == (200, "receiving", "300")
    asked = await client.get(f"/v1/uploads/{upload}", headers=headers)
    assert (asked.json()["received"], asked.json()["url"]) == (300, None)
    last = await _send(client, headers, upload, 300, data[300:])
    assert (last.status_code, last.json()["state"]) == (200, "stored")

    served = await client.get(last.json()["url"])
    assert served.status_code == 200
    assert served.headers["Content-Type"] == "image/jpeg"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert served.headers["Content-Disposition"].startswith("inline")
    assert "private" in served.headers["Cache-Control"]
    assert len(served.content) == last.json()["size"]
    with Image.open(io.BytesIO(served.content)) as image:
        assert not image.getexif()
    part = await client.get(last.json()["url"], headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, served.content[:10])
    (kept,) = _files(directory)
    assert kept.stat().st_mode & 0o077 == 0


async def test_a_piece_that_does_not_follow_says_where_to_go_on(client: httpx.AsyncClient, headers: Headers) -> None:
    data = samples.photo()
    upload = (await _begin(client, headers, data)).json()["id"]
    await _send(client, headers, upload, 0, data[:100])
    for offset in (0, 50, 101):
        refused = await _send(client, headers, upload, offset, data[offset : offset + 10])
        assert (refused.status_code, refused.json()["code"]) == (409, "upload_wrong_offset")
        assert (refused.json()["offset"], refused.headers["Upload-Offset"]) == (100, "100")
    assert (await _send(client, headers, upload, 100, data[100:])).json()["state"] == "stored"
    again = await _send(client, headers, upload, 100, data[100:])
    assert (again.status_code, again.json()["offset"]) == (409, len(data))
    assert (await _send(client, headers, upload, len(data), b"")).json()["state"] == "stored"


async def test_of_two_pieces_at_once_one_is_taken(client: httpx.AsyncClient, headers: Headers) -> None:
    data = samples.photo()
    upload = (await _begin(client, headers, data)).json()["id"]
    answers = await asyncio.gather(*(_send(client, headers, upload, 0, data[:100]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_an_upload_that_was_cut_off_between_the_last_piece_and_the_answer_is_finished_later(
    client: httpx.AsyncClient, headers: Headers
) -> None:
    data = samples.photo()
    upload = (await _begin(client, headers, data)).json()["id"]
    await _send(client, headers, upload, 0, data[:-1])
    await storage().write(uuid.UUID(upload), len(data) - 1, data[-1:] + b"rubbish behind the end")
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE media_upload SET received = size"))
    assert (await _send(client, headers, upload, len(data), b"")).json()["state"] == "stored"


async def test_declarations_that_cannot_be_are_refused(client: httpx.AsyncClient, headers: Headers) -> None:
    data = samples.photo()
    wrong_type = await _begin(client, headers, data, "image/svg+xml")
    assert (wrong_type.status_code, wrong_type.json()["code"]) == (415, "upload_type_not_accepted")
    assert "image/jpeg" in wrong_type.json()["accepted"]
    assert (await _begin(client, headers, data, "application/pdf")).status_code == 415
    heic = await _begin(client, headers, data, "image/heic")  # it would bring the place with it
    assert (heic.status_code, heic.json()["code"]) == (415, "upload_type_not_accepted")
    too_large = await _begin(client, headers, data, size=100_001)
    assert (too_large.status_code, too_large.json()["limit"]) == (413, 100_000)
    for bad in ({"size": 0}, {"size": -1}, {"sha256": "abc"}, {"purpose": "anything"}):
        assert (await _begin(client, headers, data, **bad)).status_code == 422
    assert (await client.post("/v1/uploads", json={})).status_code == 401


async def test_unfinished_uploads_are_limited(client: httpx.AsyncClient, headers: Headers) -> None:
    begun = [await _begin(client, headers, samples.photo()) for _ in range(4)]
    assert [answer.status_code for answer in begun] == [201, 201, 201, 409]
    await client.delete(f"/v1/uploads/{begun[0].json()['id']}", headers=headers)
    assert (await _begin(client, headers, samples.photo())).status_code == 201


async def test_what_one_person_keeps_is_limited(
    client: httpx.AsyncClient, owner: Account, headers: Headers, directory: Path, test_settings: Settings
) -> None:
    data = samples.photo()
    media = MediaSettings(directory=directory, max_kept=2 * len(data))
    install_settings(test_settings.model_copy(update={"media": media}))
    stored = (await _uploaded(client, headers, data)).json()
    assert stored["size"] < len(data)  # without its metadata
    (await _begin(client, headers, data)).raise_for_status()
    refused = await _begin(client, headers, data)
    assert (refused.status_code, refused.json()["code"]) == (409, "upload_quota_exceeded")
    assert (refused.json()["limit"], refused.json()["kept"]) == (2 * len(data), stored["size"] + len(data))
    other = await sign_in(await identity.account(await identity.community(name="Elsewhere")))
    assert (await _begin(client, other, data)).status_code == 201
    await client.delete(f"/v1/uploads/{stored['id']}", headers=headers)
    assert (await _begin(client, headers, data)).status_code == 201


async def test_of_several_uploads_begun_at_once_none_slips_past_the_limit(
    client: httpx.AsyncClient, headers: Headers
) -> None:
    begun = await asyncio.gather(*(_begin(client, headers, samples.photo()) for _ in range(6)))
    assert sorted(answer.status_code for answer in begun) == [201, 201, 201, 409, 409, 409]


async def test_pieces_are_of_one_type_and_never_more_than_declared(client: httpx.AsyncClient, headers: Headers) -> None:
    data = samples.photo()
    upload = (await _begin(client, headers, data)).json()["id"]
    path = f"/v1/uploads/{upload}"
    at = {"Upload-Offset": "0"}
    wrong = {"Content-Type": "image/jpeg"}
    assert (await client.patch(path, content=data, headers={**headers, **wrong, **at})).status_code == 415
    assert (await client.patch(path, content=data, headers={**headers, **PIECES})).status_code == 422
    over = await _send(client, headers, upload, 0, data + b"x")
    assert (over.status_code, over.json()["code"]) == (413, "upload_too_large")
    huge = await _send(client, headers, upload, 0, bytes(2_000_000))
    assert huge.status_code == 413
    assert (await client.get(path, headers=headers)).json()["received"] == 0


@pytest.mark.parametrize(
    ("data", "changed", "refusal"),
    [
        (b"<html><script>alert(1)</script></html>", {}, (415, "upload_content_mismatch")),
        (samples.photo("PNG"), {}, (415, "upload_content_mismatch")),
        (samples.photo(), {"sha256": "0" * 64}, (422, "upload_checksum_mismatch")),
        (samples.photo()[:150], {}, (422, "upload_unreadable")),
    ],
)
async def test_bad_content_rejects_the_upload_for_good(
    client: httpx.AsyncClient,
    headers: Headers,
    directory: Path,
    data: bytes,
    changed: dict[str, str],
    refusal: tuple[int, str],
) -> None:
    refused = await _uploaded(client, headers, data, **changed)
    assert (refused.status_code, refused.json()["code"]) == refusal
    upload = refused.json()["instance"].rpartition("/")[2]
    shown = (await client.get(f"/v1/uploads/{upload}", headers=headers)).json()
    assert (shown["state"], shown["reason"], shown["url"]) == ("rejected", refusal[1], None)
    again = await _send(client, headers, upload, 0, data)
    assert (again.status_code, again.json()["code"]) == (409, "upload_rejected")
    assert _files(directory) == []


async def test_nobody_else_knows_of_an_upload(client: httpx.AsyncClient, owner: Account, headers: Headers) -> None:
    upload = (await _uploaded(client, headers, samples.photo())).json()["id"]
    async with unit_of_work() as session:
        place = (await session.get_one(Account, owner.id)).community_id
    stranger = await identity.account(await identity.community(name=str(place)), name="Ada")
    others = await sign_in(stranger)
    assert (await client.get(f"/v1/uploads/{upload}", headers=others)).status_code == 404
    assert (await client.delete(f"/v1/uploads/{upload}", headers=others)).status_code == 404
    assert (await _send(client, others, upload, 0, b"x")).status_code == 404
    async with unit_of_work() as session:
        with pytest.raises(NotFound):
            await api.attach(
                session,
                _actor(stranger),
                uuid.UUID(upload),
                purpose=Purpose.PHOTO,
                kind="t",
                object_id=uuid.UUID(int=1),
            )


async def test_a_link_is_good_for_its_file_and_its_time(
    client: httpx.AsyncClient, headers: Headers, clock: ManualClock
) -> None:
    one, other = [(await _uploaded(client, headers, samples.photo(size=(40, n)))).json() for n in (20, 30)]
    url = httpx.URL(one["url"])
    assert (await client.get(url)).status_code == 200
    assert (await client.get(one["url"].replace(one["id"], other["id"]))).status_code == 404
    longer = url.copy_merge_params({"expires": str(int(url.params["expires"]) + 60)})
    assert (await client.get(longer)).status_code == 404
    assert (await client.get(url.copy_merge_params({"signature": "schöner Versuch"}))).status_code == 404
    assert (await client.get(f"/v1/media/{one['id']}")).status_code == 422
    clock.advance(timedelta(seconds=300))
    expired = await client.get(url)
    assert (expired.status_code, expired.json()["code"]) == (403, "media_link_expired")


async def test_a_document_is_saved_never_shown(client: httpx.AsyncClient, headers: Headers) -> None:
    stored = await _uploaded(client, headers, samples.PDF, content_type="application/pdf", purpose="document")
    served = await client.get(stored.json()["url"])
    assert served.content.startswith(b"%PDF-")
    assert b"Ada Writer" not in served.content
    assert served.headers["Content-Disposition"] == f'attachment; filename="{stored.json()["id"]}.pdf"'


async def test_what_nobody_finishes_or_uses_goes_and_what_is_attached_stays(
    client: httpx.AsyncClient, owner: Account, headers: Headers, clock: ManualClock, directory: Path
) -> None:
    unfinished = (await _begin(client, headers, samples.photo())).json()["id"]
    await _send(client, headers, unfinished, 0, b"x")
    unused = (await _uploaded(client, headers, samples.photo())).json()
    used = (await _uploaded(client, headers, samples.photo())).json()
    thing = uuid.UUID(int=7)
    async with unit_of_work() as session:
        await api.attach(
            session, _actor(owner), uuid.UUID(used["id"]), purpose=Purpose.PHOTO, kind="test.thing", object_id=thing
        )
    clock.advance(timedelta(hours=24))
    assert (await _send(client, await sign_in(owner), unfinished, 1, b"x")).status_code == 404
    assert await jobs.expire_uploads() == 1
    clock.advance(timedelta(days=6))
    assert await jobs.expire_uploads() == 1
    assert len(_files(directory)) == 3
    assert await jobs.delete_files() == 2
    assert await jobs.delete_files() == 0
    assert [path.name for path in _files(directory)] == [uuid.UUID(used["id"]).hex]
    assert (await client.get(api.signed_url(uuid.UUID(unused["id"])))).status_code == 404
    async with reading() as connection:
        (attached,) = (await api.attached(connection, "test.thing", [thing]))[thing]
    assert (await client.get(attached.url)).status_code == 200
    async with unit_of_work() as session:
        assert await api.detach(session, "test.thing", thing) == 1
    assert await jobs.delete_files() == 1
    assert _files(directory) == []


async def test_only_a_finished_unused_upload_of_the_right_purpose_is_attached(
    client: httpx.AsyncClient, owner: Account, headers: Headers
) -> None:
    begun = uuid.UUID((await _begin(client, headers, samples.photo())).json()["id"])
    stored = uuid.UUID((await _uploaded(client, headers, samples.photo())).json()["id"])
    one, other = uuid.UUID(int=1), uuid.UUID(int=2)

    async def attach(media: uuid.UUID, purpose: Purpose, thing: uuid.UUID) -> None:
        async with unit_of_work() as session:
            await api.attach(session, _actor(owner), media, purpose=purpose, kind="test.thing", object_id=thing)

    with pytest.raises(UploadUnfinished):
        await attach(begun, Purpose.PHOTO, one)
    with pytest.raises(WrongPurpose):
        await attach(stored, Purpose.DOCUMENT, one)
    await attach(stored, Purpose.PHOTO, one)
    await attach(stored, Purpose.PHOTO, one)
    with pytest.raises(UploadInUse):
        await attach(stored, Purpose.PHOTO, other)
    refused = await client.delete(f"/v1/uploads/{stored}", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "upload_in_use")


async def test_erasing_a_person_erases_their_files(
    client: httpx.AsyncClient, owner: Account, headers: Headers, directory: Path
) -> None:
    stored = (await _uploaded(client, headers, samples.photo())).json()
    async with unit_of_work() as session:
        assert (await privacy.erase_subject(session, [owner.id]))["media_upload"] == 1
    assert (await client.get(stored["url"])).status_code == 404
    assert await jobs.delete_files() == 1
    assert _files(directory) == []


class _Overtaken(DirectoryStorage):
    """Stores a file only when its upload is already gone, and what it left behind removed."""

    async def finish(self, key: uuid.UUID, data: bytes) -> None:
        async with unit_of_work() as session:
            await session.execute(sa.text("DELETE FROM media_upload"))
        assert await jobs.delete_files() == 1
        await super().finish(key, data)


async def test_what_is_erased_while_it_is_looked_into_leaves_no_file(
    client: httpx.AsyncClient, headers: Headers, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "storage", lambda: _Overtaken(directory))
    assert (await _uploaded(client, headers, samples.photo())).status_code == 404
    assert _files(directory) == []
