"""What is known of somebody's health: entered, corrected, withdrawn, and who said so each time."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from telemedicine.records import rules
from telemedicine.records.models import RECORDS, VERSIONS
from telemedicine.records.schemas.records import CONTENTS
from tests.factories import identity, sign_in, telemedicine
from tests.factories import telemedicine_records as given
from tests.telemedicine.records.conftest import Desk

_BY_CLINICS = [
    given.CONDITION,
    given.ALLERGY,
    given.IMMUNIZATION,
    given.OBSERVATION,
    given.ENCOUNTER,
    given.CARE_PLAN,
    given.COVERAGE,
]


async def test_every_kind_comes_back_as_it_was_said(desk: Desk) -> None:
    for content in _BY_CLINICS:
        made = await desk.entered(desk.clinician, content)
        shown = await desk.get(desk.resident, f"/{made['id']}")
        assert shown == made
        assert shown["content"] == CONTENTS.dump_python(CONTENTS.validate_python(content), mode="json")
        assert (shown["source"], shown["version"], shown["is_last"]) == ("clinic", 1, True)
        assert shown["organization_id"] == str(desk.scene.clinic.id)
        assert shown["author_name"] == "Edith"
    assert len(await desk.ids(desk.resident)) == len(_BY_CLINICS)
    assert len(await desk.ids(desk.clinician, kind="care_plan")) == 1


async def test_a_correction_is_a_new_version_and_the_old_one_stays_readable(desk: Desk, clock: ManualClock) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    resolved = given.CONDITION | {"clinical_status": "resolved", "abatement": "2026-01"}
    corrected = await desk.correct(desk.clinician, made["id"], resolved, **{"If-Match": '"1"'})
    assert (corrected.status_code, corrected.headers["ETag"]) == (200, '"2"'), corrected.text
    assert corrected.json()["status"] == "resolved"
    late = await desk.correct(desk.clinician, made["id"], given.CONDITION, **{"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "stale_version")

    last, first = (await desk.get(desk.resident, f"/{made['id']}/versions"))["items"]
    assert (last["version"], last["is_last"], last["reason"]) == (2, True, "It was Wisteria")
    assert (first["version"], first["is_last"], first["status"]) == (1, False, "active")
    assert first["content"] == made["content"]
    page = await desk.get(desk.resident, f"/{made['id']}/versions", limit=1)
    rest = await desk.get(desk.resident, f"/{made['id']}/versions", limit=1, cursor=page["next"])
    assert [page["items"], rest["items"], rest["next"]] == [[last], [first], None]


async def test_of_many_corrections_at_once_each_gets_a_version_or_a_refusal(desk: Desk) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    answers = await asyncio.gather(
        *(desk.correct(desk.clinician, made["id"], given.CONDITION, **{"If-Match": '"1"'}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_what_was_entered_in_error_says_so_and_is_in_no_list_unless_asked_for(desk: Desk) -> None:
    made = await desk.entered(desk.clinician, given.OBSERVATION)
    withdrawn = await desk.withdraw(desk.clinician, made["id"])
    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "entered-in-error"), withdrawn.text
    assert withdrawn.json()["content"] == made["content"]
    assert await desk.ids(desk.clinician) == []
    assert await desk.ids(desk.clinician, entered_in_error=True) == [made["id"]]
    assert await desk.ids(desk.clinician, status="entered-in-error") == [made["id"]]
    shown = await desk.get(desk.clinician, f"/{made['id']}")
    assert (shown["status"], shown["reason"]) == ("entered-in-error", "Another patient's")
    for again in (
        await desk.withdraw(desk.clinician, made["id"]),
        await desk.correct(desk.clinician, made["id"], given.OBSERVATION),
    ):
        assert (again.status_code, again.json()["code"]) == (409, "health_record_in_error")


async def test_what_residents_say_is_theirs_until_a_clinic_vouches_for_it(desk: Desk) -> None:
    made = await desk.entered(desk.relative, given.ALLERGY)
    assert (made["source"], made["organization_id"], made["author_name"]) == ("resident", None, "Daughter")
    theirs = await desk.correct(desk.resident, made["id"], given.ALLERGY | {"criticality": "low"})
    assert theirs.json()["source"] == "resident"
    confirmed = await desk.correct(desk.clinician, made["id"], given.ALLERGY | {"verification_status": "confirmed"})
    assert confirmed.json()["source"] == "clinic"
    sources = [version["source"] for version in (await desk.get(desk.resident, f"/{made['id']}/versions"))["items"]]
    assert sources == ["clinic", "resident", "resident"]
    for who in (desk.resident, desk.relative):
        refused = await desk.correct(who, made["id"], given.ALLERGY)
        assert (refused.status_code, refused.json()["code"]) == (403, "anothers_record")
        assert (await desk.withdraw(who, made["id"])).status_code == 403


async def test_residents_neither_diagnose_nor_plan_nor_hold_visits(desk: Desk) -> None:
    for content in (given.CARE_PLAN, given.ENCOUNTER):
        refused = await desk.enter(desk.resident, content)
        assert (refused.status_code, refused.json()["code"]) == (403, "for_the_clinic")
    sure = await desk.enter(desk.resident, given.CONDITION)
    assert sure.status_code == 422
    (error,) = sure.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/body/content/verification_status", "for_the_clinic")


async def test_a_clinic_answers_for_its_own_records_alone(desk: Desk) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    other = await _another_clinic(desk)
    refused = await desk.correct(other, made["id"], given.CONDITION)
    assert (refused.status_code, refused.json()["code"]) == (403, "anothers_record")
    assert (await desk.get(other, f"/{made['id']}"))["organization_id"] == str(desk.scene.clinic.id)


async def test_a_record_stays_of_its_kind_and_has_an_end_of_corrections(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    other = await desk.correct(desk.clinician, made["id"], given.ALLERGY)
    assert (other.status_code, other.json()["code"]) == (409, "health_record_kind")
    monkeypatch.setattr(rules, "MOST_VERSIONS", 1)
    full = await desk.correct(desk.clinician, made["id"], given.CONDITION)
    assert (full.status_code, full.json()["code"]) == (409, "too_many_versions")


async def test_residents_enter_no_more_than_somebody_can_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemedicine.records.repository.MOST_OWN", 2)
    answers = await asyncio.gather(*(desk.enter(desk.resident, given.ALLERGY) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]
    assert (await desk.enter(desk.clinician, given.ALLERGY)).status_code == 201


async def test_records_are_found_by_kind_status_code_and_time(desk: Desk) -> None:
    made = [await desk.entered(desk.clinician, content) for content in _BY_CLINICS]
    condition, allergy, _, observation, *_ = (record["id"] for record in made)
    assert await desk.ids(desk.resident, code="http://snomed.info/sct|764146007") == [allergy]
    assert await desk.ids(desk.resident, code="http://snomed.info/sct|764146007", kind="condition") == []
    assert await desk.ids(desk.resident, kind="condition", status="active") == [condition]
    assert await desk.ids(desk.resident, kind="condition", status="resolved") == []
    began = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-01T12:00:00Z"}
    assert await desk.ids(desk.resident, **began) == [observation]
    page = await desk.get(desk.resident, limit=3)
    more = await desk.get(desk.resident, limit=50, cursor=page["next"])
    seen = [item["id"] for item in page["items"] + more["items"]]
    assert seen == [record["id"] for record in reversed(made)]
    bad = await desk.client.get("/v1/me/health-records", headers=desk.resident, params={"code": "I10"})
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "/query/code")


async def test_nothing_that_tells_of_health_can_be_read_in_the_tables(desk: Desk) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    await desk.entered(desk.clinician, given.COVERAGE)
    await desk.correct(desk.clinician, made["id"], given.CONDITION)
    async with reading() as connection:
        kept = "".join(
            [str(row) for table in (RECORDS, VERSIONS) for row in await connection.execute(sa.select(table))]
        )
    for word in ("Wisteria", "I10", "icd-10", "W-1234567", "Lakeside"):
        assert word not in kept


async def test_an_interface_of_the_clinic_brings_what_counts_as_imported(desk: Desk) -> None:
    machine = await sign_in.client_headers(desk.scene.clinic, ["records:read", "records:write"])
    assert (await desk.entered(machine, given.CONDITION))["source"] == "import"
    assert (await desk.entered(machine, given.OBSERVATION | {"device": "cobas-1"}))["source"] == "device"


async def test_an_app_is_told_what_changed(desk: Desk) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    first = (await desk.client.get("/v1/me/changes", headers=desk.resident)).json()
    assert [record["id"] for record in first["health_records"]] == [made["id"]]
    await desk.withdraw(desk.clinician, made["id"])
    of_resident = f"/v1/residents/{desk.scene.resident.id}/changes"
    for who, path in ((desk.resident, "/v1/me/changes"), (desk.relative, of_resident)):
        cursor = first["next"] if who is desk.resident else None
        told = (await desk.client.get(path, headers=who, params={"since": cursor} if cursor else {})).json()
        assert [(record["id"], record["status"]) for record in told["health_records"]] == [
            (made["id"], "entered-in-error")
        ]
    theirs = (await desk.client.get(of_resident, headers=desk.clinician)).json()
    assert "health_records" not in theirs["kinds"]  # clinicians carry nothing away


async def _another_clinic(desk: Desk) -> dict[str, str]:
    clinic = await identity.organization(desk.scene.place, "clinic")
    await identity.agreement(clinic, None, desk.scene.resident)
    clinician = await identity.staff(clinic, "clinician", name="Rosalind")
    await telemedicine.consultation(
        telemedicine.Scene(desk.scene.place, desk.scene.resident, desk.scene.account, clinic, clinician)
    )
    headers: dict[str, Any] = await sign_in.sign_in(clinician, second_factor=True)
    return headers
