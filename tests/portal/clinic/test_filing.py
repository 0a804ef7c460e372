"""A file in the record by the chart's form: what is taken, once, and what the checks say of what is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI

from app.core.database import Database
from app.core.settings import MediaSettings, Settings, install_settings
from app.portal.clinic.texts import WORDS
from tests.factories import telemedicine_referrals
from tests.media.samples import PDF, photo
from tests.portal import hostile
from tests.portal.clinic.world import Ward, number, ward
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit, visitor

EN: Final = WORDS["en"]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[None]:
    """Keep files in a directory of the test's own, and take no large ones."""
    install_settings(
        test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path, max_upload=2_097_152)})
    )
    yield
    install_settings(test_settings)


def _chart(here: Ward) -> str:
    return f"{here.address}/patients/{here.walks_in.id}"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_photo_and_a_letter_are_in_the_record_once_however_often_it_is_pressed(
    app: FastAPI, database: Database, language: str
) -> None:
    here, words = await ward(language=language), WORDS[language]
    await number(here, here.walks_in)
    chart, act = _chart(here), f"{_chart(here)}/documents"
    async with visitor(app, here.doctor) as doctor:
        shown = await doctor.get(chart)
        assert words["file_hint"].format(most=2) in shown.text
        fields = form_on(shown, act) | {"sort": "photo", "title": hostile.MARKUP, "written_on": "2026-01-02"}
        picture = {"file": ("a.JPG", photo(), "image/jpeg")}
        answers = [await doctor.post(act, data=fields, files=picture) for _ in range(2)]
        assert [one.headers["location"] for one in answers] == [f"{chart}?done=filed"] * 2
        letter = form_on(await doctor.get(chart), act) | {"sort": "discharge"}
        answer = await doctor.post(act, data=letter, files={"file": ("b.pdf", PDF, "application/pdf")})
        assert answer.status_code == 303
        page = await doctor.get(answers[0].headers["location"])
        assert words["done_filed"] in page.text
        assert hostile.harmless(page.text)
        records = [
            str(given["href"])
            for tag, given in Elements(page.text).found
            if tag == "a" and "/documents/" in str(given.get("href"))
        ]
        assert len(records) == 2
        assert f">{words['sort_discharge']}</a>" in page.text
        document = await doctor.get(next(one for one in records))
        (file,) = [
            str(given["href"])
            for tag, given in Elements(document.text).found
            if tag == "a" and "/v1/media/" in str(given.get("href"))
        ]
        kept = await doctor.get(file)
        assert kept.status_code == 200
        assert b"Exif" not in kept.content


NOT_TAKEN: Final = {
    "nothing": ("a.jpg", b"", "no_file"),
    "kind": ("a.docx", b"PK words", "wrong_file"),
    "mismatch": ("a.png", photo(), "trouble_upload_content_mismatch"),
    "damaged": ("a.pdf", PDF[:60], "trouble_upload_unreadable"),
    "size": ("a.png", photo("PNG") + bytes(2_100_000), "trouble_upload_too_large"),
}


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_what_the_checks_refuse_is_said_and_nothing_typed_is_lost(
    app: FastAPI, database: Database, language: str
) -> None:
    here, words = await ward(language=language), WORDS[language]
    await number(here, here.walks_in)
    chart, act = _chart(here), f"{_chart(here)}/documents"
    async with visitor(app, here.doctor) as doctor:
        fields = form_on(await doctor.get(chart), act) | {"title": "Letter of May", "sort": "laboratory"}
        for why, (name, content, said) in NOT_TAKEN.items():
            files = {"file": (name, content, "image/jpeg")}
            refused = await doctor.post(act, data=fields | {"key": f"key-{why}"}, files=files)
            assert refused.status_code in (415, 422), why
            assert words[said] in refused.text, why
            kept = form_on(refused, act)
            assert (kept["title"], kept["sort"]) == ("Letter of May", "laboratory"), why
        assert f"{chart}/documents/" not in (await doctor.get(chart)).text.replace(f'{act}"', "")


async def test_a_document_that_goes_along_is_opened_where_it_is_asked_for(app: FastAPI, database: Database) -> None:
    here = await ward()
    await number(here, here.walks_in)
    hospital = await telemedicine_referrals.hospital(here.scene)
    chart = _chart(here)
    async with visitor(app, here.doctor) as doctor, visitor(app, hospital.clinician) as specialist:
        fields = form_on(await doctor.get(chart), f"{chart}/documents")
        await doctor.post(f"{chart}/documents", data=fields, files={"file": ("a.pdf", PDF, "application/pdf")})
        form = await doctor.get(f"{chart}/refer")
        (record,) = [
            str(given["value"])
            for tag, given in Elements(form.text).found
            if tag == "input" and given.get("name") == "record"
        ]
        sent = await submit(
            doctor,
            f"{chart}/refer",
            f"{chart}/refer",
            to=str(hospital.organization.id),
            service="Cardiology",
            reason="Murmur",
            record=record,
        )
        referral = sent.headers["location"].partition("?")[0].rsplit("/", 1)[-1]
        shown = await specialist.get(f"/portal/clinic/{hospital.organization.id}/referrals/{referral}")
        (file,) = [
            str(given["href"])
            for tag, given in Elements(shown.text).found
            if tag == "a" and "/v1/media/" in str(given.get("href"))
        ]
        assert (await specialist.get(file)).status_code == 200


async def test_nobody_files_what_they_may_not_see(app: FastAPI, database: Database) -> None:
    here = await ward()
    chart, act = _chart(here), f"{_chart(here)}/documents"
    async with visitor(app, here.desk) as desk, visitor(app, here.doctor) as doctor:
        assert act not in (await desk.get(chart)).text
        assert act not in (await doctor.get(chart)).text  # no appointment, number or visit
        fields = form_on(
            await doctor.get(f"{here.address}/patients/{here.booked.id}"),
            f"{here.address}/patients/{here.booked.id}/documents",
        )
        refused = await doctor.post(act, data=fields, files={"file": ("a.pdf", PDF, "application/pdf")})
        assert refused.status_code == 403
