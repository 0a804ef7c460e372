"""A carer's day costs the same however many visits they have made."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.core import set_ids
from app.core.access import Actor, Membership
from app.core.clock import ManualClock
from app.core.database import connect_raw, unit_of_work
from app.identity.api import actor_binds
from eldercare.visits.views import days
from tests.eldercare.visits.conftest import Scene
from tests.factories import eldercare_visits as made

_VISITS = f"""
INSERT INTO eldercare_visit (id, created_at, updated_at, version, community_id, resident_id, account_id,
    organization_id, care_plan_id, revision, local_date, time_zone, starts_at, ends_at, flexibility, carers,
    is_critical, skills, preferred, state, overdue_step)
SELECT {set_ids.MINT_SQL}, :start, :start, 1, community_id, resident_id, account_id, organization_id, care_plan_id, 1,
    local_date, time_zone, starts_at - number * interval '4 hours', ends_at - number * interval '4 hours', flexibility,
    1, false, skills, preferred, 'completed', 0
FROM eldercare_visit, generate_series(1, 4000) AS number
"""
_CARERS = f"""
INSERT INTO eldercare_visit_carer (id, created_at, updated_at, version, visit_id, resident_id, organization_id,
    account_id, state, starts_at, reservation_id, assigned_by)
SELECT {set_ids.MINT_SQL}, :start, :start, 1, visit.id, visit.resident_id, visit.organization_id, :carer, 'left',
    visit.starts_at, visit.id, :carer
FROM eldercare_visit AS visit WHERE visit.state = 'completed'
"""


async def test_a_carers_day_is_read_without_the_days_before(scene: Scene, clock: ManualClock) -> None:
    now = clock.now()
    today = await made.single(scene.plan, now, account_id=scene.resident.account_id)
    await made.assign(today.id, scene.carer)
    async with unit_of_work() as session:
        for statement in (_VISITS, _CARERS):
            written = sa.text(statement).bindparams(sa.bindparam("start", type_=sa.DateTime(timezone=True)))
            binds: dict[str, object] = {"start": now, "minted_at": set_ids.minted_at()}
            if ":carer" in statement:
                written = written.bindparams(sa.bindparam("carer", type_=sa.Uuid))
                binds["carer"] = scene.carer.id
            await session.execute(written, binds)
    role = Membership(scene.agency.id, "care_agency", "carer")
    actor = Actor(kind="account", id=scene.carer.id, community_id=scene.community.id, memberships=(role,))
    given_day = {"carer_account": actor.id, **days.span(now, now + timedelta(days=1))}
    compiled = days.STOPS.compile(dialect=postgresql.asyncpg.dialect())  # type: ignore[no-untyped-call]
    given = {**compiled.params, **given_day, **actor_binds(actor, "visits:read")}
    raw = await connect_raw()
    try:
        for table in ("eldercare_visit", "eldercare_visit_carer"):
            await raw.execute(f"ANALYZE {table}")
        values = [given[name] for name in compiled.positiontup or ()]
        rows = await raw.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled.string}", *values)
    finally:
        await raw.close()
    (plan,) = orjson.loads(rows[0][0])
    nodes = list(_nodes(plan["Plan"]))
    assert plan["Plan"]["Actual Rows"] == 1
    assert max(node["Actual Rows"] * node["Actual Loops"] for node in nodes) < 100
    assert "Seq Scan" not in {node["Node Type"] for node in nodes if node.get("Relation Name") == "eldercare_visit"}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
