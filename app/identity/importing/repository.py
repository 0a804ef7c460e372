"""The SQL that writes a chunk of an import: a handful of statements, however many rows there are."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.audit_tables import AuditEntry
from app.core.tables import table_of
from app.identity.models import Account, ContactPoint, Grant, Household, Resident

_accounts = table_of(Account)
_points = table_of(ContactPoint)
_grants = table_of(Grant)
_households = table_of(Household)
_residents = table_of(Resident)
_entries = table_of(AuditEntry)

_community_id = sa.bindparam("community_id", type_=sa.Uuid)
# Imports of one community wait for each other: the second then finds what the first one wrote.
_TAKE_TURNS = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger)))
_KNOWN: sa.Select[Any] = (
    sa.select(
        _residents.c.id,
        _residents.c.account_id,
        _residents.c.reference,
        _residents.c.imported_row,
        _residents.c.state,
        _accounts.c.time_zone,
    )
    .join(_accounts, _accounts.c.id == _residents.c.account_id)
    .where(
        _residents.c.community_id == _community_id,
        _residents.c.reference == sa.any_(sa.bindparam("references", type_=ARRAY(sa.Text))),
    )
)
_REACHED = (
    sa.select(_points.c.value_index, _accounts.c.id, sa.func.lower(_accounts.c.name).label("name"))
    .join(_accounts, _accounts.c.id == _points.c.account_id)
    .where(
        _accounts.c.community_id == _community_id,
        _accounts.c.state == "active",
        _points.c.value_index == sa.any_(sa.bindparam("indexes", type_=ARRAY(sa.LargeBinary))),
    )
    .order_by(_accounts.c.id.desc())
)
_GRANTED = sa.select(_grants.c.resident_id, _grants.c.grantee_account_id).where(
    _grants.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)))
)
_new_household = insert(_households)
_HOUSEHOLDS = _new_household.on_conflict_do_update(
    index_elements=["community_id", "reference"],
    set_={
        "address": _new_household.excluded.address,
        "building": sa.func.coalesce(_new_household.excluded.building, _households.c.building),
        "latitude": sa.func.coalesce(_new_household.excluded.latitude, _households.c.latitude),
        "longitude": sa.func.coalesce(_new_household.excluded.longitude, _households.c.longitude),
        "updated_at": _new_household.excluded.updated_at,
        "version": _households.c.version + 1,
    },
)
_HOUSEHOLD_IDS = sa.select(_households.c.reference, _households.c.id).where(
    _households.c.community_id == _community_id,
    _households.c.reference == sa.any_(sa.bindparam("references", type_=ARRAY(sa.Text))),
)
_POINTS = (
    insert(_points)
    .on_conflict_do_nothing(index_elements=["account_id", "kind", "value_index"])
    .returning(_points.c.account_id)
)


def _keeping(table: sa.Table, key: str, columns: Iterable[str]) -> sa.Update:
    """Return the update of one row by ``of_id`` in which what is null stays as it is."""
    values = {
        name: sa.func.coalesce(sa.bindparam(f"new_{name}", type_=table.c[name].type), table.c[name]) for name in columns
    }
    at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
    return (
        sa.update(table)
        .where(table.c[key] == sa.bindparam("of_id", type_=sa.Uuid))
        .values(**values, updated_at=at, version=table.c.version + 1)
    )


ACCOUNT_COLUMNS = ("name", "language", "time_zone")
RESIDENT_COLUMNS = (
    "household_id",
    "birth_date",
    "national_id",
    "national_id_index",
    "accessibility_needs",
    "emergency_notes",
    "imported_row",
)
_CHANGE_ACCOUNT = _keeping(_accounts, "id", ACCOUNT_COLUMNS)
_CHANGE_RESIDENT = _keeping(_residents, "id", RESIDENT_COLUMNS)


_ANALYZE = sa.text(
    "ANALYZE identity_account, identity_contact_point, identity_grant, identity_household, identity_resident"
)


async def refresh_plans(connection: AsyncConnection) -> None:
    """Let PostgreSQL count anew: plans made while tables were nearly empty scan them whole when they are full."""
    await connection.execute(_ANALYZE)


async def take_turns(session: AsyncSession, community_id: uuid.UUID) -> None:
    """Wait until no other import writes to this community; held until the transaction ends."""
    await session.execute(_TAKE_TURNS, {"lock": community_id.int & ((1 << 63) - 1)})


async def known_residents(
    connection: AsyncConnection, community_id: uuid.UUID, references: Sequence[str]
) -> dict[str, sa.Row[Any]]:
    """Return the residents that have one of these references, by reference."""
    rows = await connection.execute(_KNOWN, {"community_id": community_id, "references": list(references)})
    return {row.reference: row for row in rows}


async def save_households(
    session: AsyncSession, community_id: uuid.UUID, rows: Mapping[str, Mapping[str, Any]]
) -> dict[str, uuid.UUID]:
    """Insert or change households by reference and return the ids by reference."""
    if not rows:
        return {}
    await session.execute(_HOUSEHOLDS, [_new(row) | {"community_id": community_id} for _, row in sorted(rows.items())])
    found = await session.execute(_HOUSEHOLD_IDS, {"community_id": community_id, "references": list(rows)})
    return {row.reference: row.id for row in found}


async def insert_people(
    session: AsyncSession, accounts: Sequence[Mapping[str, Any]], residents: Sequence[Mapping[str, Any]]
) -> None:
    """Insert accounts and residents; each brings its id."""
    if accounts:
        await session.execute(sa.insert(_accounts), [_new(row) for row in accounts])
    if residents:
        await session.execute(sa.insert(_residents), [_new(row) for row in residents])


async def change_people(
    session: AsyncSession,
    accounts: Mapping[uuid.UUID, Mapping[str, Any]],
    residents: Mapping[uuid.UUID, Mapping[str, Any]],
) -> None:
    """Change accounts and residents by id; what is ``None`` stays as it is."""
    for statement, columns, rows in (
        (_CHANGE_ACCOUNT, ACCOUNT_COLUMNS, accounts),
        (_CHANGE_RESIDENT, RESIDENT_COLUMNS, residents),
    ):
        if rows:
            at = clock.now()
            changes = [
                {"of_id": row_id, "at": at} | {f"new_{name}": row.get(name) for name in columns}
                for row_id, row in sorted(rows.items())
            ]
            await (await session.connection()).execute(statement, changes)


async def add_points(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> set[uuid.UUID]:
    """Insert the contact points that people do not have yet; return the accounts that got one."""
    if not rows:
        return set()
    return set((await session.scalars(_POINTS, [_new(row) for row in rows])).all())


async def people_reached(
    session: AsyncSession, community_id: uuid.UUID, indexes: Iterable[bytes]
) -> dict[tuple[bytes, str], uuid.UUID]:
    """Return the active accounts of the community by contact and lower-case name; the oldest of those alike."""
    rows = await session.execute(_REACHED, {"community_id": community_id, "indexes": list(indexes)})
    return {(row.value_index, row.name): row.id for row in rows}


async def pairs_granted(session: AsyncSession, resident_ids: Iterable[uuid.UUID]) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Return resident and person of every grant there is or ever was: what was once decided is not decided anew."""
    rows = await session.execute(_GRANTED, {"resident_ids": list(resident_ids)})
    return {(row.resident_id, row.grantee_account_id) for row in rows}


async def insert_grants(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert grants."""
    if rows:
        await session.execute(sa.insert(_grants), [_new(row) for row in rows])


async def record_imported(session: AsyncSession, actor: Actor, resident_ids: Iterable[uuid.UUID]) -> None:
    """Leave a trace for each resident that was imported."""
    entries = []
    for resident_id in resident_ids:
        trace = audit.trace_binds(actor, resident_id=resident_id, object_id=resident_id)
        entry = {name.removeprefix("trace_"): value for name, value in trace.items()}
        entries.append(entry | {"action": "resident:import"})
    if entries:
        await session.execute(sa.insert(_entries), entries)


def _new(row: Mapping[str, Any]) -> dict[str, Any]:
    at = clock.now()
    return {"id": clock.new_id(), "created_at": at, "updated_at": at, "version": 1, **row}
