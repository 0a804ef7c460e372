"""The SQL that writes visits: what locks one, what moves it from state to state, and who makes it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from eldercare.visits import rules
from eldercare.visits.models import CARERS, TICKS, VISITS
from eldercare.visits.rules import CarerState, State, Word

CHANNEL: Final = "eldercare.visit_templates"
"""The wake-up channel of what recurs and must be planned now."""

_INSTANT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))
_NOW = sa.bindparam("moment", type_=_INSTANT)
IS_TO_BE_REPLACED: Final = sa.exists().where(
    CARERS.c.visit_id == VISITS.c.id,
    CARERS.c.unavailable_since.is_not(None),
    CARERS.c.state.in_([sa.literal(state, sa.Text) for state in ("assigned", "en_route")]),
)
"""Whether a carer of the visit cannot come, as another agency said, and nobody decided yet who goes instead."""
_ACTIVE_CARER = CARERS.c.state.not_in([sa.literal(state, sa.Text) for state in ("removed", "absent")])

_LOCK = sa.select(VISITS).where(VISITS.c.id == sa.any_(_IDS)).order_by(VISITS.c.id).with_for_update(key_share=True)
_LOCK_AGREED_OF = (
    sa.select(VISITS)
    .where(
        VISITS.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.AGREED]),
    )
    .order_by(VISITS.c.id)
    .with_for_update(key_share=True)
)
_CARERS_OF = (
    sa.select(CARERS).where(CARERS.c.visit_id == sa.any_(_IDS), _ACTIVE_CARER).order_by(CARERS.c.visit_id, CARERS.c.id)
)
_ALL_CARERS_OF = sa.select(CARERS).where(CARERS.c.visit_id == sa.any_(_IDS)).order_by(CARERS.c.visit_id, CARERS.c.id)
_INSERT_VISITS: Final = insert(VISITS).on_conflict_do_nothing()
_INSERT_CARER: Final = (
    insert(CARERS)
    .on_conflict_do_nothing(
        index_elements=["visit_id", "account_id"], index_where=sa.text("state NOT IN ('removed', 'absent')")
    )
    .returning(CARERS.c.id)
)
_DELETE = (
    sa.delete(VISITS)
    .where(
        VISITS.c.id == sa.any_(_IDS),
        VISITS.c.state == sa.literal("planned", sa.Text),
        ~sa.exists().where(CARERS.c.visit_id == VISITS.c.id),
    )
    .returning(VISITS.c.id)
)
_TOUCH = sa.update(VISITS).where(VISITS.c.id == sa.any_(_IDS)).values(updated_at=_NOW, version=VISITS.c.version + 1)
_DISMISS = (
    sa.update(CARERS)
    .where(
        CARERS.c.visit_id == sa.any_(_IDS),
        CARERS.c.state.in_([sa.literal(state, sa.Text) for state in ("assigned", "en_route")]),
    )
    .values(
        state="removed",
        removed_at=_NOW,
        removed_by=sa.bindparam("by", type_=sa.Uuid),
        removal_reason=sa.bindparam("why", type_=sa.Text),
        updated_at=_NOW,
        version=CARERS.c.version + 1,
    )
)
_FORMER = (
    sa.update(CARERS)
    .where(CARERS.c.visit_id == sa.any_(_IDS), CARERS.c.removal_reason == sa.literal("suspended", sa.Text))
    .values(removal_reason=None, updated_at=_NOW, version=CARERS.c.version + 1)
    .returning(*CARERS.c)
)
_OF_CARER_AHEAD = (
    sa.select(VISITS.c.id)
    .join(CARERS, CARERS.c.visit_id == VISITS.c.id)
    .where(
        CARERS.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        CARERS.c.state.in_([sa.literal(state, sa.Text) for state in ("assigned", "en_route", "present")]),
        sa.or_(
            sa.bindparam("organization_id", type_=sa.Uuid).is_(None),
            VISITS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        ),
    )
    .order_by(VISITS.c.id)
)
FACTS: Final = sa.select(
    VISITS.c.id.label("aggregate_id"),
    VISITS.c.community_id,
    sa.func.jsonb_build_object("resident_id", VISITS.c.resident_id, type_=JSONB).label("payload"),
).where(VISITS.c.id == sa.any_(_IDS))
"""A fact about each of the visits ``visit_ids`` that says nothing but whose it is."""
FACTS_OF_AGENCY: Final = sa.select(
    VISITS.c.id.label("aggregate_id"),
    VISITS.c.community_id,
    sa.func.jsonb_build_object(
        "resident_id", VISITS.c.resident_id, "organization_id", VISITS.c.organization_id, type_=JSONB
    ).label("payload"),
).where(VISITS.c.id == sa.any_(_IDS))
"""A fact about each of the visits ``visit_ids`` that says whose it is, and which agency's."""
_TICK = insert(TICKS)
_SET_TICK = _TICK.on_conflict_do_update(
    index_elements=["visit_id", "task_id"],
    set_={
        "is_done": _TICK.excluded.is_done,
        "reason": _TICK.excluded.reason,
        "ticked_at": _TICK.excluded.ticked_at,
        "ticked_by": _TICK.excluded.ticked_by,
        "updated_at": _TICK.excluded.updated_at,
        "version": TICKS.c.version + 1,
    },
)
_WORD = sa.select(TICKS.c.is_done, TICKS.c.ticked_at, TICKS.c.ticked_by).where(
    TICKS.c.visit_id == sa.bindparam("visit_id", type_=sa.Uuid),
    TICKS.c.task_id == sa.bindparam("task_id", type_=sa.Uuid),
)
_TICKED = sa.select(TICKS.c.task_id).where(TICKS.c.visit_id == sa.bindparam("visit_id", type_=sa.Uuid))


async def lock_visits(session: AsyncSession, visit_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, sa.Row[Any]]:
    """Return the visits, locked in one order everywhere; unknown ids are left out."""
    rows = await session.execute(_LOCK, {"visit_ids": list(visit_ids)})
    return {row.id: row for row in rows}


async def lock_agreed(session: AsyncSession, resident_ids: Iterable[uuid.UUID]) -> list[sa.Row[Any]]:
    """Return the residents' visits that have not begun and were not called off for good, locked."""
    return list(await session.execute(_LOCK_AGREED_OF, {"resident_ids": list(resident_ids)}))


async def carers_of(
    session: AsyncSession, visit_ids: Iterable[uuid.UUID], *, removed: bool = False
) -> dict[uuid.UUID, list[sa.Row[Any]]]:
    """Return who makes each visit, the longest assigned first; with ``removed`` those who no longer do, too."""
    found: dict[uuid.UUID, list[sa.Row[Any]]] = {visit_id: [] for visit_id in visit_ids}
    statement = _ALL_CARERS_OF if removed else _CARERS_OF
    for row in await session.execute(statement, {"visit_ids": list(found)}):
        found[row.visit_id].append(row)
    return found


async def become(session: AsyncSession, visit_ids: Iterable[uuid.UUID], target: State, **values: Any) -> set[uuid.UUID]:
    """Move those visits to ``target`` from which the transitions lead there; return which that was."""
    deadlines: dict[str, Any] = {}
    if target not in rules.AHEAD:
        deadlines = {"staff_by": None, "late_at": None, "miss_at": None}
    if target != "in_progress":
        deadlines["overdue_at"] = None
    statement = (
        sa.update(VISITS)
        .where(
            VISITS.c.id == sa.any_(_IDS),
            VISITS.c.state.in_([sa.literal(state, sa.Text) for state in rules.sources(target)]),
        )
        .values(state=target, updated_at=_NOW, version=VISITS.c.version + 1, **(deadlines | values))
        .returning(VISITS.c.id)
    )
    rows = await session.scalars(statement, {"visit_ids": list(visit_ids), "moment": clock.now()})
    return set(rows.all())


async def change_visit(session: AsyncSession, visit_id: uuid.UUID, **values: Any) -> None:
    """Change what is not the state of a locked visit."""
    await session.execute(
        sa.update(VISITS)
        .where(VISITS.c.id == visit_id)
        .values(updated_at=clock.now(), version=VISITS.c.version + 1, **values)
    )


async def insert_visits(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert visits; what another worker planned first stays as it is."""
    now = clock.now()
    given = {"created_at": now, "updated_at": now, "version": 1, "state": "planned", "overdue_step": 0}
    if rows:
        await session.execute(_INSERT_VISITS, [{"id": clock.new_id(), **given, **row} for row in rows])


async def delete_planned(session: AsyncSession, visit_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Forget visits nobody ever was assigned to: nobody was told of them. Return which that were."""
    return set((await session.scalars(_DELETE, {"visit_ids": list(visit_ids)})).all())


async def touch(session: AsyncSession, visit_ids: Iterable[uuid.UUID]) -> None:
    """Let visits be known to have changed, whatever else of them stays."""
    await session.execute(_TOUCH, {"visit_ids": list(visit_ids), "moment": clock.now()})


async def dismiss(
    session: AsyncSession, visit_ids: Iterable[uuid.UUID], by: uuid.UUID | None, why: str | None = None
) -> None:
    """Take everybody off visits who has not arrived there."""
    binds = {"visit_ids": list(visit_ids), "by": by, "why": why, "moment": clock.now()}
    await session.execute(_DISMISS, binds)


async def former_carers(session: AsyncSession, visit_ids: Iterable[uuid.UUID]) -> list[sa.Row[Any]]:
    """Return who made visits when they went off, once: it is known of them no longer then."""
    rows = await session.execute(_FORMER, {"visit_ids": list(visit_ids), "moment": clock.now()})
    return list(rows)


async def insert_carer(session: AsyncSession, values: Mapping[str, Any]) -> uuid.UUID | None:
    """Insert who makes a visit; ``None`` if they do already."""
    now = clock.now()
    row = {"id": clock.new_id(), "created_at": now, "updated_at": now, "version": 1, "state": "assigned", **values}
    inserted: uuid.UUID | None = await session.scalar(_INSERT_CARER, row)
    return inserted


async def change_carer(
    session: AsyncSession, carer_id: uuid.UUID, sources: Iterable[CarerState], **values: Any
) -> bool:
    """Change who makes a visit, if they stand in one of ``sources``; say whether they did."""
    statement = (
        sa.update(CARERS)
        .where(CARERS.c.id == carer_id, CARERS.c.state.in_([sa.literal(state, sa.Text) for state in sources]))
        .values(updated_at=clock.now(), version=CARERS.c.version + 1, **values)
        .returning(CARERS.c.id)
    )
    return await session.scalar(statement) is not None


async def visits_of_carer(
    session: AsyncSession, account_id: uuid.UUID, organization_id: uuid.UUID | None
) -> list[uuid.UUID]:
    """Return the visits a carer is to make or is at, of one agency if it is named."""
    binds = {"account_id": account_id, "organization_id": organization_id}
    return list((await session.scalars(_OF_CARER_AHEAD, binds)).all())


async def set_ticks(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what became of tasks; the last word counts."""
    now = clock.now()
    given = {"created_at": now, "updated_at": now, "version": 1, "ticked_at": now}
    if rows:
        await session.execute(_SET_TICK, [{"id": clock.new_id(), **given, **row} for row in rows])


async def word_of(session: AsyncSession, visit_id: uuid.UUID, task_id: uuid.UUID) -> Word | None:
    """Return what was said of a task, if anything was."""
    row = (await session.execute(_WORD, {"visit_id": visit_id, "task_id": task_id})).one_or_none()
    return None if row is None else Word(row.is_done, row.ticked_at, row.ticked_by)


async def ticked(session: AsyncSession, visit_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the tasks of a visit of which it is known what became of them."""
    return set((await session.scalars(_TICKED, {"visit_id": visit_id})).all())
