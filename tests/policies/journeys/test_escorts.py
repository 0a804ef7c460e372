"""An appointment and its escort are both there or neither, and what becomes of one is told to who waits."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.policies.journeys.escorts import rules
from app.policies.journeys.escorts.models import ESCORTS
from community.housekeeping.models import HomeService
from community.orders import jobs as order_jobs
from community.orders.models import ORDERS
from notifications.inbox.models import INBOX
from telemedicine.appointments import jobs as appointment_jobs
from telemedicine.appointments.models import Appointment
from tests.community.orders.conftest import Body, Scene, no_drift, scene, session_of_resident, subscribed
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import at

__all__ = ["scene", "subscribed"]

TEN = at("10:00")
A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Outing:
    """A clinic across the town, and a provider that brings people there."""

    scene: Scene
    practitioner_id: str
    visit_type_id: str
    video_id: str

    @property
    def path(self) -> str:
        return f"/v1/residents/{self.scene.grace.id}/escorted-appointments"

    def wish(self, starts_at: datetime = TEN, visit_type: str | None = None, **escort: Any) -> Body:
        return {
            "visit_type_id": visit_type or self.visit_type_id,
            "practitioner_id": self.practitioner_id,
            "starts_at": starts_at.isoformat(),
            "escort": {
                "offer_id": str(self.scene.offer.id),
                "offer_version": 1,
                "total": 12_500,
                "payment_method": "provider",
            }
            | escort,
        }

    async def booked(self, starts_at: datetime = TEN, **escort: Any) -> Body:
        found: Body = await self.scene.ask("POST", self.path, self.wish(starts_at, **escort), expect=201)
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def outing(scene: Scene) -> Outing:
    async with unit_of_work() as session:
        await session.execute(sa.update(table_of(HomeService)).values(category="escort"))
    organization = await identity.organization(scene.place, "clinic", name="Lake Clinic")
    clinic = await clinics.clinic(scene.place, organization)
    there = await clinics.location(clinic, (31.25, 121.50))
    doctor = await identity.staff(organization, "clinician", name="Dr Lin")
    practitioner = await clinics.practitioner(clinic, doctor)
    await clinics.hours(practitioner, range(1, 6), "09:00", "12:00", location_id=there.id)
    in_person = await clinics.visit_type(clinic, mode="in_person")
    video = await clinics.visit_type(clinic)
    return Outing(scene, str(practitioner.id), str(in_person.id), str(video.id))


async def drain() -> None:
    await settle([*RELAY_JOBS, *order_jobs.JOBS, *appointment_jobs.JOBS])


async def rows() -> tuple[int, int, int]:
    """Return how many appointments, orders and links there are."""
    async with reading() as connection:
        return tuple(
            [
                await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
                for table in (table_of(Appointment), ORDERS, ESCORTS)
            ]
        )  # type: ignore[return-value]


async def told() -> list[str]:
    async with reading() as connection:
        statement = sa.select(INBOX.c.notice_key).where(INBOX.c.notice_key.like("policies.escort%"))
        return sorted(await connection.scalars(statement))


def test_who_is_fetched_is_there_in_time_and_long_enough() -> None:
    outing = rules.outing(TEN, TEN + 30 * A_MINUTE, 20 * A_MINUTE)
    assert (outing.starts_at, outing.ends_at) == (TEN - 45 * A_MINUTE, TEN + 65 * A_MINUTE)
    two, six, half = timedelta(hours=2), timedelta(hours=6), timedelta(minutes=30)
    assert rules.lasting(outing.lasts, two, six, half) == two
    assert rules.lasting(two + A_MINUTE, two, six, half) == two + half
    assert rules.lasting(two + half, two, six, half) == two + half
    assert rules.lasting(six + A_MINUTE, two, six, half) is None


async def test_both_are_there_and_the_escort_comes_in_time(outing: Outing) -> None:
    found = await outing.booked(door_code="4711#")
    appointment, order = found["appointment"], found["escort"]
    assert (appointment["status"], appointment["starts_at"]) == ("booked", "2026-03-03T02:00:00Z")
    assert (order["state"], order["category"]) == ("placed", "escort")
    fetched, back = (datetime.fromisoformat(order[name]) for name in ("starts_at", "ends_at"))
    way = found["way_minutes"] * A_MINUTE
    assert fetched == TEN - rules.EARLY - rules.READY - way
    assert back >= TEN + 30 * A_MINUTE + rules.LEAVES + way
    assert await rows() == (1, 1, 1)
    await no_drift()


async def test_what_refuses_one_refuses_both_and_says_which(outing: Outing, clock: ManualClock) -> None:
    async def refused(body: Body, expect: int = 409) -> tuple[str, str]:
        problem = await outing.scene.ask("POST", outing.path, body, expect=expect)
        return problem["refused"], problem["code"]

    assert await refused(outing.wish(total=1)) == ("escort", "price_changed")
    assert await refused(outing.wish(visit_type=outing.video_id)) == ("appointment", "not_in_person")
    assert await refused(outing.wish(at("13:00"))) == ("appointment", "not_offered")
    async with unit_of_work() as session:
        await session.execute(sa.update(table_of(HomeService)).values(category="cleaning"))
    assert await refused(outing.wish()) == ("escort", "not_an_escort")
    async with unit_of_work() as session:
        await session.execute(sa.update(table_of(HomeService)).values(category="escort"))
    clock.set(TEN - timedelta(minutes=20))
    assert await refused(outing.wish(), 422) == ("escort", "malformed")
    assert await rows() == (0, 0, 0)
    await no_drift()


async def test_of_two_who_want_the_last_slot_one_has_both_and_the_other_nothing(outing: Outing) -> None:
    scene = outing.scene
    other = await identity.resident(
        scene.place, name="Hu", home=await identity.household(scene.place, place=(31.23, 121.48))
    )
    sessions = {scene.grace.id: scene.resident, other.id: await session_of_resident(other)}
    answers = await asyncio.gather(
        *(
            scene.client.post(
                f"/v1/residents/{one}/escorted-appointments",
                json=outing.wish(),
                headers=sign_in.access_headers(session),
            )
            for one, session in sessions.items()
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await rows() == (1, 1, 1)
    await no_drift()


async def test_the_same_request_once_more_is_answered_and_not_done_again(outing: Outing) -> None:
    key = {"Idempotency-Key": "an-outing"}
    first, second = [
        await outing.scene.ask("POST", outing.path, outing.wish(), expect=201, extra=key) for _ in range(2)
    ]
    assert first["appointment"]["id"] == second["appointment"]["id"]
    assert await rows() == (1, 1, 1)


async def test_an_appointment_that_is_off_takes_its_escort_along_as_long_as_that_is_free(
    outing: Outing, clock: ManualClock
) -> None:
    early = await outing.booked(at("10:00", (TEN + timedelta(days=2)).date()))
    late = await outing.booked(at("11:00"))
    for found in (early, late):
        await outing.scene.ask("POST", f"/v1/appointments/{found['appointment']['id']}/cancellation", {})
    await drain()
    states = [(await outing.scene.seen(found["escort"])) for found in (early, late)]
    assert [(one["state"], one["fee"]) for one in states] == [("cancelled", 0), ("placed", 0)]
    assert await told() == ["policies.escort_called_off", "policies.escort_to_decide"]
    await no_drift()


async def test_a_moved_appointment_keeps_an_escort_that_is_there_all_the_same(
    outing: Outing, clock: ManualClock
) -> None:
    thursday = (TEN + timedelta(days=2)).date()
    async with unit_of_work() as session:  # whoever comes stays for four hours
        await session.execute(
            sa.text("UPDATE community_service_offer SET unit = 'visit', shortest = '4 hours', longest = '4 hours'")
        )
    found = await outing.booked(at("10:00", thursday), total=6_500)
    move = f"/v1/appointments/{found['appointment']['id']}/move"
    for moved_to, state in (("11:00", "placed"), ("09:00", "cancelled")):
        await outing.scene.ask("POST", move, {"starts_at": at(moved_to, thursday).isoformat()})
        await drain()
        assert (await outing.scene.seen(found["escort"]))["state"] == state
    assert await told() == ["policies.escort_called_off"]
    await no_drift()


async def test_an_escort_that_is_off_leaves_the_appointment_and_is_told_of(outing: Outing) -> None:
    found = await outing.booked(at("10:00", (TEN + timedelta(days=2)).date()))
    await outing.scene.do(found["escort"], "cancellation", {"reason": "no_worker"}, by=outing.scene.keeper)
    await drain()
    seen = await outing.scene.ask("GET", f"/v1/appointments/{found['appointment']['id']}")
    assert seen["status"] == "booked"
    assert await told() == ["policies.escort_gone"]
