"""A carer's day costs the same however many visits they have made, and however much was left to be known."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import set_ids
from app.core.access import Actor, Membership
from app.core.clock import ManualClock
from app.core.database import connect_raw, reading, unit_of_work
from app.identity.api import actor_binds
from eldercare.visits.views import days
from eldercare.visits.views.visits import stretch
from tests.eldercare.visits.conftest import Scene
from tests.factories import eldercare_visits as made
from tests.plans import explain, looked_at, nodes

_VISITS = f"""
INSERT INTO eldercare_visit (id, created_at, updated_at, version, community_id, resident_id, account_id,
    organization_id, care_plan_id, revision, local_date, time_zone, starts_at, ends_at, flexibility, carers,
    is_critical, skills, preferred, state, overdue_step, staffed_before, late_after, missed_after, check_out_after,
    late_severity, missed_severity, check_out_severity)
SELECT {set_ids.MINT_SQL}, :start, :start, 1, community_id, resident_id, account_id, organization_id, care_plan_id, 1,
    local_date, time_zone, starts_at - number * interval '4 hours', ends_at - number * interval '4 hours', flexibility,
    1, false, skills, preferred, 'completed', 0, staffed_before, late_after, missed_after, check_out_after,
    late_severity, missed_severity, check_out_severity
FROM eldercare_visit, generate_series(1, 4000) AS number
"""
_CARERS = f"""
INSERT INTO eldercare_visit_carer (id, created_at, updated_at, version, visit_id, resident_id, organization_id,
    account_id, state, starts_at, reservation_id, assigned_by, despite)
SELECT {set_ids.MINT_SQL}, :start, :start, 1, visit.id, visit.resident_id, visit.organization_id, :carer, 'left',
    visit.starts_at, visit.id, :carer, '{{}}'
FROM eldercare_visit AS visit WHERE visit.state = 'completed'
"""


_NOTES = f"""
INSERT INTO eldercare_visit_note (id, created_at, updated_at, version, visit_id, resident_id, organization_id,
    author_id, kind, text, written_at)
SELECT {set_ids.MINT_SQL}, :start, :start, 1, visit.id, visit.resident_id, visit.organization_id, :carer, 'handover',
    '-', visit.starts_at
FROM eldercare_visit AS visit WHERE visit.state = 'completed'
"""


@pytest.fixture
async def career(scene: Scene, clock: ManualClock) -> Scene:
    """Return a scene whose carer has a visit today, and has made four thousand, each with a word for the next."""
    today = await made.single(scene.plan, clock.now(), account_id=scene.resident.account_id)
    await made.assign(today.id, scene.carer)
    async with unit_of_work() as session:
        for statement in (_VISITS, _CARERS, _NOTES):
            written = sa.text(statement).bindparams(sa.bindparam("start", type_=sa.DateTime(timezone=True)))
            binds: dict[str, object] = {"start": clock.now(), "minted_at": set_ids.minted_at()}
            if ":carer" in statement:
                written = written.bindparams(sa.bindparam("carer", type_=sa.Uuid))
                binds["carer"] = scene.carer.id
            await session.execute(written, binds)
    raw = await connect_raw()
    for table in ("eldercare_visit", "eldercare_visit_carer", "eldercare_visit_note"):
        await raw.execute(f"ANALYZE {table}")
    await raw.close()
    return scene


async def test_a_carers_day_is_read_without_the_days_before(career: Scene, clock: ManualClock) -> None:
    now = clock.now()
    role = Membership(career.agency.id, "care_agency", "carer")
    actor = Actor(kind="account", id=career.carer.id, community_id=career.community.id, memberships=(role,))
    binds = {
        "carer_account": actor.id,
        **stretch(now, now + timedelta(days=1)),
        **actor_binds(actor, "visits:read"),
    }
    assert await most_rows(days.STOPS, binds) < 100


async def test_the_last_word_is_read_without_those_before(career: Scene) -> None:
    binds = {"resident_ids": [career.resident.id], "organization_ids": [career.agency.id]}
    assert await most_rows(days.HANDOVERS, binds) < 100


async def most_rows(statement: sa.Select[Any], binds: dict[str, Any]) -> float:
    """Return how many rows the widest step of a statement that finds one reads."""
    async with reading() as connection:
        plan = await explain(connection, statement, {**statement.compile().params, **binds})
    assert plan["Actual Rows"] == 1
    return max(looked_at(node) for node in nodes(plan))
