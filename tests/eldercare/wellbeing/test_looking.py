"""A look at somebody's days, once in their morning: what opens, what ends, who is told, and who is left alone."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import Database, connection_of, reading, unit_of_work
from app.core.due import drain
from app.core.jobs import settle
from app.identity.events import ResidentClosed
from app.identity.models import Account, Community, Resident
from eldercare.check_ins.jobs import JOBS as CHECK_IN_JOBS
from eldercare.medication.jobs import JOBS as MEDICATION_JOBS
from eldercare.sos.rules import Sos
from eldercare.sos.service import store
from eldercare.wellbeing import jobs
from eldercare.wellbeing.models import WATCHES
from eldercare.wellbeing.service import watching
from eldercare.wellbeing.subscribers import SUBSCRIBERS
from tests.asking import statements
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as medication
from tests.factories import eldercare_wellbeing as made
from tests.factories import identity
from tests.factories import notifications as sent
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("database")

MORNING = datetime(2026, 4, 20, 9, 30, tzinfo=UTC)
LAST = date(2026, 4, 19)
USUAL, LOW = [4] * 30, [2] * 8


@pytest_asyncio.fixture(loop_scope="session")
async def place(database: Database, clock: ManualClock) -> Community:
    """Return a community that lives by UTC."""
    return await identity.community(time_zone="UTC")


@pytest_asyncio.fixture(loop_scope="session")
async def resident(place: Community, clock: ManualClock) -> Resident:
    """Return a resident who is looked at from the next morning on."""
    clock.set(MORNING - timedelta(hours=20))
    return await identity.resident(place, phone="+8613800000001")


async def look() -> int:
    """Let everybody be looked at whose morning it is."""
    return await settle(jobs.JOBS)


async def looked(clock: ManualClock, at: datetime = MORNING) -> None:
    """Let everybody be known, and looked at in a morning."""
    await look()
    clock.set(at)
    await look()


async def listener(resident: Resident, scopes: list[str], client: httpx.AsyncClient) -> Account:
    """Return somebody granted these scopes who asked to be told."""
    person = await identity.account(await _place(resident), name="Daughter")
    await sent.phone(person)
    await identity.grant(resident, person, [*scopes, "wellbeing:read"])
    headers = await sign_in(person)
    path = f"/v1/residents/{resident.id}/wellbeing/listening"
    assert (await client.get(path, headers=headers)).json() == {"is_told": False}
    for _ in range(2):
        assert (await client.put(path, headers=headers)).status_code == 204
    assert (await client.get(path, headers=headers)).json() == {"is_told": True}
    return person


async def _place(resident: Resident) -> Community:
    async with unit_of_work() as session:
        return await session.get_one(Community, resident.community_id)


async def notices() -> list[tuple[Any, ...]]:
    """Return who was told of flags: account, channel, urgency."""
    return [
        (row.account_id, row.channel, row.urgency)
        for row in await sent.deliveries()
        if row.notice_key == "eldercare.wellbeing_flagged"
    ]


async def states(resident: Resident) -> list[tuple[str, str]]:
    return [(flag.measure, flag.state) for flag in await made.flags(resident)]


async def test_a_drift_opens_a_flag_and_those_who_asked_are_told_gently(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    daughter = await listener(resident, [], client)
    other = await identity.account(await _place(resident), name="Son")
    await identity.grant(resident, other, ["wellbeing:read"])
    await made.answered(await made.plan(resident), LAST, mood=[*USUAL, *LOW], sleep=[3] * 38)

    await looked(clock)

    (flag,) = await made.flags(resident)
    assert (flag.measure, flag.state, flag.usual, flag.recent) == ("mood", "open", 4.0, 2.0)
    assert (flag.opened_on, flag.usual_days, flag.recent_days) == (LAST, 28, 7)
    told = await notices()
    assert {account for account, _, _ in told} == {daughter.id}, "the son did not ask"
    assert {urgency for _, _, urgency in told} == {"normal"}
    clock.advance(timedelta(days=1))
    await look()
    assert len(await made.flags(resident)) == 1
    assert await notices() == told


async def test_whoever_is_no_longer_granted_is_not_told(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    await listener(resident, [], client)
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE identity_grant SET revoked_at = :now"), {"now": clock.now()})
    await made.answered(await made.plan(resident), LAST, mood=[*USUAL, *LOW])
    await looked(clock)
    assert await states(resident) == [("mood", "open")]
    assert await notices() == []


async def test_whoever_does_not_want_to_hear_any_more_is_not_told(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    daughter = await listener(resident, [], client)
    path = f"/v1/residents/{resident.id}/wellbeing/listening"
    assert (await client.delete(path, headers=await sign_in(daughter))).status_code == 204
    await made.answered(await made.plan(resident), LAST, mood=[*USUAL, *LOW])
    await looked(clock)
    assert await notices() == []


async def test_every_measure_is_flagged_by_its_own_days(resident: Resident, clock: ManualClock) -> None:
    plan = await made.plan(resident)
    await made.answered(plan, LAST, mood=[*USUAL, *LOW], sleep=[*USUAL, *LOW], minutes=[*[4.0] * 30, *[25.0] * 8])
    await looked(clock)
    assert sorted(await states(resident)) == [("activity", "open"), ("mood", "open"), ("sleep", "open")]
    hints = "SELECT kind FROM eldercare_hint WHERE alarm_id IS NULL"
    assert await alarms.scalar(hints) == "low_activity", "and it waits for whatever else happens today"


async def test_doses_not_recorded_are_a_drift_of_adherence(resident: Resident, clock: ManualClock) -> None:
    clock.set(datetime(2026, 3, 13, 8, 0, tzinfo=UTC))
    await medication.regimen(resident, starts_on="2026-03-13")
    for day in range(38):
        clock.set(datetime(2026, 3, 13, 8, 31, tzinfo=UTC) + timedelta(days=day))
        await settle(MEDICATION_JOBS)
        if day < 30:
            due = [dose for dose in await medication.doses(resident) if dose.due_at <= clock.now()]
            await medication.record(resident, due[-1].id)
    clock.set(MORNING - timedelta(hours=1))
    await settle(MEDICATION_JOBS)
    await looked(clock)
    (flag,) = await made.flags(resident)
    assert (flag.measure, flag.usual, flag.recent) == ("adherence", 100.0, 0.0)


@pytest.mark.parametrize(
    "mood",
    [
        [4] * 38,
        [2] * 30 + [4] * 8,  # better
        [4] * 30 + [3, 4] * 4,  # too small
        [4] * 8 + LOW,  # too few days before
        [*USUAL, *[None] * 5, 2, 2, 2],  # too few days lately
        [],
    ],
)
async def test_nothing_is_flagged_that_is_no_drift(
    resident: Resident, clock: ManualClock, mood: list[int | None]
) -> None:
    await made.answered(await made.plan(resident), LAST, mood=mood)
    await looked(clock)
    assert await made.flags(resident) == []


async def test_a_flag_ends_once_days_are_as_usual_again(resident: Resident, clock: ManualClock) -> None:
    plan = await made.plan(resident)
    await made.answered(plan, LAST, mood=[*USUAL, *LOW])
    await looked(clock)
    await made.answered(plan, LAST + timedelta(days=5), mood=[4] * 5)
    clock.advance(timedelta(days=4))
    await look()
    assert await states(resident) == [("mood", "open")], "four good days of seven: not yet two in a row"
    clock.advance(timedelta(days=1))
    await look()
    (flag,) = await made.flags(resident)
    assert (flag.state, flag.end_reason, flag.ended_at) == ("ended", "as_usual", clock.now())


async def test_a_flag_ends_when_nothing_is_known_any_more(resident: Resident, clock: ManualClock) -> None:
    await made.answered(await made.plan(resident), LAST, mood=[*USUAL, *LOW])
    await looked(clock)
    clock.advance(timedelta(days=13))
    await look()
    assert await states(resident) == [("mood", "open")]
    clock.advance(timedelta(days=1))
    await look()
    assert [flag.end_reason for flag in await made.flags(resident)] == ["no_data"]


async def test_what_was_dismissed_is_not_told_again(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    plan = await made.plan(resident)
    await made.answered(plan, LAST, mood=[*USUAL, *LOW])
    await looked(clock)
    (flag,) = await made.flags(resident)
    path = f"/v1/me/wellbeing/flags/{flag.id}/dismissal"
    assert (await client.post(path, headers=await sign_in_resident(resident))).status_code == 200
    await made.answered(plan, LAST + timedelta(days=1), mood=[2])
    clock.advance(timedelta(days=1))
    await look()
    assert await states(resident) == [("mood", "dismissed")]


async def test_everybody_is_looked_at_in_their_own_morning(clock: ManualClock) -> None:
    clock.set(MORNING - timedelta(hours=20))
    for zone in ("Asia/Shanghai", "America/New_York"):
        person = await identity.resident(await identity.community(time_zone=zone))
        await check_ins.plan(person)
    await look()
    async with reading() as connection:
        looks = await connection.scalars(sa.text("SELECT look_at FROM eldercare_wellbeing_watch ORDER BY look_at"))
        assert list(looks) == [datetime(2026, 4, 20, 1, 30, tzinfo=UTC), datetime(2026, 4, 20, 13, 30, tzinfo=UTC)]


async def test_a_batch_costs_the_same_number_of_statements(place: Community, clock: ManualClock) -> None:
    clock.set(MORNING - timedelta(hours=20))
    people = [await identity.resident(place) for _ in range(12)]
    for person in people:
        await made.answered(await made.plan(person), LAST, mood=[*USUAL, *LOW])
    await look()
    clock.set(MORNING)
    counts = [await _statements_for(2), await _statements_for(10)]
    assert counts[0] == counts[1]
    assert await drain(jobs.LOOK, watching.look_at) == len(people)
    assert [await states(person) for person in people] == [[("mood", "open")]] * 12


class Undone(Exception):  # noqa: N818 - says what happened
    """Rolls a transaction back."""


async def _statements_for(residents: int) -> int:
    """Return how many statements a look at so many residents takes, and leave no trace of it."""
    with contextlib.suppress(Undone):
        async with unit_of_work() as session:
            ids = sa.select(WATCHES.c.id).limit(residents)
            watch_ids = list(await session.scalars(ids))
            async with statements(connection_of(session)) as seen:
                await watching.look_at(session, watch_ids)
            raise Undone
    return len(seen)


@pytest.mark.parametrize("kind", ["away", "hospital"])
async def test_who_is_away_or_in_hospital_is_left_alone_but_heard(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock, kind: str
) -> None:
    await listener(resident, [], client)
    await made.answered(await made.plan(resident), LAST, mood=[*USUAL, *LOW], minutes=[*[4.0] * 30, *[25.0] * 8])
    await check_ins.plan(resident, times=["09:00"])
    await medication.regimen(resident, times=["09:00"])
    await check_ins.pause(resident, MORNING + timedelta(days=3), kind=kind)
    for at in (MORNING - timedelta(minutes=29), MORNING, MORNING + timedelta(hours=2)):
        clock.set(at)
        await settle((*CHECK_IN_JOBS, *MEDICATION_JOBS, *jobs.JOBS))

    assert await made.flags(resident) == []
    assert {row.notice_key for row in await sent.deliveries()} == set()
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm") == 0
    sos = await store(check_ins.self_actor(resident), Sos(clock.now(), timedelta()))
    assert (sos.kind, sos.state, sos.next_step_at) == ("sos", "raised", clock.now())


async def test_who_died_or_moved_out_is_looked_at_no_more(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    await listener(resident, [], client)
    await made.answered(await made.plan(resident), LAST, mood=[*USUAL, *LOW])
    await looked(clock)
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE eldercare_check_in_plan SET state = 'ended', plan_at = NULL"))
        closed = ResidentClosed(aggregate_id=resident.id, community_id=resident.community_id, reason="died")
        (subscriber,) = SUBSCRIBERS
        await subscriber.handle(session, [closed])
    clock.advance(timedelta(days=1))
    await look()
    assert [(flag.state, flag.end_reason) for flag in await made.flags(resident)] == [("ended", "closed")]
    for table in ("watch", "listener"):
        assert await alarms.scalar(f"SELECT count(*) FROM eldercare_wellbeing_{table}") == 0
