"""The SQL that writes and locks connected homes."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.problems import NotFound
from app.identity.api import granted_accounts
from community.homes.models import HOMES, RESIDENTS, Home, HomeResident

_INSTANT: Final = sa.DateTime(timezone=True)
_ids: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_granted = granted_accounts("home:manage").subquery("granted")
_MANAGERS: Final = sa.select(_granted.c.account_id).where(
    _granted.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
)
_CLAIM: Final = (
    sa.select(HOMES.c.id)
    .where(HOMES.c.provision_at <= sa.bindparam("now", type_=_INSTANT))
    .order_by(HOMES.c.provision_at)
    .limit(sa.bindparam("limit", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)
_LEASE: Final = (
    sa.update(HOMES)
    .where(HOMES.c.id == sa.bindparam("home_id", type_=sa.Uuid))
    .values(provision_at=sa.bindparam("until", type_=_INSTANT), provision_tries=HOMES.c.provision_tries + 1)
)
# Only what was told is so now: whoever made new credentials meanwhile is told of next.
_DONE: Final = (
    sa.update(HOMES)
    .where(
        HOMES.c.id == sa.bindparam("home_id", type_=sa.Uuid),
        HOMES.c.secret_at.is_not_distinct_from(sa.bindparam("told_of", type_=_INSTANT)),
        HOMES.c.provision_at == sa.bindparam("leased_until", type_=_INSTANT),
    )
    .values(
        provision_at=None,
        provision_tries=0,
        provisioned_at=sa.case((HOMES.c.secret_at.is_not(None), sa.bindparam("now", type_=_INSTANT))),
        secret=None,
    )
)
_TAKE_TURNS: Final = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('community.homes.broker_files', 0))")
_ask = insert(RESIDENTS)
_ASK: Final = _ask.on_conflict_do_nothing(index_elements=["home_id", "resident_id"]).returning(
    RESIDENTS.c.home_id, RESIDENTS.c.resident_id
)


async def locked_home(session: AsyncSession, home_id: uuid.UUID) -> Home:
    """Lock a home and return it as it stands; raises ``NotFound``."""
    found = await session.get(Home, home_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound
    return found


async def locked_homes(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[Home]:
    """Lock homes and return them as they stand."""
    found = sa.select(Home).where(HOMES.c.id.in_(ids)).order_by(HOMES.c.id).with_for_update()
    return list(await session.scalars(found.execution_options(populate_existing=True)))


async def homes_of_holder(session: AsyncSession, resident_id: uuid.UUID) -> list[Home]:
    """Return the homes of a resident that are not closed, locked."""
    found = sa.select(Home).where(HOMES.c.resident_id == resident_id, HOMES.c.state != "closed").order_by(HOMES.c.id)
    return list(await session.scalars(found.with_for_update().execution_options(populate_existing=True)))


async def homes_lived_in(session: AsyncSession, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the homes of others in which a resident lives."""
    found = (
        sa.select(RESIDENTS.c.home_id)
        .join(HOMES, HOMES.c.id == RESIDENTS.c.home_id)
        .where(RESIDENTS.c.resident_id == resident_id, HOMES.c.resident_id != resident_id)
    )
    return list(await session.scalars(found))


async def residents_of(session: AsyncSession, home_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[HomeResident]]:
    """Return who lives in homes, each home's in the order they were asked."""
    found = sa.select(HomeResident).where(RESIDENTS.c.home_id.in_(home_ids)).order_by(RESIDENTS.c.id)
    living: dict[uuid.UUID, list[HomeResident]] = {home_id: [] for home_id in home_ids}
    for row in await session.scalars(found.execution_options(populate_existing=True)):
        living[row.home_id].append(row)
    return living


async def ask(session: AsyncSession, pairs: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Ask residents (home, resident) whether they agree; return those who were not asked before."""
    now = clock.now()
    rows = [
        {
            "id": clock.new_id(),
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "home_id": home_id,
            "resident_id": resident_id,
            "asked_at": now,
        }
        for home_id, resident_id in pairs
    ]
    if not rows:
        return []
    return [(row.home_id, row.resident_id) for row in await session.execute(_ASK, rows)]


async def managers_by_grant(session: AsyncSession, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the accounts that a resident lets manage their home."""
    return list(await session.scalars(_MANAGERS, {"resident_id": resident_id, "granted_at": clock.now()}))


async def claim(session: AsyncSession, limit: int) -> list[Home]:
    """Lock homes of which the broker is to be told, longest due first, skipping those others hold."""
    ids = list(await session.scalars(_CLAIM, {"now": clock.now(), "limit": limit}))
    return await locked_homes(session, ids) if ids else []


async def lease(session: AsyncSession, leases: Sequence[tuple[uuid.UUID, datetime]]) -> None:
    """Say until when a home is being told of; after that somebody else tries."""
    for home_id, until in leases:
        await session.execute(_LEASE, {"home_id": home_id, "until": until})


async def done(session: AsyncSession, home_id: uuid.UUID, *, told_of: datetime | None, leased_until: datetime) -> bool:
    """Write down that the broker knows of a home what was told; say whether that is still what is so."""
    binds: dict[str, Any] = {"home_id": home_id, "told_of": told_of, "leased_until": leased_until, "now": clock.now()}
    result = await session.execute(_DONE, binds)
    return bool(getattr(result, "rowcount", 0))


async def take_turns(session: AsyncSession) -> None:
    """Wait until nobody else writes the broker's files, and keep others waiting until the transaction ends."""
    await session.execute(_TAKE_TURNS)
