"""What happens at the same time: two workers, two taps, a tap and the worker, a batch that is cut off."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.due import drain
from app.identity.api import ResidentSubject
from app.identity.models import Community, Resident
from eldercare.check_ins import jobs, repository
from eldercare.check_ins.schemas import AnswerWrite
from eldercare.check_ins.service import answers, asking
from tests.factories import eldercare_check_ins as made
from tests.factories import identity
from tests.factories import notifications as sent
from tests.waiting import waits

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def count(sql: str) -> int:
    async with reading() as connection:
        return int(await connection.scalar(sa.text(sql)))


async def morning(place: Community, clock: ManualClock, residents: int) -> list[Resident]:
    """Let as many residents have a check-in due in this minute."""
    people = [await identity.resident(place, phone=f"+86138{number:08}") for number in range(residents)]
    for person in people:
        await made.plan(person)
    clock.set(DUE)
    return people


async def answer(subject: ResidentSubject, actor: Any, check_in_id: UUID, status: str = "ok") -> int:
    async with unit_of_work() as session:
        data = AnswerWrite.model_validate({"status": status})
        return (await answers.answer(session, actor, subject, check_in_id, data)).version


async def test_two_workers_prompt_everyone_once(place: Community, clock: ManualClock) -> None:
    people = await morning(place, clock, 40)
    drains = [drain(jobs.PROMPT, asking.prompt, batch=7) for _ in range(3)]
    assert sum(await asyncio.gather(*drains)) == len(people)
    prompts = [item for item in await sent.deliveries() if item.notice_key == "eldercare.check_in_prompt"]
    assert len(prompts) == len({item.account_id for item in prompts}) == len(people)
    assert await count("SELECT count(*) FROM eldercare_check_in WHERE state = 'prompted'") == len(people)


async def test_a_batch_that_is_cut_off_leaves_nothing_half_done(place: Community, clock: ManualClock) -> None:
    people = await morning(place, clock, 5)

    async def cut_off(session: Any, ids: Any) -> None:
        await asking.prompt(session, ids)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await drain(jobs.PROMPT, cut_off)
    assert await sent.deliveries() == []
    assert await count("SELECT count(*) FROM eldercare_check_in WHERE state = 'prompted'") == 0
    assert await jobs.prompt() == len(people)
    assert len(await sent.deliveries()) == len(people)


async def opened(resident: Resident, clock: ManualClock) -> UUID:
    """Let a check-in be asked, its window running out in this moment."""
    await made.plan(resident)
    first = (await made.check_ins(resident))[0]
    clock.set(DUE)
    await jobs.prompt()
    async with unit_of_work() as session:
        await repository.start_windows(session, {first.id: DUE}, DUE)
    clock.advance(timedelta(minutes=30))
    identifier: UUID = first.id
    return identifier


async def test_two_taps_are_one_answer(resident: Resident, clock: ManualClock) -> None:
    check_in_id = await opened(resident, clock)
    subject, actor = await made.subject_of(resident), made.self_actor(resident)
    versions = await asyncio.gather(*(answer(subject, actor, check_in_id) for _ in range(4)))
    assert len(set(versions)) == 1
    assert await count("SELECT count(*) FROM core_event WHERE name = 'eldercare.check_in_answered.v1'") == 1


async def test_two_calls_for_help_are_one_alarm(resident: Resident, clock: ManualClock) -> None:
    check_in_id = await opened(resident, clock)
    subject, actor = await made.subject_of(resident), made.self_actor(resident)
    await asyncio.gather(*(answer(subject, actor, check_in_id, "needs_help") for _ in range(4)))
    assert await count("SELECT count(*) FROM eldercare_alarm_signal") == 1


@pytest.mark.parametrize("head_start", range(6))
async def test_an_answer_and_the_closing_window_agree(resident: Resident, clock: ManualClock, head_start: int) -> None:
    check_in_id = await opened(resident, clock)
    subject, actor = await made.subject_of(resident), made.self_actor(resident)

    async def close() -> None:
        for _ in range(head_start):
            await asyncio.sleep(0)
        await jobs.close()

    await asyncio.gather(answer(subject, actor, check_in_id), close())
    stands = await made.check_in(check_in_id)
    assert (stands.state, stands.answer) == ("answered", "ok")
    open_alarms = await count("SELECT count(*) FROM eldercare_alarm WHERE state <> 'resolved'")
    raised = await count("SELECT count(*) FROM eldercare_alarm")
    assert (open_alarms, raised) == (0, 1 if stands.late else 0)


async def test_an_answer_waits_for_the_closing_batch_and_is_late(resident: Resident, clock: ManualClock) -> None:
    check_in_id = await opened(resident, clock)
    subject, actor = await made.subject_of(resident), made.self_actor(resident)
    async with unit_of_work() as session:
        await asking.close_unanswered(session, [check_in_id])
        tapped = asyncio.create_task(answer(subject, actor, check_in_id))
        await waits(tapped)
    version = await tapped
    stands = await made.check_in(check_in_id)
    assert (stands.state, stands.late, stands.version) == ("answered", True, version)
    assert await count("SELECT count(*) FROM eldercare_alarm WHERE state = 'resolved'") == 1
