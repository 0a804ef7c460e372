"""Documents: an upload becomes part of the record, with its checksum; no version loses its file."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.database import unit_of_work
from app.core.settings import MediaSettings, Settings, install_settings
from app.core.tables import table_of
from app.media.models import Upload
from app.media.rules import Purpose
from tests.factories import media
from tests.media.samples import PDF, photo
from tests.telemedicine.records.conftest import Desk, Headers


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[None]:
    """Keep files in a directory of the test's own."""
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield
    install_settings(test_settings)


async def document(
    desk: Desk, who: Headers, content: bytes = PDF, content_type: str = "application/pdf"
) -> dict[str, object]:
    media_id = await media.sent(desk.client, who, content, purpose=Purpose.DOCUMENT, content_type=content_type)
    return {"kind": "document", "title": "Discharge letter", "media_id": media_id}


async def test_a_document_is_kept_with_its_checksum_and_read_by_whoever_may(desk: Desk) -> None:
    made = await desk.entered(desk.resident, await document(desk, desk.resident))
    seen = await desk.get(desk.clinician, f"/{made['id']}")
    file = await desk.client.get(seen["file"]["url"], headers={})
    assert file.status_code == 200
    assert hashlib.sha256(file.content).hexdigest() == seen["file_sha256"] == seen["file"]["sha256"]
    (listed,) = (await desk.get(desk.relative, kind="document"))["items"]
    assert listed["file"]["id"] == seen["content"]["media_id"]


async def test_a_correction_keeps_the_file_or_has_another_and_the_old_one_stays(desk: Desk) -> None:
    first = await document(desk, desk.resident)
    made = await desk.entered(desk.resident, first)
    renamed = await desk.correct(desk.clinician, made["id"], first | {"title": "Letter of 2025"})
    assert renamed.status_code == 200, renamed.text
    assert renamed.json()["file_sha256"] == made["file_sha256"]
    other = await desk.correct(
        desk.clinician, made["id"], await document(desk, desk.clinician, photo("PNG"), "image/png")
    )
    assert other.status_code == 200, other.text
    versions = (await desk.get(desk.resident, f"/{made['id']}/versions"))["items"]
    assert len({version["file_sha256"] for version in versions}) == 2
    for version in versions:
        assert (await desk.client.get(version["file"]["url"])).status_code == 200


async def test_nobody_makes_somebody_elses_upload_theirs_or_uses_one_twice(desk: Desk) -> None:
    theirs = await document(desk, desk.resident)
    assert (await desk.enter(desk.clinician, theirs)).status_code == 404
    await desk.entered(desk.resident, theirs)
    again = await desk.enter(desk.resident, theirs)
    assert (again.status_code, again.json()["code"]) == (409, "upload_in_use")
    picture = theirs | {"media_id": await media.sent(desk.client, desk.resident, photo())}
    wrong = await desk.enter(desk.resident, picture)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "upload_wrong_purpose")
    assert len(await desk.ids(desk.resident)) == 1


async def test_a_file_that_was_exchanged_shows_by_its_checksum(desk: Desk) -> None:
    made = await desk.entered(desk.resident, await document(desk, desk.resident))
    async with unit_of_work() as session:
        await session.execute(sa.update(table_of(Upload)).values(stored_sha256=bytes(32)))
    seen = await desk.get(desk.resident, f"/{made['id']}")
    assert seen["file"]["sha256"] != seen["file_sha256"] == made["file_sha256"]
