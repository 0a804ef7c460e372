"""While a home is silent its resident is asked in its place: what is due now, what is ahead at its time; and back."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import ManualClock
from app.core.database import connection_of, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Community, Resident
from eldercare.check_ins import jobs, rules
from eldercare.check_ins.service import asking, homes, planning, silence
from eldercare.check_ins.service.silence import Heard
from notifications.sending import jobs as sending
from tests.asking import statements
from tests.factories import eldercare_check_ins as made
from tests.factories import identity
from tests.factories import notifications as sent
from tests.waiting import waits

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def run() -> None:
    await settle([*RELAY_JOBS, *sending.JOBS, *jobs.JOBS])


async def asked_at(resident: Resident) -> list[datetime | None]:
    """Return when the resident's check-ins are to be asked, in the order due; nothing for those that were."""
    return [row.next_prompt_at for row in await made.check_ins(resident)]


async def test_what_waits_is_asked_now_and_what_is_ahead_at_its_time(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(DUE + 20 * MINUTE)
    await made.silent(resident, at=clock.now())
    assert await asked_at(resident) == [DUE + 20 * MINUTE, DUE + DAY]
    await run()
    assert [row.state for row in await made.check_ins(resident)] == ["prompted", "scheduled"]
    [delivery] = await sent.deliveries()
    assert delivery.data["late_by_seconds"] == "1200"


async def test_once_the_home_is_heard_again_what_was_not_asked_waits_for_it(
    resident: Resident, clock: ManualClock
) -> None:
    await made.plan(resident, **made.PASSIVE)
    await made.silent(resident, at=clock.now())
    assert await asked_at(resident) == [DUE, DUE + DAY]
    clock.advance(10 * MINUTE)
    await made.heard_again(resident, at=clock.now())
    assert await asked_at(resident) == [DUE + HOUR, DUE + DAY + HOUR]


async def test_what_is_planned_while_a_home_is_silent_does_not_wait(resident: Resident, clock: ManualClock) -> None:
    await made.silent(resident, at=clock.now())
    await made.plan(resident, **made.PASSIVE)
    assert await asked_at(resident) == [DUE, DUE + DAY]
    clock.advance(MINUTE)
    await made.heard_again(resident, at=clock.now())
    clock.advance(DAY)
    await jobs.plan()
    assert await asked_at(resident) == [DUE + HOUR, DUE + DAY + HOUR, DUE + 2 * DAY + HOUR]


async def test_whichever_is_told_first_the_later_moment_counts(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, **made.PASSIVE)
    fell, heard = clock.now() + MINUTE, clock.now() + 2 * MINUTE
    clock.advance(3 * MINUTE)
    await made.heard_again(resident, at=heard)
    await made.silent(resident, at=fell)
    assert await asked_at(resident) == [DUE + HOUR, DUE + DAY + HOUR]
    await made.silent(resident, at=heard + MINUTE)
    await made.heard_again(resident, at=heard)
    assert await asked_at(resident) == [DUE, DUE + DAY]


async def test_activity_is_proof_that_a_home_is_heard(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, **made.PASSIVE)
    await made.silent(resident, at=clock.now())
    assert await made.active((resident, clock.now())) != []  # told late: it was before the silence, or with it
    assert await asked_at(resident) == [None, DUE + DAY]
    clock.advance(MINUTE)
    await made.active((resident, clock.now()))
    assert await asked_at(resident) == [None, DUE + DAY + HOUR]


async def test_other_plans_and_other_homes_stay_as_they_are(place: Community, resident: Resident) -> None:
    other = await identity.resident(place, phone="+8613800000077")
    await made.plan(resident)
    await made.plan(other, **made.PASSIVE)
    await made.silent(resident, at=DUE - HOUR)
    assert await asked_at(resident) == [DUE, DUE + DAY]
    assert await asked_at(other) == [DUE + HOUR, DUE + DAY + HOUR]


async def test_who_is_planned_for_while_their_home_falls_silent_is_asked_in_time(
    resident: Resident, clock: ManualClock
) -> None:
    plan = await made.plan(resident, **made.PASSIVE)
    async with unit_of_work() as session:
        await planning.begin_anew(session, {plan.id: resident.id})
        await planning.plan_ahead(session, [plan.id])
        falling = asyncio.create_task(made.silent(resident, at=clock.now()))
        await waits(falling)
    await falling
    assert await asked_at(resident) == [DUE, DUE + DAY]


async def test_who_is_planned_for_just_after_their_home_fell_silent_is_asked_in_time(
    resident: Resident, clock: ManualClock
) -> None:
    plan = await made.plan(resident, **made.PASSIVE)

    async def plan_again() -> None:
        async with unit_of_work() as session:
            await planning.begin_anew(session, {plan.id: resident.id})
            await planning.plan_ahead(session, [plan.id])

    async with unit_of_work() as session:
        await silence.write(session, [Heard(resident.id, resident.community_id, clock.now())], is_silent=True)
        again = asyncio.create_task(plan_again())
        await waits(again)
    await again
    assert await asked_at(resident) == [DUE, DUE + DAY]


async def test_a_silence_that_is_cut_off_moves_nothing(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, **made.PASSIVE)

    async def cut_off() -> None:
        async with unit_of_work() as session:
            await homes.home_fell_silent(session, [Heard(resident.id, resident.community_id, clock.now())])
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await cut_off()
    assert await asked_at(resident) == [DUE + HOUR, DUE + DAY + HOUR]


async def test_a_building_that_falls_silent_costs_as_many_statements_as_one_home(
    place: Community, clock: ManualClock
) -> None:
    people = [await identity.resident(place, phone=f"+86138{number:08}") for number in range(20)]
    for person in people:
        await made.plan(person, **made.PASSIVE)

    async def cost(some: list[Resident]) -> int:
        async with unit_of_work() as session, statements(connection_of(session)) as ran:
            await homes.home_fell_silent(session, [Heard(one.id, one.community_id, clock.now()) for one in some])
        return len(ran)

    assert await cost(people[:1]) == await cost(people[1:])
    assert {(await asked_at(person))[0] for person in people} == {DUE}


async def test_activity_while_the_prompt_is_being_sent_has_one_outcome(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(DUE + HOUR)
    await asyncio.gather(jobs.prompt(), made.active((resident, clock.now())))
    await run()
    state = (await made.check_ins(resident))[0].state
    prompts = [one for one in await sent.deliveries() if one.notice_key == "eldercare.check_in_prompt"]
    assert (state, len(prompts)) in [("answered", 0), ("prompted", 1)]


async def test_activity_does_not_wait_for_the_prompt_and_the_person_is_asked(
    resident: Resident, clock: ManualClock
) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(DUE + HOUR)
    found = (await made.check_ins(resident))[0]
    async with unit_of_work() as session:
        await asking.prompt(session, [found.id])
        assert await made.active((resident, clock.now())) == []
    assert (await made.check_in(found.id)).state == "prompted"


async def test_the_prompt_leaves_alone_what_activity_answers_meanwhile(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(DUE + HOUR)
    async with unit_of_work() as session:
        heard = [Heard(resident.id, resident.community_id, clock.now())]
        assert len(await homes.home_active(session, heard)) == 1
        assert await jobs.prompt() == 0
    await run()
    assert ((await made.check_ins(resident))[0].state, await sent.deliveries()) == ("answered", [])


@given(
    due=st.integers(0, 366 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE),
    before=st.none() | st.timedeltas(timedelta(), rules.LONGEST_PASSIVE),
    wait=st.none() | st.timedeltas(*rules.PASSIVE_WAITS),
    is_silent=st.booleans(),
)
def test_nobody_is_asked_before_it_is_due_nor_later_than_was_agreed(
    due: datetime, before: timedelta | None, wait: timedelta | None, is_silent: bool
) -> None:
    since, until = rules.passive_window(due, before, wait)
    at = rules.asks_at(due, until, is_home_silent=is_silent)
    assert due <= at <= due + (wait or timedelta())
    assert (since is None) == (until is None)
    if until is None or is_silent:
        assert at == due
    else:
        assert since is not None
        assert since <= due <= at == until


async def test_planning_many_passive_plans_costs_as_many_statements_as_one(
    place: Community, clock: ManualClock
) -> None:
    people = [await identity.resident(place, phone=f"+86138{number:08}") for number in range(20)]
    ids = [(await made.plan(person, **made.PASSIVE)).id for person in people]
    clock.advance(DAY)

    async def cost(some: list[UUID]) -> int:
        async with unit_of_work() as session, statements(connection_of(session)) as ran:
            await planning.plan_ahead(session, some)
        return len(ran)

    assert await cost(ids[:1]) == await cost(ids[1:])
    assert {len(await made.check_ins(person)) for person in people} == {3}
