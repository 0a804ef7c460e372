"""The reminder that it is time leads to the visit: an app by its id, and who has none by a link that is good once."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from notifications.channels.registry import close_channels
from notifications.delivery.models import DELIVERIES
from notifications.sending import jobs as sending
from telemedicine.appointments import jobs
from telemedicine.consultations.models import LINKS
from telemedicine.consultations.schemas.signalling import Hello
from telemedicine.consultations.service import signalling
from telemedicine.consultations.service.room import Seat, arrive
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.factories.notifications import outbox
from tests.telemedicine.appointments.conftest import Desk, at
from tests.telemedicine.appointments.rooms import Room


async def test_whoever_has_no_app_is_sent_a_link_that_lets_them_in_once(desk: Desk, clock: ManualClock) -> None:
    person = await identity.account(desk.scene.place, name="Ada", phone="+8613800000077")
    ada = await identity.resident(desk.scene.place, person=person)
    booked = await desk.booked(await sign_in.sign_in_resident(ada), at("09:00"))
    clock.set(at("08:55"))
    await asyncio.gather(jobs.remind(), jobs.remind())
    async with reading() as connection:
        (row,) = await connection.execute(
            sa.select(DELIVERIES).where(DELIVERIES.c.notice_key == "telemedicine.visit_join")
        )
    assert row.data == {"appointment_id": booked["id"], "consultation_id": booked["consultation_id"]}
    # What lets in is sealed where it waits to be sent, and told to no app: that signs in.
    assert "#" not in str(row.variables)
    await close_channels()
    await settle(sending.JOBS)
    message = (await outbox())[-1]
    assert (message.channel, message.notice_key) == ("sms", "telemedicine.visit_join")
    secret = message.body.rpartition("#")[2].strip()
    inbox = await desk.get("/me/inbox", await sign_in.sign_in_resident(ada))
    assert "#" not in str(inbox)

    clock.set(at("09:20"))  # an old telephone, found late: it is good until the visit closes
    used = await desk.post("/consultation-passes", {}, {"link": secret})
    assert (used.status_code, used.json()["role"]) == (201, "resident")
    assert used.json()["consultation_id"] == booked["consultation_id"]
    again = await desk.post("/consultation-passes", {}, {"link": secret})
    assert again.json()["code"] == "link_used"
    assert (await _standing(booked["consultation_id"], used.json()["pass"])).standing["you"] == "waiting"


async def test_who_is_booked_in_at_the_last_moment_is_sent_the_link_at_once(desk: Desk, clock: ManualClock) -> None:
    person = await identity.account(desk.scene.place, name="Ada", phone="+8613800000077")
    ada = await identity.resident(desk.scene.place, person=person)
    clock.set(at("08:57"))
    await desk.booked(await sign_in.sign_in_resident(ada), at("09:00"))
    await jobs.remind()
    await jobs.remind()
    async with reading() as connection:
        keys = list(await connection.scalars(sa.select(DELIVERIES.c.notice_key)))
    assert keys.count("telemedicine.visit_join") == 1
    assert len(await _links()) == 1


async def test_who_looked_in_early_is_called_when_it_is_time(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    clock.set(at("08:40"))
    await Room(uuid.UUID(booked["consultation_id"])).comes(desk.scene.grace.account_id)
    await settle(RELAY_JOBS)
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    assert (await desk.get(f"/appointments/{booked['id']}", grace))["status"] == "arrived"
    clock.set(at("08:55"))
    await jobs.remind()
    assert len(await _links()) == 1


async def _standing(consultation_id: str, secret: str) -> signalling.Told:
    """Say hello with a pass, and return what the line tells."""
    instance = clocks.new_id()
    hello = Hello.model_validate({"type": "hello", "pass": secret, "instance": instance})
    async with unit_of_work() as session:
        caller = await signalling.identify(session, uuid.UUID(consultation_id), hello)
        seat = Seat(uuid.UUID(consultation_id), caller.participant_id, clocks.new_id(), instance)
        await arrive(session, seat, caller.pass_digest)
    async with reading() as connection:
        told = await signalling.look(connection, seat, caller)
    assert told.refusal is None
    return told


async def _links() -> list[Any]:
    async with reading() as connection:
        return list(await connection.execute(sa.select(LINKS)))


async def test_a_link_that_was_sent_ends_with_the_time_it_was_for(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    clock.set(at("08:55"))
    await jobs.remind()
    (link,) = await _links()
    assert link.expires_at == at("10:00")
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    await desk.act(grace, booked["id"], "move", {"starts_at": at("11:00").isoformat()})
    (link,) = await _links()
    assert link.revoked_at == at("08:55")
    clock.set(at("11:00") - timedelta(minutes=5))
    await jobs.remind()
    assert sorted(one.expires_at for one in await _links() if one.revoked_at is None) == [at("12:00")]


async def test_by_phone_nobody_is_led_anywhere(desk: Desk, clock: ManualClock) -> None:
    by_phone = await clinics.visit_type(desk.scene.clinic, mode="phone")
    await desk.booked(desk.scene.resident, at("09:00"), visit_type_id=by_phone.id)
    clock.set(at("08:55"))
    await jobs.remind()
    async with reading() as connection:
        keys = list(await connection.scalars(sa.select(DELIVERIES.c.notice_key).order_by(DELIVERIES.c.id)))
    assert keys[-1] == "telemedicine.appointment_join"
    assert await _links() == []


async def test_nobody_is_led_to_a_visit_that_is_over(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    ended = await desk.post(f"/consultations/{booked['consultation_id']}/end", desk.scene.clinician)
    assert ended.status_code == 200
    clock.set(at("08:55"))
    assert await jobs.remind() == 1
    assert await _links() == []
