"""The SQL that writes gates, scans and conflicts: a day's scans in one statement each."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.problems import NotFound
from app.core.tables import Table, table_of
from community.citizen_cards.models import CARDS
from community.gates.models import CONFLICTS, GATES, SCANS, AdmissionConflict, Gate, GateRules
from community.gates.rules import Decision, Direction, Outcome, Reason

_INSTANT: Final = sa.DateTime(timezone=True)
_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_now = sa.bindparam("now", type_=_INSTANT)

# What is heard of a gate is no change of it: its version is that of its name.
_HEARD: Final = (
    sa.update(GATES)
    .where(GATES.c.id == sa.bindparam("gate_id", type_=sa.Uuid))
    .values(heard_at=_now, clock_ahead=sa.bindparam("ahead", type_=sa.BigInteger), updated_at=_now)
)
_LOCK_GATE: Final = sa.select(Gate).where(GATES.c.id == sa.bindparam("gate_id", type_=sa.Uuid)).with_for_update()
# Of one card two gates may tell at once.
_LOCK_CARDS: Final = (
    sa.select(CARDS.c.id).where(CARDS.c.id == sa.any_(_ids)).order_by(CARDS.c.id).with_for_update(key_share=True)
)


_FORGET: Final = sa.delete(SCANS).where(SCANS.c.id == sa.any_(_ids))


@dataclass(frozen=True, slots=True)
class NewScan:
    """A scan as it is kept."""

    id: uuid.UUID
    nonce: uuid.UUID
    ticket_id: uuid.UUID | None
    card_id: uuid.UUID | None
    direction: Direction
    scanned_at: datetime
    clock_ahead: int
    decision: Decision | None
    persons: int
    is_through: bool
    fault: Reason | None
    outcome: Outcome
    reason: Reason | None
    override_reason: str | None
    overridden_by: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class NewConflict:
    """A conflict as it is found, again or for the first time."""

    id: uuid.UUID
    scan_id: uuid.UUID
    other_scan_id: uuid.UUID | None
    reason: Reason


def _columns(kind: type[Any], table: sa.Table) -> list[sa.Column[Any]]:
    return [table.c[name] for name in kind.__dataclass_fields__]


def _unnested(columns: Sequence[sa.Column[Any]]) -> sa.TableValuedAlias:
    arrays = [sa.bindparam(f"all_{column.name}", type_=ARRAY(column.type)) for column in columns]
    return (
        sa.func.unnest(*arrays)
        .table_valued(*(sa.column(column.name, column.type) for column in columns))
        .render_derived("given")
    )


def _inserted(kind: type[Any], table: sa.Table, *fixed: str) -> Any:
    """Return the INSERT of many rows at once: a column is an array, ``fixed`` columns are one bind each."""
    columns = _columns(kind, table)
    given = _unnested(columns)
    own = [sa.bindparam(f"one_{name}", type_=table.c[name].type) for name in fixed]
    names = [*(column.name for column in columns), *fixed, "created_at", "updated_at", "version"]
    return insert(table).from_select(names, sa.select(given, *own, _now, _now, sa.literal_column("1")))


def _arrays(rows: Sequence[Any], kind: type[Any]) -> dict[str, list[Any]]:
    return {f"all_{name}": [getattr(row, name) for row in rows] for name in kind.__dataclass_fields__}


_SCANNED: Final = _inserted(NewScan, SCANS, "community_id", "attraction_id", "gate_id")
_found = _inserted(NewConflict, CONFLICTS, "community_id", "attraction_id", "state")
# What was decided stays decided; what had explained itself and does so no more is open again.
_FOUND: Final = _found.on_conflict_do_update(
    index_elements=[CONFLICTS.c.scan_id],
    set_={
        "state": _found.excluded.state,
        "reason": _found.excluded.reason,
        "other_scan_id": _found.excluded.other_scan_id,
        "updated_at": _now,
        "version": CONFLICTS.c.version + 1,
    },
    where=sa.and_(
        CONFLICTS.c.state != sa.literal_column("'resolved'", sa.Text),
        sa.tuple_(CONFLICTS.c.state, CONFLICTS.c.reason, CONFLICTS.c.other_scan_id).is_distinct_from(
            sa.tuple_(_found.excluded.state, _found.excluded.reason, _found.excluded.other_scan_id)
        ),
    ),
).returning(CONFLICTS.c.id)
_EXPLAIN: Final = (
    sa.update(CONFLICTS)
    .where(CONFLICTS.c.scan_id == sa.any_(_ids), CONFLICTS.c.state == sa.literal_column("'open'", sa.Text))
    .values(
        state=sa.literal_column("'explained'", sa.Text), updated_at=_now, version=CONFLICTS.c.version + sa.text("1")
    )
)


async def add(session: AsyncSession, row: Table) -> bool:
    """Insert a row; return whether there was none of its kind yet."""
    table = table_of(type(row))
    values = {column.name: getattr(row, column.name) for column in table.columns}
    inserted = insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    return (await session.execute(inserted)).first() is not None


async def locked_gate(session: AsyncSession, gate_id: uuid.UUID) -> Gate:
    """Return a gate, locked: what is brought from it is taken one upload after the other; raises ``NotFound``."""
    row = await session.scalar(_LOCK_GATE, {"gate_id": gate_id}, execution_options={"populate_existing": True})
    if row is None:
        raise NotFound
    return row


async def locked_rules(session: AsyncSession, attraction_id: uuid.UUID) -> GateRules | None:
    """Return what opens an attraction's gates beside tickets, locked, if anything was said of it."""
    found = sa.select(GateRules).where(table_of(GateRules).c.attraction_id == attraction_id).with_for_update()
    return await session.scalar(found.execution_options(populate_existing=True))


async def locked_conflict(session: AsyncSession, conflict_id: uuid.UUID) -> AdmissionConflict:
    """Return a conflict, locked; raises ``NotFound``."""
    row = await session.get(AdmissionConflict, conflict_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


async def lock_cards(session: AsyncSession, card_ids: Collection[uuid.UUID]) -> None:
    """Hold cards until the end of the unit of work."""
    await session.execute(_LOCK_CARDS, {"ids": list(card_ids)})


async def heard(session: AsyncSession, gate_id: uuid.UUID, ahead: int) -> None:
    """Keep when a gate was heard last, and how far its scanner's clock was ahead."""
    await session.execute(_HEARD, {"gate_id": gate_id, "ahead": ahead, "now": clock.now()})


async def add_scans(session: AsyncSession, gate: Gate, scans: Sequence[NewScan]) -> None:
    """Keep scans of a gate that is locked."""
    own = {"one_community_id": gate.community_id, "one_attraction_id": gate.attraction_id, "one_gate_id": gate.id}
    await session.execute(_SCANNED, {**_arrays(scans, NewScan), **own, "now": clock.now()})


async def forget(session: AsyncSession, scan_ids: Collection[uuid.UUID]) -> None:
    """Forget scans by which nobody passed."""
    await session.execute(_FORGET, {"ids": list(scan_ids)})


async def keep_conflicts(session: AsyncSession, gate: Gate, found: Sequence[NewConflict]) -> int:
    """Keep the conflicts that were found; return how many are new, or others than before."""
    if not found:
        return 0
    own = {"one_community_id": gate.community_id, "one_attraction_id": gate.attraction_id, "one_state": "open"}
    rows = await session.execute(_FOUND, {**_arrays(found, NewConflict), **own, "now": clock.now()})
    return len(rows.all())


async def explain(session: AsyncSession, scan_ids: Collection[uuid.UUID]) -> None:
    """Close the open conflicts of scans that turned out to be well."""
    if not scan_ids:
        return
    await session.execute(_EXPLAIN, {"ids": list(scan_ids), "now": clock.now()})
