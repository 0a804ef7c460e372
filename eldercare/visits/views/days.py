"""The SQL that reads a carer's day: to whom, where, what for, how to get there, and what was left to be known."""

import uuid
from collections import defaultdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.dispatch.api import Place, Speed, travel_time
from app.identity.api import Home, actor_binds, homes, is_visible, people
from eldercare.visits.models import CARERS, NOTES, VISITS
from eldercare.visits.schemas.visits import NotePublic
from eldercare.visits.schemas.work import StopPublic
from eldercare.visits.views.visits import note_public, stretch, tasks

_INSTANT = sa.DateTime(timezone=True)
_until = sa.bindparam("until", type_=_INSTANT)
_own = CARERS.alias("own")
STOPS = (
    sa.select(VISITS, _own.c.state.label("own_state"))
    .join(_own, _own.c.visit_id == VISITS.c.id)
    .where(
        _own.c.account_id == sa.bindparam("carer_account", type_=sa.Uuid),
        _own.c.state.not_in([sa.literal(state, sa.Text) for state in ("removed", "absent")]),
        # Repeats what the visits say, by what the carer's own index knows: a career of visits is not looked through.
        _own.c.starts_at < _until,
        _own.c.starts_at > sa.bindparam("earliest", type_=_INSTANT),
        VISITS.c.starts_at < _until,
        VISITS.c.ends_at > sa.bindparam("since", type_=_INSTANT),
        VISITS.c.state != sa.literal("cancelled", sa.Text),
        is_visible(VISITS.c.resident_id, "visits:read"),
    )
    .order_by(VISITS.c.starts_at, VISITS.c.id)
)
_OTHERS = (
    sa.select(CARERS.c.visit_id, CARERS.c.account_id)
    .where(
        CARERS.c.visit_id == sa.any_(sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid))),
        CARERS.c.account_id != sa.bindparam("carer_account", type_=sa.Uuid),
        CARERS.c.state.not_in([sa.literal(state, sa.Text) for state in ("removed", "absent")]),
    )
    .order_by(CARERS.c.visit_id, CARERS.c.id)
)
# The latest word that was left by somebody of the same agency.
_wanted = (
    sa.func.unnest(
        sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)), sa.bindparam("organization_ids", type_=ARRAY(sa.Uuid))
    )
    .table_valued(sa.column("resident_id", sa.Uuid), sa.column("organization_id", sa.Uuid))
    .render_derived("wanted")
)
# One step down the index for each: how much was written before does not matter.
_latest = (
    sa.select(NOTES)
    .where(
        NOTES.c.resident_id == _wanted.c.resident_id,
        NOTES.c.organization_id == _wanted.c.organization_id,
        NOTES.c.kind == sa.literal("handover", sa.Text),
    )
    .order_by(NOTES.c.id.desc())
    .limit(1)
    .lateral("latest")
)
HANDOVERS = sa.select(_latest).select_from(_wanted.join(_latest, sa.true()))


async def carer_day(connection: AsyncConnection, actor: Actor, since: datetime, until: datetime) -> list[StopPublic]:
    """Return the visits the actor makes in a stretch of time, in order; reading them is on record for each resident."""
    binds = {"carer_account": actor.id, **stretch(since, until), **actor_binds(actor, "visits:read")}
    rows = list(await connection.execute(STOPS, binds))
    residents = {row.resident_id for row in rows}
    for row in {row.resident_id: row for row in rows}.values():
        await audit.record(connection, actor, "visits:day", resident_id=row.resident_id, community_id=row.community_id)
    found = await homes(connection, residents)
    together = await _together(connection, actor, [row.id for row in rows])
    handovers = await _handovers(connection, {(row.resident_id, row.organization_id) for row in rows})
    todo = await tasks(connection, rows)
    stops: list[StopPublic] = []
    before: Place | None = None
    for index, row in enumerate(rows):
        home = found.get(row.resident_id)
        here = _place(home)
        is_known = index > 0 and here is not None and before is not None
        stops.append(
            StopPublic.model_validate(
                {
                    **row._mapping,  # noqa: SLF001 - a row's public view
                    **_address(home),
                    "visit_id": row.id,
                    "together_with": together[row.id],
                    "travel": travel_time(before, here, Speed()) if is_known else None,
                    "tasks": todo[row.id],
                    "handover": handovers.get((row.resident_id, row.organization_id)),
                }
            )
        )
        before = here
    return stops


def _address(home: Home | None) -> dict[str, Any]:
    if home is None:
        return dict.fromkeys(("address", "building", "latitude", "longitude"), None) | {"name": "—", "language": "en"}
    return {
        "name": home.name,
        "language": home.language,
        "address": home.address,
        "building": home.building,
        "latitude": home.latitude,
        "longitude": home.longitude,
    }


def _place(home: Home | None) -> Place | None:
    if home is None or home.latitude is None or home.longitude is None:
        return None
    return Place(home.latitude, home.longitude)


async def _together(
    connection: AsyncConnection, actor: Actor, visit_ids: list[uuid.UUID]
) -> defaultdict[uuid.UUID, list[str]]:
    rows = list(await connection.execute(_OTHERS, {"visit_ids": visit_ids, "carer_account": actor.id}))
    names = await people(connection, {row.account_id for row in rows})
    together: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    for row in rows:
        if row.account_id in names:
            together[row.visit_id].append(names[row.account_id].name)
    return together


async def _handovers(
    connection: AsyncConnection, wanted: set[tuple[uuid.UUID, uuid.UUID]]
) -> dict[tuple[uuid.UUID, uuid.UUID], NotePublic]:
    """Return the latest word that was left of a resident by somebody of an agency, for each of these pairs."""
    binds = {
        "resident_ids": [resident_id for resident_id, _ in wanted],
        "organization_ids": [organization_id for _, organization_id in wanted],
    }
    rows = await connection.execute(HANDOVERS, binds)
    return {(row.resident_id, row.organization_id): note_public(row) for row in rows}
