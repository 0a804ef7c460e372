"""Referrals: from the request to the letter back, and every way in which they end otherwise."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col

from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from telemedicine.appointments import jobs as appointments
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.clinics.models import CLINICS
from telemedicine.referrals import jobs
from tests.factories import identity, sign_in, telemedicine_referrals
from tests.factories.telemedicine_referrals import Body
from tests.telemedicine.referrals.conftest import Desk


async def relay() -> None:
    """Deliver what was told."""
    await settle(RELAY_JOBS)


async def _events() -> list[str]:
    statement = (
        sa.select(col(EventRecord.payload))
        .where(col(EventRecord.name) == "telemedicine.referral_state_changed.v1")
        .order_by(col(EventRecord.id))
    )
    async with reading() as connection:
        return [payload["state"] for payload in await connection.scalars(statement)]


async def test_a_referral_goes_from_the_request_to_the_letter_and_back(desk: Desk) -> None:
    asked = await desk.refer(urgency="urgent")
    assert (asked["state"], asked["version"], asked["to_organization"]) == ("requested", 1, "Hospital")
    assert asked["due_at"] == "2026-03-03T08:00:00Z"
    accepted = await desk.act(desk.clerk, asked, "acceptance", {"offers": [desk.time()]})
    assert (accepted["state"], accepted["content"]) == ("accepted", None)
    booked = await desk.act(desk.resident, asked, "appointment", desk.time())
    assert booked["state"] == "booked"
    appointment = f"/v1/appointments/{booked['appointment_id']}"
    assert (await desk.look(desk.resident, appointment))["based_on_id"] == asked["id"]

    await desk.later(timedelta(days=1))
    for status in ("arrived", "fulfilled"):
        await desk.ask(desk.clerk, f"{appointment}/outcome", {"status": status})
    await relay()
    seen = await desk.show(desk.doctor, asked)
    assert (seen["state"], seen["due_at"]) == ("seen", "2026-03-06T08:00:00Z")
    letter: Body = {
        "title": "Discharge summary",
        "text": "Nothing to worry about",
        "medications": [{"change": "started", "medication": {"text": "Bisoprolol"}, "dosage": "1 in the morning"}],
        "next_steps": "Blood pressure in two weeks",
    }
    done = await desk.act(desk.doctor, asked, "letter", letter)
    assert (done["state"], done["content"], done["letter"]) == ("completed", None, None)
    told = await desk.show(desk.clinician, asked)
    assert told["letter"]["medications"][0]["change"] == "started"
    record = await desk.look(desk.resident, f"/v1/me/health-records/{told['letter']['health_record_id']}")
    assert (record["content"]["note"], record["organization_id"]) == (
        "Nothing to worry about",
        str(desk.hospital.organization.id),
    )

    back = await desk.act(
        desk.doctor,
        asked,
        "return",
        {
            "content": telemedicine_referrals.WHY,
            "selection": {"health_records": [{"id": record["id"], "version": 1}]},
        },
        201,
    )
    assert (back["follows_id"], back["follows_as"], back["root_id"]) == (asked["id"], "return", asked["id"])
    assert back["to_organization_id"] == str(desk.scene.clinic.id)
    assert (await desk.act(desk.clinician, back, "acceptance"))["state"] == "accepted"
    states = ["requested", "accepted", "booked", "seen", "completed"]
    assert await _events() == [*states, "requested", "accepted"]
    history = (await desk.show(desk.resident, asked))["history"]
    assert [one["state"] for one in reversed(history)] == states
    assert [one["side"] for one in reversed(history)] == ["from", "to", "patient", "nobody", "to"]


async def test_of_two_who_answer_at_once_one_wins_and_the_other_is_told(desk: Desk) -> None:
    asked = await desk.refer()
    path = f"/v1/referrals/{asked['id']}"
    answers = await asyncio.gather(
        desk.client.post(f"{path}/acceptance", headers=desk.clerk, json={}),
        desk.client.post(f"{path}/refusal", headers=desk.doctor, json={"reason": "Full"}),
        desk.client.post(f"{path}/withdrawal", headers=desk.resident, json={}),
    )
    first = [answer for answer in answers if answer.status_code == 200]
    lost = [answer.json() for answer in answers if answer.status_code == 409]
    assert len(first) + len(lost) == 3
    assert first
    assert {one["code"] for one in lost} <= {"referral_state"}
    history = (await desk.show(desk.resident, asked))["history"]
    assert len(history) == 1 + len(first)


async def test_who_has_seen_an_older_version_changes_nothing(desk: Desk) -> None:
    asked = await desk.refer()
    path = f"/v1/referrals/{asked['id']}/acceptance"
    stale = await desk.client.post(path, headers=desk.clerk | {"If-Match": '"7"'}, json={})
    assert stale.status_code == 412
    fresh = await desk.client.post(path, headers=desk.clerk | {"If-Match": '"1"'}, json={})
    assert (fresh.status_code, fresh.headers["etag"]) == (200, '"2"')


async def test_a_draft_is_the_clinics_until_it_is_sent(desk: Desk) -> None:
    draft = await desk.refer(is_draft=True)
    for who in (desk.resident, desk.doctor, desk.clerk):
        await desk.show(who, draft, 404)
    assert (await desk.look(desk.resident, "/v1/me/referrals"))["items"] == []
    assert (await desk.act(desk.clinician, draft, "request"))["state"] == "requested"
    assert (await desk.show(desk.resident, draft))["content"] == telemedicine_referrals.WHY | {
        "service": telemedicine_referrals.HEART | {"translations": [], "text": None}
    }


async def test_a_referral_is_passed_on_with_all_that_goes_with_it_but_not_in_a_circle(desk: Desk) -> None:
    second = await telemedicine_referrals.hospital(desk.scene, "Heart centre")
    asked = await desk.refer()
    there = {"to_organization_id": str(second.organization.id), "reason": "No cardiology here"}
    gone = await desk.act(desk.clerk, asked, "redirection", there, 201)
    assert (gone["follows_as"], gone["follows_id"], gone["state"]) == (None, None, "redirected")
    other = await sign_in.sign_in(second.clinician, second_factor=True)
    page = await desk.look(other, f"/v1/clinics/{second.organization.id}/referrals")
    (new,) = page["items"]
    assert (new["follows_id"], new["follows_as"], new["state"]) == (asked["id"], "redirect", "requested")
    assert new["content"]["reason"] == telemedicine_referrals.WHY["reason"]
    for clinic in (desk.hospital.organization, desk.scene.clinic):
        again = {"to_organization_id": str(clinic.id), "reason": "Back"}
        refused = await desk.act(other, new, "redirection", again, 409)
        assert refused["code"] == "asked_already"
    await desk.show(desk.doctor, new, 404)


async def test_what_is_called_off_or_missed_leaves_the_referral_accepted_with_a_new_deadline(desk: Desk) -> None:
    asked = await desk.refer()
    await desk.act(desk.clerk, asked, "acceptance", {"offers": [desk.time()]})
    assert (await desk.act(desk.doctor, asked, "acceptance", status=409))["referral_state"] == "accepted"
    booked = await desk.act(desk.clinician, asked, "appointment", desk.time())
    await desk.later(timedelta(hours=1))
    await desk.ask(desk.resident, f"/v1/appointments/{booked['appointment_id']}/cancellation")
    await relay()
    again = await desk.show(desk.clinician, asked)
    assert (again["state"], again["appointment_id"], again["due_at"]) == ("accepted", None, "2026-03-09T09:00:00Z")

    assert again["offers"] == []
    other = desk.time("2026-03-03T01:30:00Z")
    offered = await desk.act(desk.clerk, asked, "offers", {"offers": [other]})
    assert (offered["offers"][0]["starts_at"], offered["version"]) == (other["starts_at"], again["version"] + 1)
    assert (await desk.act(desk.resident, asked, "appointment", desk.time(), 409))["code"] == "not_among_offers"
    second = await desk.act(desk.resident, asked, "appointment", other)
    await desk.later(timedelta(days=1))
    path = f"/v1/appointments/{second['appointment_id']}/outcome"
    await desk.ask(desk.clerk, path, {"status": "noshow"})
    await relay()
    assert (await desk.show(desk.clinician, asked))["state"] == "accepted"
    # Who comes after they were given up has come.
    for status in ("arrived", "fulfilled"):
        await desk.ask(desk.clerk, path, {"status": status})
    await relay()
    assert (await desk.show(desk.clinician, asked))["state"] == "seen"


async def test_a_time_that_a_clinics_own_diary_refuses_or_never_answers_leaves_the_referral_accepted(
    desk: Desk,
) -> None:
    async with unit_of_work() as session:
        await session.execute(
            sa.update(CLINICS).where(CLINICS.c.organization_id == desk.hospital.organization.id).values(owns_diary=True)
        )
    asked = await desk.refer()
    await desk.act(desk.clerk, asked, "acceptance")
    first = await desk.act(desk.resident, asked, "appointment", desk.time("2026-03-10T01:00:00Z"))
    path = f"/v1/appointments/{first['appointment_id']}"
    assert (await desk.look(desk.resident, path))["awaits"] == "clinic"
    await desk.ask(desk.clerk, f"{path}/answer", {"answer": "declined", "reason": "full"})
    await relay()
    again = await desk.show(desk.clinician, asked)
    assert (again["state"], again["appointment_id"], again["due_at"]) == ("accepted", None, "2026-03-09T08:00:00Z")

    await desk.act(desk.resident, asked, "appointment", desk.time("2026-03-10T01:30:00Z"))
    await desk.later(timedelta(days=7))
    assert await appointments.expire() == 1
    await relay()
    lapsed = await desk.show(desk.clinician, asked)
    assert (lapsed["state"], lapsed["due_at"]) == ("accepted", "2026-03-16T08:00:00Z")

    # Who refers gives it up: the clinic that was asked has refused nothing.
    third = await desk.act(desk.resident, asked, "appointment", desk.time("2026-03-17T01:00:00Z"))
    await desk.act(desk.clinician, asked, "withdrawal")
    ended = await desk.look(desk.resident, f"/v1/appointments/{third['appointment_id']}")
    assert (ended["status"], ended["cancelled_by"]) == ("cancelled", "nobody")


async def test_a_time_is_taken_with_the_state_or_not_at_all(desk: Desk) -> None:
    other = await desk.refer()
    asked = await desk.refer()
    for one in (asked, other):
        await desk.act(desk.clerk, one, "acceptance")
    paths = [f"/v1/referrals/{one['id']}/appointment" for one in (asked, other)]
    answers = await asyncio.gather(*(desk.client.post(path, headers=desk.resident, json=desk.time()) for path in paths))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    states = sorted([(await desk.show(desk.resident, one))["state"] for one in (asked, other)])
    assert states == ["accepted", "booked"]
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(APPOINTMENTS)) == 1


async def test_only_what_the_clinic_offers_is_booked_even_what_is_otherwise_its_own_to_book(desk: Desk) -> None:
    hospital = await telemedicine_referrals.hospital(desk.scene, "Closed", bookable_by="clinic")
    clerk = await sign_in.sign_in(hospital.clerk, second_factor=True)
    offered = {
        "practitioner_id": str(hospital.practitioner.id),
        "visit_type_id": str(hospital.service.id),
        "starts_at": "2026-03-03T01:00:00Z",
    }
    asked = await desk.refer(to_organization_id=str(hospital.organization.id))
    elsewhere = await desk.act(clerk, asked, "acceptance", {"offers": [desk.time()]}, 422)
    assert elsewhere["errors"][0]["pointer"] == "/body/offers/0/practitioner_id"
    await desk.act(clerk, asked, "acceptance", {"offers": [offered]})
    refused = await desk.act(desk.resident, asked, "appointment", desk.time(), 409)
    assert refused["code"] == "not_among_offers"
    assert (await desk.act(desk.resident, asked, "appointment", offered))["state"] == "booked"


async def test_who_objects_ends_the_referral_and_its_appointment(desk: Desk) -> None:
    asked = await desk.refer()
    await desk.act(desk.clerk, asked, "acceptance")
    booked = await desk.act(desk.resident, asked, "appointment", desk.time())
    gone = await desk.act(desk.resident, asked, "withdrawal", {"reason": "I would rather not"})
    assert (gone["state"], gone["history"][0]["side"], gone["history"][0]["reason"]) == (
        "withdrawn",
        "patient",
        "I would rather not",
    )
    appointment = await desk.look(desk.resident, f"/v1/appointments/{booked['appointment_id']}")
    assert appointment["status"] == "cancelled"
    await relay()
    assert (await desk.show(desk.resident, asked))["state"] == "withdrawn"
    assert (await desk.act(desk.clerk, asked, "acceptance", status=409))["referral_state"] == "withdrawn"


async def test_a_referral_nobody_acts_on_expires(desk: Desk) -> None:
    asked = await desk.refer()
    desk.clock.advance(timedelta(days=89))
    assert await jobs.expire() == 0
    desk.clock.advance(timedelta(days=1))
    assert await jobs.expire() == 1
    resident = await sign_in.sign_in(desk.scene.account)
    found = await desk.show(resident, asked)
    assert (found["state"], found["history"][0]["changed_by"], found["due_at"]) == ("expired", None, None)


async def test_what_cannot_be_is_said_where_it_is(desk: Desk) -> None:
    nobody = str(desk.scene.resident.id)
    wrong: list[tuple[Body, str]] = [
        ({"to_organization_id": str(desk.scene.clinic.id)}, "/body/to_organization_id"),
        ({"to_organization_id": nobody}, "/body/to_organization_id"),
        ({"practitioner_id": nobody}, "/body/practitioner_id"),
        ({"selection": {"health_records": [{"id": nobody, "version": 1}]}}, "/body/selection/health_records/0"),
        ({"selection": {"prescriptions": [nobody]}}, "/body/selection/prescriptions/0"),
    ]
    body = {"content": telemedicine_referrals.WHY, "to_organization_id": str(desk.hospital.organization.id)}
    for values, pointer in wrong:
        refused = await desk.ask(desk.clinician, desk.path, body | values, 422)
        assert [error["pointer"] for error in refused["errors"]] == [pointer]
    agency = await identity.organization(desk.scene.place, "care_agency")
    refused = await desk.ask(desk.clinician, desk.path, body | {"to_organization_id": str(agency.id)}, 422)
    assert refused["errors"][0]["code"] == "no_clinic"
