"""The SQL that adds, locks and ends cards and claims."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from app.core.tables import Table, table_of
from community.citizen_cards.models import CARDS, CLAIMS, CardClaim, CardScheme, CitizenCard

_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_NOW = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_LIVE: Final = CARDS.c.state.in_([sa.literal_column("'pending'"), sa.literal_column("'verified'")])
_EMPTIED: Final[dict[str, Any]] = {"number": None, "digest": None, "updated_at": _NOW, "closed_at": _NOW}

_CLOSE: Final = (
    sa.update(CARDS)
    .where(CARDS.c.resident_id == sa.any_(_IDS), _LIVE)
    .values(
        state="removed",
        close_reason="moved_out",
        verify_by=None,
        warn_at=None,
        version=CARDS.c.version + 1,
        **_EMPTIED,
    )
)
_WITHDRAW: Final = (
    sa.update(CLAIMS)
    .where(CLAIMS.c.resident_id == sa.any_(_IDS), CLAIMS.c.state == sa.literal_column("'open'"))
    .values(state="withdrawn", decide_by=None, version=CLAIMS.c.version + 1, **_EMPTIED)
)
_VERIFY_LATER: Final = (
    sa.update(CARDS)
    .where(CARDS.c.id == sa.any_(_IDS))
    .values(verify_by=sa.bindparam("until", type_=sa.DateTime(timezone=True)), version=CARDS.c.version + 1)
    .returning(CARDS.c.community_id)
)
_DECIDE_LATER: Final = (
    sa.update(CLAIMS)
    .where(CLAIMS.c.id == sa.any_(_IDS))
    .values(decide_by=sa.bindparam("until", type_=sa.DateTime(timezone=True)), version=CLAIMS.c.version + 1)
    .returning(CLAIMS.c.community_id)
)


async def add(session: AsyncSession, row: Table) -> bool:
    """Insert a row; return whether nothing stood against it."""
    table = table_of(type(row))
    values = {column.name: getattr(row, column.name) for column in table.columns}
    inserted = insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    return (await session.execute(inserted)).first() is not None


async def locked_scheme(session: AsyncSession, community_id: uuid.UUID, scheme_id: uuid.UUID) -> CardScheme:
    """Return a kind of card of the community, locked; raises ``NotFound``."""
    row = await session.get(CardScheme, scheme_id, with_for_update=True, populate_existing=True)
    if row is None or row.community_id != community_id:
        raise NotFound
    return row


async def is_used(session: AsyncSession, scheme_id: uuid.UUID) -> bool:
    """Say whether a card of the kind is linked."""
    found = sa.select(sa.exists().where(CARDS.c.scheme_id == scheme_id, _LIVE))
    return bool(await session.scalar(found))


async def live_card(session: AsyncSession, scheme_id: uuid.UUID, digest: bytes | None) -> CitizenCard | None:
    """Return who holds a number, locked, if anybody does."""
    found = sa.select(CitizenCard).where(
        col(CitizenCard.scheme_id) == scheme_id, col(CitizenCard.digest) == digest, _LIVE
    )
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def live_of_resident(session: AsyncSession, resident_id: uuid.UUID, scheme_id: uuid.UUID) -> CitizenCard | None:
    """Return the card of a kind that a resident has, locked, if they have one."""
    found = sa.select(CitizenCard).where(
        col(CitizenCard.resident_id) == resident_id, col(CitizenCard.scheme_id) == scheme_id, _LIVE
    )
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def locked_card(session: AsyncSession, community_id: uuid.UUID, card_id: uuid.UUID) -> CitizenCard:
    """Return a card of the community, locked; raises ``NotFound``."""
    row = await session.get(CitizenCard, card_id, with_for_update=True, populate_existing=True)
    if row is None or row.community_id != community_id:
        raise NotFound
    return row


async def locked_claim(session: AsyncSession, community_id: uuid.UUID, claim_id: uuid.UUID) -> CardClaim:
    """Return a claim of the community, locked; raises ``NotFound``."""
    row = await session.get(CardClaim, claim_id, with_for_update=True, populate_existing=True)
    if row is None or row.community_id != community_id:
        raise NotFound
    return row


async def own_claim(
    session: AsyncSession, resident_id: uuid.UUID, scheme_id: uuid.UUID, digest: bytes
) -> CardClaim | None:
    """Return the open claim of a resident on a number, locked, if there is one."""
    found = sa.select(CardClaim).where(
        col(CardClaim.resident_id) == resident_id,
        col(CardClaim.scheme_id) == scheme_id,
        col(CardClaim.digest) == digest,
        CLAIMS.c.state == sa.literal_column("'open'"),
    )
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def ending(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[CitizenCard]:
    """Return cards that a job has locked."""
    return list(await session.scalars(sa.select(CitizenCard).where(col(CitizenCard.id) == sa.any_(_IDS)), {"ids": ids}))


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """End the cards and claims of residents who are here no more."""
    for statement in (_CLOSE, _WITHDRAW):
        await session.execute(statement, {"ids": list(resident_ids), "now": now})


async def put_off_verifying(session: AsyncSession, ids: Sequence[uuid.UUID], until: datetime) -> set[uuid.UUID]:
    """Set when the operators are reminded of cards again; return their communities."""
    return set(await session.scalars(_VERIFY_LATER, {"ids": list(ids), "until": until}))


async def put_off_deciding(session: AsyncSession, ids: Sequence[uuid.UUID], until: datetime) -> set[uuid.UUID]:
    """Set when the operators are reminded of claims again; return their communities."""
    return set(await session.scalars(_DECIDE_LATER, {"ids": list(ids), "until": until}))
