"""The SQL of exports: begun within a client's lanes, worked on under a lease, written, ended."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.leases import Held, Lease
from app.core.queues import Due
from app.core.tables import table_of
from app.fhir.exports.models import EXPORTS, FILES, RESIDENTS, Export
from app.fhir.exports.rules import LANES, LARGEST
from app.identity.api import reach_binds, records_in_reach

LEASE: Final = Lease(Due("fhir.exports", Export, "work_at"), timedelta(minutes=2))
EXPIRED: Final = Due("fhir.expired_exports", Export, "expires_at")

_INSTANT: Final = sa.DateTime(timezone=True)
_id = sa.bindparam("export", type_=sa.Uuid)
_now = sa.bindparam("now", type_=_INSTANT)
_one = EXPORTS.c.id == _id
_TAKEN: Final = sa.select(EXPORTS.c.lane).where(
    EXPORTS.c.client_id == sa.bindparam("client", type_=sa.Uuid), EXPORTS.c.lane.is_not(None)
)
_BEGIN: Final = insert(EXPORTS).on_conflict_do_nothing(index_elements=["client_id", "lane"]).returning(EXPORTS.c.id)
_patients = sa.bindparam("patients", type_=ARRAY(sa.Uuid))
_reached = records_in_reach().subquery("reached")
_LIST: Final = sa.insert(RESIDENTS).from_select(
    ["export_id", "resident_id", "listed_at", "is_done", "is_written"],
    sa.select(_id, _reached.c.resident_id, _now, sa.false(), sa.false()).where(
        sa.or_(_patients.is_(None), _reached.c.resident_id == sa.any_(_patients))
    ),
)
_LISTED: Final = sa.select(RESIDENTS.c.resident_id).where(RESIDENTS.c.export_id == _id)
_COUNT: Final = sa.update(EXPORTS).where(_one).values(total=sa.bindparam("listed", type_=sa.Integer))
_ours = sa.and_(
    _one, EXPORTS.c.fence == sa.bindparam("held_fence", type_=sa.Integer), EXPORTS.c.lease_until.is_not(None)
)
_ADVANCE: Final = (
    sa.update(EXPORTS)
    .where(_ours)
    .values(
        kind=sa.bindparam("next_kind", type_=sa.SmallInteger),
        cursor=sa.bindparam("next_cursor", type_=sa.Text),
        done=EXPORTS.c.done + sa.bindparam("more_done", type_=sa.Integer),
        failures=0,
        work_at=_now,
        lease_until=sa.bindparam("lease_end", type_=_INSTANT),
    )
    .returning(EXPORTS.c.id)
)
_HOLD: Final = sa.select(EXPORTS.c.id).where(_ours).with_for_update(key_share=True)
_whom = sa.and_(RESIDENTS.c.export_id == _id, RESIDENTS.c.resident_id == sa.bindparam("resident", type_=sa.Uuid))
_IS_WRITTEN: Final = sa.select(RESIDENTS.c.is_written).where(_whom).with_for_update()
_NOTE: Final = (
    sa.update(RESIDENTS)
    .where(_whom)
    .values(
        is_written=sa.or_(RESIDENTS.c.is_written, sa.bindparam("has_written", type_=sa.Boolean)),
        is_done=sa.bindparam("is_through", type_=sa.Boolean),
    )
)
_OPEN_FILE: Final = (
    sa.select(FILES.c.id, FILES.c.size)
    .where(FILES.c.export_id == _id, FILES.c.type == sa.bindparam("of_type", type_=sa.Text))
    .order_by(FILES.c.id.desc())
    .limit(1)
)
_NEW_FILE: Final = sa.insert(FILES)
_GREW: Final = (
    sa.update(FILES)
    .where(FILES.c.id == sa.bindparam("file", type_=sa.Uuid))
    .values(
        size=sa.bindparam("new_size", type_=sa.BigInteger),
        resources=FILES.c.resources + sa.bindparam("more", type_=sa.Integer),
    )
)
_OVER: Final = {"lane": None, "work_at": None, "lease_until": None, "updated_at": _now}
_COMPLETE: Final = sa.update(EXPORTS).where(_ours).values(state="completed", **_OVER)
_FAIL: Final = (
    sa.update(EXPORTS)
    .where(_ours)
    .values(state="failed", error=sa.bindparam("reason", type_=sa.Text), **_OVER)
    .returning(EXPORTS.c.id)
)
_DROP_FILES: Final = sa.delete(FILES).where(FILES.c.export_id == _id)
_PUT_OFF: Final = (
    sa.update(EXPORTS)
    .where(_ours)
    .values(failures=EXPORTS.c.failures + 1, work_at=sa.bindparam("again_at", type_=_INSTANT), lease_until=None)
)
_REMOVE: Final = (
    sa.delete(EXPORTS).where(_one, EXPORTS.c.client_id == sa.bindparam("client", type_=sa.Uuid)).returning(EXPORTS.c.id)
)
_EXPIRE: Final = sa.delete(EXPORTS).where(EXPORTS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))


async def begin(session: AsyncSession, export: Export) -> bool:
    """Insert an export into a free lane of its client's; return whether there was one."""
    for _ in range(LANES):
        taken = set(await session.scalars(_TAKEN, {"client": export.client_id}))
        free = [lane for lane in range(LANES) if lane not in taken]
        if not free:
            return False
        export.lane = free[0]
        row = {column.name: getattr(export, column.name) for column in table_of(Export).columns}
        if (await session.execute(_BEGIN, row)).first() is not None:
            return True
    return False


async def list_residents(
    session: AsyncSession, actor: Actor, export_id: uuid.UUID, patients: Sequence[uuid.UUID] | None
) -> set[uuid.UUID]:
    """Write down whom the export is about: those of ``patients`` (default: all) whom the client may see.

    Return those of ``patients`` who are not among them.
    """
    binds = {"export": export_id, "patients": patients, "now": clock.now(), **reach_binds(actor)}
    result = await session.execute(_LIST, binds)
    listed: int = result.rowcount  # type: ignore[attr-defined]  # an INSERT's result is a CursorResult
    await session.execute(_COUNT, {"export": export_id, "listed": listed})
    if patients is None:
        return set()
    return set(patients) - set(await session.scalars(_LISTED, {"export": export_id}))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the work of an export goes on: at a page of a kind of resource."""

    kind: int = 0
    cursor: str | None = None


def _held(held: Held) -> dict[str, Any]:
    return {"export": held.id, "held_fence": held.fence, "now": clock.now()}


async def advance(session: AsyncSession, held: Held, to: Place, *, is_through: bool) -> bool:
    """Move an export on if it is still ours, and lock it: what is written before the commit nobody removes meanwhile.

    ``is_through``: with the resident it was at.
    """
    binds = _held(held) | {"next_kind": to.kind, "next_cursor": to.cursor, "more_done": int(is_through)}
    binds["lease_end"] = clock.now() + LEASE.ttl
    return (await session.execute(_ADVANCE, binds)).first() is not None


async def is_written(session: AsyncSession, export_id: uuid.UUID, resident_id: uuid.UUID) -> bool | None:
    """Return whether something of a resident's is in the files, and lock that; ``None`` if they were erased."""
    return await session.scalar(_IS_WRITTEN, {"export": export_id, "resident": resident_id})


async def note_resident(
    session: AsyncSession, export_id: uuid.UUID, resident_id: uuid.UUID, *, has_written: bool, is_through: bool
) -> None:
    """Note that something of a resident's was written, and that their turn is over."""
    binds = {"export": export_id, "resident": resident_id, "has_written": has_written, "is_through": is_through}
    await session.execute(_NOTE, binds)


async def open_files(session: AsyncSession, held: Held, kinds: Sequence[str]) -> dict[str, tuple[uuid.UUID, int]]:
    """Return the files that resources are added to by kind, and how much of each counts; empty if it is not ours.

    Commit before anything is written: a file without a row would never be removed.
    """
    if (await session.execute(_HOLD, _held(held))).first() is None:
        return {}
    return {kind: await _open_file(session, held.id, kind) for kind in kinds}


async def _open_file(session: AsyncSession, export_id: uuid.UUID, kind: str) -> tuple[uuid.UUID, int]:
    row = (await session.execute(_OPEN_FILE, {"export": export_id, "of_type": kind})).first()
    if row is not None and row.size < LARGEST:
        return row.id, row.size
    file_id = clock.new_id()
    await session.execute(_NEW_FILE, {"id": file_id, "export_id": export_id, "type": kind, "resources": 0, "size": 0})
    return file_id, 0


async def note_grown(session: AsyncSession, file_id: uuid.UUID, size: int, resources: int) -> None:
    """Let ``size`` bytes of a file count, with so many ``resources`` more."""
    await session.execute(_GREW, {"file": file_id, "new_size": size, "more": resources})


async def complete(session: AsyncSession, held: Held) -> None:
    """Finish an export that is still ours."""
    await session.execute(_COMPLETE, _held(held))


async def fail(session: AsyncSession, held: Held, reason: str) -> None:
    """Give an export up that is still ours; its files go."""
    if (await session.execute(_FAIL, _held(held) | {"reason": reason})).first() is not None:
        await session.execute(_DROP_FILES, {"export": held.id})


async def put_off(session: AsyncSession, held: Held, again_at: datetime) -> None:
    """Let an export that is still ours wait."""
    await session.execute(_PUT_OFF, _held(held) | {"again_at": again_at})


async def remove(session: AsyncSession, client_id: uuid.UUID, export_id: uuid.UUID) -> bool:
    """Remove a client's export with its files; return whether there was one."""
    return (await session.execute(_REMOVE, {"export": export_id, "client": client_id})).first() is not None


async def expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Remove exports whose time is over."""
    await session.execute(_EXPIRE, {"ids": list(ids)})
