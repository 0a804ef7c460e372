"""The table of a referral's states: whatever is tried in whatever order, the rows say what the table allows."""

import uuid
from datetime import timedelta

import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from telemedicine.referrals import repository
from telemedicine.referrals.models import CHANGES, REFERRALS, Referral
from telemedicine.referrals.problems import ReferralStands
from telemedicine.referrals.rules import deadlines, states
from telemedicine.referrals.rules.states import WAYS, State, is_over, may_become, may_decide, sides_to
from telemedicine.referrals.service.keeping import become
from tests.conftest import START
from tests.factories import telemedicine, telemedicine_referrals

STATES: list[State] = list(WAYS)
SIDES: list[states.Side] = ["patient", "from", "to", "desk", "nobody"]
tries = st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(SIDES)), max_size=12)


@given(st.sampled_from(STATES), st.sampled_from(STATES), st.sampled_from(SIDES))
def test_who_may_decide_is_among_those_who_may_at_all(before: State, after: State, side: states.Side) -> None:
    if may_decide(before, after, side):
        assert may_become(before, after)
        assert side in sides_to(after)
        assert not is_over(before)


@given(st.sampled_from(STATES))
def test_nothing_stays_open_for_ever(state: State) -> None:
    """From every state there is a way to an end, and what is open can always be given up."""
    reached, found = {state}, [state]
    while found:
        found = [after for before in found for after in WAYS[before] if after not in reached]
        reached |= set(found)
    assert any(is_over(one) for one in reached)
    if state in states.OPEN:
        assert may_decide(state, "withdrawn", "patient")


@given(st.integers(0, 30), st.sampled_from(["routine", "urgent", "asap", "stat"]))
def test_the_climb_goes_up_and_stays_with_the_desk(taken: int, urgency: states.Urgency) -> None:
    step = deadlines.rung(taken, urgency, START)
    assert step.number == taken + 1
    assert step.next_at > START
    assert step.audience == deadlines.LADDER[min(taken, len(deadlines.LADDER) - 1)]


Parties = tuple[telemedicine.Scene, telemedicine_referrals.Hospital]


@pytest_asyncio.fixture(loop_scope="session")
async def parties(database: Database, clock: ManualClock) -> Parties:
    scene = await telemedicine.scene()
    return scene, await telemedicine_referrals.hospital(scene)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tries)
async def test_a_referral_does_what_the_table_says(
    parties: Parties, clock: ManualClock, tried: list[tuple[State, states.Side]]
) -> None:
    row_id = await _draft(*parties)
    expected: list[State] = []
    state: State = "draft"
    for after, side in tried:
        clock.advance(timedelta(minutes=1))
        try:
            async with unit_of_work() as session:
                row = await repository.lock(session, row_id)
                known = clocks.new_id() if after in ("booked", "seen") else None
                await become(session, row, after, side, None, appointment_id=known)
        except ReferralStands:
            assert not may_decide(state, after, side)
            continue
        assert may_decide(state, after, side)
        state = after
        expected.append(after)
    async with reading() as connection:
        stored = (await connection.execute(sa.select(REFERRALS).where(REFERRALS.c.id == row_id))).one()
        history = await connection.scalars(
            sa.select(CHANGES.c.state).where(CHANGES.c.referral_id == row_id).order_by(CHANGES.c.number)
        )
        assert list(history) == expected
    assert (stored.state, stored.number) == (state, len(expected))
    assert (stored.due_at is None) == (state not in deadlines.STAGES)
    assert stored.next_step_at == stored.due_at


async def _draft(scene: telemedicine.Scene, hospital: telemedicine_referrals.Hospital) -> uuid.UUID:
    row_id = clocks.new_id()
    row = Referral(
        id=row_id,
        root_id=row_id,
        community_id=scene.place.id,
        resident_id=scene.resident.id,
        from_organization_id=scene.clinic.id,
        to_organization_id=hospital.organization.id,
        requested_by=scene.clinician.id,
        urgency="routine",
        content="sealed",
        changed_at=clocks.now(),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row_id
