"""Whose health record it is, whom they let, the clinics that treat them; everybody else sees nothing of it."""

from datetime import timedelta

import pytest

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import ServiceAgreement
from tests.factories import identity, sign_in, telemedicine_appointments, telemedicine_clinics
from tests.factories import telemedicine_records as given
from tests.telemedicine.records.conftest import Desk, Headers


async def answered(desk: Desk, who: Headers) -> tuple[int, str | None]:
    """Return what somebody is answered who asks for the list, and for an entry."""
    listed = await desk.client.get(desk.others, headers=who)
    entered = await desk.enter(who, given.ALLERGY)
    assert (listed.status_code == 200) == (entered.status_code == 201), (listed.text, entered.text)
    return listed.status_code, listed.json().get("code")


async def test_an_agreement_alone_opens_nothing(desk: Desk, clock: ManualClock) -> None:
    place, resident = desk.scene.place, desk.scene.resident
    clinic = await identity.organization(place, "clinic")
    agreement = await identity.agreement(clinic, None, resident)
    doctor = await identity.staff(clinic, "clinician")
    headers = await sign_in.sign_in(doctor, second_factor=True)
    assert await answered(desk, headers) == (403, "no_treatment")

    kept = await telemedicine_clinics.clinic(place, clinic)
    practitioner = await telemedicine_clinics.practitioner(kept, doctor)
    of_type = await telemedicine_clinics.visit_type(kept)
    later = clocks.now() + timedelta(days=3)
    await telemedicine_appointments.appointment(resident, practitioner, of_type, later, status="cancelled")
    assert await answered(desk, headers) == (403, "no_treatment")
    await telemedicine_appointments.appointment(resident, practitioner, of_type, later)
    assert (await answered(desk, headers))[0] == 200

    clock.advance(timedelta(days=3 + 367))
    headers = await sign_in.sign_in(doctor, second_factor=True)
    assert await answered(desk, headers) == (403, "no_treatment")
    await telemedicine_appointments.queue_ticket(resident, kept)
    assert (await answered(desk, headers))[0] == 200

    async with unit_of_work() as session:
        (await session.get_one(ServiceAgreement, agreement.id)).scopes = ["consultations:read", "profile:read"]
    assert await answered(desk, headers) == (403, "forbidden")


@pytest.mark.parametrize(
    ("kind", "role"),
    [("clinic", "coordinator"), ("care_agency", "clinician"), ("care_agency", "carer"), ("operator", "operator")],
)
async def test_who_does_not_treat_sees_nothing(desk: Desk, kind: str, role: str) -> None:
    organization = await identity.organization(desk.scene.place, kind)
    await identity.agreement(organization, None, desk.scene.resident)
    person = await identity.staff(organization, role)
    assert await answered(desk, await sign_in.sign_in(person, second_factor=True)) == (403, "forbidden")


async def test_a_machine_of_an_agency_sees_nothing(desk: Desk) -> None:
    agency = await identity.organization(desk.scene.place, "care_agency")
    await identity.agreement(agency, None, desk.scene.resident)
    machine = await sign_in.client_headers(agency, ["records:read", "records:write"])
    assert await answered(desk, machine) == (403, "forbidden")


async def test_a_grant_opens_what_it_says_and_strangers_know_of_nothing(desk: Desk) -> None:
    place, resident = desk.scene.place, desk.scene.resident
    reader, stranger = await identity.account(place, name="Son"), await identity.account(place, name="Walter")
    await identity.grant(resident, reader, ["records:read"])
    headers = await sign_in.sign_in(reader)
    assert (await desk.client.get(desk.others, headers=headers)).status_code == 200
    assert (await desk.enter(headers, given.ALLERGY)).status_code == 403
    assert await answered(desk, await sign_in.sign_in(stranger)) == (404, "not_found")


async def test_a_record_of_somebody_elses_is_none_of_the_residents(desk: Desk) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    other = await identity.resident(desk.scene.place, name="Walter")
    headers = await sign_in.sign_in_resident(other)
    path = f"/v1/me/health-records/{made['id']}"
    for answer in (
        await desk.client.get(path, headers=headers),
        await desk.client.get(f"{path}/versions", headers=headers),
        await desk.client.put(path, headers=headers, json={"content": given.ALLERGY}),
        await desk.client.post(f"{path}/entered-in-error", headers=headers, json={"reason": "Mine"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_resident_is_told_who_looked(desk: Desk) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    await desk.ids(desk.clinician)
    await desk.get(desk.relative, f"/{made['id']}/versions")
    path, chinese = "/v1/me/data-accesses", {"Accept-Language": "zh-CN"}
    told = (await desk.client.get(path, headers=desk.resident)).json()["items"]
    said = [item["explanation"] for item in told][:3]
    assert said == [
        "Daughter looked at an entry of your health record.",
        "Edith looked at your health record.",
        "Edith did something with an entry of your health record.",
    ]
    told = (await desk.client.get(path, headers=desk.resident | chinese)).json()["items"]
    assert "Edith查看了您的健康档案。" in str(told)


async def test_after_the_residence_nothing_more_is_entered(desk: Desk) -> None:
    made = await desk.entered(desk.clinician, given.CONDITION)
    async with unit_of_work() as session:
        row = await session.merge(desk.scene.resident)
        row.state, row.closed_on = "moved_out", clocks.now().date()
    ended = await desk.enter(desk.clinician, given.CONDITION)
    assert (ended.status_code, ended.json()["code"]) == (409, "residence_ended")
    assert (await desk.get(desk.clinician, f"/{made['id']}"))["version"] == 1
