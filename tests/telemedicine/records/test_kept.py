"""What was said stays said: the database itself keeps each version, until its person is erased."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.core.database import unit_of_work
from telemedicine.records.models import RECORDS, VERSIONS
from tests.factories import telemedicine_records as given
from tests.telemedicine.records.conftest import Desk

ICD = {"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"}
SNOMED = {"system": "http://snomed.info/sct", "code": "38341003", "display": "Hypertensive disorder"}


@pytest.mark.parametrize(
    "statement",
    [
        sa.update(VERSIONS).values(status="resolved"),
        sa.update(VERSIONS).values(content="something else"),
        sa.delete(VERSIONS),
    ],
    ids=["status", "content", "delete"],
)
async def test_no_version_is_changed_or_taken_away(desk: Desk, statement: sa.Update | sa.Delete) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    with pytest.raises(DBAPIError, match="a version of a health record"):
        async with unit_of_work() as session:
            await session.execute(statement)
    assert await desk.get(desk.clinician, f"/{made['id']}") == made


async def resealed(statement: sa.Update) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.text("SELECT set_config('hearthline.resealing', 'on', true)"))
        await session.execute(statement)


async def test_sealing_anew_changes_the_seal_alone(desk: Desk) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    with pytest.raises(DBAPIError, match="never changed"):
        await resealed(sa.update(VERSIONS).values(content="something else", status="resolved"))
    await resealed(sa.update(VERSIONS).values(content=VERSIONS.c.content))
    assert await desk.get(desk.clinician, f"/{made['id']}") == made


async def test_versions_go_with_their_record(desk: Desk) -> None:
    await desk.entered(desk.clinician, given.CONDITION)
    async with unit_of_work() as session:
        await session.execute(sa.delete(VERSIONS))
        await session.execute(sa.delete(RECORDS))
    assert await desk.ids(desk.clinician) == []


async def test_a_record_is_found_by_each_of_its_codes_and_by_those_it_has_now(desk: Desk) -> None:
    said = given.CONDITION | {"code": {"coding": ICD, "translations": [SNOMED]}}
    made = await desk.entered(desk.clinician, said)
    assert made["content"]["code"] == {"coding": ICD | {"display": None}, "translations": [SNOMED], "text": None}
    for code in (ICD, SNOMED):
        assert await desk.ids(desk.clinician, code=f"{code['system']}|{code['code']}") == [made["id"]]
    await desk.correct(desk.clinician, made["id"], given.CONDITION | {"code": {"coding": SNOMED}})
    assert await desk.ids(desk.clinician, code=f"{ICD['system']}|{ICD['code']}") == []
    assert await desk.ids(desk.clinician, code=f"{SNOMED['system']}|{SNOMED['code']}") == [made["id"]]


async def test_translations_are_of_a_code(desk: Desk) -> None:
    refused = await desk.enter(desk.clinician, given.CONDITION | {"code": {"text": "x", "translations": [SNOMED]}})
    assert refused.status_code == 422
