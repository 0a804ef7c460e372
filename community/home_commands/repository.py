"""The SQL of commands: taking those that are to be sent, settling what became of them, finding those waited for."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.database import connection_of
from app.core.statements import HotStatement
from community.home_commands.models import COMMANDS, HomeCommand
from community.home_commands.rules import Action, sources, target
from community.home_states.models import STATES
from community.homes.models import RESIDENTS

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_c = COMMANDS.c
_ON_ITS_WAY: Final[sa.ColumnElement[bool]] = sa.literal_column("state IN ('sending', 'uncertain', 'sent')", sa.Boolean)
_NOT_SENT: Final[sa.ColumnElement[bool]] = sa.literal_column("state IN ('awaiting_confirmation', 'queued')", sa.Boolean)
_AWAITED: Final = HotStatement(
    sa.select(_c.id, _c.entity_id, _c.expected, _c.sending_at).where(
        _c.entity_id == sa.any_(sa.bindparam("entity_ids", type_=ARRAY(sa.Uuid))), _ON_ITS_WAY
    )
)
_later: Final = COMMANDS.alias("later")
_OVERTAKEN: Final = (
    sa.select(_c.id)
    .join(_later, sa.and_(_later.c.entity_id == _c.entity_id, _later.c.id > _c.id))
    .where(
        _c.id == sa.any_(_IDS),
        _c.risk == sa.literal("riskier", sa.Text),
        _later.c.risk == sa.literal("safer", sa.Text),
    )
)
_STANDING: Final = HotStatement(
    sa.select(STATES.c.entity_id, STATES.c.state, STATES.c.attributes, STATES.c.reported_at).where(
        STATES.c.entity_id == sa.any_(sa.bindparam("entity_ids", type_=ARRAY(sa.Uuid)))
    )
)
_LOCK: Final = sa.select(_c.id).where(_c.id == sa.any_(_IDS), _ON_ITS_WAY).order_by(_c.id).with_for_update().cte("held")
_CONFIRM: Final = (
    sa.update(COMMANDS)
    .where(_c.id == _LOCK.c.id)
    .values(
        state=sa.literal(target(Action.REPORT), sa.Text),
        fence=None,
        look_at=None,
        report_by=None,
        ended_at=sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        updated_at=sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        version=_c.version + 1,
    )
    .add_cte(_LOCK)
)
_LIVING_THERE: Final = sa.select(RESIDENTS.c.resident_id).where(
    RESIDENTS.c.home_id == sa.bindparam("home_id", type_=sa.Uuid)
)


async def lock(session: AsyncSession, ids: Sequence[uuid.UUID], state: str | None = None) -> list[HomeCommand]:
    """Return commands, locked in the order of their ids; those in ``state`` alone if one is named."""
    statement = sa.select(HomeCommand).where(col(HomeCommand.id) == sa.any_(_IDS))
    if state is not None:
        statement = statement.where(col(HomeCommand.state) == state)
    statement = statement.order_by(col(HomeCommand.id)).with_for_update().execution_options(populate_existing=True)
    return list(await session.scalars(statement, {"ids": list(ids)}))


async def lock_overtaken(session: AsyncSession, entity_id: uuid.UUID) -> list[HomeCommand]:
    """Return the riskier commands of an entity that have not left yet, locked."""
    statement = (
        sa.select(HomeCommand)
        .where(
            col(HomeCommand.entity_id) == sa.bindparam("entity_id", type_=sa.Uuid),
            col(HomeCommand.risk) == "riskier",
            _NOT_SENT,
        )
        .order_by(col(HomeCommand.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement, {"entity_id": entity_id}))


async def overtaken(session: AsyncSession, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those riskier commands for whose things the way back was given since."""
    return set(await session.scalars(_OVERTAKEN, {"ids": list(ids)}))


async def held_by(session: AsyncSession, fences: Mapping[uuid.UUID, uuid.UUID]) -> list[HomeCommand]:
    """Return those commands that are still in the hands of whom took them, locked."""
    rows = await lock(session, list(fences), sources(Action.HAND_OVER)[0])
    return [row for row in rows if row.fence == fences[row.id]]


async def awaited(session: AsyncSession, entity_ids: Sequence[uuid.UUID]) -> list[Any]:
    """Return the commands on their way to entities: ``id``, ``entity_id``, ``expected``, ``sending_at``."""
    return await _AWAITED.rows(connection_of(session), {"entity_ids": list(entity_ids)})


async def standing(
    session: AsyncSession, entity_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[dict[str, Any], datetime]]:
    """Return how entities stand, the state beside the attributes, and when they were last heard of."""
    rows = await _STANDING.rows(connection_of(session), {"entity_ids": list(entity_ids)})
    return {row.entity_id: ({**row.attributes, "state": row.state}, row.reported_at) for row in rows}


async def confirm(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let commands be done, as their homes report."""
    await session.execute(_CONFIRM, {"ids": list(ids), "now": clock.now()})


async def living_there(session: AsyncSession, home_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the residents of a home."""
    return list(await session.scalars(_LIVING_THERE, {"home_id": home_id}))
