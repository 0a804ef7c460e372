"""What a resident's home says in their place: its usual activity answers, its silence has the person asked."""

import uuid
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from app.core.events import emit_many
from app.core.tables import table_of
from eldercare.absences.repository import excuse
from eldercare.check_ins import rules
from eldercare.check_ins.models import CheckIn
from eldercare.check_ins.service import planning, silence
from eldercare.check_ins.service.silence import Heard
from eldercare.events import CheckInAnswered

_check_ins = table_of(CheckIn)
_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.bindparam("now", type_=_INSTANT)
_RESIDENTS = sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))

# A row that somebody is at work on is left to them: being asked or answered, it is in good hands already. What a home
# tells of while a carer is there, or has just left, or while the resident is away, is told of somebody else.
_ANSWER: Final = sa.text(f"""
    WITH given AS (
        SELECT a.resident_id, a.at FROM unnest(:resident_ids, :instants) AS a (resident_id, at)
        WHERE NOT EXISTS (
            SELECT FROM eldercare_visit_carer v
            WHERE v.resident_id = a.resident_id AND v.arrived_at <= a.at
              AND coalesce(v.departed_at, v.removed_at) + :after_visit > a.at IS NOT FALSE
        ) AND {excuse("a", "a.at")} IS NULL
    ), answerable AS (
        SELECT c.id, min(given.at) AS at FROM eldercare_check_in c JOIN given ON given.resident_id = c.resident_id
        WHERE c.resident_id = ANY (:resident_ids) AND c.due_at BETWEEN :earliest AND :latest
          AND given.at BETWEEN c.passive_from AND c.passive_until
        GROUP BY c.id
    ), chosen AS (
        SELECT c.id, answerable.at FROM eldercare_check_in c JOIN answerable ON answerable.id = c.id
        WHERE c.state = 'scheduled'
        ORDER BY c.id FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE eldercare_check_in c SET
        state = 'answered', answer = 'ok', how = 'home', answered_at = chosen.at, recorded_at = :now,
        next_prompt_at = NULL, updated_at = :now, version = version + 1
    FROM chosen WHERE c.id = chosen.id
    RETURNING c.id""").bindparams(  # noqa: S608 - the text is a constant
    _NOW,
    _RESIDENTS,
    sa.bindparam("instants", type_=ARRAY(_INSTANT)),
    sa.bindparam("after_visit", type_=sa.Interval),
    sa.bindparam("earliest", type_=_INSTANT),
    sa.bindparam("latest", type_=_INSTANT),
)
_FACTS: Final = sa.select(
    _check_ins.c.id.label("aggregate_id"),
    _check_ins.c.community_id,
    sa.func.jsonb_build_object(
        *chain.from_iterable(
            (sa.literal_column(f"'{name}'"), _check_ins.c[name])
            for name in ("resident_id", "plan_id", "answer", "how", "late")
        ),
        type_=JSONB,
    ).label("payload"),
).where(_check_ins.c.id == sa.any_(sa.bindparam("check_in_ids", type_=ARRAY(sa.Uuid))))


def _moving(to: str) -> sa.TextClause:
    return sa.text(f"""
    WITH chosen AS (
        SELECT c.id, {to} AS at FROM eldercare_check_in c
        WHERE c.resident_id = ANY (:resident_ids) AND c.state = 'scheduled' AND c.passive_until > :now
        ORDER BY c.id FOR UPDATE SKIP LOCKED
    )
    UPDATE eldercare_check_in c SET next_prompt_at = chosen.at, updated_at = :now, version = version + 1
    FROM chosen WHERE c.id = chosen.id AND c.next_prompt_at <> chosen.at""").bindparams(_NOW, _RESIDENTS)  # noqa: S608


_ASK = _moving("greatest(c.due_at, CAST(:now AS timestamptz))")
_WAIT = _moving("c.passive_until")


async def home_active(session: AsyncSession, activities: Sequence[Heard]) -> list[uuid.UUID]:
    """Let the usual activity of homes answer the passive check-ins in whose time it falls; return which it answered.

    Only those of which nobody was asked yet: once asked, a person answers for themselves. It says that all is well and
    nothing more, and takes nothing back: no alarm ends by it. Told of again it changes nothing.
    """
    if not activities:
        return []
    await _hear_again(session, activities)
    instants = [one.at for one in activities]
    binds = {
        "resident_ids": [one.resident_id for one in activities],
        "instants": instants,
        "after_visit": rules.AFTER_VISIT,
        "earliest": min(instants) - rules.PASSIVE_WAITS[1],
        "latest": max(instants) + rules.LONGEST_PASSIVE,
        "now": clock.now(),
    }
    answered = list(await session.scalars(_ANSWER, binds))
    if answered:
        await emit_many(session, CheckInAnswered, _FACTS, {"check_in_ids": answered})
    return answered


async def home_fell_silent(session: AsyncSession, homes: Sequence[Heard]) -> None:
    """Have residents asked whose home is silent: of what waits for its activity nothing can come.

    What is due is asked now, what is ahead at its time, until the home is heard again.
    """
    await _move(session, _ASK, await silence.write(session, homes, is_silent=True))


async def home_heard_again(session: AsyncSession, homes: Sequence[Heard]) -> None:
    """Have the homes of residents answer again: what nobody was asked of yet waits for their activity."""
    await _move(session, _WAIT, await silence.write(session, homes, is_silent=False))


async def _hear_again(session: AsyncSession, activities: Sequence[Heard]) -> None:
    """Take homes that were silent for heard: they have just told of activity."""
    silent = await silence.known_silent(session, {one.resident_id for one in activities})
    if silent:
        await home_heard_again(session, [one for one in activities if one.resident_id in silent])


async def _move(session: AsyncSession, statement: sa.TextClause, resident_ids: Sequence[uuid.UUID]) -> None:
    if not resident_ids:
        return
    binds: dict[str, Any] = {"resident_ids": list(resident_ids), "now": clock.now()}
    await session.execute(statement, binds)
    wakeups.request(session, planning.CHANNEL)
