"""The desk's queue, the conversation and the list of accesses cost the same however long the history is."""

import uuid
from dataclasses import asdict
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app.core import set_ids
from app.core.access import Actor, Membership
from app.core.audit import trace_each_binds
from app.core.clock import ManualClock
from app.core.database import connect_raw, unit_of_work
from app.identity.api import actor_binds
from app.identity.data_accesses import views as accesses
from app.identity.data_accesses.views import AccessQuery
from eldercare.duty_desk import views as desk
from eldercare.messages import views as messages
from tests.eldercare.check_ins.test_growth import explain
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database")

_ALARMS = f"""
INSERT INTO eldercare_alarm (id, created_at, updated_at, version, community_id, resident_id, kind, severity, state,
    is_test, stands_alone, raised_at, step, round, closed_at, outcome)
SELECT {set_ids.MINT_SQL}, :start, :start, 1, community_id, resident_id, kind, severity, 'resolved', false, false,
    CAST(:start AS timestamptz) - number * interval '1 hour', 1, 1, :start, 'helped'
FROM eldercare_alarm, generate_series(1, 5000) AS number
"""
_MESSAGES = f"""
INSERT INTO eldercare_circle_message (id, created_at, updated_at, version, community_id, resident_id, author_id, photos)
SELECT {set_ids.MINT_SQL}, :start, :start, 1, community_id, id, account_id, 0
FROM identity_resident, generate_series(1, 500)
"""
_ENTRIES = f"""
INSERT INTO core_audit_entry (id, at, community_id, actor_kind, actor_id, action, resident_id)
SELECT {set_ids.MINT_SQL}, :start, community_id, 'account', account_id, 'alarm:read',
    id
FROM identity_resident, generate_series(1, 500)
"""


@pytest.fixture
async def scene(clock: ManualClock) -> alarms.Scene:
    made = await alarms.scene()
    for number in range(20):
        await identity.resident(made.community, name=f"R{number}")
    await alarms.raised(made.resident)
    async with unit_of_work() as session:
        for statement in (_ALARMS, _MESSAGES, _ENTRIES):
            written = sa.text(statement).bindparams(sa.bindparam("start", type_=sa.DateTime(timezone=True)))
            await session.execute(written, {"start": clock.now(), "minted_at": set_ids.minted_at()})
    raw = await connect_raw()
    for table in ("eldercare_alarm", "eldercare_circle_message", "core_audit_entry"):
        await raw.execute(f"ANALYZE {table}")
    await raw.close()
    return made


@pytest.mark.parametrize("statement", [desk.QUEUE, desk.MARKS, desk.SINCE], ids=["list", "stream", "after a cut"])
async def test_the_queue_reads_open_alarms_alone(scene: alarms.Scene, clock: ManualClock, statement: Any) -> None:
    role = Membership(scene.operator.id, "operator", "dispatcher")
    actor = Actor(kind="account", id=scene.desk.id, community_id=scene.community.id, memberships=(role,))
    binds: dict[str, Any] = {
        "community_id": scene.community.id,
        "actor_id": actor.id,
        "show": "all",
        "limit": 21,
        "after_urgency": None,
        "after_at": None,
        "after_id": None,
        "ids": [],
        "since": 0,
        "first_at": clock.now() - desk.FOLLOWED,
    }
    binds |= actor_binds(actor, "alarms:respond") | trace_each_binds(actor, shown=20)
    compiled = statement.compile(dialect=postgresql.asyncpg.dialect())  # type: ignore[no-untyped-call]
    given = {**compiled.params, **binds}
    raw = await connect_raw()
    try:
        rows = await raw.fetch(f"EXPLAIN {compiled.string}", *(given[name] for name in compiled.positiontup or ()))
    finally:
        await raw.close()
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan on eldercare_alarm " not in plan
    indexes = ("ix_eldercare_alarm_queue", "uq_eldercare_alarm_open", "ix_eldercare_alarm_raised_at")
    assert any(index in plan for index in indexes)


async def test_the_conversation_is_read_by_its_index(scene: alarms.Scene) -> None:
    first: dict[str, object] = {
        "resident_id": scene.resident.id,
        "first_id": uuid.UUID(int=0),
        "after_id": None,
        "limit": 21,
    }
    plan = await explain(messages._LIST, first)
    assert "ix_eldercare_circle_message_resident_id" in plan
    assert "Sort" not in plan


async def test_accesses_are_read_by_the_residents_index(scene: alarms.Scene) -> None:
    binds: dict[str, object] = {
        "resident_id": scene.resident.id,
        "own_id": scene.resident.account_id,
        **asdict(AccessQuery()),
        "since_id": uuid.UUID(int=0),
        "before_id": uuid.UUID(int=(1 << 128) - 1),
        "after_id": None,
        "limit": 21,
    }
    plan = await explain(accesses._PAGE, binds)
    # The months' partitions are empty here: all rows are in the one that is there by default.
    assert "Seq Scan on core_audit_entry_default" not in plan
    assert "using core_audit_entry_default_resident_id_id_idx" in plan
