"""Unwell at the door or nobody at it calls for help once; who is heard or away is not looked for."""

import asyncio
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.policies.reactions.home_help.subscribers import SUBSCRIBERS
from community.events import ResidentUnwell
from community.orders import jobs as order_jobs
from eldercare.alarms.models import Alarm, AlarmNotice, StoredSignal
from eldercare.check_ins.jobs import JOBS as CHECK_IN_JOBS
from eldercare.ladders.jobs import JOBS as LADDER_JOBS
from tests.community.orders.conftest import THURSDAY, Body, Scene, told
from tests.factories import eldercare_alarms as alarming
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import identity, sign_in

DOOR = {"instructions": "Mind the step", "door_code": "4711#"}
ALL = ["alarms:read", "alarms:respond"]


async def alarms() -> list[tuple[str, int, str, str | None]]:
    table = table_of(Alarm)
    async with reading() as connection:
        columns = (table.c.kind, table.c.severity, table.c.state, table.c.outcome)
        return [tuple(row) for row in await connection.execute(sa.select(*columns).order_by(table.c.id))]


async def signals() -> list[str]:
    table = table_of(StoredSignal)
    async with reading() as connection:
        return list(await connection.scalars(sa.select(table.c.kind).order_by(table.c.id)))


async def unwell(scene: Scene, order: Body, text: str = "She is pale and does not eat") -> Any:
    return await scene.ask(
        "POST",
        f"/v1/home-orders/{order['id']}/notes",
        {"text": text, "is_resident_unwell": True},
        by=scene.worker,
        expect=201,
    )


async def closed_door(scene: Scene, clock: ManualClock, **changes: Any) -> Body:
    order = await scene.assigned(**changes)
    clock.set(THURSDAY)
    await scene.do(order, "no-access", {"note": "Rang three times"}, by=scene.worker)
    return order


async def drain() -> None:
    await settle([*RELAY_JOBS, *order_jobs.JOBS])


async def test_unwell_calls_at_once_and_says_who_found_it_and_not_how_to_get_in(
    scene: Scene, clock: ManualClock
) -> None:
    ben = await identity.account(scene.place, name="Ben", phone="+8613800000009")
    await alarming.circle_member(scene.grace, ben)
    await identity.grant(scene.grace, ben, ALL)
    order = await scene.started(clock, **DOOR)
    await unwell(scene, order)
    await settle([*RELAY_JOBS, *LADDER_JOBS])

    assert await alarms() == [("found_unwell", 3, "raised", None)]
    async with reading() as connection:
        alarm_id = await connection.scalar(sa.select(table_of(Alarm).c.id))
        called = set(await connection.scalars(sa.select(table_of(AlarmNotice).c.account_id)))
    assert ben.id in called
    seen = await scene.ask("GET", f"/v1/alarms/{alarm_id}", by=await sign_in.session_of(ben))
    assert seen["signals"][0]["evidence"] == {"order_id": order["id"], "reported_by": str(scene.mei.id)}
    assert seen["explanation"]["en"] == "Whoever came to help found them unwell."
    assert not any(secret in str(seen) for secret in (*DOOR.values(), "pale"))


async def test_one_note_is_one_signal_however_often_it_is_told_and_by_whom(scene: Scene, clock: ManualClock) -> None:
    await unwell(scene, await scene.started(clock))
    table = table_of(EventRecord)
    async with reading() as connection:
        row = (await connection.execute(sa.select(table).where(table.c.name == ResidentUnwell.name))).one()
    fact = ResidentUnwell(
        id=row.id,
        occurred_at=row.occurred_at,
        aggregate_id=row.aggregate_id,
        community_id=row.community_id,
        **row.payload,
    )
    handle = next(one.handle for one in SUBSCRIBERS if ResidentUnwell in one.events)

    async def consume() -> None:
        async with unit_of_work() as session:
            await handle(session, [fact])

    await asyncio.gather(consume(), consume())
    await drain()
    assert (await alarms(), await signals()) == ([("found_unwell", 3, "raised", None)], ["found_unwell"])

    async with unit_of_work() as session:
        await session.execute(
            sa.update(table_of(Alarm)).values(state="resolved", next_step_at=None, closed_at=clock.now())
        )
    clock.advance(timedelta(days=1))
    await consume()  # somebody has looked: what is told of again is no new call
    assert await signals() == ["found_unwell"]


async def test_a_second_note_and_an_open_alarm_are_one_alarm(scene: Scene, clock: ManualClock) -> None:
    await alarming.raised(scene.grace)
    order = await scene.started(clock)
    await unwell(scene, order)
    await unwell(scene, order, "Worse")
    await drain()
    assert await alarms() == [("found_unwell", 3, "raised", None)]
    assert await signals() == ["check_in_missed", "found_unwell", "found_unwell"]


async def test_a_closed_door_calls_and_whoever_lets_somebody_in_takes_it_back(scene: Scene, clock: ManualClock) -> None:
    await closed_door(scene, clock, **DOOR)
    await drain()
    assert await alarms() == [("no_answer_at_door", 2, "raised", None)]

    later = THURSDAY + timedelta(hours=3)
    again = await scene.assigned(starts_at=later.isoformat())
    clock.set(later)
    await scene.do(again, "start", {"code": (await scene.seen(again))["start_code"]}, by=scene.worker)
    await drain()
    assert await alarms() == [("no_answer_at_door", 2, "resolved", "let_in")]


async def test_a_check_in_takes_a_closed_door_back_and_nothing_else(scene: Scene, clock: ManualClock) -> None:
    await check_ins.plan(scene.grace, times=["01:30"], starts_on=date(2026, 3, 5))
    await closed_door(scene, clock)
    await settle([*RELAY_JOBS, *CHECK_IN_JOBS])
    clock.set(THURSDAY + timedelta(minutes=35))
    await settle(CHECK_IN_JOBS)
    assert [one[0] for one in await alarms()] == ["no_answer_at_door"]

    await said_well(scene)
    assert await alarms() == [("no_answer_at_door", 2, "resolved", "heard_from")]

    order = await scene.assigned(starts_at=(THURSDAY + timedelta(hours=4)).isoformat())
    clock.set(THURSDAY + timedelta(hours=3))
    await scene.do(order, "on-the-way", by=scene.worker)
    await unwell(scene, order)
    await drain()
    assert (await alarms())[-1][0] == "found_unwell"
    await said_well(scene)
    assert (await alarms())[-1][2] == "raised"


async def test_a_closed_door_that_is_told_late_calls_nobody_where_they_were_heard_since(
    scene: Scene, clock: ManualClock
) -> None:
    await check_ins.plan(scene.grace, times=["01:30"], starts_on=date(2026, 3, 5))
    order = await scene.assigned()
    clock.set(THURSDAY + timedelta(minutes=35))
    await settle([*RELAY_JOBS, *CHECK_IN_JOBS])
    await said_well(scene)
    belated = {"note": "Rang three times", "occurred_at": (THURSDAY + timedelta(minutes=5)).isoformat()}
    await scene.do(order, "no-access", belated, by=scene.worker)
    await drain()
    assert await alarms() == []

    again = await scene.assigned(starts_at=(THURSDAY + timedelta(hours=4)).isoformat())
    clock.set(THURSDAY + timedelta(hours=5))
    later = {"note": "Rang", "occurred_at": (THURSDAY + timedelta(hours=4)).isoformat()}
    await scene.do(again, "no-access", later, by=scene.worker)
    await drain()
    assert [one[0] for one in await alarms()] == ["no_answer_at_door"], "what she said before it says nothing of it"


async def test_unwell_that_waited_for_a_day_still_calls(scene: Scene, clock: ManualClock) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY + timedelta(hours=27))
    late = {"text": "She is pale", "is_resident_unwell": True, "occurred_at": THURSDAY.isoformat()}
    await scene.do(order, "notes", late, by=scene.worker, expect=201)
    await drain()
    assert [one[:3] for one in await alarms()] == [("found_unwell", 3, "raised")]


async def said_well(scene: Scene) -> None:
    """Have the resident say that all is well, in time."""
    items = (await scene.ask("GET", "/v1/me/check-ins"))["items"]
    current = max((one for one in items if one["due_at"] <= clocks.now().isoformat()), key=lambda one: one["due_at"])
    await scene.ask("POST", f"/v1/me/check-ins/{current['id']}/answer", {"status": "ok"})
    await drain()


async def test_of_who_is_away_the_provider_is_told_and_nobody_is_called(scene: Scene, clock: ManualClock) -> None:
    await check_ins.pause(scene.grace, THURSDAY + timedelta(days=2), kind="hospital")
    await drain()
    await closed_door(scene, clock)  # ordered knowing it: somebody else was to open
    await drain()
    assert await alarms() == []
    assert await told("order_resident_away") == {"Nora"}


async def test_who_is_seen_unwell_is_there_whatever_was_stated(scene: Scene, clock: ManualClock) -> None:
    await check_ins.pause(scene.grace, THURSDAY + timedelta(days=2))
    await drain()
    await unwell(scene, await scene.started(clock))
    await drain()
    assert [one[0] for one in await alarms()] == ["found_unwell"]
