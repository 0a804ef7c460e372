"""Prescriptions: nothing is signed past a warning or without a licence, and nothing signed is ever changed."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.identity.models import Account
from telemedicine.clinics.models import Practitioner
from telemedicine.prescriptions.models import PRESCRIPTIONS
from tests.factories import identity, sign_in, telemedicine
from tests.factories import telemedicine_records as records
from tests.factories.telemedicine_prescriptions import AMOXICILLIN
from tests.telemedicine.prescriptions.conftest import Desk

IBUPROFEN: dict[str, Any] = {
    "medication": {"coding": {"system": "http://www.whocc.no/atc", "code": "M01AE01"}, "text": "Ibuprofen"},
    "dosage": "1 tablet when in pain, three a day at most",
}


async def test_a_draft_is_the_clinics_until_it_is_signed_and_never_changes_after(desk: Desk) -> None:
    draft = await desk.draft(IBUPROFEN)
    one = f"{desk.path}/{draft['id']}"
    assert await desk.seen(desk.resident, "/v1/me/prescriptions") == []
    assert [row["id"] for row in await desk.seen(desk.clinician, desk.path)] == [draft["id"]]
    changed = {"content": IBUPROFEN | {"dosage": "1 tablet in the morning"}}
    stale = desk.clinician | {"If-Match": '"7"'}
    assert (await desk.client.put(one, headers=stale, json=changed)).status_code == 412
    redrafted = await desk.client.put(one, headers=desk.clinician, json=changed)
    assert redrafted.status_code == 200, redrafted.text

    signed = await desk.act(draft, "signature")
    assert signed.status_code == 200, signed.text
    shown = signed.json()
    assert (shown["status"], shown["signer_name"], shown["content"]["dosage"]) == (
        "active",
        "Edith",
        "1 tablet in the morning",
    )
    assert shown["licence_number"] == desk.practitioner.licence_number
    for late in (
        await desk.client.put(one, headers=desk.clinician, json=changed),
        await desk.act(draft, "signature"),
    ):
        assert (late.status_code, late.json()["code"]) == (409, "prescription_status")
    assert [row["id"] for row in await desk.seen(desk.resident, "/v1/me/prescriptions", status="active")] == [
        draft["id"]
    ]
    assert await _told() == ["telemedicine.prescription_signed.v1"]


async def test_nothing_is_signed_without_a_licence_that_is_valid_now(desk: Desk) -> None:
    draft = await desk.draft(IBUPROFEN)
    for values in ({"licence_ends_at": clocks.now()}, {"is_active": False}):
        was = {name: getattr(desk.practitioner, name) for name in values}
        await _set(desk.practitioner, values)
        refused = await desk.act(draft, "signature")
        assert (refused.status_code, refused.json()["code"]) == (409, "licence_not_valid")
        await _set(desk.practitioner, was)
    colleague = await sign_in.sign_in(await identity.staff(desk.scene.clinic, "clinician"), second_factor=True)
    refused = await desk.ask(colleague, f"{desk.path}/{draft['id']}/signature")
    assert (refused.status_code, refused.json()["code"]) == (409, "licence_not_valid")
    assert (await desk.act(draft, "signature")).status_code == 200


async def test_an_export_holds_what_was_signed_and_no_draft(desk: Desk) -> None:
    await desk.draft()
    signed = await desk.signed(IBUPROFEN)
    headers = await sign_in.sign_in(desk.scene.account)
    tables = (await desk.client.get("/v1/me/export", headers=headers)).json()["tables"]
    assert [row["id"] for row in tables["telemedicine_prescription"]["rows"]] == [signed["id"]]


async def test_what_the_record_warns_of_is_shown_and_needs_a_word(desk: Desk) -> None:
    allergy = await records.health_record(desk.scene.resident, records.ALLERGY)
    await records.health_record(desk.scene.resident, records.ALLERGY | {"code": {"text": "Something red"}})
    resolved = await records.health_record(desk.scene.resident, records.ALLERGY | {"clinical_status": "resolved"})
    other = await desk.signed(AMOXICILLIN | {"ingredients": []})
    draft = await desk.draft()
    found = (await desk.act(draft, "checks")).json()
    assert (found["basis"], found["has_codes"], found["uncoded_allergies"]) == ("exact_codes", True, 1)
    warned = {(warning["kind"], warning["id"]): warning["code"]["code"] for warning in found["warnings"]}
    assert warned == {("allergy", str(allergy.id)): "764146007", ("duplicate", other["id"]): "J01CA04"}
    assert ("allergy", str(resolved.id)) not in warned

    some = [{"kind": "allergy", "id": str(allergy.id), "reason": "Tested: tolerated in January"}]
    refused = await desk.act(draft, "signature", {"acknowledged": some})
    assert (refused.status_code, refused.json()["code"]) == (409, "warnings_open")
    assert [warning["id"] for warning in refused.json()["warnings"]] == [other["id"]]
    more = [{"kind": "duplicate", "id": other["id"], "reason": "Another strength"}]
    idle = [{"kind": "duplicate", "id": str(clocks.new_id()), "reason": "Nothing of the kind"}]
    signed = await desk.act(draft, "signature", {"acknowledged": [*some, *more, *idle]})
    assert signed.status_code == 200, signed.text
    assert signed.json()["acknowledged"] == [*some, *more]


async def test_what_is_replaced_is_stopped_and_no_duplicate(desk: Desk) -> None:
    old = await desk.signed(IBUPROFEN)
    new = await desk.signed(IBUPROFEN | {"dosage": "2 tablets"}, replaces_id=old["id"])
    assert new["replaces_id"] == old["id"]
    by_id = {row["id"]: row["status"] for row in await desk.seen(desk.resident, "/v1/me/prescriptions")}
    assert by_id == {old["id"]: "stopped", new["id"]: "active"}
    gone = await desk.ask(desk.clinician, desk.path, {"content": IBUPROFEN, "replaces_id": old["id"]})
    assert (gone.status_code, gone.json()["code"]) == (409, "cannot_replace")
    assert await _told() == [
        "telemedicine.prescription_signed.v1",
        "telemedicine.prescription_ended.v1",
        "telemedicine.prescription_signed.v1",
    ]


async def test_of_two_of_the_same_signed_at_once_one_is_warned_of_the_other(desk: Desk) -> None:
    drafts = [await desk.draft(IBUPROFEN) for _ in range(2)]
    answers = await asyncio.gather(*(desk.act(draft, "signature") for draft in drafts))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_on_its_last_day_it_is_a_duplicate_wherever_the_resident_lives(desk: Desk) -> None:
    async with unit_of_work() as session:
        (await session.get_one(Account, desk.scene.account.id)).time_zone = "Pacific/Honolulu"
    await desk.signed(IBUPROFEN | {"valid_until": "2026-03-01"})  # which it is there
    found = (await desk.act(await desk.draft(IBUPROFEN), "checks")).json()
    assert [warning["kind"] for warning in found["warnings"]] == ["duplicate"]


@pytest.mark.parametrize(("action", "status"), [("stop", "stopped"), ("dispense", "completed")])
async def test_a_prescription_ends_once(desk: Desk, action: str, status: str) -> None:
    prescription = await desk.signed(IBUPROFEN)
    ended = await desk.act(prescription, action, {"reason": "It did not help"})
    assert (ended.status_code, ended.json()["status"]) == (200, status), ended.text
    for again in ("stop", "dispense"):
        late = await desk.act(prescription, again, {"reason": "Once more"})
        assert (late.status_code, late.json()["code"]) == (409, "prescription_status")
    # What is not taken any more is no duplicate; what was just dispensed is.
    found = (await desk.act(await desk.draft(IBUPROFEN), "checks")).json()
    assert len(found["warnings"]) == (status == "completed")
    draft = await desk.draft(IBUPROFEN)
    assert (await desk.act(draft, "stop", {"reason": "A slip"})).json()["status"] == "cancelled"


async def test_only_the_clinic_prescribes_and_only_its_own(desk: Desk) -> None:
    refused = await desk.ask(desk.resident, desk.path, {"content": IBUPROFEN})
    assert (refused.status_code, refused.json()["code"]) == (403, "for_prescribers")
    machine = await sign_in.client_headers(desk.scene.clinic, ["records:read", "records:write"])
    assert (await desk.ask(machine, desk.path, {"content": IBUPROFEN})).json()["code"] == "for_prescribers"
    prescription = await desk.signed(IBUPROFEN)
    other = await _another_clinics(desk)
    stopped = await desk.ask(other, f"{desk.path}/{prescription['id']}/stop", {"reason": "Mine"})
    assert (stopped.status_code, stopped.json()["code"]) == (403, "for_prescribers")
    assert [row["id"] for row in await desk.seen(other, desk.path)] == [prescription["id"]]
    elsewhere = {"content": IBUPROFEN, "organization_id": str(clocks.new_id())}
    wrong = await desk.ask(desk.clinician, desk.path, elsewhere)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/body/organization_id")


async def test_what_is_prescribed_cannot_be_read_in_the_tables(desk: Desk) -> None:
    await desk.signed()
    async with reading() as connection:
        kept = str((await connection.execute(sa.select(PRESCRIPTIONS))).all())
    assert "Wisteria" not in kept
    assert "J01CA04" not in kept


async def _another_clinics(desk: Desk) -> dict[str, str]:
    scene = desk.scene
    clinic = await identity.organization(scene.place, "clinic")
    await identity.agreement(clinic, None, scene.resident)
    person = await identity.staff(clinic, "clinician", name="Rosalind")
    await telemedicine.consultation(telemedicine.Scene(scene.place, scene.resident, scene.account, clinic, person))
    return await sign_in.sign_in(person, second_factor=True)


async def _set(row: Practitioner, values: dict[str, Any]) -> None:
    async with unit_of_work() as session:
        found = await session.get_one(Practitioner, row.id)
        for name, value in values.items():
            setattr(found, name, value)


async def _told() -> list[str]:
    async with reading() as connection:
        statement = (
            sa.select(col(EventRecord.name))
            .where(col(EventRecord.name).like("telemedicine.prescription%"))
            .order_by(col(EventRecord.id))
        )
        return list(await connection.scalars(statement))
