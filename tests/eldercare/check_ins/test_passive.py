"""A home's usual activity answers for its resident, once, in its time; and says no more than it can."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import connection_of, reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Community, Resident
from eldercare.check_ins import jobs, rules
from eldercare.check_ins.schemas import AnswerWrite, CheckInDetail
from eldercare.check_ins.service import answers, homes, plans
from eldercare.check_ins.service.silence import Heard
from eldercare.events import CheckInAnswered
from eldercare.visits.models import VisitCarer
from notifications.sending import jobs as sending
from tests.asking import statements
from tests.factories import eldercare_check_ins as made
from tests.factories import eldercare_visits as visiting
from tests.factories import identity
from tests.factories import notifications as sent

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def run() -> None:
    await settle([*RELAY_JOBS, *sending.JOBS, *jobs.JOBS])


async def first(resident: Resident) -> Any:
    """Return the resident's first check-in as it stands."""
    return (await made.check_ins(resident))[0]


async def facts() -> list[dict[str, Any]]:
    statement = sa.text("SELECT payload FROM core_event WHERE name = :name ORDER BY sequence")
    async with reading() as connection:
        return list(await connection.scalars(statement, {"name": CheckInAnswered.name}))


async def prompts() -> int:
    return len([one for one in await sent.deliveries() if one.notice_key == "eldercare.check_in_prompt"])


async def answer(resident: Resident, status: str = "ok", **more: object) -> CheckInDetail:
    subject, found = await made.subject_of(resident), await first(resident)
    data = AnswerWrite.model_validate({"status": status, **more})
    async with unit_of_work() as session:
        return await answers.answer(session, made.self_actor(resident), subject, found.id, data)


async def test_usual_activity_answers_and_nobody_is_asked(resident: Resident, clock: ManualClock) -> None:
    plan = await made.plan(resident, **made.PASSIVE)
    seen = DUE - HOUR
    clock.set(DUE)
    assert await made.active((resident, seen)) == [(await first(resident)).id]
    answered = await first(resident)
    assert (answered.state, answered.answer, answered.how, answered.answered_by) == ("answered", "ok", "home", None)
    assert (answered.answered_at, answered.recorded_at, answered.late) == (seen, DUE, False)
    assert await facts() == [
        {
            "resident_id": str(resident.id),
            "plan_id": str(plan.id),
            "answer": "ok",
            "how": "home",
            "late": False,
        }
    ]
    clock.set(DUE + 3 * HOUR)
    await run()
    assert await prompts() == 0


async def test_without_activity_the_person_is_asked_once_the_wait_is_over(
    resident: Resident, clock: ManualClock
) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(DUE + 59 * MINUTE)
    await run()
    assert ((await first(resident)).state, await prompts()) == ("scheduled", 0)
    clock.set(DUE + HOUR)
    await run()
    asked = await first(resident)
    assert (asked.state, await prompts()) == ("prompted", 1)
    assert asked.answer_by == DUE + HOUR + 30 * MINUTE  # the whole window, from when they were asked
    [delivery] = await sent.deliveries()
    assert delivery.data["late_by_seconds"] == "0"
    clock.set(DUE + 2 * HOUR)
    await run()
    assert (await first(resident)).state == "missed"


@pytest.mark.parametrize(
    ("at", "answers_it"),
    [
        (DUE - 2 * HOUR - timedelta(seconds=1), False),
        (DUE - 2 * HOUR, True),
        (DUE + HOUR, True),
        (DUE + HOUR + timedelta(seconds=1), False),
    ],
)
async def test_only_activity_in_its_time_answers(
    resident: Resident, clock: ManualClock, at: datetime, answers_it: bool
) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(max(at, clock.now()))
    assert bool(await made.active((resident, at))) == answers_it


async def test_activity_that_is_told_of_again_changes_nothing(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(DUE)
    assert await made.active((resident, DUE), (resident, DUE - HOUR)) != []
    before = await first(resident)
    assert before.answered_at == DUE - HOUR  # since when it is known
    assert await made.active((resident, DUE), (resident, DUE - HOUR)) == []
    assert (await first(resident), len(await facts())) == (before, 1)


async def test_a_plan_that_is_not_passive_and_somebody_elses_home_answer_nothing(
    place: Community, resident: Resident, clock: ManualClock
) -> None:
    other = await identity.resident(place, phone="+8613800000077")
    await made.plan(resident)
    await made.plan(other, **made.PASSIVE)
    clock.set(DUE)
    assert await made.active((resident, DUE)) == []
    assert (await first(other)).state == "scheduled"


async def test_once_asked_only_a_person_answers(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(DUE + HOUR)
    await run()
    assert await made.active((resident, DUE + 30 * MINUTE)) == []  # told of too late
    assert (await first(resident)).state == "prompted"
    clock.advance(HOUR)
    await run()
    assert await made.active((resident, DUE + HOUR)) == []
    missed = await first(resident)
    assert missed.state == "missed"
    async with reading() as connection:
        assert await connection.scalar(sa.text("SELECT state FROM eldercare_alarm")) == "raised"


async def test_a_home_never_overrides_a_call_for_help(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(DUE)
    await answer(resident, "needs_help")
    assert await made.active((resident, DUE)) == []
    assert (await first(resident)).answer == "needs_help"


@pytest.mark.parametrize("status", ["ok", "needs_help"])
async def test_what_the_person_says_takes_the_place_of_what_the_home_said(
    resident: Resident, clock: ManualClock, status: str
) -> None:
    await made.plan(resident, **made.PASSIVE)
    clock.set(DUE)
    await made.active((resident, DUE))
    clock.advance(MINUTE)
    said = await answer(resident, status, mood=2)
    assert (said.how, said.answer, said.mood, said.answered_by) == ("self", status, 2, resident.account_id)
    assert [fact["how"] for fact in await facts()] == ["home", "self"]
    async with reading() as connection:
        raised = await connection.scalar(sa.text("SELECT count(*) FROM eldercare_alarm"))
    assert raised == (status == "needs_help")


@pytest.mark.parametrize(
    ("arrived", "left", "answers_it"),
    [
        (DUE - 10 * MINUTE, None, False),
        (DUE - HOUR, DUE - 29 * MINUTE, False),
        (DUE - HOUR, DUE - 30 * MINUTE, True),
        (DUE + MINUTE, None, True),
        (DUE, None, False),
    ],
)
async def test_what_moves_while_a_carer_is_there_or_has_just_left_is_not_taken_for_the_resident(
    place: Community,
    resident: Resident,
    clock: ManualClock,
    arrived: datetime,
    left: datetime | None,
    answers_it: bool,
) -> None:
    await made.plan(resident, **made.PASSIVE)
    agency = await identity.organization(place, "care_agency")
    await identity.agreement(agency)
    carer = await identity.account(place, name="Carer")
    care = await visiting.care_plan(resident, agency)
    planned = await visiting.single(care, arrived, account_id=resident.account_id)
    async with unit_of_work() as session:
        session.add(
            VisitCarer(
                visit_id=planned.id,
                resident_id=resident.id,
                organization_id=agency.id,
                account_id=carer.id,
                state="left" if left else "present",
                starts_at=arrived,
                reservation_id=clocks.new_id(),
                assigned_by=carer.id,
                arrived_at=arrived,
                departed_at=left,
            )
        )
    clock.set(DUE + 2 * MINUTE)
    assert bool(await made.active((resident, DUE))) == answers_it


async def test_who_is_away_is_not_answered_for_by_whoever_waters_the_plants(
    resident: Resident, clock: ManualClock
) -> None:
    await made.plan(resident, **made.PASSIVE)
    await made.pause(resident, DUE + timedelta(days=1))
    clock.set(DUE)
    assert await made.active((resident, DUE)) == []
    clock.set(DUE + HOUR)
    await run()
    assert ((await first(resident)).state, await prompts()) == ("excused", 0)


async def test_ending_a_plan_takes_back_what_waits_for_the_home(resident: Resident, clock: ManualClock) -> None:
    plan = await made.plan(resident, **made.PASSIVE)
    clock.set(DUE + MINUTE)
    subject = await made.subject_of(resident)
    async with unit_of_work() as session:
        await plans.end_plan(session, made.self_actor(resident), subject, plan.id, None)
    assert await made.check_ins(resident) == []


async def test_changing_a_plan_leaves_what_waits_for_the_home_as_it_was_agreed(
    resident: Resident, clock: ManualClock
) -> None:
    plan = await made.plan(resident, **made.PASSIVE)
    clock.set(DUE + MINUTE)
    subject = await made.subject_of(resident)
    async with unit_of_work() as session:
        await plans.change_plan(session, made.self_actor(resident), subject, plan.id, made.agreed(), None)
    waiting, *ahead = await made.check_ins(resident)
    assert waiting.next_prompt_at == DUE + HOUR
    assert [row.next_prompt_at for row in ahead] == [row.due_at for row in ahead] != []


async def test_the_clocks_changing_makes_no_wait_longer_or_shorter(place: Community, clock: ManualClock) -> None:
    resident = await identity.resident(place)
    clock.set(datetime(2026, 3, 28, 12, tzinfo=UTC))
    await made.plan(resident, times=["03:30"], time_zone="Europe/Berlin", **made.PASSIVE)
    short_night = await first(resident)
    assert short_night.due_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert short_night.passive_from == short_night.due_at - 2 * HOUR  # 00:30 on the wall
    assert short_night.next_prompt_at == short_night.passive_until == short_night.due_at + HOUR
    assert rules.passive_window(short_night.due_at, 2 * HOUR, HOUR) == (
        short_night.passive_from,
        short_night.passive_until,
    )


async def test_a_morning_of_many_costs_as_many_statements_as_one(place: Community, clock: ManualClock) -> None:
    people = [await identity.resident(place, phone=f"+86138{number:08}") for number in range(30)]
    for person in people:
        await made.plan(person, **made.PASSIVE)
    clock.set(DUE)

    async def cost(some: list[Resident]) -> int:
        async with unit_of_work() as session, statements(connection_of(session)) as ran:
            heard = [Heard(one.id, one.community_id, DUE) for one in some]
            assert len(await homes.home_active(session, heard)) == len(some)
        return len(ran)

    assert await cost(people[:1]) == await cost(people[1:])
