"""The SQL that writes how things in homes stand: rows locked in one order, and a statement for each kind of change."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import connection_of
from app.core.statements import HotStatement
from community.home_states.models import READINGS
from community.home_states.rules.standing import Kept, Standing
from community.home_states.rules.traits import Traits

_INSTANT = sa.DateTime(timezone=True)
_UUIDS, _INSTANTS, _TEXTS = ARRAY(sa.Uuid), ARRAY(_INSTANT), ARRAY(sa.Text)
_DOUBLES, _BOOLEANS = ARRAY(sa.Double), ARRAY(sa.Boolean)


def _hot(sql: str, **binds: Any) -> HotStatement:
    return HotStatement(sa.text(sql).bindparams(*(sa.bindparam(name, type_=kind) for name, kind in binds.items())))


# Everyone takes rows in the order of their ids: two gateways wait for each other, and never in a circle.
_LOCK: Final = _hot(
    """
    SELECT entity_id, state, number, attributes, is_available, changed_at, reported_at, is_fresh, heard,
        recorded_at, recorded_number, held_until, off_at, expires_at, look_at
    FROM community_home_state WHERE entity_id = ANY(:ids) ORDER BY entity_id FOR NO KEY UPDATE""",
    ids=_UUIDS,
)
_ADD: Final = _hot(
    """
    INSERT INTO community_home_state (entity_id, home_id, resident_id, attributes, is_available, changed_at,
        reported_at, is_fresh, heard)
    SELECT e.id, e.home_id, e.resident_id, '{}', true, new.at, new.at, false, '[]'
    FROM unnest(:ids, :ats) AS new (id, at) JOIN community_home_entity e ON e.id = new.id
    ORDER BY e.id ON CONFLICT (entity_id) DO NOTHING""",
    ids=_UUIDS,
    ats=_INSTANTS,
)
_WRITE: Final = _hot(
    """
    UPDATE community_home_state s SET state = n.state, number = n.number, is_available = n.is_available,
        changed_at = n.changed_at, reported_at = n.reported_at, is_fresh = n.is_fresh, recorded_at = n.recorded_at,
        recorded_number = n.recorded_number, held_until = n.held_until, off_at = n.off_at,
        expires_at = n.expires_at, look_at = n.look_at
    FROM unnest(:ids, :states, :numbers, :availables, :changed, :reported, :fresh, :recorded, :recorded_numbers,
        :held, :off, :expiring, :look) AS n (entity_id, state, number, is_available, changed_at, reported_at, is_fresh,
        recorded_at, recorded_number, held_until, off_at, expires_at, look_at)
    WHERE s.entity_id = n.entity_id""",
    ids=_UUIDS,
    states=_TEXTS,
    numbers=_DOUBLES,
    availables=_BOOLEANS,
    changed=_INSTANTS,
    reported=_INSTANTS,
    fresh=_BOOLEANS,
    recorded=_INSTANTS,
    recorded_numbers=_DOUBLES,
    held=_INSTANTS,
    off=_INSTANTS,
    expiring=_INSTANTS,
    look=_INSTANTS,
)
_ENRICH: Final = _hot(
    """
    UPDATE community_home_state s SET attributes = CAST(n.attributes AS jsonb), heard = CAST(n.heard AS jsonb)
    FROM unnest(:ids, :attributes, :heard) AS n (entity_id, attributes, heard)
    WHERE s.entity_id = n.entity_id""",
    ids=_UUIDS,
    attributes=_TEXTS,
    heard=_TEXTS,
)
_TOUCH: Final = _hot(
    """
    UPDATE community_home_state s SET reported_at = n.at, expires_at = n.expires_at
    FROM unnest(:ids, :ats, :expiring) AS n (entity_id, at, expires_at) WHERE s.entity_id = n.entity_id""",
    ids=_UUIDS,
    ats=_INSTANTS,
    expiring=_INSTANTS,
)
_SUM: Final = _hot(
    """
    INSERT INTO community_home_summing (entity_id, resident_id, sum_at, summed_until)
    SELECT * FROM unnest(:ids, :residents, :sum_ats, :sinces) ORDER BY 1
    ON CONFLICT (entity_id) DO UPDATE SET
        sum_at = least(community_home_summing.sum_at, excluded.sum_at),
        summed_until = CASE WHEN community_home_summing.sum_at IS NULL THEN excluded.summed_until
            ELSE least(community_home_summing.summed_until, excluded.summed_until) END""",
    ids=_UUIDS,
    residents=_UUIDS,
    sum_ats=_INSTANTS,
    sinces=_INSTANTS,
)
_READING_COLUMNS: Final = list(Kept._fields)


async def lock_states(session: AsyncSession, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Standing]:
    """Lock and return how entities stand; what never reported is left out. ``ids`` must be sorted."""
    rows = await _LOCK.rows(connection_of(session), {"ids": ids})
    return {row[0]: _standing(row) for row in rows}


def _standing(row: Any) -> Standing:
    standing = Standing(*row[1:])
    standing.heard = dict(standing.heard)
    return standing


async def add_states(session: AsyncSession, first: Mapping[uuid.UUID, datetime]) -> None:
    """Make the rows of entities that report for the first time; what is no entity any more is left out."""
    await _ADD.row(connection_of(session), {"ids": list(first), "ats": list(first.values())})


async def write_states(session: AsyncSession, standings: Sequence[tuple[Traits, Standing]]) -> None:
    """Write what changed of locked rows, and when the others were heard."""
    connection = connection_of(session)
    changed = [(traits.entity_id, standing) for traits, standing in standings if standing.is_changed]
    if changed:
        await _WRITE.row(connection, _columns(changed))
    if enriched := [(entity_id, standing) for entity_id, standing in changed if standing.is_enriched]:
        binds = {
            "ids": [entity_id for entity_id, _ in enriched],
            "attributes": [orjson.dumps(standing.attributes).decode() for _, standing in enriched],
            "heard": [orjson.dumps(list(standing.heard.items())).decode() for _, standing in enriched],
        }
        await _ENRICH.row(connection, binds)
    touched = [pair for pair in standings if pair[1].is_touched and not pair[1].is_changed]
    if touched:
        binds = {
            "ids": [traits.entity_id for traits, _ in touched],
            "ats": [standing.reported_at for _, standing in touched],
            "expiring": [standing.expires_at for _, standing in touched],
        }
        await _TOUCH.row(connection, binds)


def _columns(changed: Sequence[tuple[uuid.UUID, Standing]]) -> dict[str, Any]:
    return {
        "ids": [entity_id for entity_id, _ in changed],
        "states": [standing.state for _, standing in changed],
        "numbers": [standing.number for _, standing in changed],
        "availables": [standing.is_available for _, standing in changed],
        "changed": [standing.changed_at for _, standing in changed],
        "reported": [standing.reported_at for _, standing in changed],
        "fresh": [standing.is_fresh for _, standing in changed],
        "recorded": [standing.recorded_at for _, standing in changed],
        "recorded_numbers": [standing.recorded_number for _, standing in changed],
        "held": [standing.held_until for _, standing in changed],
        "off": [standing.off_at for _, standing in changed],
        "expiring": [standing.expires_at for _, standing in changed],
        "look": [standing.look_at for _, standing in changed],
    }


async def add_readings(session: AsyncSession, readings: Sequence[Kept]) -> None:
    """Write readings, however many, in one go."""
    if readings:
        driver = connection_of(session).driver
        await driver.copy_records_to_table(READINGS.name, records=readings, columns=_READING_COLUMNS)


async def ask_for_sums(
    session: AsyncSession, sums: Mapping[uuid.UUID, tuple[uuid.UUID, datetime]], sum_ats: Mapping[uuid.UUID, datetime]
) -> None:
    """Have the hours of entities computed from an instant on, at ``sum_ats`` or when they are anyway."""
    if sums:
        binds = {
            "ids": list(sums),
            "residents": [resident_id for resident_id, _ in sums.values()],
            "sum_ats": [sum_ats[entity_id] for entity_id in sums],
            "sinces": [since for _, since in sums.values()],
        }
        await _SUM.row(connection_of(session), binds)
