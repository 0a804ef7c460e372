"""Files in a bucket: the same uploads as in a directory, over the wire, signed as AWS describes it."""

import hashlib
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError

from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.settings import MediaSettings, Settings, install_settings, settings
from app.media import jobs
from app.media.api import keep, look_at, next_file, parts
from app.media.rules import Purpose
from app.media.s3 import BucketStorage, StoreUnavailable, signed
from app.media.storage import storage
from tests.factories import identity, media
from tests.factories.sign_in import sign_in
from tests.media import bucket, samples
from tests.media.bucket import Bucket

PIECES = {"Content-Type": "application/offset+octet-stream"}
EMPTY = hashlib.sha256(b"").hexdigest()


def of(endpoint: str) -> MediaSettings:
    """Return the settings of a bucket."""
    return MediaSettings(
        s3_bucket=bucket.BUCKET,
        s3_endpoint=endpoint,
        s3_access_key=bucket.ACCESS,
        s3_secret_key=SecretStr(bucket.SECRET),
    )


@pytest_asyncio.fixture(loop_scope="session")
async def store(test_settings: Settings, clock: ManualClock) -> AsyncIterator[Bucket]:
    """Keep files in a bucket of the test's own."""
    async with bucket.served() as (address, served):
        install_settings(test_settings.model_copy(update={"media": of(address)}))
        yield served
        install_settings(test_settings)
        assert served.refused == []


# The examples of "Signature Calculations for the Authorization Header" in AWS's documentation of S3.
@pytest.mark.parametrize(
    ("method", "path", "headers", "digest", "signature"),
    [
        (
            "GET",
            "/test.txt",
            {"Range": "bytes=0-9"},
            EMPTY,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/?max-keys=2&prefix=J", {}, EMPTY, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_requests_are_signed_as_in_the_examples_of_aws(
    method: str, path: str, headers: dict[str, str], digest: str, signature: str
) -> None:
    at = datetime(2013, 5, 24, tzinfo=UTC)
    url = f"https://examplebucket.s3.amazonaws.com{path}"
    said = signed(method, url, headers, digest, of("https://s3.amazonaws.com"), at)
    assert said["authorization"].endswith(f"Signature={signature}")


async def test_an_upload_is_received_served_and_removed(client: httpx.AsyncClient, store: Bucket) -> None:
    headers = await sign_in(await identity.account(await identity.community(), name="Grace"))
    data = samples.photo()
    upload_id, link = await media.declared(client, headers, data)
    for offset in range(0, len(data), 200):
        piece = PIECES | {"Upload-Offset": str(offset)}
        assert (await client.patch(link, content=data[offset : offset + 200], headers=piece)).status_code == 204
    assert list(store.objects) == [f"files/{uuid.UUID(upload_id).hex}"]
    stored = (await client.get(f"/v1/uploads/{upload_id}", headers=headers)).json()
    whole = await client.get(stored["url"])
    assert (whole.status_code, whole.headers["content-type"], len(whole.content)) == (200, "image/jpeg", stored["size"])
    assert whole.headers["content-security-policy"] == "default-src 'none'; sandbox"
    part = await client.get(stored["url"], headers={"Range": "bytes=3-9"})
    assert (part.status_code, part.content) == (206, whole.content[3:10])
    assert part.headers["content-range"] == f"bytes 3-9/{stored['size']}"
    assert (await client.get(stored["url"], headers={"Range": "bytes=999999-"})).status_code == 416
    assert (await client.delete(f"/v1/uploads/{upload_id}", headers=headers)).status_code == 204
    assert await jobs.delete_files() == 1
    assert store.objects == {}


async def test_what_is_not_finished_is_held_piece_by_piece(client: httpx.AsyncClient, store: Bucket) -> None:
    account = await identity.account(await identity.community(), name="Grace")
    headers = await sign_in(account)
    data = samples.photo()
    upload_id, link = await media.declared(client, headers, data)
    for offset in (0, 100, 200):
        piece = PIECES | {"Upload-Offset": str(offset)}
        await client.patch(link, content=data[offset : offset + 100], headers=piece)
    async with reading() as connection:
        file = await next_file(connection, [account.id], None)
    assert file is not None
    assert b"".join([part async for part in parts(file, await look_at(file))]) == data[:300]
    assert await storage().part(uuid.UUID(upload_id), 250, 10) == data[250:260]
    assert (await client.delete(f"/v1/uploads/{upload_id}", headers=headers)).status_code == 204
    assert await jobs.delete_files() == 1
    assert store.objects == {}


async def test_a_store_that_does_not_answer_is_tried_again(client: httpx.AsyncClient, store: Bucket) -> None:
    headers = await sign_in(await identity.account(await identity.community(), name="Grace"))
    data = samples.photo()
    upload_id, link = await media.declared(client, headers, data)
    piece = PIECES | {"Upload-Offset": "0"}
    store.is_down = True
    assert (await client.patch(link, content=data, headers=piece)).status_code == 503
    store.is_down = False
    assert (await client.patch(link, content=data, headers=piece)).status_code == 204
    stored = (await client.get(f"/v1/uploads/{upload_id}", headers=headers)).json()
    store.is_down = True
    assert (await client.get(stored["url"])).status_code == 503
    store.is_down = False
    store.objects.clear()
    assert (await client.get(stored["url"])).status_code == 404
    install_settings(settings().model_copy(update={"media": of("http://127.0.0.1:9")}))
    assert (await client.get(stored["url"])).status_code == 503


async def test_a_piece_takes_the_place_of_what_an_unfinished_call_has_left(store: Bucket) -> None:
    key = uuid.UUID(int=8)
    await storage().write(key, 0, b"0123")
    await storage().write(key, 4, b"left by a crash")
    await storage().write(key, 4, b"45")
    await storage().write(key, 6, b"6789")
    assert await storage().read(key, 10) == b"0123456789"
    assert await storage().part(key, 3, 4) == b"3456"
    await storage().delete(key)
    assert store.objects == {}


async def test_a_file_that_comes_whole_leaves_nothing_where_the_store_is_down(store: Bucket) -> None:
    account = await identity.account(await identity.community(), name="Grace")
    actor = Actor(kind="account", id=account.id, community_id=account.community_id)
    store.is_down = True
    for _ in range(settings().media.max_unfinished + 1):
        with pytest.raises(StoreUnavailable):
            await keep(actor, samples.PDF, None, purpose=Purpose.DOCUMENT)
    store.is_down = False
    async with reading() as connection:
        assert await next_file(connection, [account.id], None) is None
    await keep(actor, samples.PDF, None, purpose=Purpose.DOCUMENT)


async def test_what_is_not_there_is_an_error_of_files(store: Bucket) -> None:
    key = uuid.UUID(int=7)
    with pytest.raises(FileNotFoundError):
        await storage().part(key, 0, 10)
    await storage().finish(key, b"0123456789")
    assert await storage().part(key, 4, 100) == b"456789"
    assert await storage().part(key, 10, 5) == b""
    nowhere = BucketStorage(of("http://127.0.0.1:9"))
    assert issubclass(StoreUnavailable, OSError)
    with pytest.raises(StoreUnavailable):
        await nowhere.part(key, 0, 10)


def test_a_bucket_is_not_used_without_its_keys() -> None:
    with pytest.raises(ValidationError, match="HEARTHLINE_MEDIA_S3_ACCESS_KEY"):
        Settings(media=MediaSettings(s3_bucket="care"))


async def test_documents_are_kept_in_a_bucket_too(client: httpx.AsyncClient, store: Bucket) -> None:
    headers = await sign_in(await identity.account(await identity.community(), name="Grace"))
    await media.sent(client, headers, samples.PDF, purpose=Purpose.DOCUMENT, content_type="application/pdf")
    (content,) = store.objects.values()
    assert content.startswith(b"%PDF")
