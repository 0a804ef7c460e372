"""What nobody answers climbs: the team, its coordinators, who referred, the desk; late, but never not at all."""

import asyncio
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from app.core.database import reading
from app.core.event_tables import EventRecord
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account
from notifications.delivery.models import DELIVERIES
from notifications.delivery.rules import lane_number
from telemedicine.referrals import jobs
from tests.factories import identity, sign_in, telemedicine_clinics
from tests.telemedicine.referrals.conftest import Desk


async def _told(notice: str) -> list[tuple[str, int]]:
    """Return who was told, and in which lane, in order."""
    statement = (
        sa.select(col(Account.name), DELIVERIES.c.lane)
        .join_from(DELIVERIES, Account, col(Account.id) == DELIVERIES.c.account_id)
        .where(DELIVERIES.c.notice_key == f"telemedicine.{notice}", DELIVERIES.c.channel == "push")
        .order_by(DELIVERIES.c.id)
    )
    async with reading() as connection:
        return [(row.name, row.lane) for row in await connection.execute(statement)]


async def test_a_routine_referral_climbs_a_day_at_a_time(desk: Desk) -> None:
    dispatcher = await identity.staff(
        await identity.organization(desk.scene.place, "operator"), "dispatcher", name="Desk"
    )
    await identity.staff(desk.scene.clinic, "coordinator", name="Office")
    asked = await desk.refer()
    await desk.later(timedelta(days=3) - timedelta(seconds=1))
    assert await jobs.climb() == 0
    expected: list[str] = []
    for names in (["Ada"], ["Clerk"], ["Edith", "Office"], ["Desk"], ["Desk"]):
        watcher = await sign_in.sign_in(dispatcher, second_factor=True)
        await desk.show(watcher, asked, 200 if len(expected) >= 5 else 404)
        desk.clock.advance(timedelta(seconds=1))
        assert await jobs.climb() == 1
        assert await jobs.climb() == 0
        expected += names
        assert sorted(name for name, _ in await _told("referral_waiting")) == sorted(expected)
        desk.clock.advance(timedelta(days=1) - timedelta(seconds=1))
    await desk.later(timedelta())
    steps = (await desk.show(desk.resident, asked))["steps"]
    assert [(one["audience"], one["told"], one["late_seconds"]) for one in steps] == [
        ("team", 1, 0),
        ("coordinators", 1, 0),
        ("referrer", 2, 0),
        ("desk", 1, 0),
        ("desk", 1, 0),
    ]
    assert {lane for _, lane in await _told("referral_waiting")} == {lane_number("bulk")}

    watcher = await sign_in.sign_in(dispatcher, second_factor=True)
    shown = await desk.act(watcher, asked, "acknowledgement")
    assert (shown["content"], shown["acknowledged_by"]) == (None, str(dispatcher.id))
    assert (await desk.act(desk.clerk, asked, "acknowledgement", status=409))["code"] == "nothing_climbs"
    # Taken up is not answered: whoever took it up has the three days once more, and no longer.
    desk.clock.advance(timedelta(days=3) - timedelta(seconds=1))
    assert await jobs.climb() == 0
    desk.clock.advance(timedelta(seconds=1))
    assert await jobs.climb() == 1
    assert sorted(name for name, _ in await _told("referral_waiting")) == sorted([*expected, "Desk"])
    await desk.later(timedelta())
    assert (await desk.show(desk.clinician, asked))["acknowledged_by"] is None


async def test_where_there_is_no_desk_whoever_was_told_before_is_told_again(desk: Desk) -> None:
    asked = await desk.refer()
    await desk.later(timedelta(days=3))
    for _ in range(5):
        assert await jobs.climb() == 1
        await desk.later(timedelta(days=1))
    steps = (await desk.show(desk.clinician, asked))["steps"]
    assert [(one["audience"], one["told"]) for one in steps[-2:]] == [("desk", 3), ("desk", 3)]


async def test_what_is_pressing_goes_through_the_urgent_lane_and_what_fires_late_says_so(desk: Desk) -> None:
    asked = await desk.refer(urgency="stat")
    assert {lane for _, lane in await _told("referral_requested_now")} == {lane_number("critical")}
    await desk.later(timedelta(minutes=47))
    assert await jobs.climb() == 1
    (step,) = (await desk.show(desk.clinician, asked))["steps"]
    assert (step["due_at"], step["fired_at"], step["late_seconds"]) == (
        "2026-03-02T08:30:00Z",
        "2026-03-02T08:47:00Z",
        17 * 60,
    )
    assert await _told("referral_waiting_now") == [("Ada", lane_number("critical"))]
    async with reading() as connection:
        (fact,) = await connection.scalars(
            sa.select(col(EventRecord.payload)).where(col(EventRecord.name) == "telemedicine.referral_overdue.v1")
        )
    assert fact["audience"] == "team"


async def test_where_nobody_is_there_to_be_told_the_next_step_follows_at_once(desk: Desk) -> None:
    empty = await identity.organization(desk.scene.place, "clinic", name="Empty")
    await telemedicine_clinics.clinic(desk.scene.place, empty)
    asked = await desk.refer(to_organization_id=str(empty.id), urgency="asap")
    await desk.later(timedelta(hours=4))
    assert await jobs.climb() == 1
    steps = (await desk.show(desk.clinician, asked))["steps"]
    assert [(one["audience"], one["told"]) for one in steps] == [("team", 0), ("coordinators", 0), ("referrer", 1)]


async def test_an_answer_ends_the_climb_and_begins_the_next_wait(desk: Desk) -> None:
    asked = await desk.refer(urgency="urgent")
    await desk.later(timedelta(days=1))
    assert await jobs.climb() == 1
    accepted = await desk.act(desk.clerk, asked, "acceptance")
    assert (accepted["step"], accepted["due_at"]) == (0, "2026-03-05T08:00:00Z")
    await desk.later(timedelta(hours=47))
    assert await jobs.climb() == 0
    desk.clock.advance(timedelta(hours=1))
    assert await jobs.climb() == 1
    await desk.later(timedelta())
    assert [one["stage"] for one in (await desk.show(desk.clerk, asked))["steps"]] == ["answer", "book"]


async def test_an_appointment_of_which_nobody_says_what_became_of_it_climbs(desk: Desk) -> None:
    asked = await desk.refer(urgency="stat")
    await desk.act(desk.clerk, asked, "acceptance")
    booked = await desk.act(desk.clinician, asked, "appointment", desk.time())
    ends_at = (await desk.look(desk.resident, f"/v1/appointments/{booked['appointment_id']}"))["ends_at"]
    within = timedelta(days=1)  # for the letter, from the end of the visit on
    assert datetime.fromisoformat(booked["due_at"]) == datetime.fromisoformat(ends_at) + within
    moved = {"starts_at": "2026-03-10T01:00:00Z"}
    again = await desk.ask(desk.clerk, f"/v1/appointments/{booked['appointment_id']}/move", moved)
    await settle(RELAY_JOBS)
    due_at = (await desk.show(desk.clinician, asked))["due_at"]
    assert datetime.fromisoformat(due_at) == datetime.fromisoformat(again["ends_at"]) + within
    await desk.later(datetime.fromisoformat(due_at) - desk.clock.now() - timedelta(seconds=1))
    assert await jobs.climb() == 0
    desk.clock.advance(timedelta(seconds=1))
    assert await jobs.climb() == 1
    assert [name for name, _ in await _told("referral_waiting_now")] == ["Ada"]


async def test_a_clinic_has_times_of_its_own(desk: Desk) -> None:
    path = f"/v1/clinics/{desk.hospital.organization.id}/referral-terms"
    usual = {(one["stage"], one["urgency"]): one["within"] for one in (await desk.look(desk.clerk, path))["terms"]}
    assert (usual["answer", "routine"], len(usual)) == ("P3D", 12)
    own = {"terms": [{"stage": "answer", "urgency": "routine", "within": "PT12H"}]}
    answer = await desk.client.post(path, headers=desk.clerk, json=own)
    assert answer.status_code == 200, answer.text
    assert [one for one in answer.json()["terms"] if one["is_own"]] == [own["terms"][0] | {"is_own": True}]
    assert (await desk.refer())["due_at"] == "2026-03-02T20:00:00Z"


async def test_a_batch_is_told_once_by_two_workers(desk: Desk) -> None:
    for _ in range(5):
        await desk.refer()
    desk.clock.advance(timedelta(days=3))
    assert sum(await asyncio.gather(*(jobs.climb() for _ in range(2)))) == 5
    assert len(await _told("referral_waiting")) == 5
