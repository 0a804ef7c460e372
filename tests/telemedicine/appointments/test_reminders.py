"""Reminders and delays: when, in whose language, once; and nothing about anybody's health."""

import asyncio
import tomllib
import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.models import Account
from notifications.delivery.models import Delivery
from telemedicine import appointments
from telemedicine.api import answer_reply
from telemedicine.appointments import jobs
from telemedicine.appointments.rules import reply_code
from tests.factories import sign_in
from tests.telemedicine.appointments.conftest import Desk, at, work

TEXTS = Path(str(appointments.__file__)).parent / "texts"
LATER = date(2026, 3, 17)


async def told() -> list[str]:
    """Return what was written for people, in order, without the package's name."""
    async with reading() as connection:
        rows = await connection.scalars(sa.select(col(Delivery.notice_key)).order_by(col(Delivery.id)))
        return [row.partition(".")[2] for row in rows]


async def test_a_week_a_day_an_hour_before_and_when_it_is_time_to_join(desk: Desk, clock: ManualClock) -> None:
    await desk.booked(desk.scene.resident, at("09:00", LATER))
    start, found = at("09:00", LATER), {}
    for before in (timedelta(days=8), timedelta(days=7), timedelta(days=1), timedelta(hours=1), timedelta(minutes=5)):
        clock.set(start - before)
        await asyncio.gather(jobs.remind(), jobs.remind())
        found[before] = await told()
    assert [len(names) for names in found.values()] == [1, 2, 3, 4, 5]
    assert (await told())[1:] == ["appointment_reminder"] * 2 + ["appointment_soon", "visit_join"]
    clock.set(start + timedelta(hours=1))
    assert await jobs.remind() == 0


async def test_a_reminder_speaks_the_language_of_whom_it_reminds(desk: Desk, clock: ManualClock) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).values(language="zh-CN"))
    await desk.booked(desk.scene.resident, at("09:00", LATER))
    clock.set(at("08:00", LATER))
    await jobs.remind()
    inbox = await desk.get("/me/inbox", await sign_in.sign_in_resident(desk.scene.grace))
    assert inbox["items"][0]["title"] == "时间快到了"


async def test_what_a_worker_missed_is_not_told_any_more(desk: Desk, clock: ManualClock) -> None:
    await desk.booked(desk.scene.resident, at("09:00", LATER))
    clock.set(at("08:30", LATER))
    await jobs.remind()
    assert await told() == ["appointment_booked", "appointment_soon"]


async def test_a_move_takes_reminders_along_and_an_end_takes_them_away(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00", LATER))
    later = at("09:00", LATER + timedelta(days=7))
    await desk.act(desk.scene.resident, booked["id"], "move", {"starts_at": later.isoformat()})
    clock.set(at("09:00", LATER) - timedelta(hours=1))
    assert await jobs.remind() == 0
    clock.set(at("09:00", LATER))
    assert await jobs.remind() == 1  # a week before the new time
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    await desk.act(grace, booked["id"], "cancellation")
    clock.set(later - timedelta(hours=1))
    assert await jobs.remind() == 0


async def test_a_text_message_says_who_comes_and_who_does_not(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    code = reply_code(uuid.UUID(booked["id"]))

    async def answer(text: str, account_id: uuid.UUID = desk.scene.grace.account_id) -> str | None:
        async with unit_of_work() as session:
            return await answer_reply(session, [account_id], text)

    assert await answer(f"OK {code}") is None
    assert await answer("keep 123") is None
    assert await answer(f"KEEP {(int(code) + 1) % 10_000:04}") == "ambiguous"
    assert await answer(f"drop {code}", desk.scene.doctor.id) == "ambiguous"
    assert await answer(f"Keep {code}.") == "kept"
    shown = await desk.get(f"/appointments/{booked['id']}", desk.scene.resident)
    assert (shown["status"], shown["accepted_at"]) == ("booked", "2026-03-02T08:00:00Z")
    assert await answer(f"不去 {code}") == "dropped"
    shown = await desk.get(f"/appointments/{booked['id']}", desk.scene.resident)
    assert (shown["status"], shown["cancelled_by"]) == ("cancelled", "patient")
    assert await answer(f"drop {code}") == "ambiguous"


async def test_who_is_next_hears_that_it_will_be_later(desk: Desk, clock: ManualClock) -> None:
    await desk.booked(desk.scene.resident, at("09:00"))
    clock.set(at("09:10"))
    await work()
    keeper = await sign_in.sign_in(desk.scene.keepers_account, second_factor=True)
    path = f"/clinics/{desk.scene.organization.id}/practitioners/{desk.scene.practitioner.id}/delays"
    for expected in (1, 0):
        answer = await desk.post(path, keeper, {"late_by": "PT20M"})
        assert answer.json() == {"told": expected}
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    assert (await desk.post(path, grace, {"late_by": "PT20M"})).status_code == 404
    assert (await told())[-1] == "practitioner_late"


@pytest.mark.parametrize("path", sorted(TEXTS.rglob("*.toml")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_locked_screen_says_when_and_not_what_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    push = tomllib.loads(text)["push"]
    said = f"{push['title']} {push['body']}".lower()
    assert not any(word in said for word in ("doctor", "clinic", "visit", "health", "resident", "医", "诊", "病"))
