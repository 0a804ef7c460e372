"""The SQL that lists gates and conflicts, and shows what opens an attraction's gates."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.sealing import unseal
from community.attractions.models import ATTRACTIONS
from community.gates.access import SCANS_WITH
from community.gates.models import CONFLICTS, GATES, NOTE, RULES, SCANS
from community.gates.schemas import ConflictPublic, GatePublic, GateRulesPublic, Passing

_GATES: Final = "community.gates"
_CONFLICTS: Final = "community.admission_conflicts"
_limit = sa.bindparam("limit", type_=sa.Integer)
_community = sa.bindparam("community_id", type_=sa.Uuid)

_GATE: Final[sa.Select[Any]] = (
    sa.select(
        *(GATES.c[name] for name in GatePublic.model_fields if name != "attraction"),
        ATTRACTIONS.c.name.label("attraction"),
    )
    .join(ATTRACTIONS, ATTRACTIONS.c.id == GATES.c.attraction_id)
    .where(GATES.c.community_id == _community)
)
_ONE: Final = _GATE.where(GATES.c.id == sa.bindparam("gate_id", type_=sa.Uuid))
_ALL: Final = _GATE.where(after((GATES.c.id,), ("after_id",))).order_by(GATES.c.id).limit(_limit)
_OF_ORGANIZATIONS: Final = _ALL.where(
    GATES.c.organization_id == sa.any_(sa.bindparam("organization_ids", type_=ARRAY(sa.Uuid)))
)
_RULES: Final = sa.select(RULES.c.free_entitlements, RULES.c.admits_companion, RULES.c.version).where(
    RULES.c.attraction_id == sa.bindparam("attraction_id", type_=sa.Uuid)
)
_OF_ATTRACTION: Final[sa.Select[Any]] = (
    sa.select(CONFLICTS)
    .where(
        CONFLICTS.c.attraction_id == sa.bindparam("attraction_id", type_=sa.Uuid),
        CONFLICTS.c.state == sa.any_(sa.bindparam("states", type_=ARRAY(sa.Text))),
        after((CONFLICTS.c.id,), ("after_id",)),
    )
    .order_by(CONFLICTS.c.id)
    .limit(_limit)
)
_CONFLICT: Final[sa.Select[Any]] = sa.select(CONFLICTS).where(CONFLICTS.c.id == sa.bindparam("row_id", type_=sa.Uuid))
_PASSINGS: Final[sa.Select[Any]] = (
    sa.select(
        *(SCANS.c[name] for name in ("id", "gate_id", "scanned_at", "clock_ahead", "persons", "ticket_id", "card_id")),
        GATES.c.name.label("gate"),
        SCANS.c.overridden_by.is_not(None).label("is_overridden"),
    )
    .join(GATES, GATES.c.id == SCANS.c.gate_id)
    .where(SCANS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
)


async def gates(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[GatePublic]:
    """Return a page of the gates at which the actor may scan: their organizations', an operator's all."""
    binds: dict[str, Any] = {
        "community_id": actor.community_id,
        "limit": page.limit + 1,
        "after_id": _last(_GATES, page),
    }
    statement = _ALL
    if not actor.holds("operator", organization_kind="operator"):
        statement = _OF_ORGANIZATIONS
        binds["organization_ids"] = [
            held.organization_id
            for held in actor.memberships
            if held.organization_kind == "attraction" and held.role in SCANS_WITH
        ]
    rows = list(await connection.execute(statement, binds))
    items = [_gate(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_GATES, rows, page.limit, ("id",)))


async def gate(connection: AsyncConnection, community_id: uuid.UUID, gate_id: uuid.UUID) -> GatePublic:
    """Return a gate that exists."""
    return _gate((await connection.execute(_ONE, {"community_id": community_id, "gate_id": gate_id})).one())


async def rules_of(connection: AsyncConnection, attraction_id: uuid.UUID) -> GateRulesPublic:
    """Return what opens an attraction's gates beside tickets: nothing, unless it was said."""
    row = (await connection.execute(_RULES, {"attraction_id": attraction_id})).one_or_none()
    if row is None:
        return GateRulesPublic(version=0)
    return GateRulesPublic(
        free_entitlements=row.free_entitlements, admits_companion=row.admits_companion, version=row.version
    )


async def conflicts(
    connection: AsyncConnection, attraction_id: uuid.UUID, states: Collection[str], page: PageRequest
) -> Page[ConflictPublic]:
    """Return a page of an attraction's conflicts in some states, the oldest first."""
    binds = {
        "attraction_id": attraction_id,
        "states": list(states),
        "limit": page.limit + 1,
        "after_id": _last(_CONFLICTS, page),
    }
    rows = list(await connection.execute(_OF_ATTRACTION, binds))
    items = await _shown(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(_CONFLICTS, rows, page.limit, ("id",)))


async def conflict(connection: AsyncConnection, conflict_id: uuid.UUID) -> ConflictPublic:
    """Return a conflict that exists."""
    return (await _shown(connection, [(await connection.execute(_CONFLICT, {"row_id": conflict_id})).one()]))[0]


async def _shown(connection: AsyncConnection, rows: Sequence[sa.Row[Any]]) -> list[ConflictPublic]:
    ids = [one for row in rows for one in (row.scan_id, row.other_scan_id) if one is not None]
    scans = {row.id: row for row in await connection.execute(_PASSINGS, {"ids": ids})}
    return [
        ConflictPublic(
            id=row.id,
            attraction_id=row.attraction_id,
            ticket_id=scans[row.scan_id].ticket_id,
            is_by_card=scans[row.scan_id].card_id is not None,
            reason=row.reason,
            state=row.state,
            entry=_passing(scans[row.scan_id]),
            # It is kept no longer than other scans, and may have gone before.
            other=_passing(scans[row.other_scan_id]) if row.other_scan_id in scans else None,
            resolution=row.resolution,
            note=unseal(row.note, NOTE) if row.note is not None else None,
            resolved_by=row.resolved_by,
            resolved_at=row.resolved_at,
        )
        for row in rows
    ]


def _passing(row: sa.Row[Any]) -> Passing:
    names = Passing.model_fields.keys() - {"scan_id"}
    return Passing(scan_id=row.id, **{name: getattr(row, name) for name in names})


def _gate(row: sa.Row[Any]) -> GatePublic:
    return GatePublic(**row._mapping)  # noqa: SLF001 - how a row is read by names


def _last(kind: str, page: PageRequest) -> uuid.UUID | None:
    return uuid.UUID(decode_cursor(kind, page.cursor)[0]) if page.cursor else None
